package zoo

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// eva02Config is one network of the family.
type eva02Config struct {
	name                             string
	patch, layers, heads, width, mlp int
	// joined: queries, keys and values are one projection, and so are the two of the perceptron, which has no norm.
	joined bool
	// clip: an image tower of EVA-CLIP, with one more norm in the attention, and the class token under the output
	// layer; else the mean of the patches.
	clip bool
}

var eva02Configs = []eva02Config{
	{name: "eva02_ti_14", patch: 14, layers: 12, heads: 3, width: 192, mlp: 512, joined: true},
	{name: "eva02_s_14", patch: 14, layers: 12, heads: 6, width: 384, mlp: 1024, joined: true},
	{name: "eva02_b_14", patch: 14, layers: 12, heads: 12, width: 768, mlp: 2048},
	{name: "eva02_l_14", patch: 14, layers: 24, heads: 16, width: 1024, mlp: 2730},
	{name: "eva02_b_16_clip", patch: 16, layers: 12, heads: 12, width: 768, mlp: 2048, clip: true},
	{name: "eva02_l_14_clip", patch: 14, layers: 24, heads: 16, width: 1024, mlp: 2730, clip: true},
}

// eva02Grid is the number of patches on a side of the images that the networks were pretrained with: positions are
// scaled to it.
const eva02Grid = 16

// eva02s are the vision transformers of Fang et al. 2023, EVA-02 (arXiv 2303.11331, section 2.1 and table 3): rotary
// position embeddings (Su et al. 2021, arXiv 2104.09864, section 3.2) beside the learned ones, and gated perceptrons
// (Shazeer 2020, arXiv 2002.05202, equation 6); those of Sun et al. 2023, EVA-CLIP (arXiv 2303.15389), too. Keys are
// timm's.
//
// The position embeddings fix the number of patches: a model takes images of the size it is built for.
func eva02s() []Spec {
	var specs []Spec
	for _, c := range eva02Configs {
		specs = append(specs, Spec{Name: c.name, Family: "eva02", InputSize: 224, MinSize: 2 * c.patch,
			Paper: "Fang et al. 2023, EVA-02, arXiv 2303.11331, section 2.1 and table 3"}.norms(viTEpsilon, c.build))
	}
	return specs
}

func (c eva02Config) build(epsilon float64) Architecture {
	e := encoder{heads: c.heads, width: c.width, epsilon: epsilon}
	first := Stage{"patch_embed", func(s *nn.Scope, x *Node) *Node {
		return e.positioned(s, Concatenate([]*Node{e.token(s, x, "cls_token"), e.patches(s, x, c.patch, true)}, 1))
	}}
	last := Stage{"fc_norm", func(s *nn.Scope, x *Node) *Node {
		return nn.LayerNorm(s.In("fc_norm"), ReduceMean(SliceAxis(x, 1, AxisRange(1)), 1), epsilon)
	}}
	if c.clip {
		last = Stage{"norm", func(s *nn.Scope, x *Node) *Node { return nn.LayerNorm(s.In("norm"), e.firstTokens(x, 1), epsilon) }}
	}
	block := func(s *nn.Scope, x *Node) *Node {
		x = Add(x, c.attention(s.In("attn"), nn.LayerNorm(s.In("norm1"), x, epsilon), e))
		return Add(x, c.perceptron(s.In("mlp"), nn.LayerNorm(s.In("norm2"), x, epsilon), epsilon))
	}
	return Architecture{Stages: blockStages(c.layers, block, first, last), Head: startedHead("head", 0, truncated, nn.Constant(0))}
}

// attention is self-attention whose queries and keys are turned by their positions; keys have no bias.
func (c eva02Config) attention(s *nn.Scope, x *Node, e encoder) *Node {
	zero := nn.Constant(0)
	var qkv *Node
	if c.joined {
		qkv = unbiasedKeysProjection(s, x)
	} else {
		project := func(name string, bias nn.Init) *Node { return nn.LinearWith(s.In(name), x, c.width, truncated, bias) }
		qkv = Concatenate([]*Node{project("q_proj", zero), project("k_proj", nil), project("v_proj", zero)}, -1)
	}
	q, k, v := nn.SplitHeads(qkv, c.heads)
	y := nn.Attend(s, rotated(q), rotated(k), v, e.scaledScores)
	if c.clip {
		y = nn.LayerNorm(s.In("norm"), y, e.epsilon)
	}
	return nn.LinearWith(s.In("proj"), y, c.width, truncated, zero)
}

// perceptron is gated by a second projection.
func (c eva02Config) perceptron(s *nn.Scope, x *Node, epsilon float64) *Node {
	zero := nn.Constant(0)
	var gate, y *Node
	if c.joined {
		both := nn.LinearWith(s.In("fc1"), x, 2*c.mlp, truncated, zero)
		gate, y = SliceAxis(both, -1, AxisRange(0, c.mlp)), SliceAxis(both, -1, AxisRange(c.mlp))
	} else {
		gate, y = nn.LinearWith(s.In("fc1_g"), x, c.mlp, truncated, zero), nn.LinearWith(s.In("fc1_x"), x, c.mlp, truncated, zero)
	}
	y = Mul(nn.SiLU(gate), y)
	if !c.joined {
		y = nn.LayerNorm(s.In("norm"), y, epsilon)
	}
	return nn.LinearWith(s.In("fc2"), y, c.width, truncated, zero)
}

// rotated turns each pair of features of the patches in x [batch, heads, 1+patches, size] by an angle that grows with
// the row, or in the second half of the features the column. The class token stays.
func rotated(x *Node) *Node {
	g, d := x.Graph(), x.Shape().Dimensions
	cos, sin := rotations(d[2]-1, d[3]/2)
	table := func(values []float32) *Node {
		return Const(g, tensors.FromFlatDataAndDimensions(values, 1, 1, d[2], d[3]/2, 1))
	}
	pairs := Reshape(x, d[0], d[1], d[2], d[3]/2, 2)
	a, b := SliceAxis(pairs, -1, AxisRange(0, 1)), SliceAxis(pairs, -1, AxisRange(1))
	c, s := table(cos), table(sin)
	return Reshape(Concatenate([]*Node{Sub(Mul(a, c), Mul(b, s)), Add(Mul(b, c), Mul(a, s))}, -1), d...)
}

// rotations are the cosines and sines of the angles [1+patches, pairs] for a square of patches, with a class token
// before them.
func rotations(patches, pairs int) (cos, sin []float32) {
	side := int(math.Sqrt(float64(patches)))
	for i := range 1 + patches {
		for j := range pairs {
			place := 0
			switch {
			case i == 0:
			case j < pairs/2:
				place = (i - 1) / side
			default:
				place = (i - 1) % side
			}
			frequency := math.Pow(10000, -float64(j%(pairs/2))/float64(pairs/2))
			s, c := math.Sincos(float64(place) / float64(side) * eva02Grid * frequency)
			cos, sin = append(cos, float32(c)), append(sin, float32(s))
		}
	}
	return cos, sin
}
