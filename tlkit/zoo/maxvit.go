package zoo

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// maxViTConfig is one network of the family.
type maxViTConfig struct {
	name string
	stem int
	// channels and layers of the blocks.
	channels, layers []int
	// headSize is the number of channels of an attention head, partition the side of windows and grids.
	headSize, partition int
	// depth is the stochastic depth of the last layer.
	depth float64
}

// maxViTs are the networks of Tu et al. 2022, MaxViT: Multi-Axis Vision Transformer (arXiv 2204.01697, section 3, table
// 1 and figure 2), as torchvision has them: queries and keys are scaled by the root of all channels, not of a head's,
// and a tanh layer comes before the output layer. Feature maps must be divisible into windows of 7x7 at each block, so
// images have a multiple of 224 rows and columns.
func maxViTs() []Spec {
	configs := []maxViTConfig{
		{"maxvit_t", 64, []int{64, 128, 256, 512}, []int{2, 2, 5, 2}, 32, 7, 0.2},
	}
	var specs []Spec
	for _, c := range configs {
		specs = append(specs, torchvision(Spec{
			Name: c.name, Family: "maxvit", Paper: "Tu et al. 2022, MaxViT, arXiv 2204.01697, section 3 and table 1",
			Build: c.build,
		}))
	}
	return specs
}

// maxViTEpsilon is added to the variance in the family's layer norms.
const maxViTEpsilon = 1e-5

func (c maxViTConfig) build() Architecture {
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		x = maxViTConv.build(s.In("stem.0"), x, c.stem, 3, 2, 1)
		return nn.Conv2D(s.In("stem.1.0"), x, c.stem, 3).Pad(1).Bias().Init(truncated).BiasInit(nn.Constant(0)).Done()
	}}}
	rates := depthRates(c.layers, c.depth)
	for i := range c.layers {
		name := fmt.Sprintf("blocks.%d", i)
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			for j, drop := range rates[i] {
				layer := s.In(fmt.Sprintf("%s.layers.%d.layers", name, j))
				x = maxViTBottleneck(layer.In("MBconv"), x, c.channels[i], firstStride(j, 2), drop)
				x = c.attention(layer.In("window_attention"), x, false, drop)
				x = c.attention(layer.In("grid_attention"), x, true, drop)
			}
			return x
		}})
	}
	stages = append(stages, poolStage, Stage{"classifier.2", func(s *nn.Scope, x *Node) *Node {
		return nn.LayerNorm(s.In("classifier.2"), x, maxViTEpsilon)
	}}, Stage{"classifier.3", func(s *nn.Scope, x *Node) *Node {
		return Tanh(nn.LinearWith(s.In("classifier.3"), x, x.Shape().Dimensions[1], truncated, nn.Constant(0)))
	}})
	return Architecture{Stages: stages, Head: startedHead("classifier.5", 0, truncated, nil)}
}

// maxViTConv is the family's convolution with its batch norm and GELU.
var maxViTConv = convNorm{epsilon: 1e-3, momentum: 0.01, init: truncated, act: nn.GELU}

// maxViTBottleneck is the inverted bottleneck before the attention (Tu et al. 2022, section 3.3), with the norm first;
// drop is its rate of stochastic depth.
func maxViTBottleneck(s *nn.Scope, x *Node, out, stride int, drop float64) *Node {
	plain := func(s *nn.Scope, x *Node) *Node {
		return nn.Conv2D(s, x, out, 1).Bias().Init(truncated).BiasInit(nn.Constant(0)).Done()
	}
	shortcut := x
	switch {
	case stride == 2:
		shortcut = plain(s.In("proj.1"), nn.AvgPool2D(x, 3).Stride(2).Pad(1).Done())
	case channels(x) != out:
		shortcut = plain(s.In("proj.0"), x)
	}
	y := maxViTConv.norm(s.In("layers.pre_norm"), x)
	y = maxViTConv.build(s.In("layers.conv_a"), y, 4*out, 1, 1, 1)
	y = maxViTConv.build(s.In("layers.conv_b"), y, 4*out, 3, stride, 4*out)
	y = nn.SqueezeExcite(s.In("layers.squeeze_excitation"), y, out/4).Activation(nn.SiLU).Init(truncated, nn.Constant(0)).Done()
	y = plain(s.In("layers.conv_c"), y)
	return Add(shortcut, nn.StochasticDepth(s.In("layers.conv_c"), y, drop))
}

// attention is attention within windows (block attention), or among the places of a sparse grid over the whole image
// (grid attention), then a perceptron: Tu et al. 2022, section 3.2 and figure 3.
func (c maxViTConfig) attention(s *nn.Scope, x *Node, grid bool, drop float64) *Node {
	d, p := x.Shape().Dimensions, c.partition
	if d[1]%p != 0 || d[2]%p != 0 {
		exceptions.Panicf("zoo: %s has feature maps of %dx%d at %q, which must be multiples of %d: use images of 224x224 (or 448, 672, ...)",
			c.name, d[1], d[2], s.Key(), p)
	}
	rows, cols := p, p
	if grid {
		rows, cols = d[1]/p, d[2]/p
	}
	x = nn.PartitionWindows(x, rows, cols)
	if grid {
		x = Transpose(x, 1, 2)
	}
	// The tokens are the last axis but one; stochastic depth drops by image.
	x = Add(x, nn.StochasticDepth(s.In("attn_layer.1.merge"),
		c.relativeAttention(s.In("attn_layer.1"), nn.LayerNorm(s.In("attn_layer.0"), x, maxViTEpsilon)), drop))
	y := nn.LayerNorm(s.In("mlp_layer.0"), x, maxViTEpsilon)
	y = nn.GELU(nn.LinearWith(s.In("mlp_layer.1"), y, 4*d[3], truncated, nn.Constant(0)))
	y = nn.LinearWith(s.In("mlp_layer.3"), y, d[3], truncated, nn.Constant(0))
	x = Add(x, nn.StochasticDepth(s.In("mlp_layer.3"), y, drop))
	if grid {
		x = Transpose(x, 1, 2)
	}
	return nn.MergeWindows(x, rows, cols, d[1], d[2])
}

// relativeAttention is self-attention of the tokens x [batch, windows, tokens, channels] of each window, with a learned
// bias for each relative position.
func (c maxViTConfig) relativeAttention(s *nn.Scope, x *Node) *Node {
	d, g := x.Shape().Dimensions, x.Graph()
	n, heads, offsets := c.partition*c.partition, d[3]/c.headSize, (2*c.partition-1)*(2*c.partition-1)
	index := relativePositions(c.partition)
	table := s.Param(g, "relative_position_bias_table", nn.Plain, truncated, offsets, heads)
	s.Fixed("relative_position_index", index, n, n)
	bias := Reshape(Transpose(nn.Lookup(table, index), 0, 1), 1, heads, n, n)
	qkv := nn.LinearWith(s.In("to_qkv"), Reshape(x, d[0]*d[1], n, d[3]), 3*d[3], truncated, nn.Constant(0))
	q, k, v := nn.SplitHeads(qkv, heads)
	y := nn.Attend(s, q, k, v, func(scores *Node) *Node {
		return Add(MulScalar(scores, 1/math.Sqrt(float64(d[3]))), bias)
	})
	return Reshape(nn.LinearWith(s.In("merge"), y, d[3], truncated, nn.Constant(0)), d...)
}
