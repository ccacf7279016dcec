package train_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// paintFolder writes a folder of noisy images of a colour per class.
func paintFolder(t *testing.T, classes ...string) string {
	t.Helper()
	dir := t.TempDir()
	for c, class := range classes {
		for _, split := range []struct {
			name string
			n    int
		}{{"train", 8}, {"val", 4}} {
			for i := range split.n {
				m := image.NewNRGBA(image.Rect(0, 0, side, side))
				rng := rand.New(rand.NewPCG(uint64(c), uint64(i+split.n)))
				for k := range side * side {
					p := color.NRGBA{uint8(rng.IntN(150)), uint8(rng.IntN(150)), uint8(rng.IntN(150)), 255}
					switch c {
					case 0:
						p.B += 100
					case 1:
						p.R += 100
					default:
						p.G += 100
					}
					m.SetNRGBA(k%side, k/side, p)
				}
				path := filepath.Join(dir, split.name, class, fmt.Sprintf("%d.png", i))
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
				f, err := os.Create(path)
				if err == nil {
					err = errors.Join(png.Encode(f, m), f.Close())
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return dir
}

// TestBrokenInTraining: an image that can't be read any more when its turn comes has a stand-in and a warning, and the
// run goes on from where it was stopped, also when the data set is opened without that image.
func TestBrokenInTraining(t *testing.T) {
	dir := paintFolder(t, "blue", "red")
	ds, err := datasets.ImageFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, r := pretrained(t), quick(t)
	r.MemoryLimit = 1 // every use reads the file
	r.Epochs = 3
	gone := filepath.Join(dir, "train", "red", "3.png")
	if err := os.WriteFile(gone, []byte("no image any more"), 0o666); err != nil {
		t.Fatal(err)
	}
	whole := compare(t, r, "whole", ds, m, strategy.FineTune{})
	if n := len(whole.Results[0].History); n != 3 {
		t.Errorf("%d epochs, want 3", n)
	}
	if text := strings.Join(whole.Warnings, "\n"); strings.Count(text, "3.png can't be read any more") != 1 || !strings.Contains(text, "in its place") {
		t.Errorf("warnings %q", whole.Warnings)
	}

	first := r
	first.Epochs = 1
	compare(t, first, "r", ds, m, strategy.FineTune{})
	later, err := datasets.ImageFolder(dir) // a later session, which leaves the broken file out
	if err != nil || later.Train.Len() != 15 {
		t.Fatalf("%v, %v", later, err)
	}
	run := compare(t, r, "r", later, m, strategy.FineTune{})
	if got, want := curve(run.Results[0].History), curve(whole.Results[0].History); !reflect.DeepEqual(got, want) {
		t.Errorf("resumed\n%+v, want\n%+v", got, want)
	}
	if versions, err := run.Versions(); err != nil || len(versions) > 0 {
		t.Errorf("versions %v, %v: the data are the same", versions, err)
	}
}

// TestBrokenInStrategy: the same for the images of a strategy's own data sets, an old task and another domain.
func TestBrokenInStrategy(t *testing.T) {
	for _, tt := range []struct {
		name  string
		split string
		with  func(own *datasets.Dataset) train.Strategy
	}{
		{"the old task's training images", "train", func(own *datasets.Dataset) train.Strategy { return strategy.Joint{Old: own, Warmup: -1} }},
		{"the old task's validation images", "val", func(own *datasets.Dataset) train.Strategy { return strategy.LwF{Old: own, Warmup: -1} }},
		{"images of before the first step", "train", func(own *datasets.Dataset) train.Strategy { return strategy.EWC{Old: own} }},
		{"the source", "train", func(own *datasets.Dataset) train.Strategy { return &strategy.DANN{Source: own} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			own := paintFolder(t, colours...)
			open := func() *datasets.Dataset {
				d, err := datasets.ImageFolder(own)
				if err != nil {
					t.Fatal(err)
				}
				return d
			}
			first := open()
			m, r := pretrained(t), quick(t)
			if err := m.ReplaceHead(colours, 1); err != nil {
				t.Fatal(err)
			}
			r.MemoryLimit = 1
			if err := os.WriteFile(filepath.Join(own, tt.split, colours[1], "2.png"), []byte("no image any more"), 0o666); err != nil {
				t.Fatal(err)
			}
			whole := compare(t, r, "whole", paint(t), m, tt.with(first))
			if text := strings.Join(whole.Warnings, "\n"); strings.Count(text, "2.png can't be read any more") != 1 {
				t.Errorf("warnings %q", whole.Warnings)
			}
			if lost := whole.Config.Lost; len(lost) != 1 || lost[0].Data != first.Fingerprint() || lost[0].Split != tt.split {
				t.Errorf("lost: %+v", lost)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ds := paint(t)
			ds.Val = painted(t, 2, 3, (&counter{when: 9 + 5, at: cancel}).asked) // the second evaluation
			_, err := r.Compare(ctx, "r", ds, m, tt.with(first))
			var stopped *train.InterruptedError
			if !errors.As(err, &stopped) || stopped.Epoch != 2 {
				t.Fatalf("error %v, want an interruption in the second epoch", err)
			}
			later := open() // a later session, which leaves the broken file out
			if later.Fingerprint() == first.Fingerprint() {
				t.Fatal("the broken file is still there")
			}
			run := compare(t, r, "r", paint(t), m, tt.with(later))
			if got, want := curve(run.Results[0].History), curve(whole.Results[0].History); !reflect.DeepEqual(got, want) {
				t.Errorf("resumed\n%+v, want\n%+v", got, want)
			}
			if versions, err := run.Versions(); err != nil || len(versions) > 0 {
				t.Errorf("versions %v, %v: the data are the same", versions, err)
			}
		})
	}
}
