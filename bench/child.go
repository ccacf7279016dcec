package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// childCommand is the argument with which the program makes one measurement, in a process of its own, and prints it.
const childCommand = "child"

// result holds the figures of one process. The peer's scripts print the same fields.
type result struct {
	InferS  float64 `json:"infer_s,omitempty"`
	TrainS  float64 `json:"train_s,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	Best    float64 `json:"best,omitempty"`
	Last    float64 `json:"last,omitempty"`
	// SetupS is what the first calls took longer: compiling, for the most part. Ours is that of the training steps.
	SetupS float64 `json:"setup_s,omitempty"`
	// Engine is the description of the engine that computed; "" for a peer.
	Engine string `json:"engine,omitempty"`
	// PeakMiB is the peak memory of the process, measured from outside.
	PeakMiB float64 `json:"peak_mib,omitempty"`
}

func child(args []string) int {
	fs := flag.NewFlagSet(childCommand, flag.ContinueOnError)
	work := fs.String("work", "", "")
	model := fs.String("model", "", "")
	batch := fs.Int("batch", 8, "")
	size := fs.Int("size", 224, "")
	steps := fs.Int("steps", 8, "")
	data := fs.String("data", "", "")
	weights := fs.String("weights", "", "")
	epochs := fs.Int("epochs", 25, "")
	seed := fs.Int("seed", 0, "")
	clockName := fs.String("clock", "wall", "")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	r, err := func() (result, error) {
		engine, err := backend.Inference()
		if err != nil {
			return result{}, err
		}
		if want := os.Getenv("GOMLX_BACKEND"); want != "" && engine.Config != want {
			return result{}, fmt.Errorf("engine %q was asked for, %q is there", want, engine.Config)
		}
		var r result
		if *work == "step" {
			r, err = step(clocks[*clockName], *model, *batch, *size, *steps)
		} else {
			r, err = hymenoptera(clocks[*clockName], *work, *data, *weights, *epochs, *seed)
		}
		r.Engine = backend.Describe()
		return r, err
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// step times inference and a training step of a randomly initialised model on blank images, as the peer's step.py.
func step(now clock, name string, batch, size, steps int) (result, error) {
	m, err := zoo.Load(name, zoo.LoadOptions{Weights: zoo.Random})
	if err != nil {
		return result{}, err
	}
	m.Preprocess.Crop = size
	pix := make([]uint8, batch*size*size*3)
	var r result
	r.InferS, _, err = timed(now, steps, func() error {
		_, err := m.LogitsOf(pix, batch)
		return err
	})
	if err != nil {
		return result{}, err
	}
	stepper, err := newStepper(batch, m)
	if err != nil {
		return result{}, err
	}
	defer stepper.Close()
	r.TrainS, r.SetupS, err = timed(now, steps, func() error {
		_, err := stepper.Step()
		return err
	})
	return r, err
}

// newStepper readies training steps, in the precision that is measured, on the engine that a training would take.
func newStepper(batch int, m *zoo.Model) (*train.Stepper, error) {
	recipe := train.Recipe{BatchSize: batch, Precision: precision()}
	choose := func() (backend.Choice, error) { return train.Engines(m, batch) }
	if recipe.Precision == train.Bfloat16 {
		choose = backend.InBfloat16
	}
	choice, err := choose()
	if err != nil {
		return nil, err
	}
	return recipe.NewStepper(choice.Step.Backend, m, strategy.Scratch{LearningRate: 1e-3})
}

// precision is bfloat16 if the engine is one in bfloat16, such as openvino:bf16, which stands for all of
// [train.Bfloat16]: inference on it, steps on oneDNN.
func precision() train.Precision {
	if strings.HasSuffix(os.Getenv("GOMLX_BACKEND"), ":bf16") {
		return train.Bfloat16
	}
	return ""
}

// timed returns the median time of a call, without the first two calls, and what those took longer.
func timed(now clock, steps int, call func() error) (middle, setup float64, err error) {
	seconds := make([]float64, steps)
	for i := range seconds {
		began := now()
		if err := call(); err != nil {
			return 0, 0, err
		}
		seconds[i] = now() - began
	}
	middle = numbers.Median(seconds[2:])
	return middle, seconds[0] + seconds[1] - 2*middle, nil
}

// hymenoptera trains with the recipe of PyTorch's transfer-learning tutorial, as the peer's hymenoptera.py, and, as
// there, measures the time from the first epoch's start, which includes reading the images and compiling.
func hymenoptera(now clock, work, data, weights string, epochs, seed int) (result, error) {
	ds, err := datasets.ImageFolder(data, datasets.Options{SkipCheck: true})
	if err != nil {
		return result{}, err
	}
	m, err := zoo.Load("mobilenet_v1_025", zoo.LoadOptions{Weights: weights})
	if err != nil {
		return result{}, err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	recipe := train.Recipe{Epochs: epochs, BatchSize: 4, Schedule: train.Schedule{StepEvery: 7},
		Augment: vision.StandardAugment(), Seed: uint64(seed), Dir: dir, Quiet: true, Precision: precision()}
	var s train.Strategy = strategy.Transfer{LearningRate: 1e-3}
	switch work {
	case "cached":
		recipe.Augment = vision.Augment{}
	case "finetune":
		s = strategy.FineTune{LearningRate: 1e-3}
	}
	began := now()
	run, err := recipe.Compare(context.Background(), "bench", ds, m, s)
	if err != nil {
		return result{}, err
	}
	seconds := now() - began
	best, _ := run.Results[0].Best()
	last, _ := run.Results[0].Last()
	return result{Seconds: seconds, Best: best.ValAccuracy, Last: last.ValAccuracy}, nil
}

// defaultSide is TLKit as it is without GOMLX_BACKEND: the engines that it chooses for each job.
const defaultSide = "default"

// engineConfig returns the value of GOMLX_BACKEND for an engine with a number of threads.
func engineConfig(engine string, threads int) string {
	if engine == defaultSide {
		return ""
	}
	if engine == "onnx" || engine == "onnx:cpu" {
		return fmt.Sprintf("onnx:cpu,intra_op_num_threads=%d", threads)
	}
	return engine
}

// lastJSON returns the last line of a process's output that is a JSON object: before it, the peer prints one per epoch.
func lastJSON(out string) (result, error) {
	var r result
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(lines[i]); strings.HasPrefix(line, "{") {
			return r, json.Unmarshal([]byte(line), &r)
		}
	}
	return r, fmt.Errorf("no JSON in %q", out)
}
