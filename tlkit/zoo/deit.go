package zoo

import (
	"fmt"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// deitConfig is one network of the family.
type deitConfig struct {
	name                        string
	patch, layers, heads, width int
	// distilled: there is a second token, which learns from a teacher, and both are classified; with alone, too, but
	// the output layer takes the class token only, as transformers' DeiTForImageClassification has it.
	distilled, alone bool
}

// deitConfigs are the networks of DeiT III, and those of DeiT with distillation; DeiT without is vit_ti_16, vit_s_16
// and vit_b_16.
var deitConfigs = []deitConfig{
	{name: "deit3_s_16", patch: 16, layers: 12, heads: 6, width: 384},
	{name: "deit3_m_16", patch: 16, layers: 12, heads: 8, width: 512},
	{name: "deit3_b_16", patch: 16, layers: 12, heads: 12, width: 768},
	{name: "deit3_l_16", patch: 16, layers: 24, heads: 16, width: 1024},
	{name: "deit3_h_14", patch: 14, layers: 32, heads: 16, width: 1280},

	{name: "deit_ti_16_distilled", patch: 16, layers: 12, heads: 3, width: 192, distilled: true},
	{name: "deit_s_16_distilled", patch: 16, layers: 12, heads: 6, width: 384, distilled: true},
	{name: "deit_b_16_distilled", patch: 16, layers: 12, heads: 12, width: 768, distilled: true},
	{name: "deit_ti_16_class", patch: 16, layers: 12, heads: 3, width: 192, distilled: true, alone: true},
	{name: "deit_s_16_class", patch: 16, layers: 12, heads: 6, width: 384, distilled: true, alone: true},
	{name: "deit_b_16_class", patch: 16, layers: 12, heads: 12, width: 768, distilled: true, alone: true},
}

// deits are the vision transformers of Touvron et al. 2022, DeiT III (arXiv 2204.07118, section 3 and table 1), whose
// branches are scaled and whose class token has no position, and those of Touvron et al. 2021, DeiT (arXiv 2012.12877,
// section 4) with a distillation token. Keys are timm's.
//
// The logits of a distilled network are the mean of two linear layers, one on each token, which is one layer on the
// tokens side by side: "head", of half their values.
func deits() []Spec {
	var specs []Spec
	for _, c := range deitConfigs {
		s := Spec{Name: c.name, Family: "deit", InputSize: 224, MinSize: 2 * c.patch, Rename: deitKeys.Replace,
			Paper: "Touvron et al. 2022, DeiT III, arXiv 2204.07118, section 3 and table 1"}
		if c.distilled && !c.alone {
			s.written, s.read = separateHeads, joinedHeads
		}
		if c.distilled {
			s.Paper = "Touvron et al. 2021, DeiT, arXiv 2012.12877, section 4 and table 1"
		}
		specs = append(specs, s.norms(viTEpsilon, c.build))
	}
	return specs
}

// deitKeys converts the keys of the authors' files of DeiT III to timm's.
var deitKeys = strings.NewReplacer(".gamma_1", ".ls1.gamma", ".gamma_2", ".ls2.gamma")

// deitHeads are timm's keys of the output layers on the class token and on the distillation token.
var deitHeads = [2]string{"head.", "head_dist."}

// separateHeads returns a state dict with the output layer as the two whose mean it is: each has one half of its
// weights, twice, and its bias. A layer of another kind, as with a hidden layer before it, stays as it is.
func separateHeads(entries []weights.Entry) ([]weights.Entry, error) {
	if slices.ContainsFunc(entries, func(e weights.Entry) bool { return strings.HasPrefix(e.Key, "head.hidden.") }) {
		return entries, nil
	}
	var out []weights.Entry
	for _, e := range entries {
		kind, ok := strings.CutPrefix(e.Key, deitHeads[0])
		if !ok {
			out = append(out, e)
			continue
		}
		values, err := e.Float32()
		if err != nil {
			return nil, fmt.Errorf("zoo: exporting %q: %w", e.Key, err)
		}
		shape, halves := e.Shape, [2][]float32{values, values}
		if len(shape) == 2 {
			shape, halves = []int{shape[0], shape[1] / 2}, [2][]float32{}
			for i, v := range values {
				half := &halves[i/shape[1]%2]
				*half = append(*half, 2*v)
			}
		}
		for i, head := range deitHeads {
			t, err := weights.NewTensor(shape, halves[i])
			if err != nil {
				return nil, fmt.Errorf("zoo: exporting %q: %w", e.Key, err)
			}
			out = append(out, weights.Entry{Key: head + kind, Tensor: t})
		}
	}
	return out, nil
}

// joinedHeads is the inverse of separateHeads.
func joinedHeads(sd *weights.StateDict) (*weights.StateDict, error) {
	if _, two := sd.Get(deitHeads[1] + "weight"); !two {
		return sd, nil
	}
	f := fit{from: map[string]string{}}
	var rest []weights.Entry
	for _, e := range sd.Entries() {
		if name := timmDistilled(e.Key); name != e.Key {
			f.from[name] = e.Key
		} else {
			rest = append(rest, e)
		}
	}
	for _, kind := range []string{"weight", "bias"} {
		key := deitHeads[0] + kind
		t, ok, err := f.mean(nn.Param{Key: key}, sd)
		if err != nil {
			return nil, err
		}
		if ok {
			rest = append(rest, weights.Entry{Key: key, Tensor: t})
		}
	}
	return sd.With(rest)
}

func (c deitConfig) build(epsilon float64) Architecture {
	e := encoder{layers: c.layers, heads: c.heads, width: c.width, mlp: 4 * c.width, act: nn.GELU, epsilon: epsilon}
	classified := 1
	if !c.distilled {
		e.scale = 1e-6
	} else if !c.alone {
		classified = 2
	}
	first := Stage{"patch_embed", func(s *nn.Scope, x *Node) *Node {
		class, patches := e.token(s, x, "cls_token"), e.patches(s, x, c.patch, true)
		if !c.distilled {
			return Concatenate([]*Node{class, e.positioned(s, patches)}, 1)
		}
		return e.positioned(s, Concatenate([]*Node{class, e.token(s, x, "dist_token"), patches}, 1))
	}}
	last := Stage{"norm", func(s *nn.Scope, x *Node) *Node {
		return e.firstTokens(nn.LayerNorm(s.In("norm"), x, epsilon), classified)
	}}
	return Architecture{Stages: e.stages(first, last), Head: startedHead("head", 0, truncated, nn.Constant(0))}
}
