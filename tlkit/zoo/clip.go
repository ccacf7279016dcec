package zoo

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// clipConfig is one network of the family.
type clipConfig struct {
	name                        string
	patch, layers, heads, width int
	// quick selects the activation that OpenAI trained with, x*sigmoid(1.702x).
	quick bool
	// mean: the output layer takes the mean of the patches, without a norm, as transformers' classifier has it; else
	// the norm of the class token.
	mean bool
}

// clipConfigs are the image towers of OpenAI's, LAION's and Apple's CLIP but the giants, and of TinyCLIP (Wu et al.
// 2023, arXiv 2309.12314, table 7), each with both activations and both kinds of features.
func clipConfigs() []clipConfig {
	var all []clipConfig
	for _, c := range []clipConfig{
		{name: "clip_xs_16", patch: 16, layers: 10, heads: 4, width: 256},
		{name: "clip_m_16", patch: 16, layers: 12, heads: 8, width: 512},
		{name: "clip_m_32", patch: 32, layers: 12, heads: 8, width: 512},
		{name: "clip_betwixt_32", patch: 32, layers: 12, heads: 10, width: 640},
		{name: "clip_b_16", patch: 16, layers: 12, heads: 12, width: 768},
		{name: "clip_b_32", patch: 32, layers: 12, heads: 12, width: 768},
		{name: "clip_b_16_plus", patch: 16, layers: 12, heads: 14, width: 896},
		{name: "clip_l_14", patch: 14, layers: 24, heads: 16, width: 1024},
		{name: "clip_h_14", patch: 14, layers: 32, heads: 16, width: 1280},
	} {
		for _, quick := range []bool{false, true} {
			for _, mean := range []bool{false, true} {
				v := c
				v.quick, v.mean = quick, mean
				if quick {
					v.name += "_quickgelu"
				}
				if mean {
					v.name += "_mean"
				}
				all = append(all, v)
			}
		}
	}
	return all
}

// clipEpsilon is added to the variance in the layer norms.
const clipEpsilon = 1e-5

// clips are the image towers of Radford et al. 2021, CLIP (arXiv 2103.00020, section 2.4): vision transformers with
// one more norm before the blocks, patches without a bias, and often another activation. Keys are timm's.
//
// The position embeddings fix the number of patches: a model takes images of the size it is built for.
func clips() []Spec {
	var specs []Spec
	for _, c := range clipConfigs() {
		specs = append(specs, Spec{Name: c.name, Family: "clip", InputSize: 224, MinSize: 2 * c.patch,
			Paper: "Radford et al. 2021, CLIP, arXiv 2103.00020, section 2.4"}.norms(clipEpsilon, c.build))
	}
	return specs
}

func (c clipConfig) build(epsilon float64) Architecture {
	e := encoder{layers: c.layers, heads: c.heads, width: c.width, mlp: 4 * c.width, act: nn.GELU, epsilon: epsilon}
	if c.quick {
		e.act = nn.QuickGELU
	}
	first := Stage{"patch_embed", func(s *nn.Scope, x *Node) *Node {
		tokens := []*Node{e.token(s, x, "cls_token"), e.patches(s, x, c.patch, false)}
		return nn.LayerNorm(s.In("norm_pre"), e.positioned(s, Concatenate(tokens, 1)), epsilon)
	}}
	last := Stage{"norm", func(s *nn.Scope, x *Node) *Node {
		return nn.LayerNorm(s.In("norm"), e.firstTokens(x, 1), epsilon)
	}}
	if c.mean {
		last = Stage{"pool", func(_ *nn.Scope, x *Node) *Node { return ReduceMean(SliceAxis(x, 1, AxisRange(1)), 1) }}
	}
	return Architecture{Stages: e.stages(first, last), Head: startedHead("head", 0, truncated, nn.Constant(0))}
}
