package zoo

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// convNeXtConfig is one size of the family: channels and blocks of the four stages, and the stochastic depth of the
// last block.
type convNeXtConfig struct {
	name     string
	channels int // of the first stage; each later one has twice as many
	blocks   [4]int
	depth    float64
}

// convNeXtConfigs are torchvision's sizes of the family, and timm's other ones.
var convNeXtConfigs = []convNeXtConfig{
	{"convnext_atto", 40, [4]int{2, 2, 6, 2}, 0.1},
	{"convnext_femto", 48, [4]int{2, 2, 6, 2}, 0.1},
	{"convnext_pico", 64, [4]int{2, 2, 6, 2}, 0.1},
	{"convnext_nano", 80, [4]int{2, 2, 8, 2}, 0.1},
	{"convnext_tiny", 96, [4]int{3, 3, 9, 3}, 0.1},
	{"convnext_small", 96, [4]int{3, 3, 27, 3}, 0.4},
	{"convnext_base", 128, [4]int{3, 3, 27, 3}, 0.5},
	{"convnext_large", 192, [4]int{3, 3, 27, 3}, 0.5},
	{"convnext_xlarge", 256, [4]int{3, 3, 27, 3}, 0.5},
}

// convNeXts are the networks of Liu et al. 2022, A ConvNet for the 2020s (arXiv 2201.03545, section 3 and appendix
// table 9), with layer scale starting at 1e-6 (section 4.1 and table 5) and stochastic depth as torchvision trains
// them.
func convNeXts() []Spec {
	var specs []Spec
	for _, c := range convNeXtConfigs {
		specs = append(specs, torchvision(Spec{
			Name: c.name, Family: "convnext", Paper: "Liu et al. 2022, A ConvNet for the 2020s, arXiv 2201.03545, section 3",
		}.norms(convNeXtEpsilon, c.build)))
	}
	return specs
}

// truncated gives the start values of ConvNeXt's, Swin's and MaxViT's weights: a normal distribution of deviation 0.02,
// cut off at ±2. That is a hundred deviations, so nothing is cut.
var truncated = nn.Normal(0.02)

// convNeXtEpsilon is added to the variance in the family's layer norms. transformers' configurations change it for the
// last one, below the output layer; they usually have 1e-12.
const convNeXtEpsilon = 1e-6

// build takes the epsilon of the last norm.
func (c convNeXtConfig) build(epsilon float64) Architecture {
	conv := func(s *nn.Scope, x *Node, out, size int) *Node {
		return nn.Conv2D(s, x, out, size).Stride(size).Bias().Init(truncated).BiasInit(nn.Constant(0)).Done()
	}
	stages := []Stage{{"features.0", func(s *nn.Scope, x *Node) *Node {
		x = conv(s.In("features.0.0"), x, c.channels, 4)
		return nn.LayerNorm(s.In("features.0.1"), x, convNeXtEpsilon)
	}}}
	rates := depthRates(c.blocks[:], c.depth)
	for i := range c.blocks {
		if i > 0 {
			name := fmt.Sprintf("features.%d", 2*i)
			stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
				return conv(s.In(name+".1"), nn.LayerNorm(s.In(name+".0"), x, convNeXtEpsilon), c.channels<<i, 2)
			}})
		}
		name := fmt.Sprintf("features.%d", 2*i+1)
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			for j, drop := range rates[i] {
				x = convNeXtBlock(s.In(fmt.Sprintf("%s.%d", name, j)), x, drop)
			}
			return x
		}})
	}
	stages = append(stages, poolStage, Stage{"classifier.0", func(s *nn.Scope, x *Node) *Node {
		return nn.LayerNorm(s.In("classifier.0"), x, epsilon)
	}})
	return Architecture{Stages: stages, Head: startedHead("classifier.2", 0, truncated, nn.Constant(0))}
}

// convNeXtBlock is figure 4 of Liu et al. 2022, right; drop is its rate of stochastic depth.
func convNeXtBlock(s *nn.Scope, x *Node, drop float64) *Node {
	c := channels(x)
	// The state dict has layer_scale before the block's own entries.
	scale := s.Param(x.Graph(), "layer_scale", nn.Plain, nn.Constant(1e-6), c, 1, 1)
	y := nn.Conv2D(s.In("block.0"), x, c, 7).Pad(3).Groups(c).Bias().Init(truncated).BiasInit(nn.Constant(0)).Done()
	y = nn.LayerNorm(s.In("block.2"), y, convNeXtEpsilon)
	y = nn.GELU(nn.LinearWith(s.In("block.3"), y, 4*c, truncated, nn.Constant(0)))
	y = nn.LinearWith(s.In("block.5"), y, c, truncated, nn.Constant(0))
	y = Mul(y, Reshape(scale, 1, 1, 1, c))
	return Add(x, nn.StochasticDepth(s.In("block.5"), y, drop))
}
