package train_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// several selects XLA for the processor, which has several devices. It skips the test without it.
func several(t *testing.T) {
	t.Helper()
	e, err := backend.Open("xla:cpu")
	if err != nil {
		t.Skipf("XLA is not installed: %v", err)
	}
	if n := e.Backend.NumDevices(); n < 4 {
		t.Skipf("XLA has %d devices here, the test needs 4", n)
	}
	train.UseEngines(t, "xla:cpu", "xla:cpu")
}

// sameWithin holds that two histories are the same within rounding.
func sameWithin(t *testing.T, what string, got, want []train.Epoch) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d epochs, on one device %d", what, len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if !(math.Abs(g.TrainLoss-w.TrainLoss) <= 1e-4 && math.Abs(g.ValLoss-w.ValLoss) <= 1e-4) {
			t.Errorf("%s, epoch %d: losses %g and %g, on one device %g and %g", what, i+1, g.TrainLoss, g.ValLoss, w.TrainLoss, w.ValLoss)
		}
	}
}

// TestDevices: several devices compute what one does, within rounding, with each kind of recipe. The last batch of an
// epoch, three images, can't be divided.
func TestDevices(t *testing.T) {
	several(t)
	for name, change := range map[string]func(*train.Recipe){
		"plain":       func(*train.Recipe) {},
		"accumulated": func(r *train.Recipe) { r.Accumulate = 3 },
		"averaged":    func(r *train.Recipe) { r.Average, r.Optimizer = 0.9, train.Adam },
		"mixed":       func(r *train.Recipe) { r.Mixup, r.CutMix, r.ClipNorm = 0.2, 1, 1 },
		"augmented":   func(r *train.Recipe) { r.Augment = vision.Augment{HorizontalFlip: 0.5} },
	} {
		t.Run(name, func(t *testing.T) {
			r := quick(t)
			r.Epochs = 3
			change(&r)
			s := strategy.FineTune{}
			want := compare(t, r, "one", paint(t), pretrained(t), s).Results[0].History
			r.Devices = 2
			sameWithin(t, name, compare(t, r, "two", paint(t), pretrained(t), s).Results[0].History, want)
		})
	}
}

// TestDevicesResume: a run that two devices had begun and that was stopped in an epoch goes on with four, and
// another one with one.
func TestDevicesResume(t *testing.T) {
	several(t)
	r := quick(t)
	r.Epochs, r.Optimizer, r.MemoryLimit = 3, train.Adam, 1
	s := strategy.FineTune{}
	want := compare(t, r, "whole", paint(t), pretrained(t), s).Results[0].History
	for name, then := range map[string]int{"to-four": 4, "to-one": 0} {
		r.Devices = 2
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ds := paint(t)
		ds.Val = painted(t, 2, 3, (&counter{when: 9 + 5, at: cancel}).asked) // the second evaluation
		run, err := r.Compare(ctx, name, ds, pretrained(t), s)
		var stopped *train.InterruptedError
		if !errors.As(err, &stopped) || len(run.Results[0].History) != 1 {
			t.Fatalf("error %v after %d epochs, want an InterruptedError after 1", err, len(run.Results[0].History))
		}
		r.Devices = then
		run = compare(t, r, name, paint(t), pretrained(t), s)
		sameWithin(t, name, run.Results[0].History, want)
		if versions, err := run.Versions(); err != nil || len(run.Warnings) > 0 || len(versions) > 0 {
			t.Errorf("%s: warnings %q, %d earlier versions, %v; want the same run to go on", name, run.Warnings, len(versions), err)
		}
	}
}

func TestDevicesRefused(t *testing.T) {
	train.UseEngines(t, "go", "go")
	for _, c := range []struct {
		devices, batch int
		err            string
	}{
		{2, 4, "the engine go has 1; XLA has several"},
		{3, 4, "give a multiple, such as 6"},
		{-1, 4, "Devices is -1"},
	} {
		r := quick(t)
		r.Devices, r.BatchSize = c.devices, c.batch
		if _, err := r.Compare(t.Context(), "r", paint(t), pretrained(t), strategy.FineTune{}); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%d devices, batches of %d: %v; want %q", c.devices, c.batch, err, c.err)
		}
	}
}
