package strategy

import (
	"cmp"
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Domain adaptation: the classes stay, the images change. The data set of the comparison is the target domain; its
// validation images are evaluated. The strategies use its training images without their labels; only [TargetSupervised]
// uses the labels. Labelled images of the source domain are a field of the strategy. All strategies continue with the
// pretrained output layer if it has the task's classes, and begin with a new one otherwise.

// adapt readies the model and returns the plan that the strategies have in common: training on the source's labels.
func adapt(name string, m *zoo.Model, task train.Task, source *datasets.Dataset, rate float64) (train.Plan, error) {
	if source == nil || source.Train == nil || source.Train.Len() == 0 {
		return train.Plan{}, fmt.Errorf("tlkit: %s needs labelled images of the source domain; set Source, or take AdaBN, which needs none", name)
	}
	if err := sameTask(source, task); err != nil {
		return train.Plan{}, err
	}
	if sameClasses(m, task) != nil {
		if err := m.ReplaceHead(task.Classes, task.Seed); err != nil {
			return train.Plan{}, err
		}
	}
	m.SetTrainable(all)
	return train.Plan{LearningRate: cmp.Or(rate, 0.01), Train: source.Train}, nil
}

// sameTask returns nil if both domains have the same classes, in the same order.
func sameTask(source *datasets.Dataset, task train.Task) error {
	m := zoo.Model{Classes: source.Classes}
	if sameClasses(&m, task) == nil {
		return nil
	}
	return fmt.Errorf("tlkit: the source %q has the classes %s, the target %s; domain adaptation needs the same, in one order",
		source.Name, sentence.List(source.Classes, 4), sentence.List(task.Classes, 4))
}
