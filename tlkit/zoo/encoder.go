package zoo

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// encoder is a stack of transformer blocks with norms before the branches (Dosovitskiy et al. 2020, arXiv 2010.11929,
// equations 2 and 3), under timm's keys.
type encoder struct {
	layers, heads, width int
	// mlp is the width within a block's perceptron, and act its activation.
	mlp int
	act func(x *Node) *Node
	// scale, if above 0, is the start of the scales for every feature of the branches (Touvron et al. 2021, arXiv
	// 2103.17239, section 2).
	scale float32
	// epsilon is that of the layer norms.
	epsilon float64
}

// stages puts the blocks between a first stage, which makes tokens of images, and a last one.
func (e encoder) stages(first, last Stage) []Stage {
	return blockStages(e.layers, e.block, first, last)
}

// blockStages puts n blocks, named and numbered as timm's, between two other stages.
func blockStages(n int, block func(s *nn.Scope, x *Node) *Node, first, last Stage) []Stage {
	stages := []Stage{first}
	for i := range n {
		name := fmt.Sprintf("blocks.%d", i)
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node { return block(s.In(name), x) }})
	}
	return append(stages, last)
}

// unbiasedKeysProjection is a joint projection to queries, keys and values in which keys have no bias.
func unbiasedKeysProjection(s *nn.Scope, x *Node) *Node {
	g, width := x.Graph(), x.Shape().Dimensions[2]
	qkv := nn.LinearWith(s.In("qkv"), x, 3*width, truncated, nil)
	q, v := s.Param(g, "q_bias", nn.Plain, nn.Constant(0), width), s.Param(g, "v_bias", nn.Plain, nn.Constant(0), width)
	return Add(qkv, Reshape(Concatenate([]*Node{q, ZerosLike(q), v}, 0), 1, 1, 3*width))
}

// block is one layer: self-attention and a perceptron.
func (e encoder) block(s *nn.Scope, x *Node) *Node {
	zero := nn.Constant(0)
	attn := s.In("attn")
	y := nn.LinearWith(attn.In("qkv"), nn.LayerNorm(s.In("norm1"), x, e.epsilon), 3*e.width, truncated, zero)
	q, k, v := nn.SplitHeads(y, e.heads)
	y = nn.Attend(attn, q, k, v, e.scaledScores)
	x = Add(x, e.scaled(s.In("ls1"), nn.LinearWith(attn.In("proj"), y, e.width, truncated, zero)))
	return Add(x, e.scaled(s.In("ls2"), e.perceptron(s.In("mlp"), nn.LayerNorm(s.In("norm2"), x, e.epsilon))))
}

// scaledScores divides the scores of attention by the root of the width of a head.
func (e encoder) scaledScores(scores *Node) *Node {
	return MulScalar(scores, math.Sqrt(float64(e.heads)/float64(e.width)))
}

func (e encoder) perceptron(s *nn.Scope, x *Node) *Node {
	zero := nn.Constant(0)
	return nn.LinearWith(s.In("fc2"), e.act(nn.LinearWith(s.In("fc1"), x, e.mlp, truncated, zero)), e.width, truncated, zero)
}

// scaled multiplies a branch by its scales, if the network has them.
func (e encoder) scaled(s *nn.Scope, y *Node) *Node {
	if e.scale == 0 {
		return y
	}
	return Mul(y, Reshape(s.Param(y.Graph(), "gamma", nn.Plain, nn.Constant(e.scale), e.width), 1, 1, e.width))
}

// patches projects the patches of images: [batch, height, width, 3] -> [batch, patches, e.width]. Pixels at the edge
// that fill no patch are cut off.
func (e encoder) patches(s *nn.Scope, x *Node, patch int, biased bool) *Node {
	c := nn.Conv2D(s.In("patch_embed.proj"), x, e.width, patch).Stride(patch).Init(normalByFanIn)
	if biased {
		c = c.Bias().BiasInit(nn.Constant(0))
	}
	return Reshape(c.Done(), x.Shape().Dimensions[0], -1, e.width)
}

// token is a learned token, once for each image: [batch, 1, e.width].
func (e encoder) token(s *nn.Scope, x *Node, key string) *Node {
	return BroadcastToDims(s.Param(x.Graph(), key, nn.Plain, nn.Normal(1e-6), 1, 1, e.width), x.Shape().Dimensions[0], 1, e.width)
}

// positioned adds a learned embedding for the position of each token.
func (e encoder) positioned(s *nn.Scope, x *Node) *Node {
	return Add(x, s.Param(x.Graph(), "pos_embed", nn.Plain, truncated, 1, x.Shape().Dimensions[1], e.width))
}

// firstTokens returns the first n tokens of each image side by side: [batch, n*e.width].
func (e encoder) firstTokens(x *Node, n int) *Node {
	return Reshape(SliceAxis(x, 1, AxisRange(0, n)), x.Shape().Dimensions[0], n*e.width)
}
