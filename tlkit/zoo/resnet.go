package zoo

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// resNetConfig is one column of table 1 of He et al. 2015, with ResNeXt's groups, the width of wide networks, and the
// changes of later papers.
type resNetConfig struct {
	name       string
	bottleneck bool
	blocks     [4]int
	groups     int
	// width of a group at 64 channels; 64 for a plain network.
	width int
	resNetChanges
}

// resNetChanges are changes to the networks of He et al. 2015; the zero value has none.
type resNetChanges struct {
	// stem, if set, are the channels of the first two of three 3x3 convolutions in place of the first of 7x7.
	stem [2]int
	// averaged reduces shortcuts by a mean over 2x2 values, and not by the stride of their convolution.
	averaged bool
	// squeezed ends each branch by squeeze-and-excitation.
	squeezed bool
}

// resNets are torchvision's residual networks: He et al. 2015 (arXiv 1512.03385, table 1), with the stride in the 3x3
// convolution of a bottleneck ("v1.5", as torchvision); ResNeXt (Xie et al. 2016, arXiv 1611.05431, table 1) and
// wide networks (Zagoruyko and Komodakis 2016, arXiv 1605.07146). After them come those that timm has in addition.
func resNets() []Spec {
	small, large := [4]int{3, 4, 6, 3}, [4]int{3, 4, 23, 3}
	configs := []resNetConfig{
		{name: "resnet18", blocks: [4]int{2, 2, 2, 2}, groups: 1, width: 64},
		{name: "resnet34", blocks: small, groups: 1, width: 64},
		{name: "resnet26", bottleneck: true, blocks: [4]int{2, 2, 2, 2}, groups: 1, width: 64},
		{name: "resnet50", bottleneck: true, blocks: small, groups: 1, width: 64},
		{name: "resnet101", bottleneck: true, blocks: large, groups: 1, width: 64},
		{name: "resnet152", bottleneck: true, blocks: [4]int{3, 8, 36, 3}, groups: 1, width: 64},
		{name: "resnext50_32x4d", bottleneck: true, blocks: small, groups: 32, width: 4},
		{name: "resnext101_32x4d", bottleneck: true, blocks: large, groups: 32, width: 4},
		{name: "resnext101_32x8d", bottleneck: true, blocks: large, groups: 32, width: 8},
		{name: "resnext101_32x16d", bottleneck: true, blocks: large, groups: 32, width: 16},
		{name: "resnext101_64x4d", bottleneck: true, blocks: large, groups: 64, width: 4},
		{name: "wide_resnet50_2", bottleneck: true, blocks: small, groups: 1, width: 128},
		{name: "wide_resnet101_2", bottleneck: true, blocks: large, groups: 1, width: 128},
	}
	var specs []Spec
	for _, c := range append(configs, resNetVariants()...) {
		paper := "He et al. 2015, Deep Residual Learning, arXiv 1512.03385, table 1"
		if c.stem[0] > 0 {
			paper += "; He et al. 2018, Bag of Tricks, arXiv 1812.01187, section 4.1"
		}
		if c.squeezed {
			paper += "; Hu et al. 2017, Squeeze-and-Excitation Networks, arXiv 1709.01507, figure 3"
		}
		specs = append(specs, torchvision(Spec{Name: c.name, Family: "resnet", Paper: paper, Build: func() Architecture { return resNet(c) }}))
	}
	return specs
}

