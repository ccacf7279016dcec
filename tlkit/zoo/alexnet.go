package zoo

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// alexNets is the network of Krizhevsky et al. 2012 in the form of Krizhevsky 2014, One weird trick (arXiv 1404.5997,
// footnote 1: fewer kernels, no local response normalisation), as torchvision has it. Deviation from both papers, also
// torchvision's: the mean over 6x6 fields before the linear layers, which lets images of other sizes through.
func alexNets() []Spec {
	return []Spec{torchvision(Spec{
		Name: "alexnet", Family: "alexnet",
		Paper: "Krizhevsky 2014, One weird trick for parallelizing convolutional neural networks, arXiv 1404.5997, footnote 1",
		Build: alexNet,
	})}
}

func alexNet() Architecture {
	var stages []Stage
	for i, c := range []struct {
		index, out, kernel, stride, pad int
		pool                            bool
	}{
		{0, 64, 11, 4, 2, true},
		{3, 192, 5, 1, 2, true},
		{6, 384, 3, 1, 1, false},
		{8, 256, 3, 1, 1, false},
		{10, 256, 3, 1, 1, true},
	} {
		stages = append(stages, Stage{fmt.Sprintf("conv%d", i+1), func(s *nn.Scope, x *Node) *Node {
			s = s.In(fmt.Sprintf("features.%d", c.index))
			x = nn.Conv2D(s, x, c.out, c.kernel).Stride(c.stride).Pad(c.pad).Init(nn.FanInUniform).Bias().Done()
			x = nn.ReLU(x)
			if c.pool {
				x = nn.MaxPool2D(x, 3).Stride(2).Done()
			}
			return x
		}})
	}
	stages = append(stages, Stage{"avgpool", func(_ *nn.Scope, x *Node) *Node {
		return nn.Flatten(nn.AdaptiveAvgPool2D(x, 6, 6))
	}})
	for _, name := range []string{"classifier.1", "classifier.4"} {
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			s = s.In(name)
			return nn.ReLU(nn.Linear(s, nn.Dropout(s, x, 0.5), 4096))
		}})
	}
	return Architecture{Stages: stages, Head: linearHead("classifier.6")}
}
