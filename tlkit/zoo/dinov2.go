package zoo

import (
	"fmt"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// dinoV2Config is one network of the family.
type dinoV2Config struct {
	name                 string
	layers, heads, width int
	// registers is the number of further tokens that the patches may write to (Darcet et al. 2023).
	registers int
	// token: the output layer takes the class token alone, as timm has it; else the class token beside the mean of the
	// patches, as the authors and transformers have it.
	token bool
	// sized: the position embeddings are for images of the size that the network is built for; else for those
	// published, and interpolated.
	sized bool
}

// dinoV2Sized ends the names of networks that are sized.
const dinoV2Sized = "_sized"

// dinoV2Configs are the published sizes but the giant.
func dinoV2Configs() []dinoV2Config {
	var all []dinoV2Config
	for _, size := range []struct {
		short, long          string
		layers, heads, width int
	}{{"s", "small", 12, 6, 384}, {"b", "base", 12, 12, 768}, {"l", "large", 24, 16, 1024}} {
		c := dinoV2Config{layers: size.layers, heads: size.heads, width: size.width}
		for _, registers := range []int{0, 4} {
			c.registers = registers
			c.token, c.name = false, fmt.Sprintf("dinov2_vit%s14", size.short)
			if registers > 0 {
				c.name += "_reg"
			}
			all = append(all, c)
			c.token, c.name = true, fmt.Sprintf("vit_%s_patch14_dinov2", size.long)
			if registers > 0 {
				c.name = fmt.Sprintf("vit_%s_patch14_reg4_dinov2", size.long)
			}
			all = append(all, c)
		}
	}
	for _, c := range slices.Clone(all) {
		c.name, c.sized = c.name+dinoV2Sized, true
		all = append(all, c)
	}
	return all
}

const (
	dinoV2Patch = 14
	// dinoV2Grid is the number of patches on a side of the images that the published position embeddings are for, of
	// 518x518.
	dinoV2Grid = 37
)

// dinoV2s are the vision transformers of Oquab et al. 2023, DINOv2 (arXiv 2304.07193, section 4 and table 16), with and
// without the registers of Darcet et al. 2023 (arXiv 2309.16588, section 2.2). Keys are the authors'; those of timm's
// variants are timm's.
//
// Position embeddings are interpolated to the images' size in each pass, so that a model takes images of any multiple
// of 14: bicubically as transformers does, from the corners of the grid. The authors' code moves the grid by a tenth of
// a patch, which changes features at 224 pixels in the third digit. Networks that are sized, as timm makes them with
// another img_size and transformers with another image_size, have position embeddings for images of that size alone.
func dinoV2s() []Spec {
	var specs []Spec
	for _, c := range dinoV2Configs() {
		s := Spec{Name: c.name, Family: "dinov2", InputSize: 224, MinSize: 2 * dinoV2Patch,
			Paper: "Oquab et al. 2023, DINOv2, arXiv 2304.07193, section 4 and table 16"}
		if c.registers > 0 {
			s.Paper += "; registers: Darcet et al. 2023, arXiv 2309.16588, section 2.2"
		}
		if c.token && !c.sized {
			s.InputSize = dinoV2Grid * dinoV2Patch
		}
		specs = append(specs, s.norms(viTEpsilon, c.build))
	}
	return specs
}

func (c dinoV2Config) build(epsilon float64) Architecture {
	e := encoder{layers: c.layers, heads: c.heads, width: c.width, mlp: 4 * c.width, act: nn.GELU, scale: 1e-5, epsilon: epsilon}
	norm := Stage{"norm", func(s *nn.Scope, x *Node) *Node {
		x = nn.LayerNorm(s.In("norm"), x, epsilon)
		class := e.firstTokens(x, 1)
		if c.token {
			return class
		}
		return Concatenate([]*Node{class, ReduceMean(SliceAxis(x, 1, AxisRange(1+c.registers)), 1)}, -1)
	}}
	return Architecture{Stages: e.stages(Stage{"patch_embed", c.embed}, norm), Head: startedHead("head", 0, truncated, nn.Constant(0))}
}

// embed cuts images into patches, and puts the class token and the registers before them.
func (c dinoV2Config) embed(s *nn.Scope, x *Node) *Node {
	g, d := x.Graph(), x.Shape().Dimensions
	class := s.Param(g, "cls_token", nn.Plain, nn.Normal(1e-6), 1, 1, c.width)
	height, width := d[1]/dinoV2Patch, d[2]/dinoV2Patch // what is left at the edge is cut off
	rows, columns := dinoV2Grid, dinoV2Grid
	if c.sized {
		rows, columns = height, width
	}
	positions := rows * columns
	if !c.withoutClassPosition() {
		positions++
	}
	embedding := s.Param(g, "pos_embed", nn.Plain, truncated, 1, positions, c.width)
	x = nn.Conv2D(s.In("patch_embed.proj"), x, c.width, dinoV2Patch).Stride(dinoV2Patch).Bias().Init(normalByFanIn).BiasInit(nn.Constant(0)).Done()
	x = Reshape(x, d[0], height*width, c.width)
	if !c.withoutClassPosition() {
		class = Add(class, SliceAxis(embedding, 1, AxisRange(0, 1)))
		embedding = SliceAxis(embedding, 1, AxisRange(1))
	}
	embedding = Reshape(embedding, rows, columns, c.width)
	embedding = interpolated(embedding, height, width, c.registers > 0 || c.token)
	tokens := []*Node{BroadcastToDims(class, d[0], 1, c.width)}
	if c.registers > 0 {
		registers := s.Param(g, c.registerKey(), nn.Plain, nn.Normal(1e-6), 1, c.registers, c.width)
		tokens = append(tokens, BroadcastToDims(registers, d[0], c.registers, c.width))
	}
	return Concatenate(append(tokens, Add(x, Reshape(embedding, 1, height*width, c.width))), 1)
}

// withoutClassPosition reports whether the class token has no position embedding: timm adds it to the token in networks
// with registers.
func (c dinoV2Config) withoutClassPosition() bool { return c.token && c.registers > 0 }

func (c dinoV2Config) registerKey() string {
	if c.token {
		return "reg_token"
	}
	return "register_tokens"
}
