package tools

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/tlkit-go/tlkit-notebooks/internal/toolargs"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/detached"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// Train is the command "train": it trains what a recipe file describes, or a detached training; see package
// detached. It returns the exit code: 0 also after a signal, unless [toolargs.StoppedCode] names another, 1 if the
// training failed, 2 on misuse.
func Train(args []string, stdout, stderr io.Writer) int {
	path, code, ok := toolargs.ParseTrain(args, stderr)
	if !ok {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	stopped, err := trainPath(ctx, path, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "train:", err)
		return 1
	}
	if !stopped {
		return 0
	}
	code, err = strconv.Atoi(cmp.Or(os.Getenv(toolargs.StoppedCode), "0"))
	if err != nil {
		fmt.Fprintf(stderr, "train: %s: %v; expected an exit code\n", toolargs.StoppedCode, err)
		return 1
	}
	return code
}

// trainPath trains, and reports whether a signal stopped the training before its end.
func trainPath(ctx context.Context, path string, stdout, stderr io.Writer) (stopped bool, err error) {
	path, err = filepath.Abs(path) // a training changes the working folder
	if err != nil {
		return false, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	if info.IsDir() {
		if err := detached.Train(ctx, path); err != nil || ctx.Err() == nil {
			return false, err
		}
		state, err := (&detached.Detached{Name: filepath.Base(path), Dir: path}).State()
		return state.Phase == detached.Stopped, err
	}
	run, err := detached.TrainFile(ctx, path)
	var interrupted *train.InterruptedError
	if errors.As(err, &interrupted) {
		fmt.Fprintln(stderr, interrupted)
		return true, nil
	}
	if err != nil {
		return false, err
	}
	_, err = fmt.Fprintln(stdout, run.Verdict())
	return false, err
}
