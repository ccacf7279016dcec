package zoo

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// squeezeNets are the networks of fire modules of Iandola et al. 2016 (arXiv 1602.07360, table 1), and version 1.1 of
// the authors' repository (github.com/forresti/SqueezeNet), which pools earlier.
//
// The output layer is a 1x1 convolution, a ReLU and a mean over all positions; so the features before it are images
// [batch, height, width, 512], not vectors.
func squeezeNets() []Spec {
	var specs []Spec
	for _, c := range []squeezeNetConfig{
		{"squeezenet1_0", 96, 7, [2]int{4, 8}},
		{"squeezenet1_1", 64, 3, [2]int{3, 5}},
	} {
		specs = append(specs, torchvision(Spec{
			Name: c.name, Family: "squeezenet",
			Paper: "Iandola et al. 2016, SqueezeNet, arXiv 1602.07360, table 1",
			Build: func() Architecture { return squeezeNet(c) },
		}))
	}
	return specs
}

type squeezeNetConfig struct {
	name string
	// channels and kernel of the first convolution.
	channels, kernel int
	// poolAfter are the fire modules (2 to 9 in the paper's count) that are followed by a pooling.
	poolAfter [2]int
}

func squeezeNet(c squeezeNetConfig) Architecture {
	pool := func(x *Node) *Node { return nn.MaxPool2D(x, 3).Stride(2).Ceil().Done() }
	conv := func(s *nn.Scope, x *Node, out, kernel int) *nn.ConvBuilder {
		return nn.Conv2D(s, x, out, kernel).Init(nn.KaimingUniformFanIn).Bias().BiasInit(nn.Constant(0))
	}
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		return pool(nn.ReLU(conv(s.In("features.0"), x, c.channels, c.kernel).Stride(2).Done()))
	}}}
	index := 3 // of the next layer in features; poolings count, too
	// Channels between the halves of each fire module; each half of the expansion has four times as many.
	for i, squeeze := range []int{16, 16, 32, 32, 48, 48, 64, 64} {
		key, number := fmt.Sprintf("features.%d", index), i+2
		pooled := number == c.poolAfter[0] || number == c.poolAfter[1]
		index++
		if pooled {
			index++
		}
		stages = append(stages, Stage{fmt.Sprintf("fire%d", number), func(s *nn.Scope, x *Node) *Node {
			s = s.In(key)
			x = nn.ReLU(conv(s.In("squeeze"), x, squeeze, 1).Done())
			x = Concatenate([]*Node{
				nn.ReLU(conv(s.In("expand1x1"), x, 4*squeeze, 1).Done()),
				nn.ReLU(conv(s.In("expand3x3"), x, 4*squeeze, 3).Pad(1).Done()),
			}, -1)
			if pooled {
				x = pool(x)
			}
			return x
		}})
	}
	head := func(s *nn.Scope, x *Node, classes int) *Node {
		x = nn.Conv2D(s, nn.Dropout(s, x, 0.5), classes, 1).Init(nn.Normal(0.01)).Bias().BiasInit(nn.Constant(0)).Done()
		return nn.GlobalMeanPool(nn.ReLU(x))
	}
	return Architecture{Stages: stages, Head: Head{Key: "classifier.1", Forward: head}}
}
