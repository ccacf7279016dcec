package zoo

import (
	"fmt"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// convNeXtV2Config is one size of the family: channels of the first stage, each later one has twice as many, and
// blocks of the four stages.
type convNeXtV2Config struct {
	name     string
	channels int
	blocks   [4]int
}

// convolved reports whether timm writes the perceptrons' layers as convolutions of one place, as it does in the four
// small sizes.
func (c convNeXtV2Config) convolved() bool { return c.channels < 96 }

// convNeXtV2Configs are timm's sizes of the family but the huge one.
var convNeXtV2Configs = []convNeXtV2Config{
	{"convnextv2_atto", 40, [4]int{2, 2, 6, 2}},
	{"convnextv2_femto", 48, [4]int{2, 2, 6, 2}},
	{"convnextv2_pico", 64, [4]int{2, 2, 6, 2}},
	{"convnextv2_nano", 80, [4]int{2, 2, 8, 2}},
	{"convnextv2_tiny", 96, [4]int{3, 3, 9, 3}},
	{"convnextv2_base", 128, [4]int{3, 3, 27, 3}},
	{"convnextv2_large", 192, [4]int{3, 3, 27, 3}},
}

// convNeXtV2s are the networks of Woo et al. 2023, ConvNeXt V2 (arXiv 2301.00808, section 3.2 and appendix A.1):
// ConvNeXt with global response normalisation in place of layer scale. Keys are timm's.
func convNeXtV2s() []Spec {
	var specs []Spec
	for _, c := range convNeXtV2Configs {
		s := Spec{Name: c.name, Family: "convnextv2", InputSize: 224, MinSize: 32,
			Paper: "Woo et al. 2023, ConvNeXt V2, arXiv 2301.00808, section 3.2 and appendix A.1"}.norms(convNeXtEpsilon, c.build)
		if c.convolved() {
			s.written = func(entries []weights.Entry) ([]weights.Entry, error) { return perceptronShapes(entries, 4), nil }
			s.read = func(sd *weights.StateDict) (*weights.StateDict, error) {
				return sd.With(perceptronShapes(sd.Entries(), 2))
			}
		}
		specs = append(specs, s)
	}
	return specs
}

// perceptronShapes returns entries whose layers of perceptrons have so many axes: 2, or 4 as convolutions of one
// place.
func perceptronShapes(entries []weights.Entry, axes int) []weights.Entry {
	out := slices.Clone(entries)
	for i, e := range out {
		layer := strings.HasSuffix(e.Key, ".mlp.fc1.weight") || strings.HasSuffix(e.Key, ".mlp.fc2.weight")
		if layer && len(e.Shape) >= 2 && slices.Equal(longAxes(e.Shape), longAxes(e.Shape[:2])) {
			out[i].Shape = append(slices.Clone(e.Shape[:2]), 1, 1)[:axes]
		}
	}
	return out
}

// build takes the epsilon of the last norm.
func (c convNeXtV2Config) build(epsilon float64) Architecture {
	conv := func(s *nn.Scope, x *Node, out, size int) *Node {
		return nn.Conv2D(s, x, out, size).Stride(size).Bias().Init(truncated).BiasInit(nn.Constant(0)).Done()
	}
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		return nn.LayerNorm(s.In("stem.1"), conv(s.In("stem.0"), x, c.channels, 4), convNeXtEpsilon)
	}}}
	for i, blocks := range c.blocks {
		name := fmt.Sprintf("stages.%d", i)
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			if i > 0 {
				x = nn.LayerNorm(s.In(name+".downsample.0"), x, convNeXtEpsilon)
				x = conv(s.In(name+".downsample.1"), x, c.channels<<i, 2)
			}
			for j := range blocks {
				x = convNeXtV2Block(s.In(fmt.Sprintf("%s.blocks.%d", name, j)), x)
			}
			return x
		}})
	}
	stages = append(stages, poolStage, Stage{"head.norm", func(s *nn.Scope, x *Node) *Node {
		return nn.LayerNorm(s.In("head.norm"), x, epsilon)
	}})
	return Architecture{Stages: stages, Head: startedHead("head.fc", 0, truncated, nn.Constant(0))}
}

// convNeXtV2Block is figure 5 of Woo et al. 2023, right.
func convNeXtV2Block(s *nn.Scope, x *Node) *Node {
	c := channels(x)
	y := nn.Conv2D(s.In("conv_dw"), x, c, 7).Pad(3).Groups(c).Bias().Init(truncated).BiasInit(nn.Constant(0)).Done()
	y = nn.LayerNorm(s.In("norm"), y, convNeXtEpsilon)
	y = nn.GELU(nn.LinearWith(s.In("mlp.fc1"), y, 4*c, truncated, nn.Constant(0)))
	y = responseNorm(s.In("mlp.grn"), y)
	return Add(x, nn.LinearWith(s.In("mlp.fc2"), y, c, truncated, nn.Constant(0)))
}

// responseNorm is global response normalisation, algorithm 1 of Woo et al. 2023: each channel is weighted by its length
// over the image, divided by the mean of all channels' lengths. The number under the root keeps the gradient of a
// channel of zeros finite, and changes no value of float32.
func responseNorm(s *nn.Scope, x *Node) *Node {
	c := channels(x)
	weight := Reshape(s.Param(x.Graph(), "weight", nn.Plain, nn.Constant(0), c), 1, 1, 1, c)
	bias := Reshape(s.Param(x.Graph(), "bias", nn.Plain, nn.Constant(0), c), 1, 1, 1, c)
	length := Sqrt(AddScalar(ReduceAndKeep(Square(x), ReduceSum, 1, 2), 1e-24))
	relative := Div(length, AddScalar(ReduceAndKeep(length, ReduceMean, -1), 1e-6))
	return Add(x, Add(bias, Mul(weight, Mul(x, relative))))
}
