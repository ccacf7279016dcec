package vision

import (
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
)

// The channel means and standard deviations of ImageNet on a scale of 0 to 1, used by nearly all published weights.
var (
	ImageNetMean = [3]float32{0.485, 0.456, 0.406}
	ImageNetStd  = [3]float32{0.229, 0.224, 0.225}
)

// Preprocess is the evaluation transform that a set of weights was trained with. The zero value keeps the size and
// scales the pixels to 0 to 1.
type Preprocess struct {
	Resize        int           `json:"resize,omitempty"`        // the shorter side, in pixels; 0: not resized
	Squash        bool          `json:"squash,omitempty"`        // resizes to a square of Resize pixels, whatever the image's shape
	Crop          int           `json:"crop,omitempty"`          // the side of the square cut out of the middle; 0: not cropped
	Interpolation Interpolation `json:"interpolation,omitempty"` // of the resizing; "" is Bilinear
	Mean          [3]float32    `json:"mean"`                    // of red, green and blue on a scale of 0 to 1
	Std           [3]float32    `json:"std"`                     // an all-zero Std means 1, 1, 1
}

// Validate returns an error that names the invalid field.
func (p Preprocess) Validate() error {
	if p.Resize < 0 || p.Crop < 0 {
		return fmt.Errorf("vision: Preprocess.Resize is %d and Crop %d; expected 0 or a number of pixels", p.Resize, p.Crop)
	}
	for c := range 3 {
		if p.Std != ([3]float32{}) && !(p.Std[c] > 0 && p.Std[c] <= math.MaxFloat32) {
			return fmt.Errorf("vision: Preprocess.Std is %v; expected three positive numbers", p.Std)
		}
		if !numbers.Finite(float64(p.Mean[c])) {
			return fmt.Errorf("vision: Preprocess.Mean is %v; expected three finite numbers, such as 0.485", p.Mean)
		}
	}
	return p.Interpolation.Valid()
}

// Apply resizes and crops m for evaluation. It returns m itself if there is nothing to do.
func (p Preprocess) Apply(m *Image) *Image { return new(Scratch).Apply(p, m).detachedFrom(m) }

// Size returns the size of the image that Apply makes of one of width x height pixels.
func (p Preprocess) Size(width, height int) (int, int) {
	if p.Crop > 0 {
		return p.Crop, p.Crop
	}
	return p.resized(width, height)
}

// resized returns the size that an image is resized to, before it is cropped.
func (p Preprocess) resized(width, height int) (int, int) {
	switch {
	case p.Resize <= 0:
		return width, height
	case p.Squash:
		return p.Resize, p.Resize
	case min(width, height) == p.Resize:
		return width, height
	}
	return shorterTo(width, height, p.Resize)
}

// Part is a rectangle of an image, in shares of its width and height: 0 is its left or upper edge, 1 the other one.
type Part struct {
	// Left and Right are the places of its left and right edges, Top and Bottom those of the upper and lower ones.
	Left, Right, Top, Bottom float64
}

// Seen returns the part of an image of width x height pixels that Apply keeps. It is larger than the image, with sides
// below 0 or above 1, where the crop is larger than the resized image, which Apply surrounds with black then.
func (p Preprocess) Seen(width, height int) Part {
	if p.Crop == 0 {
		return Part{Right: 1, Bottom: 1}
	}
	side := func(size int) (first, last float64) {
		at := math.RoundToEven(float64(size-p.Crop) / 2)
		return at / float64(size), (at + float64(p.Crop)) / float64(size)
	}
	w, h := p.resized(width, height)
	var seen Part
	seen.Left, seen.Right = side(w)
	seen.Top, seen.Bottom = side(h)
	return seen
}

// ApplyAugmented is the training counterpart of Apply: a random resized crop takes the place of resizing and cropping,
// the other augmentations come after them. With the zero Augment it equals Apply.
func (p Preprocess) ApplyAugmented(a Augment, rng *rand.Rand, m *Image) *Image {
	return new(Scratch).ApplyAugmented(p, a, rng, m).detachedFrom(m)
}

// std returns Std, or ones if it is not set.
func (p Preprocess) std() [3]float32 {
	if p.Std == ([3]float32{}) {
		return [3]float32{1, 1, 1}
	}
	return p.Std
}

