package zoo

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// inceptionNorm is the normalisation that the published Inception weights were trained with, (x - 0.5)/0.5. torchvision
// needs two steps: the transform normalises as for all its models, and the model then converts the result
// (transform_input, set when published weights are loaded). Here it is one step, and the network is the same for all
// weights.
func inceptionNorm(p vision.Preprocess) vision.Preprocess {
	p.Mean, p.Std = [3]float32{0.5, 0.5, 0.5}, [3]float32{0.5, 0.5, 0.5}
	return p
}

// inceptionLinear is a linear layer of the Inception networks, its weights from a normal distribution.
func inceptionLinear(s *nn.Scope, x *Node, out int, std float64) *Node {
	in := x.Shape().Dimensions[1]
	return nn.LinearWith(s, x, out, nn.Normal(std), nn.UniformWithin(1/math.Sqrt(float64(in))))
}

// inceptionConv is the convolution of the Inception networks: without bias, with batch norm (epsilon 1e-3) and ReLU,
// starting from a normal distribution (torchvision truncates it so far out that no values are cut).
func inceptionConv(s *nn.Scope, x *Node, out int, kernel [2]int, stride int, pad [2]int, std float64) *Node {
	x = nn.Conv2D(s.In("conv"), x, out, 1).Kernel(kernel[0], kernel[1]).Stride(stride).PadPerAxis(pad[0], pad[1]).
		Init(nn.Normal(std)).Done()
	return nn.ReLU(nn.BatchNorm(s.In("bn"), x).Epsilon(1e-3).Done())
}
