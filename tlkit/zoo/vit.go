package zoo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// viTConfig is one size of the family.
type viTConfig struct {
	name                        string
	patch, layers, heads, width int
	// mlp is the width within a block's perceptron.
	mlp int
	// epsilon is that of the layer norms.
	epsilon float64
}

// viTConfigs are torchvision's sizes of the family, and the smaller ones and smaller patches of Touvron et al. 2021,
// DeiT (arXiv 2012.12877, table 1), Steiner et al. 2021, How to train your ViT? (arXiv 2106.10270, table 2) and Caron
// et al. 2021, DINO (arXiv 2104.14294, table 1), of which timm and transformers have weights.
var viTConfigs = []viTConfig{
	{name: "vit_ti_16", patch: 16, layers: 12, heads: 3, width: 192, mlp: 768},
	{name: "vit_s_16", patch: 16, layers: 12, heads: 6, width: 384, mlp: 1536},
	{name: "vit_s_32", patch: 32, layers: 12, heads: 6, width: 384, mlp: 1536},
	{name: "vit_s_8", patch: 8, layers: 12, heads: 6, width: 384, mlp: 1536},
	{name: "vit_b_8", patch: 8, layers: 12, heads: 12, width: 768, mlp: 3072},
	{name: "vit_b_16", patch: 16, layers: 12, heads: 12, width: 768, mlp: 3072},
	{name: "vit_b_32", patch: 32, layers: 12, heads: 12, width: 768, mlp: 3072},
	{name: "vit_l_16", patch: 16, layers: 24, heads: 16, width: 1024, mlp: 4096},
	{name: "vit_l_32", patch: 32, layers: 24, heads: 16, width: 1024, mlp: 4096},
	{name: "vit_h_14", patch: 14, layers: 32, heads: 16, width: 1280, mlp: 5120},
}

// viTs are the vision transformers of Dosovitskiy et al. 2020, An Image is Worth 16x16 Words (arXiv 2010.11929, section
// 3.1, figure 1 and table 1). The output layer starts at zero, as theirs in fine-tuning (section 3.2), so the first
// step changes only that layer.
//
// The position embeddings fix the number of patches: a model takes images of the size it is built for
// (Spec.InputSize), and its weights are for that size only. No weight set of torchvision trains with dropout.
func viTs() []Spec {
	var specs []Spec
	for _, c := range viTConfigs {
		specs = append(specs, torchvision(Spec{
			Name: c.name, Family: "vit", Paper: "Dosovitskiy et al. 2020, An Image is Worth 16x16 Words, arXiv 2010.11929, section 3.1 and table 1",
			Rename: viTKeys.Replace,
		}.norms(viTEpsilon, c.build)))
	}
	return specs
}

// viTKeys converts the perceptron's keys of the published files to today's (torchvision, pull request 6053).
var viTKeys = strings.NewReplacer(".mlp.linear_1.", ".mlp.0.", ".mlp.linear_2.", ".mlp.3.")

// viTEpsilon is added to the variance in the layer norms of torchvision and timm; transformers' add 1e-12.
const viTEpsilon = 1e-6

// normalByFanIn draws from a normal distribution of standard deviation sqrt(1/fanIn): the start of the patch
// projection.
func normalByFanIn(rng *rand.Rand, shape []int, values []float32) {
	fanIn := 1
	for _, d := range shape[1:] {
		fanIn *= d
	}
	nn.Normal(math.Sqrt(1/float64(fanIn)))(rng, shape, values)
}

func (c viTConfig) build(epsilon float64) Architecture {
	c.epsilon = epsilon
	stages := []Stage{{"conv_proj", func(s *nn.Scope, x *Node) *Node {
		d := x.Shape().Dimensions
		if d[1]%c.patch != 0 || d[2]%c.patch != 0 {
			exceptions.Panicf("zoo: %s cuts images into patches of %dx%d, which must divide the image's size, got %dx%d",
				c.name, c.patch, c.patch, d[1], d[2])
		}
		token := s.Param(x.Graph(), "class_token", nn.Plain, nn.Constant(0), 1, 1, c.width)
		x = nn.Conv2D(s.In("conv_proj"), x, c.width, c.patch).Stride(c.patch).Bias().Init(normalByFanIn).BiasInit(nn.Constant(0)).Done()
		x = Reshape(x, d[0], -1, c.width)
		x = Concatenate([]*Node{BroadcastToDims(token, d[0], 1, c.width), x}, 1)
		tokens := x.Shape().Dimensions[1]
		return Add(x, s.In("encoder").Param(x.Graph(), "pos_embedding", nn.Plain, nn.Normal(0.02), 1, tokens, c.width))
	}}}
	for i := range c.layers {
		name := fmt.Sprintf("encoder.layers.encoder_layer_%d", i)
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node { return c.block(s.In(name), x) }})
	}
	stages = append(stages, Stage{"encoder.ln", func(s *nn.Scope, x *Node) *Node {
		x = nn.LayerNorm(s.In("encoder.ln"), x, c.epsilon)
		d := x.Shape().Dimensions
		return Reshape(SliceAxis(x, 1, AxisRange(0, 1)), d[0], d[2]) // the class token
	}})
	return Architecture{Stages: stages, Head: startedHead("heads.head", 0, nn.Constant(0), nn.Constant(0))}
}

// block is one layer of the encoder: Dosovitskiy et al. 2020, equations 2 and 3.
func (c viTConfig) block(s *nn.Scope, x *Node) *Node {
	x = Add(x, nn.SelfAttention(s.In("self_attention"), nn.LayerNorm(s.In("ln_1"), x, c.epsilon), c.heads))
	y := nn.LayerNorm(s.In("ln_2"), x, c.epsilon)
	y = nn.GELU(nn.LinearWith(s.In("mlp.0"), y, c.mlp, nn.XavierUniform, nn.Normal(1e-6)))
	return Add(x, nn.LinearWith(s.In("mlp.3"), y, c.width, nn.XavierUniform, nn.Normal(1e-6)))
}
