package serve_test

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/serve"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// A service in a few lines. A program that has a server of its own mounts the handler there, or calls Predict alone.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	model, err := zoo.LoadExported("ants.safetensors") // run.Best().Export("ants.safetensors") in the notebook
	if err != nil {
		log.Fatal(err)
	}
	predictor, err := serve.New(model, serve.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer predictor.Close()
	handler := serve.NewHandler(predictor, serve.HandlerOptions{Name: "ants and bees"})
	if err := serve.ListenAndServe(ctx, ":8080", handler); err != nil {
		log.Print(err)
	}
}
