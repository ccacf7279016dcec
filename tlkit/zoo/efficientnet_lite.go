package zoo

import (
	"fmt"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// efficientNetLiteConfig is one network of the family: how much wider and deeper it is than lite0, and the size of its
// images.
type efficientNetLiteConfig struct {
	name         string
	width, depth float64
	size         int
	dropout      float64
	// conv has the padding and the batch norm.
	conv convNorm
}

// efficientNetLiteConfigs are the five sizes, padded as TensorFlow does, with its batch norm: epsilon 1e-3 and momentum
// 0.99, which is 0.01 in PyTorch's terms.
var efficientNetLiteConfigs = []efficientNetLiteConfig{
	{"efficientnet_lite0", 1.0, 1.0, 224, 0.2, liteConv},
	{"efficientnet_lite1", 1.0, 1.1, 240, 0.2, liteConv},
	{"efficientnet_lite2", 1.1, 1.2, 260, 0.3, liteConv},
	{"efficientnet_lite3", 1.2, 1.4, 280, 0.3, liteConv},
	{"efficientnet_lite4", 1.4, 1.8, 300, 0.3, liteConv},
}

var liteConv = convNorm{epsilon: tfEpsilon, momentum: 0.01, tensorflow: true}

// efficientNetLites are EfficientNet (Tan and Le 2019, arXiv 1905.11946, table 1) without squeeze-and-excitation, with
// ReLU6, and with a stem, a first stage and a last convolution that are not scaled, as in efficientnet/lite of
// Google's TPU repository. They pad as TensorFlow does: more on the right and below. The keys are those of the Python
// package efficientnet-lite-pytorch, whose weights were converted from that repository. timm_efficientnet_lite0 to
// lite4 are timm's own: they pad on all sides alike, and add 1e-5 to the variance.
func efficientNetLites() []Spec {
	configs := slices.Clone(efficientNetLiteConfigs)
	for _, c := range efficientNetLiteConfigs {
		c.name, c.conv = "timm_"+c.name, convNorm{}
		configs = append(configs, c)
	}
	files := map[string]struct {
		file   string
		params int
		top1   float64
	}{
		"efficientnet_lite0": {"efficientnet-lite0-57934424.pth", 4652008, 75.1},
		"efficientnet_lite1": {"efficientnet-lite1-77cc7160.pth", 5416680, 76.7},
		"efficientnet_lite2": {"efficientnet-lite2-9656183e.pth", 6092072, 77.6},
	}
	var specs []Spec
	for _, c := range configs {
		s := Spec{
			Name: c.name, Family: "efficientnet_lite",
			Paper:     "Tan and Le 2019, EfficientNet, arXiv 1905.11946, table 1; lite: github.com/tensorflow/tpu, models/official/efficientnet/lite",
			InputSize: c.size, MinSize: 32,
			Build: func() Architecture { return c.build() },
		}
		if f, ok := files[c.name]; ok {
			s.Weights = []WeightSet{{
				Name: "IMAGENET1K_V1", Default: true, File: f.file, Params: f.params, Top1: f.top1, Licence: "Apache-2.0",
				Source: fmt.Sprintf("Python package efficientnet-lite%c-pytorch-model 0.1.0, converted from Google's TPU repository; accuracy as stated there",
					c.name[len(c.name)-1]),
				Preprocess: vision.Preprocess{Resize: c.size + 32, Crop: c.size, Interpolation: vision.Bicubic,
					Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5}},
				Classes: ImageNetClasses(),
			}}
		}
		specs = append(specs, s)
	}
	return specs
}

// stages are the rows of EfficientNet's table 1. Width scales all channels but the stem's; depth scales all rows but
// the first and the last.
func (c efficientNetLiteConfig) stages() []mbStage {
	rows := []mbStage{
		{false, 1, 3, 1, 32, 16, 1}, {false, 6, 3, 2, 16, 24, 2}, {false, 6, 5, 2, 24, 40, 2}, {false, 6, 3, 2, 40, 80, 3},
		{false, 6, 5, 1, 80, 112, 3}, {false, 6, 5, 2, 112, 192, 4}, {false, 6, 3, 1, 192, 320, 1},
	}
	for i := range rows {
		r := &rows[i]
		r.out = multipleOf(8, float64(r.out)*c.width)
		if i > 0 {
			r.in = rows[i-1].out
		}
		if i > 0 && i < len(rows)-1 {
			r.blocks = int(math.Ceil(float64(r.blocks) * c.depth))
		}
	}
	return rows
}

func (c efficientNetLiteConfig) build() Architecture {
	rows := c.stages()
	total := 0
	for _, r := range rows {
		total += r.blocks
	}
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		return c.active().under(s.In("_conv_stem"), s.In("_bn0"), x, 32, 3, 2, 1)
	}}}
	first := 0
	for i, r := range rows {
		begin := first
		first += r.blocks
		stages = append(stages, Stage{fmt.Sprintf("stage%d", i+1), func(s *nn.Scope, x *Node) *Node {
			for j := range r.blocks {
				block := r
				if j > 0 {
					block.in, block.stride = r.out, 1
				}
				index := begin + j
				x = c.block(s.In(fmt.Sprintf("_blocks.%d", index)), x, block, 0.2*float64(index)/float64(total))
			}
			return x
		}})
	}
	stages = append(stages, Stage{"top", func(s *nn.Scope, x *Node) *Node {
		return c.active().under(s.In("_conv_head"), s.In("_bn1"), x, 1280, 1, 1, 1)
	}}, poolStage)
	return Architecture{Stages: stages, Head: Head{Key: "_fc", Forward: func(s *nn.Scope, x *Node, classes int) *Node {
		return nn.LinearWith(s, nn.Dropout(s, x, c.dropout), classes, uniformByOutputs, nn.Constant(0))
	}}}
}

// active is the convolution with ReLU6 behind it.
func (c efficientNetLiteConfig) active() convNorm {
	conv := c.conv
	conv.act = nn.ReLU6
	return conv
}

// block is an inverted bottleneck (MBConv: Tan and Le 2019, section 4) without squeeze-and-excitation; drop is its rate
// of stochastic depth.
func (c efficientNetLiteConfig) block(s *nn.Scope, x *Node, st mbStage, drop float64) *Node {
	y, middle := x, st.in*st.expand
	if st.expand != 1 {
		y = c.active().under(s.In("_expand_conv"), s.In("_bn0"), y, middle, 1, 1, 1)
	}
	y = c.active().under(s.In("_depthwise_conv"), s.In("_bn1"), y, middle, st.kernel, st.stride, middle)
	y = c.conv.under(s.In("_project_conv"), s.In("_bn2"), y, st.out, 1, 1, 1)
	if st.stride != 1 || st.in != st.out {
		return y
	}
	return Add(x, nn.StochasticDepth(s.In("_bn2"), y, drop))
}
