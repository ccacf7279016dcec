package tools

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/tlkit-go/tlkit-notebooks/internal/toolargs"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/detached"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// Train is the command "train": it trains what a recipe file describes, or a detached training; see package detached. It
// returns the exit code: 0 also after a signal, 1 if the training failed, 2 on misuse.
func Train(args []string, stdout, stderr io.Writer) int {
	path, code, ok := toolargs.ParseTrain(args, stderr)
	if !ok {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := trainPath(ctx, path, stdout)
	var stopped *train.InterruptedError
	switch {
	case errors.As(err, &stopped):
		fmt.Fprintln(stderr, stopped)
	case err != nil:
		fmt.Fprintln(stderr, "train:", err)
		return 1
	}
	return 0
}

func trainPath(ctx context.Context, path string, stdout io.Writer) error {
	if info, err := os.Stat(path); err != nil {
		return err
	} else if info.IsDir() {
		return detached.Train(ctx, path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	run, err := detached.TrainFile(ctx, path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, run.Verdict())
	return err
}
