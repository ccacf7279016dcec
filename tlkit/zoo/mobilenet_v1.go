package zoo

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// mobileNetV1s are the networks of depthwise separable convolutions of Howard et al. 2017 (arXiv 1704.04861, table 1)
// in several widths (section 3.3), with LeakyReLU of slope 0.1 as in the checkpoint mobilenetV1X0.25_pretrain.tar of
// github.com/biubug6/Pytorch_Retinaface, whose keys they carry.
func mobileNetV1s() []Spec {
	var specs []Spec
	for _, w := range []struct {
		suffix string
		width  float64
	}{{"", 1}, {"_075", 0.75}, {"_05", 0.5}, {"_025", 0.25}} {
		s := Spec{
			Name: "mobilenet_v1" + w.suffix, Family: "mobilenet_v1",
			Paper:     "Howard et al. 2017, MobileNets, arXiv 1704.04861, table 1 and section 3.3",
			InputSize: 224, MinSize: 32,
			Build: func() Architecture { return mobileNetV1(w.width, 0.1) },
		}
		if w.width == 0.25 {
			s.Weights = []WeightSet{{
				// No stable address is known: the file is looked up by name (TLKIT_DATA, cache).
				Name: "IMAGENET1K_V1", Default: true, File: "mobilenetV1X0.25_pretrain.tar", Params: 470072, Top1: 46.58,
				Source:     "github.com/biubug6/Pytorch_Retinaface (mobilenetV1X0.25_pretrain.tar); accuracy as stored in the file",
				Preprocess: imageNetNorm(256, 224), Classes: ImageNetClasses(),
			}}
		}
		specs = append(specs, s)
	}
	return specs
}

func mobileNetV1(width, slope float64) Architecture {
	scaled := func(c int) int { return int(float64(c) * width) }
	conv := convNorm{init: nn.FanInUniform, act: func(x *Node) *Node { return nn.LeakyReLU(x, slope) }}
	separable := func(s *nn.Scope, x *Node, out, stride int) *Node {
		x = conv.build(s, x, channels(x), 3, stride, channels(x))
		return conv.under(s.In("3"), s.In("4"), x, scaled(out), 1, 1, 1)
	}
	// Output channels at width 1 and stride of each separable block, by stage.
	blocks := [][][2]int{
		{{64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}},
		{{512, 2}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {512, 1}},
		{{1024, 2}, {1024, 1}},
	}
	var stages []Stage
	for i, list := range blocks {
		name := fmt.Sprintf("stage%d", i+1)
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			first := 0
			if i == 0 {
				x = conv.build(s.In(name+".0"), x, scaled(32), 3, 2, 1)
				first = 1
			}
			for j, b := range list {
				x = separable(s.In(fmt.Sprintf("%s.%d", name, first+j)), x, b[0], b[1])
			}
			return x
		}})
	}
	return Architecture{Stages: append(stages, poolStage), Head: linearHead("fc")}
}