// resNetVariants are networks of timm 1.0: ResNet-C (a deep stem), ResNet-D (and shortcuts that average) of He et al.
// 2018 (arXiv 1812.01187, section 4.1 and figure 2), timm's "t" (a narrower stem), and SE-ResNet and SE-ResNeXt of Hu
// et al. 2017 (arXiv 1709.01507, figure 3 and table 1). Keys are timm's.
func resNetVariants() []resNetConfig {
	one, two, small, large := [4]int{1, 1, 1, 1}, [4]int{2, 2, 2, 2}, [4]int{3, 4, 6, 3}, [4]int{3, 4, 23, 3}
	deep := resNetChanges{stem: [2]int{32, 32}}
	d := resNetChanges{stem: [2]int{32, 32}, averaged: true}
	t := resNetChanges{stem: [2]int{24, 32}, averaged: true}
	se := resNetChanges{squeezed: true}
	seD, seT := d, t
	seD.squeezed, seT.squeezed = true, true
	return []resNetConfig{
		{"resnet50c", true, small, 1, 64, deep},
		{"resnet101c", true, large, 1, 64, deep},
		{"resnet152c", true, [4]int{3, 8, 36, 3}, 1, 64, deep},
		{"resnet18d", false, two, 1, 64, d},
		{"resnet26d", true, two, 1, 64, d},
		{"resnet34d", false, small, 1, 64, d},
		{"resnet50d", true, small, 1, 64, d},
		{"resnet101d", true, large, 1, 64, d},
		{"resnet152d", true, [4]int{3, 8, 36, 3}, 1, 64, d},
		{"resnet200d", true, [4]int{3, 24, 36, 3}, 1, 64, d},
		{"resnext50d_32x4d", true, small, 32, 4, d},
		{"resnet10t", false, one, 1, 64, t},
		{"resnet14t", true, one, 1, 64, t},
		{"resnet26t", true, two, 1, 64, t},
		{"seresnet50", true, small, 1, 64, se},
		{"seresnet152d", true, [4]int{3, 8, 36, 3}, 1, 64, seD},
		{"seresnext50_32x4d", true, small, 32, 4, se},
		{"seresnext101_32x4d", true, large, 32, 4, se},
		{"seresnext101_32x8d", true, large, 32, 8, se},
		{"seresnext101_64x4d", true, large, 64, 4, se},
		{"seresnext26d_32x4d", true, two, 32, 4, seD},
		{"seresnext26t_32x4d", true, two, 32, 4, seT},
		{"seresnext101d_32x8d", true, large, 32, 8, seD},
	}
}

func resNet(c resNetConfig) Architecture {
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		active := convNorm{act: nn.ReLU}
		if deep := c.stem; deep[0] > 0 {
			x = active.under(s.In("conv1.0"), s.In("conv1.1"), x, deep[0], 3, 2, 1)
			x = active.under(s.In("conv1.3"), s.In("conv1.4"), x, deep[1], 3, 1, 1)
			x = active.under(s.In("conv1.6"), s.In("bn1"), x, 64, 3, 1, 1)
		} else {
			x = active.under(s.In("conv1"), s.In("bn1"), x, 64, 7, 2, 1)
		}
		return nn.MaxPool2D(x, 3).Stride(2).Pad(1).Done()
	}}}
	for i, blocks := range c.blocks {
		name, planes := fmt.Sprintf("layer%d", i+1), 64<<i
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			for j := range blocks {
				stride := firstStride(j, min(i+1, 2))
				x = c.block(s.In(fmt.Sprintf("%s.%d", name, j)), x, planes, stride)
			}
			return x
		}})
	}
	return Architecture{Stages: append(stages, poolStage), Head: linearHead("fc")}
}

// block is a basic block or a bottleneck (He et al. 2015, figure 5), with a projection where the shape changes.
func (c resNetConfig) block(s *nn.Scope, x *Node, planes, stride int) *Node {
	conv := func(i int, act func(*Node) *Node, x *Node, out, kernel, stride, groups int) *Node {
		conv, norm := s.In(fmt.Sprintf("conv%d", i)), s.In(fmt.Sprintf("bn%d", i))
		return convNorm{act: act}.under(conv, norm, x, out, kernel, stride, groups)
	}
	out := planes
	var y *Node
	if c.bottleneck {
		out = 4 * planes
		width := planes * c.width / 64 * c.groups
		y = conv(1, nn.ReLU, x, width, 1, 1, 1)
		y = conv(2, nn.ReLU, y, width, 3, stride, c.groups)
		y = conv(3, nil, y, out, 1, 1, 1)
	} else {
		y = conv(1, nn.ReLU, x, planes, 3, stride, 1)
		y = conv(2, nil, y, planes, 3, 1, 1)
	}
	if c.squeezed {
		y = nn.SqueezeExcite(s.In("se"), y, out/16).Done()
	}
	if stride != 1 || channels(x) != out {
		x = c.shortcut(s.In("downsample"), x, out, stride)
	}
	return nn.ReLU(Add(x, y))
}

// shortcut brings a block's input to the shape of its output.
func (c resNetConfig) shortcut(s *nn.Scope, x *Node, out, stride int) *Node {
	if !c.averaged {
		return convNorm{}.build(s, x, out, 1, stride, 1)
	}
	if stride == 2 {
		x = halved(x)
	}
	return convNorm{}.under(s.In("1"), s.In("2"), x, out, 1, 1, 1)
}

// halved is the mean over 2x2 values; that over the last row or column of an odd number is over those alone.
func halved(x *Node) *Node {
	for axis := 1; axis <= 2; axis++ {
		if side := x.Shape().Dimensions[axis]; side%2 == 1 {
			x = Concatenate([]*Node{x, SliceAxis(x, axis, AxisElem(side-1))}, axis)
		}
	}
	return nn.AvgPool2D(x, 2).Done()
}
