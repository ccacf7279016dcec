package project

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// sample is an image of the project's test, with the probabilities that the model gave it.
type sample struct {
	File          string             `json:"file"`
	Image         string             `json:"image"` // its name in the data set
	Label         string             `json:"label"` // its true class
	Probabilities map[string]float64 `json:"probabilities"`
}

const (
	numSamples = 3
	// maxSamplePixels is the largest image that is stored as it is; see smaller.
	maxSamplePixels = 1_500_000
	// keptClasses is the number of classes, the most probable ones, whose probabilities are kept.
	keptClasses = 5
)

// writeSamples stores some validation images, of different classes if possible, and what the model makes of them.
func writeSamples(dir string, model *zoo.Model, data *datasets.Dataset) ([]sample, error) {
	samples := []sample{}
	if data != nil {
		split := validation(data)
		for _, i := range spreadOver(split) {
			s, err := writeSample(filepath.Join(dir, fmt.Sprintf("sample%d.png", len(samples)+1)), model, split, i)
			if err != nil {
				return nil, err
			}
			samples = append(samples, s)
		}
	}
	text, err := json.MarshalIndent(samples, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "notebook.json"), append(text, '\n'), 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("project: %w", err)
	}
	return samples, nil
}

// validation returns the validation images, else those of the test.
func validation(data *datasets.Dataset) *datasets.Split {
	if data.Val == nil || data.Val.Len() == 0 {
		return data.Test
	}
	return data.Val
}

// spreadOver chooses images of different classes, then others.
func spreadOver(split *datasets.Split) []int {
	if split == nil {
		return nil
	}
	var chosen []int
	seen, taken := map[int]bool{}, map[int]bool{}
	for _, again := range []bool{false, true} {
		for i := range split.Len() {
			if len(chosen) < numSamples && !taken[i] && (again || !seen[split.Label(i)]) {
				chosen = append(chosen, i)
				seen[split.Label(i)], taken[i] = true, true
			}
		}
	}
	return chosen
}

func writeSample(path string, model *zoo.Model, split *datasets.Split, i int) (sample, error) {
	whole, err := split.Image(i)
	if err != nil {
		return sample{}, fmt.Errorf("project: an image for the test: %w", err)
	}
	found, err := model.Predict(whole, keptClasses)
	if err != nil {
		return sample{}, err
	}
	if err := writePNG(path, smaller(model.Preprocess, whole)); err != nil {
		return sample{}, fmt.Errorf("project: %w", err)
	}
	s := sample{File: filepath.Base(path), Image: split.Name(i), Label: split.Classes()[split.Label(i)], Probabilities: map[string]float64{}}
	for _, p := range found {
		s.Probabilities[p.Class] = p.Probability
	}
	return s, nil
}

// smaller returns an image that is prepared to the same pixels as a large one: what the network sees of it, with black
// around it where the preparation cuts. It returns the image itself if there is no such image.
func smaller(p vision.Preprocess, whole *vision.Image) *vision.Image {
	if whole.Width*whole.Height <= maxSamplePixels {
		return whole
	}
	seen := p.Apply(whole)
	kept := seen
	if p.Crop > 0 && p.Resize > p.Crop {
		at := int(math.RoundToEven(float64(p.Resize-p.Crop) / 2)) // where the preparation cuts
		kept = vision.Crop(seen, image.Rect(-at, -at, p.Resize-at, p.Resize-at))
	}
	if again := p.Apply(kept); again.Width != seen.Width || again.Height != seen.Height || !bytes.Equal(again.Pix, seen.Pix) {
		return whole
	}
	return kept
}

func writePNG(path string, m *vision.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(f, m.ToImage()); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
