package tools

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/detached"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

const trainUsage = `usage: train FILE.json | RUN-FOLDER
Trains without a notebook. FILE.json is a recipe, such as
  {"name": "ants", "data": "photos", "model": "efficientnet_lite0", "recipe": {"epochs": 5},
   "strategies": [{"kind": "Transfer"}, {"kind": "FineTune", "learning_rate": 0.001}]}
RUN-FOLDER is that of a detached training (tlkit.Detach), which goes on from its checkpoint. SIGINT and SIGTERM save and
stop; the same command goes on.
`

// Train is the command "train": it trains what a recipe file describes, or a detached training; see package detached. It
// returns the exit code: 0 also after a signal, 1 if the training failed, 2 on misuse.
func Train(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("train", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, trainUsage) }
	if code, ok := parse(flags, args, 1, 1); !ok {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := trainPath(ctx, flags.Arg(0), stdout)
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
