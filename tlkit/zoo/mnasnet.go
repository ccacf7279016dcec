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
			Paper:   "Tan et al. 2018, MnasNet, arXiv 1807.11626, section 5 and figure 7 (variant B1)",
			Version: 2,
			Build:   func() Architecture { return mnasNet(c.width) },
		}))
	}
	return specs
}

func mnasNet(width float64) Architecture {
	scaled := func(c int) int { return multipleOf(8, float64(c)*width) }
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		x = nn.ReLU(mnasConv(s, 0, x, scaled(32), 3, 2, 1))
		x = nn.ReLU(mnasConv(s, 3, x, scaled(32), 3, 1, scaled(32)))
		return mnasConv(s, 6, x, scaled(16), 1, 1, 1)
	}}}
	for i, row := range []struct{ expand, kernel, out, repeats, stride int }{
		{3, 3, 24, 3, 2}, {3, 5, 40, 3, 2}, {6, 5, 80, 3, 2}, {6, 3, 96, 2, 1}, {6, 5, 192, 4, 2}, {6, 3, 320, 1, 1},
	} {
		name := fmt.Sprintf("layers.%d", 8+i)
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			for j := range row.repeats {
				x = mnasBlock(s.In(fmt.Sprintf("%s.%d", name, j)), x, row.expand, row.kernel, scaled(row.out), firstStride(j, row.stride))
			}
			return x
		}})
	}
	stages = append(stages, Stage{"layers.14", func(s *nn.Scope, x *Node) *Node {
		return nn.ReLU(mnasConv(s, 14, x, 1280, 1, 1, 1))
	}}, poolStage)
	return Architecture{Stages: stages, Head: Head{Key: "classifier.1", Forward: func(s *nn.Scope, x *Node, classes int) *Node {
		// PyTorch's kaiming_uniform_ by the outputs, for a sigmoid.
		start := nn.UniformWithin(math.Sqrt(3 / float64(classes)))
		return nn.LinearWith(s, nn.Dropout(s, x, 0.2), classes, start, nn.Constant(0))
	}}}
}

// mnasConv is a convolution with the key layers.AT and, under the next key, its batch norm.
func mnasConv(s *nn.Scope, at int, x *Node, out, kernel, stride, groups int) *Node {
	conv, norm := s.In(fmt.Sprintf("layers.%d", at)), s.In(fmt.Sprintf("layers.%d", at+1))
	return convNorm{momentum: 1 - 0.9997}.under(conv, norm, x, out, kernel, stride, groups)
}

// mnasBlock is the mobile inverted bottleneck of Tan et al. 2018, figure 7 (d) and (e).
func mnasBlock(s *nn.Scope, x *Node, expand, kernel, out, stride int) *Node {
	in := channels(x)
	y := nn.ReLU(mnasConv(s, 0, x, in*expand, 1, 1, 1))
	y = nn.ReLU(mnasConv(s, 3, y, in*expand, kernel, stride, in*expand))
	y = mnasConv(s, 6, y, out, 1, 1, 1)
	if stride == 1 && in == out {
		return Add(x, y)
	}
	return y
}