// Normalize writes (v/255 - Mean)/Std for every byte v of pix, whose channels alternate (NHWC), into dst, in float32 as
// PyTorch does. It panics unless dst and pix are equally long and that length is a multiple of 3. It does not allocate.
func (p Preprocess) Normalize(dst []float32, pix []uint8) {
	if len(dst) != len(pix) || len(pix)%3 != 0 {
		panic(fmt.Sprintf("vision: Normalize of %d bytes into %d numbers; expected the same multiple of 3", len(pix), len(dst)))
	}
	std := p.std()
	var table [3][256]float32
	for c := range table {
		for v := range table[c] {
			scaled := float32(v) / 255
			table[c][v] = float32(scaled-p.Mean[c]) / std[c]
		}
	}
	for len(pix) >= 3 && len(dst) >= 3 {
		dst[0], dst[1], dst[2] = table[0][pix[0]], table[1][pix[1]], table[2][pix[2]]
		dst, pix = dst[3:], pix[3:]
	}
}

// Denormalize is the inverse of Normalize, rounded and clipped to 0 to 255: for showing the input of a model.
func (p Preprocess) Denormalize(pix []uint8, src []float32) {
	if len(src) != len(pix) || len(pix)%3 != 0 {
		panic(fmt.Sprintf("vision: Denormalize of %d numbers into %d bytes; expected the same multiple of 3", len(src), len(pix)))
	}
	std := p.std()
	for i, v := range src {
		pix[i] = uint8(min(max(math.Round(255*float64(v*std[i%3]+p.Mean[i%3])), 0), 255))
	}
}

// Augment changes training images at random. The zero value changes nothing.
type Augment struct {
	// ResizedCrop cuts out a random part and scales it to the requested size (torchvision's RandomResizedCrop).
	ResizedCrop bool `json:"resized_crop,omitempty"`
	// Scale is the smallest and largest share of the area that ResizedCrop takes; zero: 0.08 to 1.
	Scale [2]float64 `json:"scale,omitzero"`
	// Ratio is the smallest and largest ratio of width to height that ResizedCrop takes; zero: 3/4 to 4/3.
	Ratio [2]float64 `json:"ratio,omitzero"`
	// Pad adds this number of black pixels on each side of the image and cuts the original size out at a random place
	// (torchvision's RandomCrop with padding; 4 is usual for CIFAR).
	Pad int `json:"pad,omitempty"`
	// HorizontalFlip is the probability, 0 to 1, of mirroring left to right.
	HorizontalFlip float64 `json:"horizontal_flip,omitempty"`
	// RandAugment applies random operations of one strength after crop and flip.
	RandAugment RandAugment `json:"rand_augment,omitzero"`
	// TrivialAugment applies one random operation of a random strength after crop and flip (Müller and Hutter 2021,
	// arXiv 2103.10158, section 3), with torchvision's operations and ranges (TrivialAugmentWide). It has no
	// parameters.
	TrivialAugment bool `json:"trivial_augment,omitempty"`
}

// StandardAugment is PyTorch's usual training transform for photographs: a random resized crop and a flip.
func StandardAugment() Augment { return Augment{ResizedCrop: true, HorizontalFlip: 0.5} }

// CIFARAugment is the usual augmentation of 32 x 32 images (He et al. 2015, section 4.2): shifted by up to 4 pixels,
// and a flip.
func CIFARAugment() Augment { return Augment{Pad: 4, HorizontalFlip: 0.5} }

// Plain returns an Augment that varies images alike, with zeros for fields that another one switches off and for
// defaults that are written out.
func (a Augment) Plain() Augment {
	if !a.ResizedCrop || a.Scale == defaultScale {
		a.Scale = [2]float64{}
	}
	if !a.ResizedCrop || a.Ratio == defaultRatio {
		a.Ratio = [2]float64{}
	}
	if r := &a.RandAugment; r.Ops == 0 || r.Magnitude == defaultMagnitude {
		r.Magnitude = 0
	}
	return a
}

// The defaults of RandomResizedCrop.
var (
	defaultScale = [2]float64{0.08, 1}
	defaultRatio = [2]float64{3. / 4, 4. / 3}
)

// IsZero reports whether a changes nothing.
func (a Augment) IsZero() bool {
	return !a.ResizedCrop && a.Pad == 0 && a.HorizontalFlip == 0 && a.RandAugment.Ops == 0 && !a.TrivialAugment
}

