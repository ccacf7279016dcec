package train

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Domain adaptation: the classes stay, the images change. The data set of the comparison is the target, whose
// validation images judge; the strategies here look at its training images, never at their labels, which
// [TargetSupervised] alone may use. Labelled images of the source come with the strategy. All of them go on with the
// pretrained output layer if it has the task's classes, and begin with a new one otherwise.

// adapt readies the model and the plan that domain adaptation has in common: training on the source's labels.
func adapt(name string, m *zoo.Model, task Task, source *datasets.Dataset, rate float64) (Plan, error) {
	if source == nil || source.Train == nil || source.Train.Len() == 0 {
		return Plan{}, fmt.Errorf("tlkit: %s needs labelled images of the source domain; set Source, or take AdaBN, which needs none", name)
	}
	if err := sameTask(source, task); err != nil {
		return Plan{}, err
	}
	if sameClasses(m, task) != nil {
		if err := m.ReplaceHead(task.Classes, task.Seed); err != nil {
			return Plan{}, err
		}
	}
	m.SetTrainable(all)
	return Plan{LearningRate: or(rate, 0.01), Train: source.Train}, nil
}

// sameTask is nil if both domains have the same classes.
func sameTask(source *datasets.Dataset, task Task) error {
	m := zoo.Model{Classes: source.Classes}
	if sameClasses(&m, task) == nil {
		return nil
	}
	return fmt.Errorf("tlkit: the source %q has the classes %s, the target %s; domain adaptation needs the same, in one order",
		source.Name, brief(source.Classes), brief(task.Classes))
}

// SourceOnly is the lower control of domain adaptation: nothing is learned from the target.
type SourceOnly struct {
	// Source, when set, has labelled images to train on, as the adapting strategies do; nil judges the pretrained model
	// as it is.
	Source *datasets.Dataset `json:"source,omitempty"`
	// LearningRate of all layers; 0 means 0.01.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// Label replaces the name, for a second SourceOnly in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "source-only".
func (s SourceOnly) Name() string { return label(s.Label, "source-only") }

// Plan trains on the source, or not at all.
func (s SourceOnly) Plan(m *zoo.Model, task Task) (Plan, error) {
	if s.Source == nil {
		return Plan{Still: true}, sameClasses(m, task)
	}
	return adapt("SourceOnly", m, task, s.Source, s.LearningRate)
}

// TargetSupervised is the upper control of domain adaptation: fine-tuning of all layers, the output layer kept, with
// the target's labels.
type TargetSupervised struct {
	// LearningRate of all layers; 0 means 0.01.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// Label replaces the name, for a second one in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "target-supervised".
func (t TargetSupervised) Name() string { return label(t.Label, "target-supervised") }

// Plan is that of FineTune with KeepHead.
func (t TargetSupervised) Plan(m *zoo.Model, task Task) (Plan, error) {
	return FineTune{LearningRate: t.LearningRate, KeepHead: true}.Plan(m, task)
}

// domainLabels gives 0 for each row of the source and 1 for each of the target, [rows, 1].
func domainLabels(source, target *Node) *Node {
	fill := func(like *Node, v float64) *Node {
		return BroadcastToDims(Scalar(like.Graph(), like.DType(), v), like.Shape().Dimensions[0], 1)
	}
	return Concatenate([]*Node{fill(source, 0), fill(target, 1)}, 0)
}

// binaryCrossEntropy is the mean of -y log p - (1-y) log(1-p) with p = sigmoid(logits), computed without overflow.
func binaryCrossEntropy(logits, labels *Node) *Node {
	return ReduceAllMean(Add(Sub(Max(logits, ZerosLike(logits)), Mul(logits, labels)), Log1P(Exp(Neg(Abs(logits))))))
}

var (
	_ Strategy = SourceOnly{}
	_ Strategy = TargetSupervised{}
)
