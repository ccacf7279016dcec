package strategy

import (
	"cmp"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// LwF is Learning without Forgetting (Li and Hoiem 2016, arXiv 1606.09282, section 3, figure 3): all layers learn the
// new task. The old task's output layer is kept in addition to the new one, and a loss keeps its outputs for the new
// images near those from before the training. No image of the old task is needed. First the new output layer is trained
// alone (the warm-up step), then all layers together, with the loss lambda L_old + L_new.
type LwF struct {
	// LearningRate of all layers; 0 means 0.01.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// Lambda is the weight of the old task's loss (lambda_o); 0 means 1, as in the paper. With a larger value, less of
	// the old task is forgotten.
	Lambda float64 `json:"lambda,omitempty"`
	// Temperature softens the probabilities that are compared (T in the paper's equation 3); 0 means 2, as in the
	// paper.
	Temperature float64 `json:"temperature,omitempty"`
	// Warmup is the number of epochs of the new output layer alone; 0 means a fifth of all, a negative number none.
	Warmup int `json:"warmup,omitempty"`
	// WarmupRate is the learning rate of those epochs; 0 means 0.02. FindLR of [Transfer] finds one.
	WarmupRate float64 `json:"warmup_rate,omitempty"`
	// Old, when set, is the data set that the model was pretrained on; only its validation images are used, to report
	// the old task's accuracy with every epoch (Epoch.Also).
	Old *datasets.Dataset `json:"old,omitempty"`
	// Label replaces the name, for a second LwF in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "lwf".
func (l LwF) Name() string { return cmp.Or(l.Label, "lwf") }

// CheckFields refuses a WarmupRate without a warm-up.
func (l LwF) CheckFields() error { return checkWarmupRate("LwF", l.Warmup, l.WarmupRate) }

// Plan keeps the old output layer in addition to a new one.
func (l LwF) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	lambda, temperature := cmp.Or(l.Lambda, 1), cmp.Or(l.Temperature, 2)
	if !(lambda >= 0) || !numbers.Finite(lambda) || !(temperature > 0) || !numbers.Finite(temperature) || l.WarmupRate < 0 {
		return train.Plan{}, fmt.Errorf("tlkit: LwF has Lambda %g, Temperature %g, WarmupRate %g; they must be positive numbers, or 0 for the defaults (1, 2 and 0.02)",
			l.Lambda, l.Temperature, l.WarmupRate)
	}
	old, err := newTask(m, task, nil)
	if err != nil {
		return train.Plan{}, err
	}
	m.SetTrainable(all)
	plan := train.Plan{
		LearningRate: cmp.Or(l.LearningRate, 0.01),
		Phases:       headFirst(m, warmUp(l.Warmup, task.Recipe.Epochs), cmp.Or(l.WarmupRate, 0.02)),
		Teacher:      old,
		Loss: func(s *train.Step) *Node {
			return Add(s.Loss, MulScalar(Distillation(s.Head(oldHead, s.Features), s.Teacher, temperature), lambda))
		},
	}
	err = keepOld(&plan, old, l.Old, false) // before plan is copied
	return plan, err
}

// Distillation is the paper's L_old (equations 2 and 3), the mean over the images of
//
//   - sum over classes of softmax(teacher/T) log softmax(logits/T)
//
// for logits and teacher's logits [rows, classes]. It is lowest where both distributions agree, and then equals their
// entropy.
func Distillation(logits, teacher *Node, temperature float64) *Node {
	want := Softmax(DivScalar(teacher, temperature), -1)
	said := LogSoftmax(DivScalar(logits, temperature), -1)
	return ReduceAllMean(Neg(ReduceSum(Mul(want, said), -1)))
}

// Pace is the length of the warm-up.
func (l LwF) Pace(epochs int) int { return warmUp(l.Warmup, epochs) }

var _ train.Paced = LwF{}
