package zoo

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// siglipConfig is one network of the family.
type siglipConfig struct {
	name                             string
	patch, layers, heads, width, mlp int
	// mean: the output layer takes the mean of the patches; else what a learned query draws from them by attention.
	mean bool
	// tanh selects the approximate GELU, which SigLIP was trained with; timm has the exact one in some sizes.
	tanh bool
}

// siglipConfigs are the published sizes but the giant, each with both kinds of features and both activations.
func siglipConfigs() []siglipConfig {
	var all []siglipConfig
	for _, c := range []siglipConfig{
		{name: "siglip_b_16", patch: 16, layers: 12, heads: 12, width: 768, mlp: 3072},
		{name: "siglip_b_32", patch: 32, layers: 12, heads: 12, width: 768, mlp: 3072},
		{name: "siglip_l_16", patch: 16, layers: 24, heads: 16, width: 1024, mlp: 4096},
		{name: "siglip_so_14", patch: 14, layers: 27, heads: 16, width: 1152, mlp: 4304},
		{name: "siglip_so_16", patch: 16, layers: 27, heads: 16, width: 1152, mlp: 4304},
	} {
		for _, mean := range []bool{false, true} {
			for _, tanh := range []bool{false, true} {
				v := c
				v.mean, v.tanh = mean, tanh
				if mean {
					v.name += "_gap"
				}
				if tanh {
					v.name += "_tanh"
				}
				all = append(all, v)
			}
		}
	}
	return all
}

// siglips are the image towers of Zhai et al. 2023, SigLIP (arXiv 2303.15343, section 3) and of SigLIP 2 (Tschannen et
// al. 2025, arXiv 2502.14786), whose shape-optimised size is that of Alabdulmohsin et al. 2023 (arXiv 2305.13035): no
// class token, and attention in place of the mean under the output layer (Zhai et al. 2021, arXiv 2106.04560,
// section 3.2). Keys are timm's.
//
// The position embeddings fix the number of patches: a model takes images of the size it is built for.
func siglips() []Spec {
	var specs []Spec
	for _, c := range siglipConfigs() {
		specs = append(specs, Spec{Name: c.name, Family: "siglip", InputSize: 224, MinSize: 2 * c.patch,
			Paper: "Zhai et al. 2023, SigLIP, arXiv 2303.15343, section 3"}.norms(viTEpsilon, c.build))
	}
	return specs
}

func (c siglipConfig) build(epsilon float64) Architecture {
	e := encoder{layers: c.layers, heads: c.heads, width: c.width, mlp: c.mlp, act: nn.GELU, epsilon: epsilon}
	if c.tanh {
		e.act = nn.GELUTanh
	}
	first := Stage{"patch_embed", func(s *nn.Scope, x *Node) *Node { return e.positioned(s, e.patches(s, x, c.patch, true)) }}
	norm := Stage{"norm", func(s *nn.Scope, x *Node) *Node { return nn.LayerNorm(s.In("norm"), x, epsilon) }}
	pool := Stage{"attn_pool", func(s *nn.Scope, x *Node) *Node { return e.attentionPool(s.In("attn_pool"), x) }}
	if c.mean {
		pool = Stage{"pool", func(_ *nn.Scope, x *Node) *Node { return ReduceMean(x, 1) }}
	}
	return Architecture{Stages: append(e.stages(first, norm), pool), Head: startedHead("head", 0, truncated, nn.Constant(0))}
}

// attentionPool draws one vector from the tokens of each image with a learned query, and adds a perceptron of it.
func (e encoder) attentionPool(s *nn.Scope, x *Node) *Node {
	zero := nn.Constant(0)
	query := nn.LinearWith(s.In("q"), e.token(s, x, "latent"), e.width, truncated, zero)
	pairs := nn.LinearWith(s.In("kv"), x, 2*e.width, truncated, zero)
	part := func(x *Node, i int) *Node {
		d := x.Shape().Dimensions
		x = Slice(x, AxisRange(), AxisRange(), AxisRange(i*e.width, (i+1)*e.width))
		return TransposeAllAxes(Reshape(x, d[0], d[1], e.heads, e.width/e.heads), 0, 2, 1, 3)
	}
	y := nn.Attend(s, part(query, 0), part(pairs, 0), part(pairs, 1), e.scaledScores)
	y = nn.LinearWith(s.In("proj"), y, e.width, truncated, zero)
	y = Add(y, e.perceptron(s.In("mlp"), nn.LayerNorm(s.In("norm"), y, e.epsilon)))
	return e.firstTokens(y, 1)
}
