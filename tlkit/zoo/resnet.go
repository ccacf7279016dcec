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
		x = nn.Conv2D(s.In("conv1"), x, 64, 7).Stride(2).Pad(3).Done()
		x = nn.ReLU(nn.BatchNorm(s.In("bn1"), x).Done())
		return nn.MaxPool2D(x, 3).Stride(2).Pad(1).Done()
	}}}
	for i, blocks := range c.blocks {
		name, planes := fmt.Sprintf("layer%d", i+1), 64<<i
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			for j := range blocks {
				stride := 1
				if i > 0 && j == 0 {
					stride = 2
				}
				x = c.block(s.In(fmt.Sprintf("%s.%d", name, j)), x, planes, stride)
			}
			return x
		}})
	}
	return Architecture{Stages: append(stages, poolStage), Head: linearHead("fc")}
}

// block is a basic block or a bottleneck (He et al. 2015, figure 5), with a projection where the shape changes.
func (c resNetConfig) block(s *nn.Scope, x *Node, planes, stride int) *Node {
	conv := func(name string, x *Node, out, kernel, stride, groups int) *Node {
		return nn.Conv2D(s.In(name), x, out, kernel).Stride(stride).Pad(kernel / 2).Groups(groups).Done()
	}
	norm := func(name string, x *Node) *Node { return nn.BatchNorm(s.In(name), x).Done() }
	out := planes
	var y *Node
	if c.bottleneck {
		out = 4 * planes
		width := planes * c.width / 64 * c.groups
		y = nn.ReLU(norm("bn1", conv("conv1", x, width, 1, 1, 1)))
		y = nn.ReLU(norm("bn2", conv("conv2", y, width, 3, stride, c.groups)))
		y = norm("bn3", conv("conv3", y, out, 1, 1, 1))
	} else {
		y = nn.ReLU(norm("bn1", conv("conv1", x, planes, 3, stride, 1)))
		y = norm("bn2", conv("conv2", y, planes, 3, 1, 1))
	}
	if stride != 1 || x.Shape().Dimensions[3] != out {
		x = norm("downsample.1", conv("downsample.0", x, out, 1, stride, 1))
	}
	return nn.ReLU(Add(x, y))
}
