package zoo

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// mobileViTConfig is one network of the family.
type mobileViTConfig struct {
	name string
	// channels of the five stages and after them; widths of the transformers in the last three.
	channels [6]int
	widths   [3]int
	// expand widens the blocks of convolutions.
	expand int
	// epsilon is that of the layer norms.
	epsilon float64
}

var mobileViTConfigs = []mobileViTConfig{
	{name: "mobilevit_xxs", channels: [6]int{16, 24, 48, 64, 80, 320}, widths: [3]int{64, 80, 96}, expand: 2},
	{name: "mobilevit_xs", channels: [6]int{32, 48, 64, 80, 96, 384}, widths: [3]int{96, 120, 144}, expand: 4},
	{name: "mobilevit_s", channels: [6]int{32, 64, 96, 128, 160, 640}, widths: [3]int{144, 192, 240}, expand: 4},
}

// mobileViTs are the networks of Mehta and Rastegari 2021, MobileViT (arXiv 2110.02178, section 3.1, figure 1 and table
// 4): blocks of MobileNetV2, and transformers in which the pixels of equal place in squares of 2x2 attend to each
// other. Keys are timm's. The last map has whole squares, so the sides of images are multiples of 64.
func mobileViTs() []Spec {
	var specs []Spec
	for _, c := range mobileViTConfigs {
		specs = append(specs, Spec{Name: c.name, Family: "mobilevit", InputSize: 256, MinSize: mobileViTUnit,
			Paper: "Mehta and Rastegari 2021, MobileViT, arXiv 2110.02178, section 3.1 and table 4"}.norms(mobileViTEpsilon, c.build))
	}
	return specs
}

// mobileViTEpsilon is added to the variance in the layer norms.
const mobileViTEpsilon = 1e-5

// mobileViTUnit divides the sides of images.
const mobileViTUnit = 64

// mobileViTLayer is a convolution with its norm, and SiLU if act is set.
func mobileViTLayer(s *nn.Scope, x *Node, out, kernel, stride, groups int, act bool) *Node {
	c := convNorm{}
	if act {
		c.act = nn.SiLU
	}
	return c.under(s.In("conv"), s.In("bn"), x, out, kernel, stride, groups)
}

func (c mobileViTConfig) build(epsilon float64) Architecture {
	c.epsilon = epsilon
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		if d := x.Shape().Dimensions; d[1]%mobileViTUnit != 0 || d[2]%mobileViTUnit != 0 {
			exceptions.Panicf("zoo: %s takes images whose sides are multiples of %d, got %dx%d", c.name, mobileViTUnit, d[1], d[2])
		}
		return mobileViTLayer(s.In("stem"), x, 16, 3, 2, 1, true)
	}}}
	blocks, depths := [5]int{1, 3, 1, 1, 1}, [3]int{2, 4, 3}
	for i, n := range blocks {
		name := fmt.Sprintf("stages.%d", i)
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			for j := range n {
				x = c.bottleneck(s.In(fmt.Sprintf("%s.%d", name, j)), x, c.channels[i], firstStride(j, min(i, 1)+1))
			}
			if i >= 2 {
				x = c.mixed(s.In(name+".1"), x, c.widths[i-2], depths[i-2])
			}
			return x
		}})
	}
	stages = append(stages, Stage{"final_conv", func(s *nn.Scope, x *Node) *Node {
		return mobileViTLayer(s.In("final_conv"), x, c.channels[5], 1, 1, 1, true)
	}}, poolStage)
	return Architecture{Stages: stages, Head: startedHead("head.fc", 0, truncated, nn.Constant(0))}
}

// bottleneck is a block of MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381, section 3.3).
func (c mobileViTConfig) bottleneck(s *nn.Scope, x *Node, out, stride int) *Node {
	wide := c.expand * channels(x)
	y := mobileViTLayer(s.In("conv1_1x1"), x, wide, 1, 1, 1, true)
	y = mobileViTLayer(s.In("conv2_kxk"), y, wide, 3, stride, wide, true)
	y = mobileViTLayer(s.In("conv3_1x1"), y, out, 1, 1, 1, false)
	if stride == 1 && channels(x) == out {
		return Add(x, y)
	}
	return y
}

// mixed is the MobileViT block: a convolution, a transformer over the whole map, and a convolution of both.
func (c mobileViTConfig) mixed(s *nn.Scope, x *Node, width, depth int) *Node {
	e := encoder{heads: 4, width: width, mlp: 2 * width, act: nn.SiLU, epsilon: c.epsilon}
	y := mobileViTLayer(s.In("conv_kxk"), x, channels(x), 3, 1, 1, true)
	y = nn.Conv2D(s.In("conv_1x1"), y, width, 1).Done()
	d := y.Shape().Dimensions
	rows, columns := d[1]/2, d[2]/2
	y = TransposeAllAxes(Reshape(y, d[0], rows, 2, columns, 2, width), 0, 2, 4, 1, 3, 5)
	y = Reshape(y, 4*d[0], rows*columns, width)
	for i := range depth {
		y = e.block(s.In(fmt.Sprintf("transformer.%d", i)), y)
	}
	y = Reshape(nn.LayerNorm(s.In("norm"), y, e.epsilon), d[0], 2, 2, rows, columns, width)
	y = Reshape(TransposeAllAxes(y, 0, 3, 1, 4, 2, 5), d...)
	y = mobileViTLayer(s.In("conv_proj"), y, channels(x), 1, 1, 1, true)
	return mobileViTLayer(s.In("conv_fusion"), Concatenate([]*Node{x, y}, -1), channels(x), 3, 1, 1, true)
}
