package zoo

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// vggs are the networks A, B, D and E of Simonyan and Zisserman 2014 (arXiv 1409.1556, table 1), plain and with a
// batch normalisation after each convolution (torchvision's addition). Deviation, also torchvision's: the mean over
// 7x7 fields before the linear layers, which lets images of other sizes through.
//
// The published set vgg16.IMAGENET1K_FEATURES holds values for the convolutions only; its linear layers are NaN, so it
// is of use only with a new head on the stages up to block5.
func vggs() []Spec {
	var specs []Spec
	for _, c := range []struct {
		name   string
		blocks [5]int // convolutions in each block
	}{
		{"vgg11", [5]int{1, 1, 2, 2, 2}},
		{"vgg13", [5]int{2, 2, 2, 2, 2}},
		{"vgg16", [5]int{2, 2, 3, 3, 3}},
		{"vgg19", [5]int{2, 2, 4, 4, 4}},
	} {
		for _, norm := range []bool{false, true} {
			name := c.name
			if norm {
				name += "_bn"
			}
			specs = append(specs, torchvision(Spec{
				Name: name, Family: "vgg",
				Paper: "Simonyan and Zisserman 2014, Very Deep Convolutional Networks, arXiv 1409.1556, table 1",
				Build: func() Architecture { return vgg(c.blocks, norm) },
			}))
		}
	}
	return specs
}

func vgg(blocks [5]int, norm bool) Architecture {
	var stages []Stage
	index := 0 // of the next layer in features; activations and pooling count, too
	for i, convs := range blocks {
		first, channels := index, min(64<<i, 512)
		step := 2
		if norm {
			step = 3
		}
		index += convs*step + 1
		stages = append(stages, Stage{fmt.Sprintf("block%d", i+1), func(s *nn.Scope, x *Node) *Node {
			for j := range convs {
				at := first + j*step
				x = nn.Conv2D(s.In(fmt.Sprintf("features.%d", at)), x, channels, 3).Pad(1).
					Bias().BiasInit(nn.Constant(0)).Done()
				if norm {
					x = nn.BatchNorm(s.In(fmt.Sprintf("features.%d", at+1)), x).Done()
				}
				x = nn.ReLU(x)
			}
			return nn.MaxPool2D(x, 2).Done()
		}})
	}
	linear := func(s *nn.Scope, x *Node, out int) *Node {
		return nn.LinearWith(s, x, out, nn.Normal(0.01), nn.Constant(0))
	}
	stages = append(stages,
		Stage{"avgpool", func(_ *nn.Scope, x *Node) *Node { return nn.Flatten(nn.AdaptiveAvgPool2D(x, 7, 7)) }},
		Stage{"classifier.0", func(s *nn.Scope, x *Node) *Node { return nn.ReLU(linear(s.In("classifier.0"), x, 4096)) }},
		Stage{"classifier.3", func(s *nn.Scope, x *Node) *Node {
			s = s.In("classifier.3")
			return nn.ReLU(linear(s, nn.Dropout(s, x, 0.5), 4096))
		}})
	return Architecture{Stages: stages, Head: startedHead("classifier.6", 0.5, nn.Normal(0.01), nn.Constant(0))}
}
