package train_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/filelock"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// writeDeep writes a 16-bit PNG with values from 0 to most.
func writeDeep(t *testing.T, path string, most int) {
	t.Helper()
	m := image.NewGray16(image.Rect(0, 0, side, side))
	for i := range side * side {
		m.SetGray16(i%side, i/side, color.Gray16{Y: uint16(i * most / (side*side - 1))})
	}
	var b bytes.Buffer
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), png.Encode(&b, m), os.WriteFile(path, b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// deepCells are bright and dark 12-bit images, in a folder that is returned, too.
func deepCells(t *testing.T) (dir string, cells *datasets.Dataset) {
	t.Helper()
	dir = t.TempDir()
	for i := range 6 {
		writeDeep(t, filepath.Join(dir, "bright", fmt.Sprintf("%d.png", i)), 4095-i)
		writeDeep(t, filepath.Join(dir, "dark", fmt.Sprintf("%d.png", i)), 900-i)
	}
	cells, err := datasets.ImageFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, cells
}

// TestModelBits: the model of a run on 12-bit images reads files as the training did, so that a dark one stays dark, in
// the open run, in the run opened later and in an exported file.
func TestModelBits(t *testing.T) {
	zoo.Register(tinySpec())
	dir, cells := deepCells(t)
	r := quick(t)
	compare(t, r, "cells", cells, pretrained(t), strategy.Scratch{})
	run, err := train.Open(r.Dir, "cells")
	if err != nil {
		t.Fatal(err)
	}
	m, err := run.Best().Model()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	file := filepath.Join(t.TempDir(), "cells.safetensors")
	if err := m.Export(file); err != nil {
		t.Fatal(err)
	}
	exported, err := zoo.LoadExported(file)
	if err != nil {
		t.Fatal(err)
	}
	defer exported.Release()
	for i := range cells.Val.Len() {
		pixels, err := cells.Val.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		want, err := m.Predict(pixels, 2)
		if err != nil {
			t.Fatal(err)
		}
		for name, m := range map[string]*zoo.Model{"the run's": m, "the exported": exported} {
			got, err := m.PredictFile(filepath.Join(dir, cells.Val.Name(i)), 2)
			if err != nil {
				t.Fatal(err)
			}
			if m.Bits != 12 || got[0].Class != want[0].Class || !near(got[0].Probability, want[0].Probability) {
				t.Errorf("%s model, %d bits: %s is %v, in training %v", name, m.Bits, cells.Val.Name(i), got, want)
			}
		}
	}
}

// TestOlderRunBits: a finished run that was made before the bits were kept knows them after the same call of Compare,
// in the run that it returns and in the run opened later; while the run is locked, the returned run alone does.
func TestOlderRunBits(t *testing.T) {
	zoo.Register(tinySpec())
	_, cells := deepCells(t)
	r, m := quick(t), pretrained(t)
	run := compare(t, r, "cells", cells, m, strategy.Scratch{})
	bits := func(run *train.Run) int {
		m, err := run.Best().Model()
		if err != nil {
			t.Fatal(err)
		}
		defer m.Release()
		return m.Bits
	}
	for _, tt := range []struct{ locked bool }{{true}, {false}} {
		if err := train.ForgetBits(run); err != nil {
			t.Fatal(err)
		}
		var lock *filelock.Lock
		if tt.locked {
			var err error
			if lock, err = filelock.Try(filepath.Join(run.Dir, ".lock")); err != nil {
				t.Fatal(err)
			}
		}
		returned := bits(compare(t, r, "cells", cells, m, strategy.Scratch{}))
		if lock != nil {
			lock.Close()
		}
		opened, err := train.Open(r.Dir, "cells")
		if err != nil {
			t.Fatal(err)
		}
		if later := bits(opened); returned != 12 || (later == 12) == tt.locked {
			t.Errorf("locked %t: %d bits in the returned run, %d in the run opened later", tt.locked, returned, later)
		}
	}
}
