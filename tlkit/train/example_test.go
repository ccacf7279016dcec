package train_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// A context ends a comparison before a hosted session does; the same call goes on later.
func ExampleRecipe_Compare() {
	data := datasets.MustLoad("sketches")
	model, err := zoo.Load("resnet20.shapes")
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 80*time.Minute)
	defer cancel()
	recipe := train.Recipe{Epochs: 5, Seeds: 3}
	run, err := recipe.Compare(ctx, "sketches", data, model, strategy.Transfer{}, strategy.FineTune{})
	var stopped *train.InterruptedError
	if errors.As(err, &stopped) {
		fmt.Println("saved in epoch", stopped.Epoch)
		return
	}
	if err != nil {
		panic(err)
	}
	fmt.Println(run.Verdict())
}
