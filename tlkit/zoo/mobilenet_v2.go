package zoo

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// mobileNetV2s is the network of inverted residuals with linear bottlenecks of Sandler et al. 2018 (arXiv 1801.04381,
// table 2), at width 1, the one that torchvision has weights for.
func mobileNetV2s() []Spec {
	return []Spec{torchvision(Spec{
		Name: "mobilenet_v2", Family: "mobilenet_v2",
		Paper: "Sandler et al. 2018, MobileNetV2, arXiv 1801.04381, table 2",
		Build: mobileNetV2,
	})}
}

func mobileNetV2() Architecture {
	norm := func(s *nn.Scope, x *Node) *Node { return nn.BatchNorm(s, x).Done() }
	// active is a convolution (key 0), its batch norm (key 1) and ReLU6.
	active := func(s *nn.Scope, x *Node, out, kernel, stride, groups int) *Node {
		x = nn.Conv2D(s.In("0"), x, out, kernel).Stride(stride).Pad(kernel / 2).Groups(groups).Done()
		return nn.ReLU6(norm(s.In("1"), x))
	}
	block := func(s *nn.Scope, x *Node, expand, out, stride int) *Node {
		in, y, next := x.Shape().Dimensions[3], x, 0
		part := func() *nn.Scope {
			next++
			return s.In(fmt.Sprintf("conv.%d", next-1))
		}
		if expand != 1 {
			y = active(part(), y, in*expand, 1, 1, 1)
		}
		y = active(part(), y, in*expand, 3, stride, in*expand)
		y = nn.Conv2D(part(), y, out, 1).Done()
		y = norm(part(), y)
		if stride == 1 && in == out {
			return Add(x, y)
		}
		return y
	}
	var stages []Stage
	add := func(forward func(s *nn.Scope, x *Node) *Node) {
		name := fmt.Sprintf("features.%d", len(stages))
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node { return forward(s.In(name), x) }})
	}
	add(func(s *nn.Scope, x *Node) *Node { return active(s, x, 32, 3, 2, 1) })
	// Table 2: expansion, output channels, repetitions, stride of the first.
	for _, row := range [][4]int{
		{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
	} {
		for i := range row[2] {
			stride := 1
			if i == 0 {
				stride = row[3]
			}
			add(func(s *nn.Scope, x *Node) *Node { return block(s, x, row[0], row[1], stride) })
		}
	}
	add(func(s *nn.Scope, x *Node) *Node { return active(s, x, 1280, 1, 1, 1) })
	return Architecture{Stages: append(stages, poolStage), Head: Head{Key: "classifier.1", Forward: func(s *nn.Scope, x *Node, classes int) *Node {
		return nn.LinearWith(s, nn.Dropout(s, x, 0.2), classes, nn.Normal(0.01), nn.Constant(0))
	}}}
}
