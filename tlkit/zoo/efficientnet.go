package zoo

import (
	"fmt"
	"math"
	"math/rand/v2"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// mbStage is one row of table 1 of Tan and Le 2019, or of table 4 of Tan and Le 2021.
type mbStage struct {
	// fused: the expansion and the depthwise convolution are one plain convolution (Tan and Le 2021, figure 2).
	fused bool
	// expand is the factor from a block's input channels to those of its middle.
	expand, kernel, stride, in, out, blocks int
}

// efficientNetConfig is one network of the family.
type efficientNetConfig struct {
	name   string
	stages []mbStage
	// last is the number of features; 0 means four times the channels of the last stage.
	last              int
	dropout           float64
	epsilon, momentum float64
	// tensorflow pads as TensorFlow does.
	tensorflow bool
}

// efficientNetScales are b0 to b7: the factors of width and depth, the rate of dropout, and the size of the images that
// the authors' weights are for (github.com/tensorflow/tpu, efficientnet_builder.py).
var efficientNetScales = []struct {
	width, depth, dropout float64
	size                  int
}{
	{1.0, 1.0, 0.2, 224}, {1.0, 1.1, 0.2, 240}, {1.1, 1.2, 0.3, 260}, {1.2, 1.4, 0.3, 300},
	{1.4, 1.8, 0.4, 380}, {1.6, 2.2, 0.4, 456}, {1.8, 2.6, 0.5, 528}, {2.0, 3.1, 0.5, 600},
}

// efficientNetStages are the rows of table 1 of Tan and Le 2019.
var efficientNetStages = []mbStage{
	{false, 1, 3, 1, 32, 16, 1}, {false, 6, 3, 2, 16, 24, 2}, {false, 6, 5, 2, 24, 40, 2}, {false, 6, 3, 2, 40, 80, 3},
	{false, 6, 5, 1, 80, 112, 3}, {false, 6, 5, 2, 112, 192, 4}, {false, 6, 3, 1, 192, 320, 1},
}

// tfEfficientNet returns one of the authors' own networks, as transformers has them: TensorFlow's padding, epsilon
// 1e-3.
func tfEfficientNet(name string) efficientNetConfig {
	i := int(name[len(name)-1] - '0')
	s := efficientNetScales[i]
	return efficientNetConfig{name: name, stages: scaled(efficientNetStages, s.width, s.depth), dropout: s.dropout,
		epsilon: tfEpsilon, momentum: 0.01, tensorflow: true}
}

// efficientNets are the networks of Tan and Le 2019, EfficientNet (arXiv 1905.11946, table 1; b1 to b7 scale depth and
// width as in section 3.3) and Tan and Le 2021, EfficientNetV2 (arXiv 2104.00298, table 4), with torchvision's choices:
// padding (kernel-1)/2 on every side, batch norm's epsilon and momentum 1e-3 and 0.01 in b5 to b7 and 1e-3 and 0.1 in
// V2, stochastic depth rising to 0.2.
func efficientNets() []Spec {
	var configs []efficientNetConfig
	for i, scale := range efficientNetScales {
		c := efficientNetConfig{name: fmt.Sprintf("efficientnet_b%d", i), stages: scaled(efficientNetStages, scale.width, scale.depth),
			dropout: scale.dropout, epsilon: 1e-5, momentum: 0.1}
		if i >= 5 {
			c.epsilon, c.momentum = 1e-3, 0.01
		}
		configs = append(configs, c)
	}
	configs = append(configs, []efficientNetConfig{
		{"efficientnet_v2_s", []mbStage{
			{true, 1, 3, 1, 24, 24, 2}, {true, 4, 3, 2, 24, 48, 4}, {true, 4, 3, 2, 48, 64, 4},
			{false, 4, 3, 2, 64, 128, 6}, {false, 6, 3, 1, 128, 160, 9}, {false, 6, 3, 2, 160, 256, 15},
		}, 1280, 0.2, 1e-3, 0.1, false},
		{"efficientnet_v2_m", []mbStage{
			{true, 1, 3, 1, 24, 24, 3}, {true, 4, 3, 2, 24, 48, 5}, {true, 4, 3, 2, 48, 80, 5},
			{false, 4, 3, 2, 80, 160, 7}, {false, 6, 3, 1, 160, 176, 14}, {false, 6, 3, 2, 176, 304, 18}, {false, 6, 3, 1, 304, 512, 5},
		}, 1280, 0.3, 1e-3, 0.1, false},
		{"efficientnet_v2_l", []mbStage{
			{true, 1, 3, 1, 32, 32, 4}, {true, 4, 3, 2, 32, 64, 7}, {true, 4, 3, 2, 64, 96, 7},
			{false, 4, 3, 2, 96, 192, 10}, {false, 6, 3, 1, 192, 224, 19}, {false, 6, 3, 2, 224, 384, 25}, {false, 6, 3, 1, 384, 640, 7},
		}, 1280, 0.4, 1e-3, 0.1, false},
	}...)
	var specs []Spec
	for i, c := range configs {
		paper := "Tan and Le 2019, EfficientNet, arXiv 1905.11946, table 1 and section 3.3"
		if i >= 8 {
			paper = "Tan and Le 2021, EfficientNetV2, arXiv 2104.00298, table 4 and section 3.3"
		}
		specs = append(specs, torchvision(Spec{
			Name: c.name, Family: "efficientnet", Paper: paper,
		}.norms(c.epsilon, c.build)))
	}
	for i, scale := range efficientNetScales {
		name := fmt.Sprintf("tf_efficientnet_b%d", i)
		specs = append(specs, Spec{
			Name: name, Family: "efficientnet", Paper: "Tan and Le 2019, EfficientNet, arXiv 1905.11946, table 1, padded as the authors' code",
			InputSize: scale.size, MinSize: 32,
		}.norms(tfEpsilon, tfEfficientNet(name).build))
	}
	return specs
}

// scaled multiplies the channels and the blocks of each stage (Tan and Le 2019, section 3.3).
func scaled(stages []mbStage, width, depth float64) []mbStage {
	out := make([]mbStage, len(stages))
	for i, s := range stages {
		s.in, s.out = multipleOf(8, float64(s.in)*width), multipleOf(8, float64(s.out)*width)
		s.blocks = int(math.Ceil(float64(s.blocks) * depth))
		out[i] = s
	}
	return out
}

// uniformByOutputs draws uniformly from ±1/sqrt(outputs): the start values of this family's output layer.
func uniformByOutputs(rng *rand.Rand, shape []int, values []float32) {
	nn.UniformWithin(1/math.Sqrt(float64(shape[0])))(rng, shape, values)
}

func (c efficientNetConfig) build(epsilon float64) Architecture {
	c.epsilon = epsilon
	total := 0
	for _, st := range c.stages {
		total += st.blocks
	}
	var stages numberedStages
	stages.add(func(s *nn.Scope, x *Node) *Node { return c.active().build(s, x, c.stages[0].in, 3, 2, 1) })
	before := 0
	for _, st := range c.stages {
		first := before
		before += st.blocks
		stages.add(func(s *nn.Scope, x *Node) *Node {
			for j := range st.blocks {
				block := st
				if j > 0 {
					block.in, block.stride = st.out, 1
				}
				drop := 0.2 * float64(first+j) / float64(total) // over all blocks, as torchvision
				x = c.block(s.In(fmt.Sprint(j)), x, block, drop)
			}
			return x
		})
	}
	last := c.last
	if last == 0 {
		last = 4 * c.stages[len(c.stages)-1].out
	}
	stages.add(func(s *nn.Scope, x *Node) *Node { return c.active().build(s, x, last, 1, 1, 1) })
	return Architecture{Stages: append(stages, poolStage), Head: startedHead("classifier.1", c.dropout, uniformByOutputs, nn.Constant(0))}
}

// active is a convolution with its batch norm and SiLU; linear the same without the activation.
func (c efficientNetConfig) active() convNorm {
	return convNorm{epsilon: c.epsilon, momentum: c.momentum, tensorflow: c.tensorflow, act: nn.SiLU}
}

func (c efficientNetConfig) linear() convNorm {
	return convNorm{epsilon: c.epsilon, momentum: c.momentum, tensorflow: c.tensorflow}
}

// block is an inverted bottleneck with squeeze-and-excitation (MBConv: Tan and Le 2019, section 4), or its fused form;
// drop is its rate of stochastic depth. A block without expansion has no expanding convolution; a fused block without
// expansion has no projection.
func (c efficientNetConfig) block(s *nn.Scope, x *Node, st mbStage, drop float64) *Node {
	expanded, next := multipleOf(8, float64(st.in*st.expand)), parts(s, "block")
	y, last := x, next()
	switch {
	case st.fused && expanded == st.in:
		y = c.active().build(last, y, st.out, st.kernel, st.stride, 1)
	case st.fused:
		y = c.active().build(last, y, expanded, st.kernel, st.stride, 1)
		last = next()
		y = c.linear().build(last, y, st.out, 1, 1, 1)
	default:
		if expanded != st.in {
			y = c.active().build(last, y, expanded, 1, 1, 1)
			last = next()
		}
		y = c.active().build(last, y, expanded, st.kernel, st.stride, expanded)
		y = nn.SqueezeExcite(next(), y, max(1, st.in/4)).Activation(nn.SiLU).Init(nn.KaimingNormalFanOut, nn.Constant(0)).Done()
		last = next()
		y = c.linear().build(last, y, st.out, 1, 1, 1)
	}
	if st.stride != 1 || st.in != st.out {
		return y
	}
	return Add(x, nn.StochasticDepth(last.In("1"), y, drop))
}
