package zoo

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// shapesClasses are the classes of the built-in data set "shapes"; a test compares the two.
var shapesClasses = []string{"arrow", "bolt", "crescent", "cross", "disc", "drop", "flower", "gear", "heart", "hexagon",
	"ring", "semicircle", "spiral", "square", "star", "triangle"}

var cifar10Classes = []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}

// cifarResNets are the residual networks for 32x32 images of He et al. 2015 (arXiv 1512.03385, section 4.2):
// 6n+2 layers, shortcuts of option A (no parameters). Keys as in github.com/akamaster/pytorch_resnet_cifar10.
func cifarResNets() []Spec {
	published := map[int]struct {
		file   string
		params int
		top1   float64
	}{
		20:  {"resnet20-12fca82f.th", 269722, 91.73},
		32:  {"resnet32-d509ac18.th", 464154, 92.63},
		44:  {"resnet44-014dd654.th", 658586, 93.10},
		56:  {"resnet56-4bfd9763.th", 853018, 93.39},
		110: {"resnet110-1d1ed7c2.th", 1727962, 93.68},
	}
	var specs []Spec
	for _, depth := range []int{20, 32, 44, 56, 110} {
		p := published[depth]
		s := Spec{
			Name: fmt.Sprintf("resnet%d", depth), Family: "cifar_resnet",
			Paper:     "He et al. 2015, Deep Residual Learning, arXiv 1512.03385, section 4.2",
			InputSize: 32, MinSize: 8,
			Build: func() Architecture { return cifarResNet((depth - 2) / 6) },
			Weights: []WeightSet{{
				Name: "CIFAR10", Default: true, Params: p.params, Top1: p.top1,
				URL:     "https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/" + p.file,
				Licence: "BSD-2-Clause", Source: "github.com/akamaster/pytorch_resnet_cifar10",
				Preprocess: imageNetNorm(32, 32), Classes: cifar10Classes,
			}},
		}
		if depth == 20 {
			s.Weights = append(s.Weights, WeightSet{
				Name: "SHAPES", File: "resnet20-shapes.safetensors", Params: 270112, Top1: 83.9,
				Licence: "Apache-2.0", Source: "embedded; trained by bench/pretrain on the built-in data set shapes",
				Preprocess: imageNetNorm(32, 32), Classes: shapesClasses,
			})
		}
		specs = append(specs, s)
	}
	return specs
}

func cifarResNet(n int) Architecture {
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		return convNorm{init: nn.KaimingNormalFanIn, act: nn.ReLU}.under(s.In("conv1"), s.In("bn1"), x, 16, 3, 1, 1)
	}}}
	for i, width := range []int{16, 32, 64} {
		name := fmt.Sprintf("layer%d", i+1)
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			for j := range n {
				x = cifarBlock(s.In(fmt.Sprintf("%s.%d", name, j)), x, width, firstStride(j, min(i+1, 2)))
			}
			return x
		}})
	}
	return Architecture{Stages: append(stages, poolStage), Head: startedHead("linear", 0, nn.KaimingNormalFanIn, nn.Constant(0))}
}

// cifarBlock is a basic block (He et al. 2015, figure 5, left) whose shortcut has no parameters.
func cifarBlock(s *nn.Scope, x *Node, out, stride int) *Node {
	conv := convNorm{init: nn.KaimingNormalFanIn}
	y := nn.ReLU(conv.under(s.In("conv1"), s.In("bn1"), x, out, 3, stride, 1))
	y = conv.under(s.In("conv2"), s.In("bn2"), y, out, 3, 1, 1)
	if in := channels(x); stride != 1 || in != out {
		// Option A: subsample, then pad the channels with zeros on both sides.
		x = nn.PadChannels(nn.Subsample(x, stride), out/4, out-in-out/4)
	}
	return nn.ReLU(Add(x, y))
}
