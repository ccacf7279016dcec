package zoo

import (
	"slices"

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
	// first is the number of channels of the first convolution, last the width of the layer before the output.
	first, last int
	// stages are the numbers of blocks in timm's stages, for its keys.
	stages  []int
	epsilon float64
	// tensorflow pads as TensorFlow does.
	tensorflow bool
	// minimal has ReLU in place of hard swish.
	minimal bool
}

// mobileNetV3Large and mobileNetV3Small are tables 1 and 2 of Howard et al. 2019, with torchvision's epsilon.
var (
	mobileNetV3Large = mobileNetV3Config{name: "mobilenet_v3_large", rows: []mobileNetV3Row{
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
	}, first: 16, last: 1280, stages: []int{1, 2, 3, 4, 2, 3}, epsilon: 1e-3}
	mobileNetV3Small = mobileNetV3Config{name: "mobilenet_v3_small", rows: []mobileNetV3Row{
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
	}, first: 16, last: 1024, stages: []int{1, 2, 3, 2, 3}, epsilon: 1e-3}
)

// wide multiplies the channels by width; the first convolution keeps at least 16 and the last layer all.
func (c mobileNetV3Config) wide(name string, width float64) mobileNetV3Config {
	rows, before, in := slices.Clone(c.rows), c.first, max(16, multipleOf(8, width*float64(c.first)))
	c.name, c.first = name, in
	for i := range rows {
		row := &rows[i]
		expansion := float64(row.expanded) / float64(before)
		before = row.out
		row.expanded, row.out = multipleOf(8, expansion*float64(in)), multipleOf(8, width*float64(row.out))
		in = row.out
	}
	c.rows = rows
	return c
}

// ofTimm is timm's network, which adds 1e-5 to the variance.
func (c mobileNetV3Config) ofTimm() mobileNetV3Config {
	c.epsilon = 1e-5
	return c
}

// ofAuthors is the network padded as TensorFlow does.
func (c mobileNetV3Config) ofAuthors() mobileNetV3Config {
	c.epsilon, c.tensorflow = tfEpsilon, true
	return c
}

// plain is the authors' "minimalistic" network: kernels of 3x3, ReLU, and no squeeze-and-excitation.
func (c mobileNetV3Config) plain(name string) mobileNetV3Config {
	c.name, c.minimal, c.rows = name, true, slices.Clone(c.rows)
	for i := range c.rows {
		c.rows[i].kernel, c.rows[i].squeeze, c.rows[i].hard = 3, false, false
	}
	return c
}

// mobileNetV3Configs are torchvision's networks, timm's, and the authors' own (github.com/tensorflow/models,
// research/slim/nets/mobilenet) under timm's names.
var mobileNetV3Configs = []mobileNetV3Config{
	mobileNetV3Large, mobileNetV3Small,
	mobileNetV3Large.wide("mobilenetv3_large_075", 0.75).ofTimm(),
	mobileNetV3Small.wide("mobilenetv3_small_050", 0.5).ofTimm(),
	mobileNetV3Small.wide("mobilenetv3_small_075", 0.75).ofTimm(),
	mobileNetV3Large.wide("tf_mobilenetv3_large_075", 0.75).ofAuthors(),
	mobileNetV3Large.wide("tf_mobilenetv3_large_100", 1).ofAuthors(),
	mobileNetV3Large.plain("tf_mobilenetv3_large_minimal_100").ofAuthors(),
	mobileNetV3Small.wide("tf_mobilenetv3_small_075", 0.75).ofAuthors(),
	mobileNetV3Small.wide("tf_mobilenetv3_small_100", 1).ofAuthors(),
	mobileNetV3Small.plain("tf_mobilenetv3_small_minimal_100").ofAuthors(),
}

// mobileNetV3Named finds a network of the family.
func mobileNetV3Named(name string) mobileNetV3Config {
	return mobileNetV3Configs[slices.IndexFunc(mobileNetV3Configs, func(c mobileNetV3Config) bool { return c.name == name })]
}

// mobileNetV3s are the networks of Howard et al. 2019 (arXiv 1905.02244, tables 1 and 2), with torchvision's momentum
// of batch norms, 0.01.
func mobileNetV3s() []Spec {
	var specs []Spec
	for _, c := range mobileNetV3Configs {
		specs = append(specs, torchvision(Spec{
			Name: c.name, Family: "mobilenet_v3",
			Paper: "Howard et al. 2019, Searching for MobileNetV3, arXiv 1905.02244, tables 1 and 2",
		}.norms(c.epsilon, c.build)))
	}
	return specs
}

func (c mobileNetV3Config) build(epsilon float64) Architecture {
	conv := func(act func(*Node) *Node) convNorm {
		return convNorm{epsilon: epsilon, momentum: 0.01, act: act, tensorflow: c.tensorflow}
	}
	hard := nn.HardSwish
	if c.minimal {
		hard = nn.ReLU
	}
	var stages numberedStages
	stages.add(func(s *nn.Scope, x *Node) *Node { return conv(hard).build(s, x, c.first, 3, 2, 1) })
	for _, row := range c.rows {
		stages.add(func(s *nn.Scope, x *Node) *Node { return row.block(conv, s, x) })
	}
	stages.add(func(s *nn.Scope, x *Node) *Node {
		return conv(hard).build(s, x, 6*channels(x), 1, 1, 1)
	})
	stages = append(stages, poolStage, Stage{"classifier.0", func(s *nn.Scope, x *Node) *Node {
		return hard(nn.LinearWith(s.In("classifier.0"), x, c.last, nn.Normal(0.01), nn.Constant(0)))
	}})
	return Architecture{Stages: stages, Head: startedHead("classifier.3", 0.2, nn.Normal(0.01), nn.Constant(0))}
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
