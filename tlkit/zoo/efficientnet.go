package zoo

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

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
	// projected gives fused blocks without expansion a projection, too.
	projected bool
	// edge is EfficientNet-EdgeTPU: ReLU, no squeeze-and-excitation, and a first stage without shortcuts whose middle
	// is wider than its outputs and not than its inputs.
	edge bool
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

// efficientNetV2Stages are the rows of table 4 of Tan and Le 2021, and those of the other sizes of the authors' code
// (github.com/google/automl, efficientnetv2/effnetv2_configs.py), "b" for b0.
var efficientNetV2Stages = map[string][]mbStage{
	"b": {
		{true, 1, 3, 1, 32, 16, 1}, {true, 4, 3, 2, 16, 32, 2}, {true, 4, 3, 2, 32, 48, 2},
		{false, 4, 3, 2, 48, 96, 3}, {false, 6, 3, 1, 96, 112, 5}, {false, 6, 3, 2, 112, 192, 8},
	},
	"s": {
		{true, 1, 3, 1, 24, 24, 2}, {true, 4, 3, 2, 24, 48, 4}, {true, 4, 3, 2, 48, 64, 4},
		{false, 4, 3, 2, 64, 128, 6}, {false, 6, 3, 1, 128, 160, 9}, {false, 6, 3, 2, 160, 256, 15},
	},
	"m": {
		{true, 1, 3, 1, 24, 24, 3}, {true, 4, 3, 2, 24, 48, 5}, {true, 4, 3, 2, 48, 80, 5},
		{false, 4, 3, 2, 80, 160, 7}, {false, 6, 3, 1, 160, 176, 14}, {false, 6, 3, 2, 176, 304, 18}, {false, 6, 3, 1, 304, 512, 5},
	},
	"l": {
		{true, 1, 3, 1, 32, 32, 4}, {true, 4, 3, 2, 32, 64, 7}, {true, 4, 3, 2, 64, 96, 7},
		{false, 4, 3, 2, 96, 192, 10}, {false, 6, 3, 1, 192, 224, 19}, {false, 6, 3, 2, 224, 384, 25}, {false, 6, 3, 1, 384, 640, 7},
	},
	"xl": {
		{true, 1, 3, 1, 32, 32, 4}, {true, 4, 3, 2, 32, 64, 8}, {true, 4, 3, 2, 64, 96, 8},
		{false, 4, 3, 2, 96, 192, 16}, {false, 6, 3, 1, 192, 256, 24}, {false, 6, 3, 2, 256, 512, 32}, {false, 6, 3, 1, 512, 640, 8},
	},
}

// edgeStages are the rows of EfficientNet-EdgeTPU-S (github.com/tensorflow/tpu, efficientnet/edgetpu).
var edgeStages = []mbStage{
	{true, 4, 3, 1, 32, 24, 1}, {true, 8, 3, 2, 24, 32, 2}, {true, 8, 3, 2, 32, 48, 4},
	{false, 8, 5, 2, 48, 96, 5}, {false, 8, 5, 1, 96, 144, 4}, {false, 8, 5, 2, 144, 192, 2},
}

// tfEfficientNet returns one of the authors' own networks, as transformers has them: TensorFlow's padding, epsilon
// 1e-3.
func tfEfficientNet(name string) efficientNetConfig {
	i := int(name[len(name)-1] - '0')
	s := efficientNetScales[i]
	return efficientNetConfig{name: name, stages: scaled(efficientNetStages, s.width, s.depth, multipleOf), dropout: s.dropout,
		epsilon: tfEpsilon, momentum: 0.01, tensorflow: true}
}

