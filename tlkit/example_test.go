package tlkit_test

import (
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit"
)

// Biases is a strategy of one's own, small enough for a cell: it trains the output layer and all biases, and nothing
// else (Ben Zaken et al. 2022, BitFit, arXiv 2106.10199).
type Biases struct{ LearningRate float64 }

func (Biases) Name() string { return "biases" }

func (b Biases) Plan(m *tlkit.Model, task tlkit.Task) (tlkit.Plan, error) {
	if err := m.ReplaceHead(task.Classes, task.Seed); err != nil {
		return tlkit.Plan{}, err
	}
	m.SetTrainable(func(p tlkit.Param) bool { return m.InHead(p) || strings.HasSuffix(p.Key, "bias") })
	return tlkit.Plan{LearningRate: b.LearningRate}, nil
}

// Any type with the two methods can stand beside the strategies that come with TLKit.
func ExampleStrategy() {
	sketches := datasets.MustLoad("sketches")
	resnet := tlkit.MustLoad("resnet20.shapes")
	run := tlkit.MustCompare("own-strategy", sketches, resnet, tlkit.Transfer{}, Biases{LearningRate: 0.01})
	run.Table()
}

// A strategy may have a loss of its own, built in the graph of the training step.
func ExamplePlan() {
	entropy := func(s *tlkit.Step) *Node { // confident answers cost a little (Pereyra et al. 2017, arXiv 1701.06548)
		p := Softmax(s.Logits, -1)
		return Sub(s.Loss, MulScalar(ReduceAllMean(Neg(ReduceSum(Mul(p, LogSoftmax(s.Logits, -1)), -1))), 0.1))
	}
	_ = tlkit.Plan{LearningRate: 0.01, Loss: entropy}
}

// A network of one's own is an ordinary GoMLX function from images to features.
func ExampleCustom() {
	tlkit.Register(tlkit.Custom("my-net", 32, func(scope *model.Scope, x *Node) *Node {
		for i := range 2 {
			x = activation.Relu(layers.Convolution(scope.In("conv%d", i), x).Channels(16).KernelSize(3).PadSame().Done())
			x = MaxPool(x).Window(2).Done()
		}
		return activation.Relu(layers.Dense(scope.In("dense"), Reshape(x, x.Shape().Dimensions[0], -1), true, 64))
	}))
	sketches := datasets.MustLoad("sketches")
	net := tlkit.MustLoad("my-net", tlkit.LoadOptions{Weights: "random", Classes: sketches.Classes})
	run := tlkit.MustCompare("own-net", sketches, net, tlkit.Scratch{})
	run.Table()
}
