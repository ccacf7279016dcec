package zoo

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// A photograph that is stored lying on its side is classified upright.
func TestPredictFileTurnsUpright(t *testing.T) {
	m, err := Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	upright, err := vision.DecodeFile("../vision/testdata/formats/orientation6.jpg", vision.DecodeOptions{Orient: true})
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Predict(upright, 1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.PredictFile("../vision/testdata/formats/orientation6.jpg", 1)
	if err != nil || got[0] != want[0] {
		t.Errorf("got %v, error %v; want %v", got, err, want)
	}
	lying, err := vision.DecodeFile("../vision/testdata/formats/orientation6.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if other, err := m.Predict(lying, 1); err != nil || other[0] == want[0] {
		t.Errorf("the image as stored gives %v too (error %v): it proves nothing", other, err)
	}
}

// ending is a context that ends after some looks at it.
type ending struct {
	context.Context
	looks int
}

func (e *ending) Err() error {
	if e.looks--; e.looks < 0 {
		return context.Canceled
	}
	return nil
}

// TestInterrupted: an interrupt leaves the predictions so far.
func TestInterrupted(t *testing.T) {
	m, err := Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i := range 40 { // more than one batch
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%03d.png", i)))
		if err == nil {
			err = errors.Join(png.Encode(f, image.NewGray(image.Rect(0, 0, 9, 7))), f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	found, err := m.predictFolder(&ending{t.Context(), 1}, dir)
	if !errors.Is(err, context.Canceled) || len(found) != 32 || !strings.Contains(err.Error(), "32 of 40 files") {
		t.Errorf("%d predictions, %v", len(found), err)
	}
}
