package vision

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
)

// RandAugment applies randomly chosen operations of one strength (Cubuk et al. 2019, arXiv 1909.13719, section 3), with
// torchvision's fourteen operations and ranges. The zero value is off.
type RandAugment struct {
	// Ops is the number of operations per image; 0: off. The paper's and torchvision's usual value is 2.
	Ops int `json:"ops,omitempty"`
	// Magnitude is the strength, from 1 to 30; 0 means 9.
	Magnitude int `json:"magnitude,omitempty"`
}

// op is an operation with its strengths.
type op struct {
	name string
	// at returns the strength of magnitude k of 0 to 30, for an image of the given size.
	at func(k, width, height int) float64
	// signed strengths are negative half of the time.
	signed bool
	apply  func(s *Scratch, m *Image, v float64) *Image
}

const magnitudes = 31 // torchvision's num_magnitude_bins

// upTo spreads the magnitudes evenly from 0 to high as torch.linspace does: in single precision, the upper half from
// the end, each rounded once.
func upTo(high float64) func(k, width, height int) float64 {
	return func(k, _, _ int) float64 {
		high := float32(high)
		step := float64(high / (magnitudes - 1))
		if k < magnitudes/2 {
			return float64(float32(step * float64(k)))
		}
		return float64(float32(float64(high) - step*float64(magnitudes-1-k)))
	}
}

// bitsLeft is the number of bits that Posterize keeps: 8 less up to lost.
func bitsLeft(lost float64) func(k, width, height int) float64 {
	return func(k, _, _ int) float64 { return 8 - math.RoundToEven(float64(k)/((magnitudes-1)/lost)) }
}

func none(int, int, int) float64 { return 0 }

// ops lists torchvision's operations in its order (transforms/autoaugment.py, _augmentation_space).
func ops(shear, rotate, enhance, lost float64, shiftX, shiftY func(k, width, height int) float64) []op {
	around1 := func(f func(*Scratch, *Image, float64) *Image) func(*Scratch, *Image, float64) *Image {
		return func(s *Scratch, m *Image, v float64) *Image { return f(s, m, 1+v) }
	}
	return []op{
		{"Identity", none, false, func(_ *Scratch, m *Image, _ float64) *Image { return m }},
		{"ShearX", upTo(shear), true, (*Scratch).shearX},
		{"ShearY", upTo(shear), true, (*Scratch).shearY},
		{"TranslateX", shiftX, true, func(s *Scratch, m *Image, v float64) *Image { return s.translate(m, int(v), 0) }},
		{"TranslateY", shiftY, true, func(s *Scratch, m *Image, v float64) *Image { return s.translate(m, 0, int(v)) }},
		{"Rotate", upTo(rotate), true, (*Scratch).rotate},
		{"Brightness", upTo(enhance), true, around1((*Scratch).brightness)},
		{"Color", upTo(enhance), true, around1((*Scratch).saturation)},
		{"Contrast", upTo(enhance), true, around1((*Scratch).contrast)},
		{"Sharpness", upTo(enhance), true, around1((*Scratch).sharpness)},
		{"Posterize", bitsLeft(lost), false, func(s *Scratch, m *Image, v float64) *Image { return s.posterize(m, int(v)) }},
		{"Solarize", func(k, _, _ int) float64 { return 255 - 255*float64(k)/(magnitudes-1) }, false, (*Scratch).solarize},
		{"AutoContrast", none, false, func(s *Scratch, m *Image, _ float64) *Image { return s.autoContrast(m) }},
		{"Equalize", none, false, func(s *Scratch, m *Image, _ float64) *Image { return s.equalize(m) }},
	}
}

// randOps are RandAugment's operations, trivialOps TrivialAugment's wide ones.
var (
	randOps = ops(0.3, 30, 0.9, 4,
		func(k, width, _ int) float64 { return upTo(150./331*float64(width))(k, 0, 0) },
		func(k, _, height int) float64 { return upTo(150./331*float64(height))(k, 0, 0) })
	trivialOps = ops(0.99, 135, 0.99, 6, upTo(32), upTo(32))
)

// do applies one of the operations, at magnitude k with a random sign.
func (s *Scratch) do(rng *rand.Rand, from []op, k int, m *Image) *Image {
	o := from[rng.IntN(len(from))]
	v := o.at(k, m.Width, m.Height)
	if o.signed && rng.IntN(2) == 1 {
		v = -v
	}
	return o.apply(s, m, v)
}

func (s *Scratch) randAugment(r RandAugment, rng *rand.Rand, m *Image) *Image {
	k := cmp.Or(r.Magnitude, defaultMagnitude)
	for range r.Ops {
		m = s.do(rng, randOps, k, m)
	}
	return m
}

// defaultMagnitude is the strength of RandAugment.Magnitude 0.
const defaultMagnitude = 9

// mostOps is the largest RandAugment.Ops: the operations follow each other, and more leave nothing of the image.
const mostOps = 100

func (r RandAugment) validate() error {
	if r.Ops < 0 || r.Ops > mostOps || r.Magnitude < 0 || r.Magnitude >= magnitudes {
		return fmt.Errorf("vision: Augment.RandAugment is %+v; expected Ops of 0 (off) to %d, such as 2, and a Magnitude from 1 to %d, or 0 for 9", r, mostOps, magnitudes-1)
	}
	return nil
}

// trivialAugment applies one operation at a random magnitude.
func (s *Scratch) trivialAugment(rng *rand.Rand, m *Image) *Image {
	return s.do(rng, trivialOps, rng.IntN(magnitudes), m)
}
