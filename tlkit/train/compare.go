package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Compare trains a copy of the pretrained model with each strategy in turn, on the same images, in the same order, for
// the same number of epochs, and keeps everything under the run's name. A strategy that was finished before is not
// trained again, and one that was cut off goes on from its checkpoint. With Recipe.Seeds all strategies are trained
// with the first seed, then all with the next.
//
// Ctrl-C, the notebook's stop button and a cancelled context save and stop: the run comes back together with an
// *[InterruptedError].
func (r Recipe) Compare(ctx context.Context, name string, ds *datasets.Dataset, pretrained *zoo.Model, strategies ...Strategy) (*Run, error) {
	r, err := r.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := checkComparison(ds, pretrained, strategies); err != nil {
		return nil, err
	}
	run, unlock, err := begin(name, ds, pretrained, r, strategies)
	if err != nil {
		return nil, err
	}
	defer unlock()
	val := EvalSplit(ds)
	for i := range val.Len() {
		run.valNames = append(run.valNames, val.Name(i))
	}
	engine, err := backend.Default()
	if err != nil {
		return nil, err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !r.Quiet {
		for _, w := range ds.Warnings {
			fmt.Fprintln(os.Stderr, w)
		}
	}
	run.shared = &sharedFeatures{limit: r.MemoryLimit / 2}
	run.decoded = newDecoded(r, run.Dir)
	defer func() {
		run.decoded.close()
		run.shared, run.decoded = nil, nil
	}()
	show := newProgress(run, r.Quiet)
	defer show.end()
	for k := range max(1, r.Seeds) {
		for _, s := range strategies {
			res, err := run.Result(s.Name())
			if err != nil {
				return run, err
			}
			one := res.Seeds()[k]
			show.begin(one)
			if err := runStrategy(ctx, engine.Backend, run, one, s, ds, pretrained, show); err != nil {
				return run, err
			}
		}
	}
	return run, nil
}

// MustCompare is Compare without a context that panics on an error. An interruption is none: it says what was saved,
// and returns the run as far as it came.
func (r Recipe) MustCompare(name string, ds *datasets.Dataset, pretrained *zoo.Model, strategies ...Strategy) *Run {
	run, err := r.Compare(context.Background(), name, ds, pretrained, strategies...)
	var stopped *InterruptedError
	switch {
	case errors.As(err, &stopped):
		fmt.Fprintln(os.Stderr, stopped)
	case err != nil:
		panic(err)
	}
	return run
}

// CheckTask reports why a model can't be trained on a data set: either is nil, images for training or validation are
// missing, or there are fewer than two classes.
func CheckTask(ds *datasets.Dataset, m *zoo.Model) error {
	switch {
	case ds == nil:
		return errors.New("tlkit: the data set is nil; load one with datasets.Load or datasets.ImageFolder")
	case m == nil:
		return errors.New("tlkit: the model is nil; load one with tlkit.Load")
	case ds.Train == nil || ds.Train.Len() == 0:
		return fmt.Errorf("tlkit: data set %q has no training images", ds.Name)
	case EvalSplit(ds) == nil || EvalSplit(ds).Len() == 0:
		return fmt.Errorf("tlkit: data set %q has neither validation nor test images to compare on", ds.Name)
	case len(ds.Classes) < 2:
		return fmt.Errorf("tlkit: data set %q has %d class; a classifier needs at least 2", ds.Name, len(ds.Classes))
	}
	return nil
}

// checkComparison finds what would go wrong later, while that is cheap.
func checkComparison(ds *datasets.Dataset, m *zoo.Model, strategies []Strategy) error {
	if err := CheckTask(ds, m); err != nil {
		return err
	}
	if len(strategies) == 0 {
		return errors.New("tlkit: no strategy to compare; give at least one, such as tlkit.Transfer{}")
	}
	seen := map[string]bool{}
	for _, s := range strategies {
		if seen[s.Name()] {
			return fmt.Errorf("tlkit: two strategies are named %q; give one of them a Label", s.Name())
		}
		seen[s.Name()] = true
	}
	return nil
}

func mkdir(path string) error {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return fmt.Errorf("tlkit: the strategy's folder can't be made: %w", err)
	}
	return nil
}
