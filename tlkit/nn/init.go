package nn

import (
	"math"
	"math/rand/v2"
)

// Constant returns an initialiser that sets every value to c.
func Constant(c float32) Init {
	return func(_ *rand.Rand, _ []int, values []float32) {
		for i := range values {
			values[i] = c
		}
	}
}

// KaimingNormalFanOut draws from a normal distribution of standard deviation sqrt(2/fanOut), as torchvision's residual
// networks do for convolutions (He et al. 2015, arXiv 1502.01852, section 2.2).
func KaimingNormalFanOut(rng *rand.Rand, shape []int, values []float32) {
	_, out := fans(shape)
	normal(rng, math.Sqrt(2/float64(out)), values)
}

// KaimingNormalFanIn is the same with fanIn, as in the CIFAR ResNets (He et al. 2015, arXiv 1512.03385, 4.2).
func KaimingNormalFanIn(rng *rand.Rand, shape []int, values []float32) {
	in, _ := fans(shape)
	normal(rng, math.Sqrt(2/float64(in)), values)
}

// KaimingUniformFanIn draws uniformly from ±sqrt(6/fanIn), PyTorch's kaiming_uniform_ for rectifiers (He et al. 2015,
// arXiv 1502.01852, section 2.2).
func KaimingUniformFanIn(rng *rand.Rand, shape []int, values []float32) {
	in, _ := fans(shape)
	uniform(rng, math.Sqrt(6/float64(in)), values)
}

// FanInUniform draws uniformly from ±1/sqrt(fanIn): PyTorch's default for nn.Conv2d and for nn.Linear's weight
// (kaiming_uniform_ with a = sqrt(5), which has this bound).
func FanInUniform(rng *rand.Rand, shape []int, values []float32) {
	in, _ := fans(shape)
	uniform(rng, 1/math.Sqrt(float64(in)), values)
}

// UniformWithin returns an initialiser that draws uniformly from ±bound; PyTorch's default bias of a layer is
// UniformWithin(1/sqrt(fanIn)) with the fan of the layer's weight.
func UniformWithin(bound float64) Init {
	return func(rng *rand.Rand, _ []int, values []float32) { uniform(rng, bound, values) }
}

// Normal returns an initialiser that draws from a normal distribution of mean 0.
func Normal(std float64) Init {
	return func(rng *rand.Rand, _ []int, values []float32) { normal(rng, std, values) }
}

func fans(shape []int) (in, out int) {
	if len(shape) < 2 {
		return shape[0], shape[0]
	}
	field := 1
	for _, d := range shape[2:] {
		field *= d
	}
	return shape[1] * field, shape[0] * field
}

func normal(rng *rand.Rand, std float64, values []float32) {
	for i := range values {
		values[i] = float32(std * rng.NormFloat64())
	}
}

func uniform(rng *rand.Rand, bound float64, values []float32) {
	for i := range values {
		values[i] = float32(bound * (2*rng.Float64() - 1))
	}
}
