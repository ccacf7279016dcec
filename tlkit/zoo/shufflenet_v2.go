package zoo

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// shuffleNetV2s are the networks of Ma et al. 2018 (arXiv 1807.11164, table 5 and figure 3 c, d).
func shuffleNetV2s() []Spec {
	var specs []Spec
	for _, c := range []struct {
		name string
		// channels of the stages 2 to 4 and of the last convolution.
		channels [3]int
		last     int
	}{
		{"shufflenet_v2_x0_5", [3]int{48, 96, 192}, 1024},
		{"shufflenet_v2_x1_0", [3]int{116, 232, 464}, 1024},
		{"shufflenet_v2_x1_5", [3]int{176, 352, 704}, 1024},
		{"shufflenet_v2_x2_0", [3]int{244, 488, 976}, 2048},
	} {
		specs = append(specs, torchvision(Spec{
			Name: c.name, Family: "shufflenet_v2",
			Paper: "Ma et al. 2018, ShuffleNet V2, arXiv 1807.11164, table 5 and figure 3",
			Build: func() Architecture { return shuffleNetV2(c.channels, c.last) },
		}))
	}
	return specs
}

func shuffleNetV2(channels [3]int, last int) Architecture {
	// conv is a convolution and, under the next key, its batch norm.
	conv := func(s *nn.Scope, at int, x *Node, out, kernel, stride, groups int) *Node {
		x = nn.Conv2D(s.In(fmt.Sprint(at)), x, out, kernel).Stride(stride).Pad(kernel / 2).Groups(groups).
			Init(nn.FanInUniform).Done()
		return nn.BatchNorm(s.In(fmt.Sprint(at+1)), x).Done()
	}
	block := func(s *nn.Scope, x *Node, out, stride int) *Node {
		half := out / 2
		left, right := x, x
		if stride == 1 { // figure 3 c: one half of the channels stays as it is
			parts := nn.SplitChannels(x, 2)
			left, right = parts[0], parts[1]
		} else { // figure 3 d
			branch := s.In("branch1")
			in := x.Shape().Dimensions[3]
			left = conv(branch, 0, left, in, 3, stride, in)
			left = nn.ReLU(conv(branch, 2, left, half, 1, 1, 1))
		}
		branch := s.In("branch2")
		right = nn.ReLU(conv(branch, 0, right, half, 1, 1, 1))
		right = conv(branch, 3, right, half, 3, stride, half)
		right = nn.ReLU(conv(branch, 5, right, half, 1, 1, 1))
		return nn.ChannelShuffle(Concatenate([]*Node{left, right}, -1), 2)
	}
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		x = nn.ReLU(conv(s.In("conv1"), 0, x, 24, 3, 2, 1))
		return nn.MaxPool2D(x, 3).Stride(2).Pad(1).Done()
	}}}
	for i, repeats := range []int{4, 8, 4} {
		name := fmt.Sprintf("stage%d", i+2)
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			for j := range repeats {
				stride := 1
				if j == 0 {
					stride = 2
				}
				x = block(s.In(fmt.Sprintf("%s.%d", name, j)), x, channels[i], stride)
			}
			return x
		}})
	}
	stages = append(stages, Stage{"conv5", func(s *nn.Scope, x *Node) *Node {
		return nn.ReLU(conv(s.In("conv5"), 0, x, last, 1, 1, 1))
	}}, poolStage)
	return Architecture{Stages: stages, Head: linearHead("fc")}
}
