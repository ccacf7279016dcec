package train

import (
	"math"
	"math/rand/v2"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// mixture is how the images of a batch are mixed, each with the one before it in the batch (as torchvision's MixUp and
// CutMix do). mask [height x width] has the weight of the image itself at each pixel, share is the weight of its label.
type mixture struct {
	mask  []float32
	share float64
	size  int // height and width in pixels
}

// mixes reports whether the recipe mixes images.
func (r Recipe) mixes() bool { return r.Mixup > 0 || r.CutMix > 0 }

// same reports whether the training images are the same in every epoch, so that outputs for them may be computed once.
func (r Recipe) same() bool { return r.Augment.IsZero() && !r.mixes() }

// mixture draws the mixture of a step, from the seed and the step alone, so that a resumed run mixes as an
// uninterrupted one. If the recipe has both Mixup and CutMix, each batch gets one of them at random.
func (r Recipe) mixture(step, size int) mixture {
	rng := vision.NewRand(r.Seed, uint64(step), 0x6d69786564)
	cut := r.CutMix > 0
	if cut && r.Mixup > 0 {
		cut = rng.IntN(2) == 1
	}
	if cut {
		return cutMix(rng, r.CutMix, size)
	}
	share := beta(rng, r.Mixup)
	m := mixture{mask: make([]float32, size*size), share: share, size: size}
	for i := range m.mask {
		m.mask[i] = float32(share)
	}
	return m
}

// cutMix draws a box whose share of the area is 1 - share, cut off at the image's edges.
func cutMix(rng *rand.Rand, alpha float64, size int) mixture {
	half := int(0.5 * math.Sqrt(1-beta(rng, alpha)) * float64(size))
	x, y := rng.IntN(size), rng.IntN(size)
	x1, x2, y1, y2 := max(0, x-half), min(size, x+half), max(0, y-half), min(size, y+half)
	m := mixture{mask: make([]float32, size*size), size: size}
	for i := range m.mask {
		if px, py := i%size, i/size; px < x1 || px >= x2 || py < y1 || py >= y2 {
			m.mask[i] = 1
		}
	}
	m.share = 1 - float64((x2-x1)*(y2-y1))/float64(size*size)
	return m
}

// beta draws from the symmetric beta distribution.
func beta(rng *rand.Rand, alpha float64) float64 {
	return distuv.Beta{Alpha: alpha, Beta: alpha, Src: rng}.Rand()
}

// tensor returns the mask as [1, height, width, 1], nil where images are not mixed.
func (m mixture) tensor() *tensors.Tensor {
	if m.mask == nil {
		return nil
	}
	return tensors.FromFlatDataAndDimensions(m.mask, 1, m.size, m.size, 1)
}

// mix returns a batch [batch, ...] whose row i is share*row i + (1-share)*row i-1. share is a scalar, or has the
// batch's rank with axes of length 1.
func mix(x, share *Node) *Node {
	return Add(Mul(x, share), Mul(nn.Roll(x, 0, 1), OneMinus(share)))
}