// efficientNets are the networks of Tan and Le 2019, EfficientNet (arXiv 1905.11946, table 1; b1 to b7 scale depth and
// width as in section 3.3) and Tan and Le 2021, EfficientNetV2 (arXiv 2104.00298, table 4), with torchvision's choices:
// padding (kernel-1)/2 on every side, batch norm's epsilon and momentum 1e-3 and 0.01 in b5 to b7 and 1e-3 and 0.1 in
// V2, stochastic depth rising to 0.2. After them come the authors' own networks, which pad as TensorFlow does, and
// timm's.
func efficientNets() []Spec {
	var specs []Spec
	for i, scale := range efficientNetScales {
		c := efficientNetConfig{name: fmt.Sprintf("efficientnet_b%d", i), stages: scaled(efficientNetStages, scale.width, scale.depth, multipleOf),
			dropout: scale.dropout, epsilon: 1e-5, momentum: 0.1}
		if i >= 5 {
			c.epsilon, c.momentum = 1e-3, 0.01
		}
		specs = append(specs, torchvision(c.spec(efficientNetPaper, 0)))
		tf := tfEfficientNet("tf_" + c.name)
		specs = append(specs, tf.spec(efficientNetPaper+", padded as the authors' code", scale.size))
	}
	for size, dropout := range map[string]float64{"s": 0.2, "m": 0.3, "l": 0.4} {
		c := efficientNetConfig{name: "efficientnet_v2_" + size, stages: efficientNetV2Stages[size], last: 1280, dropout: dropout, epsilon: 1e-3, momentum: 0.1}
		specs = append(specs, torchvision(c.spec(efficientNetV2Paper, 0)))
	}
	for _, sized := range slices.Concat(tfEfficientNetV2s(), efficientNetV2RWs(), efficientNetEdges()) {
		specs = append(specs, sized.spec(sized.paper, sized.size))
	}
	return specs
}

const (
	efficientNetPaper   = "Tan and Le 2019, EfficientNet, arXiv 1905.11946, table 1 and section 3.3"
	efficientNetV2Paper = "Tan and Le 2021, EfficientNetV2, arXiv 2104.00298, table 4 and section 3.3"
)

// sizedEfficientNet is a network that torchvision lacks, with the size of its images.
type sizedEfficientNet struct {
	efficientNetConfig
	paper string
	size  int
}

// tfEfficientNetV2s are the authors' own networks of the second version. Sizes and rates of dropout are those of their
// code.
func tfEfficientNetV2s() []sizedEfficientNet {
	var all []sizedEfficientNet
	add := func(name string, stages []mbStage, last int, dropout float64, size int) {
		c := efficientNetConfig{name: "tf_efficientnetv2_" + name, stages: stages, last: last, dropout: dropout, epsilon: tfEpsilon, momentum: 0.1, tensorflow: true}
		all = append(all, sizedEfficientNet{c, efficientNetV2Paper + ", padded as the authors' code", size})
	}
	for i, size := range []int{224, 240, 260, 300} {
		s := efficientNetScales[i]
		add(fmt.Sprintf("b%d", i), scaled(efficientNetV2Stages["b"], s.width, s.depth, roundTo), roundTo(8, 1280*s.width), s.dropout, size)
	}
	add("s", efficientNetV2Stages["s"], 1280, 0.2, 384)
	add("m", efficientNetV2Stages["m"], 1280, 0.3, 480)
	add("l", efficientNetV2Stages["l"], 1280, 0.4, 480)
	add("xl", efficientNetV2Stages["xl"], 1280, 0.4, 512)
	return all
}

// efficientNetV2RWs are Wightman's own sizes of the second version, as timm 1.0 has them.
func efficientNetV2RWs() []sizedEfficientNet {
	const paper = efficientNetV2Paper + "; sizes: github.com/huggingface/pytorch-image-models"
	return []sizedEfficientNet{
		{efficientNetConfig{name: "efficientnetv2_rw_t", stages: []mbStage{
			{true, 1, 3, 1, 24, 24, 2}, {true, 4, 3, 2, 24, 40, 4}, {true, 4, 3, 2, 40, 48, 4},
			{false, 4, 3, 2, 48, 104, 6}, {false, 6, 3, 1, 104, 128, 9}, {false, 6, 3, 2, 128, 208, 14},
		}, last: 1024, epsilon: 1e-5, momentum: 0.1}, paper, 288},
		{efficientNetConfig{name: "efficientnetv2_rw_s", stages: []mbStage{
			{true, 1, 3, 1, 24, 24, 2}, {true, 4, 3, 2, 24, 48, 4}, {true, 4, 3, 2, 48, 64, 4},
			{false, 4, 3, 2, 64, 128, 6}, {false, 6, 3, 1, 128, 160, 9}, {false, 6, 3, 2, 160, 272, 15},
		}, last: 1792, epsilon: 1e-5, momentum: 0.1, projected: true}, paper, 384},
		{efficientNetConfig{name: "efficientnetv2_rw_m", stages: []mbStage{
			{true, 1, 3, 1, 32, 32, 3}, {true, 4, 3, 2, 32, 56, 5}, {true, 4, 3, 2, 56, 80, 5},
			{false, 4, 3, 2, 80, 152, 8}, {false, 6, 3, 1, 152, 192, 15}, {false, 6, 3, 2, 192, 328, 24},
		}, last: 2152, epsilon: 1e-5, momentum: 0.1, projected: true}, paper, 416},
	}
}

