package zoo

import (
	"fmt"
	"regexp"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// denseNetConfig is one column of table 1 of Huang et al. 2016, with its growth rate.
type denseNetConfig struct {
	name   string
	layers [4]int
	// growth is the number of channels that each layer adds; stem those of the first convolution.
	growth, stem int
}

// denseNets are the densely connected networks with bottlenecks and compression (DenseNet-BC) of Huang et al. 2016
// (arXiv 1608.06993, table 1), without dropout, as torchvision.
func denseNets() []Spec {
	var specs []Spec
	for _, c := range []denseNetConfig{
		{"densenet121", [4]int{6, 12, 24, 16}, 32, 64},
		{"densenet169", [4]int{6, 12, 32, 32}, 32, 64},
		{"densenet201", [4]int{6, 12, 48, 32}, 32, 64},
		{"densenet161", [4]int{6, 12, 36, 24}, 48, 96},
	} {
		specs = append(specs, torchvision(Spec{
			Name: c.name, Family: "densenet",
			Paper:  "Huang et al. 2016, Densely Connected Convolutional Networks, arXiv 1608.06993, table 1",
			Build:  func() Architecture { return denseNet(c) },
			Rename: denseNetKey,
		}))
	}
	return specs
}

// oldDenseNetKey finds the layers' keys of the published files: "denselayer1.norm.1.weight" is today's
// "denselayer1.norm1.weight".
var oldDenseNetKey = regexp.MustCompile(`(\.denselayer\d+\.(?:norm|conv))\.([12]\.)`)

func denseNetKey(key string) string { return oldDenseNetKey.ReplaceAllString(key, "$1$2") }

func denseNet(c denseNetConfig) Architecture {
	conv := func(s *nn.Scope, x *Node, out, kernel int) *nn.ConvBuilder {
		return nn.Conv2D(s, x, out, kernel).Pad(kernel / 2).Init(nn.KaimingNormalFanIn)
	}
	active := func(s *nn.Scope, x *Node) *Node { return nn.ReLU(nn.BatchNorm(s, x).Done()) }
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		s = s.In("features")
		x = active(s.In("norm0"), conv(s.In("conv0"), x, c.stem, 7).Stride(2).Done())
		return nn.MaxPool2D(x, 3).Stride(2).Pad(1).Done()
	}}}
	for i, layers := range c.layers {
		block := fmt.Sprintf("denseblock%d", i+1)
		stages = append(stages, Stage{block, func(s *nn.Scope, x *Node) *Node {
			for j := range layers {
				s := s.In(fmt.Sprintf("features.%s.denselayer%d", block, j+1))
				y := conv(s.In("conv1"), active(s.In("norm1"), x), 4*c.growth, 1).Done()
				y = conv(s.In("conv2"), active(s.In("norm2"), y), c.growth, 3).Done()
				x = Concatenate([]*Node{x, y}, -1)
			}
			return x
		}})
		if i == len(c.layers)-1 {
			break
		}
		transition := fmt.Sprintf("transition%d", i+1)
		stages = append(stages, Stage{transition, func(s *nn.Scope, x *Node) *Node {
			s = s.In("features." + transition)
			x = conv(s.In("conv"), active(s.In("norm"), x), channels(x)/2, 1).Done()
			return nn.AvgPool2D(x, 2).Done()
		}})
	}
	stages = append(stages,
		Stage{"norm5", func(s *nn.Scope, x *Node) *Node { return active(s.In("features.norm5"), x) }},
		poolStage)
	return Architecture{Stages: stages, Head: startedHead("classifier", 0, nn.FanInUniform, nn.Constant(0))}
}
