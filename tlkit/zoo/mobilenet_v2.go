package zoo

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// mobileNetV2s is the network of inverted residuals with linear bottlenecks of Sandler et al. 2018 (arXiv 1801.04381,
// table 2), at width 1, the one that torchvision has weights for; tf_mobilenet_v2 and tf_mobilenet_v2_140, of width
// 1.4, are the authors' own networks, as transformers has them.
func mobileNetV2s() []Spec {
	const paper = "Sandler et al. 2018, MobileNetV2, arXiv 1801.04381, table 2"
	tf := func(name string, width float64) Spec {
		return Spec{
			Name: name, Family: "mobilenet_v2", Paper: paper + ", padded as the authors' code", InputSize: 224, MinSize: 32,
		}.norms(tfEpsilon, func(epsilon float64) Architecture {
			return mobileNetV2(convNorm{epsilon: epsilon, momentum: 0.003, tensorflow: true}, width)
		})
	}
	build := func() Architecture { return mobileNetV2(convNorm{}, 1) }
	return []Spec{
		torchvision(Spec{Name: "mobilenet_v2", Family: "mobilenet_v2", Paper: paper, Build: build}),
		tf("tf_mobilenet_v2", 1), tf("tf_mobilenet_v2_140", 1.4),
	}
}

// mobileNetV2 is made of convolutions with the padding and the batch norm of conv; width multiplies the channels.
func mobileNetV2(conv convNorm, width float64) Architecture {
	wide := func(channels int) int { return multipleOf(8, width*float64(channels)) }
	active := conv
	active.act = nn.ReLU6
	var stages numberedStages
	stages.add(func(s *nn.Scope, x *Node) *Node { return active.build(s, x, wide(32), 3, 2, 1) })
	// Table 2: expansion, output channels, repetitions, stride of the first.
	for _, row := range [][4]int{
		{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
	} {
		for i := range row[2] {
			stages.add(func(s *nn.Scope, x *Node) *Node {
				return invertedResidual(conv, s, x, row[0], wide(row[1]), firstStride(i, row[3]))
			})
		}
	}
	stages.add(func(s *nn.Scope, x *Node) *Node { return active.build(s, x, wide(1280), 1, 1, 1) })
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
