package zoo

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// mobileNetV3Row is one bottleneck of table 1 or 2 of Howard et al. 2019.
type mobileNetV3Row struct {
	kernel, expanded, out int
	// squeeze adds squeeze-and-excitation; hard uses hard swish in place of ReLU.
	squeeze, hard bool
	stride        int
}

// mobileNetV3Config is one network of the family.
type mobileNetV3Config struct {
	name string
	rows []mobileNetV3Row
	// last is the width of the layer before the output.
	last int
	// stages are the numbers of blocks in timm's stages, for its keys.
	stages []int
}

// mobileNetV3Configs are tables 1 and 2 of Howard et al. 2019.
var mobileNetV3Configs = []mobileNetV3Config{
	{"mobilenet_v3_large", []mobileNetV3Row{
		{3, 16, 16, false, false, 1},
		{3, 64, 24, false, false, 2},
		{3, 72, 24, false, false, 1},
		{5, 72, 40, true, false, 2},
		{5, 120, 40, true, false, 1},
		{5, 120, 40, true, false, 1},
		{3, 240, 80, false, true, 2},
		{3, 200, 80, false, true, 1},
		{3, 184, 80, false, true, 1},
		{3, 184, 80, false, true, 1},
		{3, 480, 112, true, true, 1},
		{3, 672, 112, true, true, 1},
		{5, 672, 160, true, true, 2},
		{5, 960, 160, true, true, 1},
		{5, 960, 160, true, true, 1},
	}, 1280, []int{1, 2, 3, 4, 2, 3}},
	{"mobilenet_v3_small", []mobileNetV3Row{
		{3, 16, 16, true, false, 2},
		{3, 72, 24, false, false, 2},
		{3, 88, 24, false, false, 1},
		{5, 96, 40, true, true, 2},
		{5, 240, 40, true, true, 1},
		{5, 240, 40, true, true, 1},
		{5, 120, 48, true, true, 1},
		{5, 144, 48, true, true, 1},
		{5, 288, 96, true, true, 2},
		{5, 576, 96, true, true, 1},
		{5, 576, 96, true, true, 1},
	}, 1024, []int{1, 2, 3, 2, 3}},
}

// mobileNetV3s are the networks of Howard et al. 2019 (arXiv 1905.02244, tables 1 and 2), with torchvision's batch
// norm (epsilon 1e-3, momentum 0.01).
func mobileNetV3s() []Spec {
	var specs []Spec
	for _, c := range mobileNetV3Configs {
		specs = append(specs, torchvision(Spec{
			Name: c.name, Family: "mobilenet_v3",
			Paper: "Howard et al. 2019, Searching for MobileNetV3, arXiv 1905.02244, tables 1 and 2",
		}.norms(1e-3, c.build)))
	}
	return specs
}

func (c mobileNetV3Config) build(epsilon float64) Architecture {
	var stages numberedStages
	conv := mobileNetV3Conv(epsilon)
	stages.add(func(s *nn.Scope, x *Node) *Node { return conv(nn.HardSwish).build(s, x, 16, 3, 2, 1) })
	for _, row := range c.rows {
		stages.add(func(s *nn.Scope, x *Node) *Node { return row.block(conv, s, x) })
	}
	stages.add(func(s *nn.Scope, x *Node) *Node {
		return conv(nn.HardSwish).build(s, x, 6*channels(x), 1, 1, 1)
	})
	stages = append(stages, poolStage, Stage{"classifier.0", func(s *nn.Scope, x *Node) *Node {
		return nn.HardSwish(nn.LinearWith(s.In("classifier.0"), x, c.last, nn.Normal(0.01), nn.Constant(0)))
	}})
	return Architecture{Stages: stages, Head: startedHead("classifier.3", 0.2, nn.Normal(0.01), nn.Constant(0))}
}

// mobileNetV3Conv is the family's convolution with its batch norm, for an activation; nil for none.
func mobileNetV3Conv(epsilon float64) func(act func(*Node) *Node) convNorm {
	return func(act func(*Node) *Node) convNorm { return convNorm{epsilon: epsilon, momentum: 0.01, act: act} }
}

// block is the bottleneck of figure 4 of Howard et al. 2019.
func (row mobileNetV3Row) block(conv func(act func(*Node) *Node) convNorm, s *nn.Scope, x *Node) *Node {
	act := nn.ReLU
	if row.hard {
		act = nn.HardSwish
	}
	in, y, next := channels(x), x, parts(s, "block")
	if row.expanded != in {
		y = conv(act).build(next(), y, row.expanded, 1, 1, 1)
	}
	y = conv(act).build(next(), y, row.expanded, row.kernel, row.stride, row.expanded)
	if row.squeeze {
		y = nn.SqueezeExcite(next(), y, multipleOf(8, float64(row.expanded/4))).
			Gate(nn.HardSigmoid).Init(nn.KaimingNormalFanOut, nn.Constant(0)).Done()
	}
	y = conv(nil).build(next(), y, row.out, 1, 1, 1)
	if row.stride == 1 && in == row.out {
		return Add(x, y)
	}
	return y
}
