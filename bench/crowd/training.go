package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	recipes "github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// trainCommand is the argument with which the program is one of the trainings.
const trainCommand = "train"

// warm is the number of steps before the first line: compiling, and the choice of engines.
const warm = 3

// train trains a model with random weights on blank images: it compiles, writes a line, and then, for each line that it
// reads, takes the steps and writes a line.
func train(args []string) int {
	fs := flag.NewFlagSet(trainCommand, flag.ContinueOnError)
	model := fs.String("model", "", "")
	steps := fs.Int("steps", 0, "")
	batch := fs.Int("batch", 0, "")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	if err := serve(*model, *steps, *batch); err != nil {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		return 1
	}
	return 0
}

func serve(name string, steps, batch int) error {
	m, err := zoo.Load(name, zoo.LoadOptions{Weights: zoo.Random})
	if err != nil {
		return err
	}
	engine, err := backend.Steps()
	if err != nil {
		return err
	}
	if want := os.Getenv("GOMLX_BACKEND"); want != "" && engine.Config != want {
		return fmt.Errorf("engine %q was asked for, %q is there", want, engine.Config)
	}
	stepper, err := recipes.Recipe{BatchSize: batch}.NewStepper(engine.Backend, m, strategy.Scratch{LearningRate: 1e-3})
	if err != nil {
		return err
	}
	defer stepper.Close()
	lines := bufio.NewScanner(os.Stdin)
	for n := warm; ; n = steps {
		for range n {
			if _, err := stepper.Step(); err != nil {
				return err
			}
		}
		fmt.Println("done")
		if !lines.Scan() {
			return lines.Err()
		}
	}
}

// training is a process that trains.
type training struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	said bytes.Buffer
}

// start starts a training, which ends with the context, and returns when it has compiled.
func start(ctx context.Context, o options, model, engine string) (*training, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	t := &training{cmd: exec.CommandContext(ctx, self, trainCommand,
		"--model", model, "--steps", strconv.Itoa(o.steps), "--batch", strconv.Itoa(o.batch))}
	if engine == "default" {
		engine = "" // also where the caller has chosen one
	}
	t.cmd.Env = append(os.Environ(), "GOMLX_BACKEND="+engine)
	t.cmd.Stderr = &t.said
	if t.in, err = t.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	t.out = bufio.NewScanner(out)
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	if err := t.await(); err != nil {
		return nil, err
	}
	return t, nil
}

// await waits for the training's next line.
func (t *training) await() error {
	if t.out.Scan() {
		return nil
	}
	err := t.cmd.Wait()
	lines := strings.Split(strings.TrimSpace(t.said.String()), "\n")
	return fmt.Errorf("a training ended: %v: %s", err, lines[len(lines)-1])
}

// timed lets trainings take their steps at once, and returns the time until the last one has.
func timed(all []*training) (time.Duration, error) {
	began := time.Now()
	for _, t := range all {
		if _, err := io.WriteString(t.in, "go\n"); err != nil {
			return 0, err
		}
	}
	for _, t := range all {
		if err := t.await(); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}
