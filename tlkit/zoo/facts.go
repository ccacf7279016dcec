package zoo

import (
	_ "embed"
	"encoding/json"
	"math"
	"strings"
	"sync"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// torchvisionJSON are facts about torchvision's weight sets, from its weight enums; the source is named in the file.
//
//go:embed facts/torchvision_weights.json
var torchvisionJSON []byte

//go:embed facts/imagenet_classes.txt
var imagenetText string

// ImageNetClasses returns the 1,000 class names of ImageNet-1K in the order of the logits (as torchvision lists them).
var ImageNetClasses = sync.OnceValue(func() []string { return strings.Split(strings.TrimSpace(imagenetText), "\n") })

type torchvisionWeights struct {
	WeightSet
	MinSize       []int      `json:"min_size"`
	CropSize      int        `json:"crop_size"`
	ResizeSize    int        `json:"resize_size"`
	Mean          [3]float32 `json:"mean"`
	Std           [3]float32 `json:"std"`
	Interpolation string     `json:"interpolation"`
}

var torchvisionFacts = sync.OnceValue(func() map[string][]torchvisionWeights {
	var f struct {
		Models map[string][]torchvisionWeights `json:"models"`
	}
	if err := json.Unmarshal(torchvisionJSON, &f); err != nil {
		panic("zoo: embedded facts: " + err.Error()) // a broken build, caught by any test
	}
	return f.Models
})

// torchvision completes the spec of a torchvision model from the facts: weight sets, input size, preprocessing.
func torchvision(s Spec) Spec {
	s.InputSize, s.MinSize = 224, 32
	smallest := math.MaxInt // weight sets may differ in it: vit_h_14 was trained at 518 and at 224 pixels
	for _, f := range torchvisionFacts()[s.Name] {
		w := f.WeightSet
		w.Source, w.Licence = "torchvision", "BSD-3-Clause"
		if strings.Contains(w.Name, "SWAG") {
			w.Licence = "CC-BY-NC-4.0" // that of the SWAG repository, to which torchvision refers for these weights
		}
		w.Preprocess = vision.Preprocess{Resize: f.ResizeSize, Crop: f.CropSize,
			Interpolation: vision.Interpolation(f.Interpolation), Mean: f.Mean, Std: f.Std}
		w.Classes = ImageNetClasses()
		s.Weights = append(s.Weights, w)
		if w.Default {
			s.InputSize = f.CropSize
		}
		smallest = min(smallest, max(f.MinSize[0], f.MinSize[1]))
	}
	if len(s.Weights) > 0 {
		s.MinSize = smallest
	}
	return s
}

// imageNetNorm is the normalisation of nearly all published image weights: the mean and deviation of ImageNet's
// training images, channels in [0, 1].
func imageNetNorm(resize, crop int) vision.Preprocess {
	return vision.Preprocess{Resize: resize, Crop: crop, Interpolation: vision.Bilinear,
		Mean: [3]float32{0.485, 0.456, 0.406}, Std: [3]float32{0.229, 0.224, 0.225}}
}
