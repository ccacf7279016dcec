package train_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// oldTask is a data set of the classes that the pretrained model knows.
func oldTask(t testing.TB) *datasets.Dataset {
	t.Helper()
	classes := []string{"a", "b", "c", "d", "e"}
	split := func(seed uint64, n int) *datasets.Split {
		var names []string
		var labels []int
		for i := range n {
			names = append(names, string(rune('a'+i))+".png")
			labels = append(labels, i%5)
		}
		s, err := datasets.NewSplit(5, names, labels, func(i int) (*vision.Image, error) {
			m := vision.New(side, side)
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			for j := range m.Pix {
				m.Pix[j] = uint8(rng.IntN(256))
			}
			return m, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return &datasets.Dataset{Name: "old", Classes: classes, Train: split(11, 7), Val: split(12, 10)}
}

// source is a labelled domain with paint's classes, in other light.
func source(t testing.TB) *datasets.Dataset {
	ds := paint(t)
	ds.Name, ds.Train = "source", painted(t, 5, 4, nil)
	return ds
}

// sameTaskModel is a pretrained model that tells paint's classes apart.
func sameTaskModel(t testing.TB) *zoo.Model {
	t.Helper()
	m := pretrained(t)
	if err := m.ReplaceHead(colours, 1); err != nil {
		t.Fatal(err)
	}
	return m
}

// trained is a strategy in a form that trains, with the model that it begins with.
type trained struct {
	train.Strategy
	model *zoo.Model
}

// every lists each strategy.
func every(t testing.TB) []trained {
	old, src := oldTask(t), source(t)
	five, three := pretrained(t), sameTaskModel(t)
	return []trained{
		{strategy.Transfer{Old: old}, five},
		{strategy.FineTune{Old: old, Decay: 2.6, HeadFactor: 2}, five},
		{strategy.FineTune{Label: "lp-ft", HeadFirst: 1}, five},
		{strategy.FineTune{Label: "gradual", Unfreeze: 1}, five},
		{strategy.FineTune{Label: "kept", KeepHead: true}, three},
		{strategy.FineTune{Label: "begun", HeadFrom: map[string]string{"red": "a"}}, five},
		{strategy.LwF{Old: old}, five},
		{strategy.Joint{Old: old, Batch: 3}, five},
		{strategy.DuplicateAndFineTune{Old: old}, five},
		{strategy.L2SP{}, five},
		{strategy.EWC{Old: old, Samples: 5}, five},
		{strategy.SourceOnly{}, three},
		{strategy.SourceOnly{Label: "on-source", Source: src}, three},
		{strategy.TargetSupervised{}, three},
		{strategy.DeepCORAL{Source: src}, three},
		{strategy.DeepCORAL{Label: "coral-logits", Source: src, Logits: true}, three},
		{strategy.DANN{Source: src}, five},
		{strategy.AdaBN{Batch: 4}, three},
	}
}

// TestEveryResumes stops each strategy in the middle of an epoch and continues it: what comes out is, to the bit, what
// an uninterrupted training gives, whatever it keeps beside the model.
func TestEveryResumes(t *testing.T) {
	for _, e := range every(t) {
		s, m := e.Strategy, e.model
		t.Run(s.Name(), func(t *testing.T) {
			r := quick(t)
			r.Epochs, r.Optimizer, r.MemoryLimit = 4, train.Adam, 1
			whole := compare(t, r, "whole", paint(t), m, s)
			if res := whole.Results[0]; !res.Done || len(res.History) != 4 {
				t.Fatalf("result %+v", res)
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			ds := paint(t)
			ds.Val = painted(t, 2, 3, (&counter{when: 9 + 5, at: cancel}).asked) // the second evaluation
			run, err := r.Compare(ctx, "r", ds, m, s)
			var stopped *train.InterruptedError
			if !errors.As(err, &stopped) {
				if len(run.Results[0].History) == 4 { // one evaluation serves all epochs
					return
				}
				t.Fatalf("error %v, want an InterruptedError", err)
			}
			run = compare(t, r, "r", paint(t), m, s)
			if got, want := curve(run.Results[0].History), curve(whole.Results[0].History); !reflect.DeepEqual(got, want) {
				t.Errorf("history\n%+v, uninterrupted\n%+v", got, want)
			}
			for _, file := range []string{"best.safetensors", "checkpoint.safetensors"} {
				if !reflect.DeepEqual(saved(t, run, s.Name(), file), saved(t, whole, s.Name(), file)) {
					t.Errorf("%s differs from that of the uninterrupted run", file)
				}
			}
		})
	}
}
