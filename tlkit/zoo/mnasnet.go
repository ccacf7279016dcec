package zoo

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// mnasNets are the networks of Tan et al. 2018 (arXiv 1807.11626) in their variant B1 (without squeeze-and-excitation;
// the paper's figure 7 shows A1), in several widths, with the running statistics' momentum of the authors' code
// (1 - 0.9997). Files of torchvision's first version of the widths other than 1, whose first layers are not scaled,
// don't fit.
func mnasNets() []Spec {
	var specs []Spec
	for _, c := range []struct {
		name  string
		width float64
	}{{"mnasnet0_5", 0.5}, {"mnasnet0_75", 0.75}, {"mnasnet1_0", 1}, {"mnasnet1_3", 1.3}} {
		specs = append(specs, torchvision(Spec{
			Name: c.name, Family: "mnasnet",
			Paper: "Tan et al. 2018, MnasNet, arXiv 1807.11626, section 5 and figure 7 (variant B1)",
			Build: func() Architecture { return mnasNet(c.width) },
		}))
	}
	return specs
}

func mnasNet(width float64) Architecture {
	channels := func(c int) int { return multipleOf(8, float64(c)*width) }
	// conv is a convolution and, under the next key, its batch norm.
	conv := func(s *nn.Scope, at int, x *Node, out, kernel, stride, groups int) *Node {
		x = nn.Conv2D(s.In(fmt.Sprintf("layers.%d", at)), x, out, kernel).Stride(stride).Pad(kernel / 2).Groups(groups).Done()
		return nn.BatchNorm(s.In(fmt.Sprintf("layers.%d", at+1)), x).Momentum(1 - 0.9997).Done()
	}
	block := func(s *nn.Scope, x *Node, expand, kernel, out, stride int) *Node {
		in := x.Shape().Dimensions[3]
		y := nn.ReLU(conv(s, 0, x, in*expand, 1, 1, 1))
		y = nn.ReLU(conv(s, 3, y, in*expand, kernel, stride, in*expand))
		y = conv(s, 6, y, out, 1, 1, 1)
		if stride == 1 && in == out {
			return Add(x, y)
		}
		return y
	}
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		x = nn.ReLU(conv(s, 0, x, channels(32), 3, 2, 1))
		x = nn.ReLU(conv(s, 3, x, channels(32), 3, 1, channels(32)))
		return conv(s, 6, x, channels(16), 1, 1, 1)
	}}}
	for i, row := range []struct{ expand, kernel, out, repeats, stride int }{
		{3, 3, 24, 3, 2}, {3, 5, 40, 3, 2}, {6, 5, 80, 3, 2}, {6, 3, 96, 2, 1}, {6, 5, 192, 4, 2}, {6, 3, 320, 1, 1},
	} {
		name := fmt.Sprintf("layers.%d", 8+i)
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			for j := range row.repeats {
				stride := 1
				if j == 0 {
					stride = row.stride
				}
				x = block(s.In(fmt.Sprintf("%s.%d", name, j)), x, row.expand, row.kernel, channels(row.out), stride)
			}
			return x
		}})
	}
	stages = append(stages, Stage{"layers.14", func(s *nn.Scope, x *Node) *Node {
		return nn.ReLU(conv(s, 14, x, 1280, 1, 1, 1))
	}}, poolStage)
	return Architecture{Stages: stages, Head: Head{Key: "classifier.1", Forward: func(s *nn.Scope, x *Node, classes int) *Node {
		// PyTorch's kaiming_uniform_ by the outputs, for a sigmoid.
		start := nn.UniformWithin(math.Sqrt(3 / float64(classes)))
		return nn.LinearWith(s, nn.Dropout(s, x, 0.2), classes, start, nn.Constant(0))
	}}}
}
