package zoo

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// tfMobileNetV1Widths are the published widths of the authors' networks (Howard et al. 2017, section 3.3).
var tfMobileNetV1Widths = []struct {
	name  string
	width float64
}{{"tf_mobilenet_v1", 1}, {"tf_mobilenet_v1_075", 0.75}, {"tf_mobilenet_v1_05", 0.5}, {"tf_mobilenet_v1_025", 0.25}}

// tfMobileNetV1s are the networks of depthwise separable convolutions of Howard et al. 2017 as the authors' code and
// transformers have them: ReLU6, and padding as TensorFlow's.
func tfMobileNetV1s() []Spec {
	var specs []Spec
	for _, w := range tfMobileNetV1Widths {
		specs = append(specs, Spec{
			Name: w.name, Family: "mobilenet_v1",
			Paper:     "Howard et al. 2017, MobileNets, arXiv 1704.04861, table 1 and section 3.3, padded as the authors' code",
			InputSize: 224, MinSize: 32,
		}.norms(tfEpsilon, func(epsilon float64) Architecture { return tfMobileNetV1(w.width, epsilon) }))
	}
	return specs
}

// tfMobileNetV1 is table 1 of Howard et al. 2017, at a width.
func tfMobileNetV1(width, epsilon float64) Architecture {
	scaled := func(c int) int { return max(int(float64(c)*width), 8) }
	conv := convNorm{epsilon: epsilon, momentum: 0.0003, act: nn.ReLU6, tensorflow: true}
	var stages numberedStages
	stages.add(func(s *nn.Scope, x *Node) *Node { return conv.build(s, x, scaled(32), 3, 2, 1) })
	// Output channels at width 1 and stride of each separable block.
	for _, b := range [][2]int{
		{64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}, {512, 2}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1},
	} {
		stages.add(func(s *nn.Scope, x *Node) *Node { return conv.build(s, x, channels(x), 3, b[1], channels(x)) })
		stages.add(func(s *nn.Scope, x *Node) *Node { return conv.build(s, x, scaled(b[0]), 1, 1, 1) })
	}
	return Architecture{Stages: append(stages, poolStage), Head: startedHead("classifier", 0.001, nn.Normal(0.01), nn.Constant(0))}
}
