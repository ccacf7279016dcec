package zoo

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// beitConfig is one network of the family.
type beitConfig struct {
	name                 string
	layers, heads, width int
	// epsilon is that of the layer norms.
	epsilon float64
}

// beitPatch is the side of the patches.
const beitPatch = 16

var beitConfigs = []beitConfig{
	{name: "beit_b_16", layers: 12, heads: 12, width: 768},
	{name: "beit_l_16", layers: 24, heads: 16, width: 1024},
}

// beits are the vision transformers of Bao et al. 2021, BEiT (arXiv 2106.08254, section 2.3 and appendix), as they are
// fine-tuned: no position embeddings, a learned bias of the attention for each offset between two patches in each
// block, scaled branches, and the mean of the patches under the output layer. BEiT v2 (arXiv 2208.06366) and data2vec's
// vision network (arXiv 2202.03555) are the same. Keys are timm's.
//
// The tables of offsets fix the number of patches, as position embeddings do: a model takes images of the size it is
// built for.
func beits() []Spec {
	var specs []Spec
	for _, c := range beitConfigs {
		specs = append(specs, Spec{Name: c.name, Family: "beit", InputSize: 224, MinSize: 2 * beitPatch,
			Paper: "Bao et al. 2021, BEiT, arXiv 2106.08254, section 2.3"}.norms(viTEpsilon, c.build))
	}
	return specs
}

func (c beitConfig) build(epsilon float64) Architecture {
	c.epsilon = epsilon
	stages := blockStages(c.layers, c.block, Stage{"patch_embed", c.embed}, Stage{"fc_norm", func(s *nn.Scope, x *Node) *Node {
		return nn.LayerNorm(s.In("fc_norm"), ReduceMean(SliceAxis(x, 1, AxisRange(1)), 1), c.epsilon)
	}})
	return Architecture{Stages: stages, Head: startedHead("head", 0, truncated, nn.Constant(0))}
}

// embed cuts images into patches, and puts the class token before them.
func (c beitConfig) embed(s *nn.Scope, x *Node) *Node {
	d := x.Shape().Dimensions
	if d[1]%beitPatch != 0 || d[1] != d[2] {
		exceptions.Panicf("zoo: %s cuts square images into patches of %dx%d, which must divide the image's size, got %dx%d",
			c.name, beitPatch, beitPatch, d[1], d[2])
	}
	class := s.Param(x.Graph(), "cls_token", nn.Plain, truncated, 1, 1, c.width)
	x = nn.Conv2D(s.In("patch_embed.proj"), x, c.width, beitPatch).Stride(beitPatch).Bias().Init(truncated).BiasInit(nn.Constant(0)).Done()
	return Concatenate([]*Node{BroadcastToDims(class, d[0], 1, c.width), Reshape(x, d[0], -1, c.width)}, 1)
}

// block is one layer: attention and a perceptron, each with a scale for every feature (Touvron et al. 2021, arXiv
// 2103.17239, section 2).
func (c beitConfig) block(s *nn.Scope, x *Node) *Node {
	zero := nn.Constant(0)
	scaled := func(name string, y *Node) *Node {
		return Mul(y, Reshape(s.Param(x.Graph(), name, nn.Plain, nn.Constant(0.1), c.width), 1, 1, c.width))
	}
	x = Add(x, scaled("gamma_1", c.attention(s.In("attn"), nn.LayerNorm(s.In("norm1"), x, c.epsilon))))
	y := nn.GELU(nn.LinearWith(s.In("mlp.fc1"), nn.LayerNorm(s.In("norm2"), x, c.epsilon), 4*c.width, truncated, zero))
	return Add(x, scaled("gamma_2", nn.LinearWith(s.In("mlp.fc2"), y, c.width, truncated, zero)))
}

// attention is self-attention whose scores have a bias for the offset between query and key; keys have no bias of
// their own.
func (c beitConfig) attention(s *nn.Scope, x *Node) *Node {
	g, tokens := x.Graph(), x.Shape().Dimensions[1]
	zero := nn.Constant(0)
	qkv := unbiasedKeysProjection(s, x)
	index, rows := beitPositions(int(math.Sqrt(float64(tokens - 1))))
	table := s.Param(g, "relative_position_bias_table", nn.Plain, zero, rows, c.heads)
	bias := Reshape(Transpose(nn.Lookup(table, index), 0, 1), 1, c.heads, tokens, tokens)
	queries, keys, values := nn.SplitHeads(qkv, c.heads)
	y := nn.Attend(s, queries, keys, values, func(scores *Node) *Node {
		return Add(MulScalar(scores, math.Sqrt(float64(c.heads)/float64(c.width))), bias)
	})
	return nn.LinearWith(s.In("proj"), y, c.width, truncated, zero)
}

// beitPositions numbers the offsets between the patches of a square of the given side, and after them those from the
// class token to patches, from patches to it, and to itself. For n tokens, entry i*n+j is the row of the table for
// query i and key j; rows counts the rows.
func beitPositions(side int) (index []int64, rows int) {
	patches := relativePositions(side)
	n := side*side + 1
	rows = (2*side-1)*(2*side-1) + 3
	index = make([]int64, n*n)
	for i := range n {
		for j := range n {
			switch {
			case i == 0 && j == 0:
				index[0] = int64(rows - 1)
			case i == 0:
				index[j] = int64(rows - 3)
			case j == 0:
				index[i*n] = int64(rows - 2)
			default:
				index[i*n+j] = patches[(i-1)*(n-1)+j-1]
			}
		}
	}
	return index, rows
}
