package zoo

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// googLeNets is the network of Szegedy et al. 2014 (arXiv 1409.4842, table 1), as torchvision has it: with batch
// normalisation, with 3x3 where the paper has 5x5 convolutions (torchvision issue 906), and with dropout 0.2.
//
// Its two auxiliary heads classify the output of inception4a and inception4d (section 5); in training their losses
// count 0.3 each. In the published file they are not trained. The heads take 4x4 means of uneven windows (the paper:
// 5x5 windows, stride 3).
func googLeNets() []Spec {
	s := torchvision(Spec{
		Name: "googlenet", Family: "googlenet",
		Paper: "Szegedy et al. 2014, Going Deeper with Convolutions, arXiv 1409.4842, table 1 and section 5",
		Build: googLeNet,
	})
	for i := range s.Weights {
		// torchvision counts 6,624,904, without the auxiliary heads, which the file holds nevertheless.
		s.Weights[i].Params = 13004888
		s.Weights[i].Preprocess = inceptionNorm(s.Weights[i].Preprocess)
	}
	return []Spec{s}
}

// googLeNetModules are the inception modules of table 1: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj; and the
// window of the pooling that follows.
var googLeNetModules = []struct {
	name     string
	channels [6]int
	pool     int
}{
	{"inception3a", [6]int{64, 96, 128, 16, 32, 32}, 0},
	{"inception3b", [6]int{128, 128, 192, 32, 96, 64}, 3},
	{"inception4a", [6]int{192, 96, 208, 16, 48, 64}, 0},
	{"inception4b", [6]int{160, 112, 224, 24, 64, 64}, 0},
	{"inception4c", [6]int{128, 128, 256, 24, 64, 64}, 0},
	{"inception4d", [6]int{112, 144, 288, 32, 64, 64}, 0},
	{"inception4e", [6]int{256, 160, 320, 32, 128, 128}, 2},
	{"inception5a", [6]int{256, 160, 320, 32, 128, 128}, 0},
	{"inception5b", [6]int{384, 192, 384, 48, 128, 128}, 0},
}

func googLeNet() Architecture {
	conv := func(s *nn.Scope, x *Node, out, kernel, stride int) *Node {
		return inceptionConv(s, x, out, [2]int{kernel, kernel}, stride, [2]int{kernel / 2, kernel / 2}, 0.01)
	}
	pool := func(x *Node, window, stride, pad int) *Node {
		return nn.MaxPool2D(x, window).Stride(stride).Pad(pad).Ceil().Done()
	}
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		x = pool(conv(s.In("conv1"), x, 64, 7, 2), 3, 2, 0)
		x = conv(s.In("conv3"), conv(s.In("conv2"), x, 64, 1, 1), 192, 3, 1)
		return pool(x, 3, 2, 0)
	}}}
	for _, m := range googLeNetModules {
		c := m.channels
		stages = append(stages, Stage{m.name, func(s *nn.Scope, x *Node) *Node {
			s = s.In(m.name)
			x = Concatenate([]*Node{
				conv(s.In("branch1"), x, c[0], 1, 1),
				conv(s.In("branch2.1"), conv(s.In("branch2.0"), x, c[1], 1, 1), c[2], 3, 1),
				conv(s.In("branch3.1"), conv(s.In("branch3.0"), x, c[3], 1, 1), c[4], 3, 1),
				conv(s.In("branch4.1"), pool(x, 3, 1, 1), c[5], 1, 1),
			}, -1)
			if m.pool > 0 {
				x = pool(x, m.pool, 2, 0)
			}
			return x
		}})
	}
	aux := func(s *nn.Scope, x *Node, classes int) *Node {
		x = conv(s.In("conv"), nn.AdaptiveAvgPool2D(x, 4, 4), 128, 1, 1)
		x = nn.ReLU(inceptionLinear(s.In("fc1"), nn.Flatten(x), 1024, 0.01))
		return inceptionLinear(s.In("fc2"), nn.Dropout(s.In("fc2"), x, 0.7), classes, 0.01)
	}
	return Architecture{
		Stages: append(stages, poolStage),
		Head: Head{Key: "fc", Forward: func(s *nn.Scope, x *Node, classes int) *Node {
			return inceptionLinear(s, nn.Dropout(s, x, 0.2), classes, 0.01)
		}},
		Aux: []AuxHead{
			{After: "inception4a", Key: "aux1", Output: "fc2", Weight: 0.3, Forward: aux},
			{After: "inception4d", Key: "aux2", Output: "fc2", Weight: 0.3, Forward: aux},
		},
	}
}