// efficientNetEdges are EfficientNet-EdgeTPU, small, medium and large, padded on all sides alike and as the authors'
// code.
func efficientNetEdges() []sizedEfficientNet {
	const paper = efficientNetPaper + "; EdgeTPU: github.com/tensorflow/tpu, models/official/efficientnet/edgetpu"
	var all []sizedEfficientNet
	for _, e := range []struct {
		name         string
		width, depth float64
		size         int
	}{{"es", 1, 1, 224}, {"em", 1, 1.1, 240}, {"el", 1.2, 1.4, 300}} {
		c := efficientNetConfig{name: "efficientnet_" + e.name, stages: scaled(edgeStages, e.width, e.depth, multipleOf), last: multipleOf(8, 1280*e.width),
			dropout: 0.2, epsilon: 1e-5, momentum: 0.1, edge: true}
		all = append(all, sizedEfficientNet{c, paper, e.size})
		c.name, c.epsilon, c.tensorflow = "tf_"+c.name, tfEpsilon, true
		all = append(all, sizedEfficientNet{c, paper, e.size})
	}
	return all
}

// spec is the entry of the registry, for images of the given size.
func (c efficientNetConfig) spec(paper string, size int) Spec {
	return Spec{Name: c.name, Family: "efficientnet", Paper: paper, InputSize: size, MinSize: 32}.norms(c.epsilon, c.build)
}

// scaled multiplies the channels and the blocks of each stage (Tan and Le 2019, section 3.3); round brings channels to
// a multiple of a unit.
func scaled(stages []mbStage, width, depth float64, round func(unit int, n float64) int) []mbStage {
	out := make([]mbStage, len(stages))
	for i, s := range stages {
		s.in, s.out = round(8, float64(s.in)*width), round(8, float64(s.out)*width)
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
	for i, st := range c.stages {
		first := before
		before += st.blocks
		stages.add(func(s *nn.Scope, x *Node) *Node {
			for j := range st.blocks {
				block := st
				if j > 0 {
					block.in, block.stride = st.out, 1
				}
				drop := 0.2 * float64(first+j) / float64(total) // over all blocks, as torchvision
				x = c.block(s.In(fmt.Sprint(j)), x, block, c.edge && i == 0, drop)
			}
			return x
		})
	}
	last := cmp.Or(c.last, 4*c.stages[len(c.stages)-1].out)
	stages.add(func(s *nn.Scope, x *Node) *Node { return c.active().build(s, x, last, 1, 1, 1) })
	return Architecture{Stages: append(stages, poolStage), Head: startedHead("classifier.1", c.dropout, uniformByOutputs, nn.Constant(0))}
}

// active is a convolution with its batch norm and activation; linear the same without the activation.
func (c efficientNetConfig) active() convNorm {
	conv := c.linear()
	conv.act = nn.SiLU
	if c.edge {
		conv.act = nn.ReLU
	}
	return conv
}

func (c efficientNetConfig) linear() convNorm {
	return convNorm{epsilon: c.epsilon, momentum: c.momentum, tensorflow: c.tensorflow}
}

// block is an inverted bottleneck with squeeze-and-excitation (MBConv: Tan and Le 2019, section 4), or its fused form;
// drop is its rate of stochastic depth. A block without expansion has no expanding convolution; a fused block without
// expansion has no projection. An edge block, of the first stage of EdgeTPU, has a middle that is a multiple of its
// outputs, and no shortcut.
func (c efficientNetConfig) block(s *nn.Scope, x *Node, st mbStage, edge bool, drop float64) *Node {
	expanded, next := multipleOf(8, float64(st.in*st.expand)), parts(s, "block")
	if edge {
		expanded = multipleOf(8, float64(st.out*st.expand))
	}
	y, last := x, next()
	switch {
	case st.fused && expanded == st.in && !c.projected:
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
		last = next()
		if !c.edge {
			y = nn.SqueezeExcite(last, y, max(1, st.in/4)).Activation(nn.SiLU).Init(nn.KaimingNormalFanOut, nn.Constant(0)).Done()
			last = next()
		}
		y = c.linear().build(last, y, st.out, 1, 1, 1)
	}
	if edge || st.stride != 1 || st.in != st.out {
		return y
	}
	return Add(x, nn.StochasticDepth(last.In("1"), y, drop))
}
