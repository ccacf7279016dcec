package zoo

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// resNetConfig is one column of table 1 of He et al. 2015, with ResNeXt's groups and the width of wide networks.
type resNetConfig struct {
	name       string
	bottleneck bool
	blocks     [4]int
	groups     int
	// width of a group at 64 channels; 64 for a plain network.
	width int
}

// resNets are torchvision's residual networks: He et al. 2015 (arXiv 1512.03385, table 1), with the stride in the 3x3
// convolution of a bottleneck ("v1.5", as torchvision); ResNeXt (Xie et al. 2016, arXiv 1611.05431, table 1) and
// wide networks (Zagoruyko and Komodakis 2016, arXiv 1605.07146).
func resNets() []Spec {
	configs := []resNetConfig{
		{"resnet18", false, [4]int{2, 2, 2, 2}, 1, 64},
		{"resnet34", false, [4]int{3, 4, 6, 3}, 1, 64},
		{"resnet50", true, [4]int{3, 4, 6, 3}, 1, 64},
		{"resnet101", true, [4]int{3, 4, 23, 3}, 1, 64},
		{"resnet152", true, [4]int{3, 8, 36, 3}, 1, 64},
		{"resnext50_32x4d", true, [4]int{3, 4, 6, 3}, 32, 4},
		{"resnext101_32x8d", true, [4]int{3, 4, 23, 3}, 32, 8},
		{"resnext101_64x4d", true, [4]int{3, 4, 23, 3}, 64, 4},
		{"wide_resnet50_2", true, [4]int{3, 4, 6, 3}, 1, 128},
		{"wide_resnet101_2", true, [4]int{3, 4, 23, 3}, 1, 128},
	}
	var specs []Spec
	for _, c := range configs {
		specs = append(specs, torchvision(Spec{
			Name: c.name, Family: "resnet", Paper: "He et al. 2015, Deep Residual Learning, arXiv 1512.03385, table 1",
			Build: func() Architecture { return resNet(c) },
		}))
	}
	return specs
}

func resNet(c resNetConfig) Architecture {
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		x = convNorm{act: nn.ReLU}.under(s.In("conv1"), s.In("bn1"), x, 64, 7, 2, 1)
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
	if stride != 1 || channels(x) != out {
		x = convNorm{}.build(s.In("downsample"), x, out, 1, stride, 1)
	}
	return nn.ReLU(Add(x, y))
}