// Validate returns an error that names the invalid field.
func (a Augment) Validate() error {
	bad := func(name string, v [2]float64, high float64) error {
		if v != ([2]float64{}) && !(v[0] > 0 && v[0] <= v[1] && v[1] <= high) {
			return fmt.Errorf("vision: Augment.%s is %v; expected 0 < smallest <= largest <= %g", name, v, high)
		}
		return nil
	}
	if err := bad("Scale", a.Scale, 1); err != nil {
		return err
	}
	if err := bad("Ratio", a.Ratio, math.MaxFloat64); err != nil {
		return err
	}
	if a.Pad < 0 || a.Pad > math.MaxInt16 {
		return fmt.Errorf("vision: Augment.Pad is %d; expected 0 or a number of pixels, at most %d", a.Pad, math.MaxInt16)
	}
	if !(a.HorizontalFlip >= 0 && a.HorizontalFlip <= 1) {
		return fmt.Errorf("vision: Augment.HorizontalFlip is %g; expected a probability from 0 to 1", a.HorizontalFlip)
	}
	if a.RandAugment.Ops > 0 && a.TrivialAugment {
		return errors.New("vision: Augment has both RandAugment and TrivialAugment; choose one of them")
	}
	return a.RandAugment.validate()
}

// CheckFields returns an error that names a field without effect and the field that it needs; nil if there is none.
func (a Augment) CheckFields() error {
	for _, f := range []struct {
		idle         bool
		field, needs string
		value        any
	}{
		{!a.ResizedCrop && a.Scale != [2]float64{}, "Scale", "ResizedCrop", a.Scale},
		{!a.ResizedCrop && a.Ratio != [2]float64{}, "Ratio", "ResizedCrop", a.Ratio},
		{a.RandAugment.Ops == 0 && a.RandAugment.Magnitude != 0, "RandAugment.Magnitude", "RandAugment.Ops, such as 2", a.RandAugment.Magnitude},
	} {
		if f.idle {
			return fmt.Errorf("vision: Augment.%s is %v, but has no effect without Augment.%s; set that, or leave %s out", f.field, f.value, f.needs, f.field)
		}
	}
	return nil
}

// Apply augments m. size is the side in pixels of ResizedCrop's result, where 0 means m's own width and height; without
// ResizedCrop the size of m stays. The result depends only on the arguments and the state of rng.
func (a Augment) Apply(rng *rand.Rand, m *Image, size int, interp Interpolation) *Image {
	return new(Scratch).Augment(a, rng, m, size, interp).detachedFrom(m)
}

// randomRect returns a random part of an image, chosen as in torchvision's RandomResizedCrop.get_params: ten tries,
// then the largest allowed central part.
func (a Augment) randomRect(rng *rand.Rand, width, height int) image.Rectangle {
	scale, ratio := a.Scale, a.Ratio
	if scale == ([2]float64{}) {
		scale = defaultScale
	}
	if ratio == ([2]float64{}) {
		ratio = defaultRatio
	}
	area := float64(width * height)
	for range 10 {
		target := area * (scale[0] + (scale[1]-scale[0])*rng.Float64())
		low, high := math.Log(ratio[0]), math.Log(ratio[1])
		aspect := math.Exp(low + (high-low)*rng.Float64())
		w := int(math.RoundToEven(math.Sqrt(target * aspect)))
		h := int(math.RoundToEven(math.Sqrt(target / aspect)))
		if w > 0 && h > 0 && w <= width && h <= height {
			x, y := rng.IntN(width-w+1), rng.IntN(height-h+1)
			return image.Rect(x, y, x+w, y+h)
		}
	}
	w, h := width, height
	switch in := float64(width) / float64(height); {
	case in < ratio[0]:
		h = int(math.RoundToEven(float64(w) / ratio[0]))
	case in > ratio[1]:
		w = int(math.RoundToEven(float64(h) * ratio[1]))
	}
	w, h = max(1, w), max(1, h)
	x, y := (width-w)/2, (height-h)/2
	return image.Rect(x, y, x+w, y+h)
}

// NewRand returns a random generator that is determined by seed and parts alone. Seeded with (seed, epoch, index of the
// image), an augmentation depends neither on the worker that does it nor on the order.
func NewRand(seed uint64, parts ...uint64) *rand.Rand {
	return rand.New(rand.NewPCG(randState(seed, parts)))
}

func randState(seed uint64, parts []uint64) (high, low uint64) {
	h := splitmix64(seed ^ 0x746c6b6974) // so that a seed of 0 is no special case
	for _, p := range parts {
		h = splitmix64(h ^ splitmix64(p+0x9e3779b97f4a7c15))
	}
	return h, splitmix64(h + 0x9e3779b97f4a7c15)
}

// splitmix64 is the output function of the generator of that name (Steele, Lea, Flood 2014): each bit of the result
// depends on all of x.
func splitmix64(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
