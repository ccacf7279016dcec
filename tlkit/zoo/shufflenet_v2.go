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

func shuffleNetV2(widths [3]int, last int) Architecture {
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		x = nn.ReLU(shuffleConv(s.In("conv1"), 0, x, 24, 3, 2, 1))
		return nn.MaxPool2D(x, 3).Stride(2).Pad(1).Done()
	}}}
	for i, repeats := range []int{4, 8, 4} {
		name := fmt.Sprintf("stage%d", i+2)
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			for j := range repeats {
				x = shuffleBlock(s.In(fmt.Sprintf("%s.%d", name, j)), x, widths[i], firstStride(j, 2))
			}
			return x
		}})
	}
	stages = append(stages, Stage{"conv5", func(s *nn.Scope, x *Node) *Node {
		return nn.ReLU(shuffleConv(s.In("conv5"), 0, x, last, 1, 1, 1))
	}}, poolStage)
	return Architecture{Stages: stages, Head: linearHead("fc")}
}

// shuffleConv is a convolution with the key AT and, under the next key, its batch norm.
func shuffleConv(s *nn.Scope, at int, x *Node, out, kernel, stride, groups int) *Node {
	conv, norm := s.In(fmt.Sprint(at)), s.In(fmt.Sprint(at+1))
	return convNorm{init: nn.FanInUniform}.under(conv, norm, x, out, kernel, stride, groups)
}

// shuffleBlock is figure 3 (c) of Ma et al. 2018, or with a stride figure 3 (d).
func shuffleBlock(s *nn.Scope, x *Node, out, stride int) *Node {
	half := out / 2
	left, right := x, x
	if stride == 1 { // one half of the channels stays as it is
		halves := nn.SplitChannels(x, 2)
		left, right = halves[0], halves[1]
	} else {
		branch, in := s.In("branch1"), channels(x)
		left = shuffleConv(branch, 0, left, in, 3, stride, in)
		left = nn.ReLU(shuffleConv(branch, 2, left, half, 1, 1, 1))
	}
	branch := s.In("branch2")
	right = nn.ReLU(shuffleConv(branch, 0, right, half, 1, 1, 1))
	right = shuffleConv(branch, 3, right, half, 3, stride, half)
	right = nn.ReLU(shuffleConv(branch, 5, right, half, 1, 1, 1))
	return nn.ChannelShuffle(Concatenate([]*Node{left, right}, -1), 2)
}
