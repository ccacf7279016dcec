package zoo

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// mobileNetV2Config is one network of the family.
type mobileNetV2Config struct {
	name string
	// width multiplies the channels, depth the blocks of all stages but the first and the last.
	width, depth float64
	// fixed keeps the channels of the first and the last convolution.
	fixed bool
	// tensorflow pads as TensorFlow does.
	tensorflow bool
}

// mobileNetV2s are the networks of inverted residuals with linear bottlenecks of Sandler et al. 2018 (arXiv 1801.04381,
// table 2): at width 1 the one that torchvision has weights for; tf_mobilenet_v2 and those of other widths are the
// authors' own networks, as transformers has them, and the rest timm's.
func mobileNetV2s() []Spec {
	const paper = "Sandler et al. 2018, MobileNetV2, arXiv 1801.04381, table 2"
	specs := []Spec{torchvision(Spec{Name: "mobilenet_v2", Family: "mobilenet_v2", Paper: paper,
		Build: func() Architecture { return mobileNetV2Config{width: 1, depth: 1}.build(convNorm{}) }})}
	for _, c := range []mobileNetV2Config{
		{"tf_mobilenet_v2", 1, 1, false, true},
		{"tf_mobilenet_v2_035", 0.35, 1, false, true},
		{"tf_mobilenet_v2_050", 0.5, 1, false, true},
		{"tf_mobilenet_v2_075", 0.75, 1, false, true},
		{"tf_mobilenet_v2_140", 1.4, 1, false, true},
		{"mobilenetv2_050", 0.5, 1, false, false},
		{"mobilenetv2_075", 0.75, 1, false, false},
		{"mobilenetv2_110d", 1.1, 1.2, true, false},
		{"mobilenetv2_120d", 1.2, 1.4, true, false},
		{"mobilenetv2_140", 1.4, 1, false, false},
	} {
		s := Spec{Name: c.name, Family: "mobilenet_v2", Paper: paper, InputSize: 224, MinSize: 32}
		if c.tensorflow {
			s.Paper += ", padded as the authors' code"
			s = s.norms(tfEpsilon, func(epsilon float64) Architecture {
				return c.build(convNorm{epsilon: epsilon, momentum: 0.003, tensorflow: true})
			})
		} else {
			s.Build = func() Architecture { return c.build(convNorm{}) }
		}
		specs = append(specs, s)
	}
	return specs
}

// mobileNetV2Row is a row of table 2: expansion, output channels, repetitions, stride of the first.
type mobileNetV2Row struct{ expand, out, blocks, stride int }

// mobileNetV2Rows are the rows, with more blocks in all stages but the first and the last.
func mobileNetV2Rows(depth float64) []mobileNetV2Row {
	rows := []mobileNetV2Row{{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}}
	for i := range rows[1 : len(rows)-1] {
		row := &rows[i+1]
		row.blocks = int(math.Ceil(float64(row.blocks) * depth))
	}
	return rows
}

// build makes the network of convolutions with the padding and the batch norm of conv.
func (c mobileNetV2Config) build(conv convNorm) Architecture {
	wide := func(channels int) int { return multipleOf(8, c.width*float64(channels)) }
	first, last := wide(32), max(1280, wide(1280)) // narrow networks keep the number of features
	if c.fixed {
		first, last = 32, 1280
	}
	active := conv
	active.act = nn.ReLU6
	var stages numberedStages
	stages.add(func(s *nn.Scope, x *Node) *Node { return active.build(s, x, first, 3, 2, 1) })
	for _, row := range mobileNetV2Rows(c.depth) {
		for i := range row.blocks {
			stages.add(func(s *nn.Scope, x *Node) *Node {
				return invertedResidual(conv, s, x, row.expand, wide(row.out), firstStride(i, row.stride))
			})
		}
	}
	stages.add(func(s *nn.Scope, x *Node) *Node { return active.build(s, x, last, 1, 1, 1) })
	return Architecture{Stages: append(stages, poolStage), Head: startedHead("classifier.1", 0.2, nn.Normal(0.01), nn.Constant(0))}
}

// invertedResidual is the block of Sandler et al. 2018, figure 4d; without expansion, its first layer is left out.
func invertedResidual(conv convNorm, s *nn.Scope, x *Node, expand, out, stride int) *Node {
	in, y, next := channels(x), x, parts(s, "conv")
	active := conv
	active.act = nn.ReLU6
	if expand != 1 {
		y = active.build(next(), y, in*expand, 1, 1, 1)
	}
	y = active.build(next(), y, in*expand, 3, stride, in*expand)
	y = conv.under(next(), next(), y, out, 1, 1, 1)
	if stride == 1 && in == out {
		return Add(x, y)
	}
	return y
}
