package strategy

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// FineTune starts from the pretrained weights with a new, randomly initialised output layer. It trains that layer and
// pretrained layers too, at a small learning rate (Girshick et al. 2014, R-CNN, arXiv 1311.2524, section 2.3;
// definition in Li and Hoiem 2016, arXiv 1606.09282, section 2).
type FineTune struct {
	// LearningRate of the pretrained layers; 0 means 0.01.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// HeadFactor multiplies the rate for the new output layer; 0 means 1. Girshick et al. trained the pretrained
	// layers at a tenth of the original rate.
	HeadFactor float64 `json:"head_factor,omitempty"`
	// From is the name of the first stage that is trained; the stages before it stay frozen, BatchNorm statistics
	// included, since the features of early convolutions are general (Yosinski et al. 2014, arXiv 1411.1792). "" trains
	// all. zoo.Model.Stages lists the names.
	From string `json:"from,omitempty"`
	// Decay is the factor by which the rate falls from the output layer to the last stage, and from each stage to the
	// one before it ("discriminative fine-tuning" in Howard and Ruder 2018, ULMFiT, arXiv 1801.06146, section 3.2, with
	// 2.6); 0 means 1, the same rate for all.
	Decay float64 `json:"decay,omitempty"`
	// HeadFirst is the number of epochs in which the new output layer is trained alone, before the other layers: the
	// gradients through a random output layer would distort the features (Kumar et al. 2022, LP-FT, arXiv 2202.10054,
	// section 3; the warm-up step of Li and Hoiem, section 3).
	HeadFirst int `json:"head_first,omitempty"`
	// HeadRate is the learning rate of the new output layer in those epochs, whatever HeadFactor is; 0 means 0.02.
	// FindLR of [Transfer] finds one. With Unfreeze and no HeadFirst it is the rate of the first epochs, in which the
	// output layer is alone as well; 0 then means LearningRate times HeadFactor.
	HeadRate float64 `json:"head_rate,omitempty"`
	// Unfreeze is the number of epochs after which one more stage is trained, from the last stage to the first
	// ("gradual unfreezing" in ULMFiT, section 3.3, with 1); 0 trains all from the start.
	Unfreeze int `json:"unfreeze,omitempty"`
	// KeepHead continues with the pretrained output layer, for data with the same classes and other images.
	KeepHead bool `json:"keep_head,omitempty"`
	// HeadFrom maps classes of the images to classes of the pretrained output layer ({"ants": "ant"}): a new class
	// begins with the pretrained weights of its old class. Classes that are not in HeadFrom begin with random values.
	// See [zoo.Model.ReplaceHeadFrom].
	HeadFrom map[string]string `json:"head_from,omitempty"`
	// Old, when set, is the data set that the model was pretrained on: the old output layer is kept as it is, and the
	// accuracy on that data's validation images is reported with every epoch (Epoch.Also). It shows how much is
	// forgotten.
	Old *datasets.Dataset `json:"old,omitempty"`
	// Label replaces the name, for a second FineTune in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "finetune".
func (f FineTune) Name() string { return cmp.Or(f.Label, "finetune") }

// Plan replaces the head and freezes the stages before From. It fails if there is no such stage.
func (f FineTune) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	if err := f.check(); err != nil {
		return train.Plan{}, err
	}
	plan := train.Plan{LearningRate: cmp.Or(f.LearningRate, 0.01)}
	if err := f.head(m, task, &plan); err != nil {
		return train.Plan{}, err
	}
	stages := m.Stages()
	first := 0
	if f.From != "" {
		if first = slices.Index(stages, f.From); first < 0 {
			return train.Plan{}, fmt.Errorf("tlkit: FineTune.From is %q, but %s has the stages %s",
				f.From, m.Spec.Name, strings.Join(stages, ", "))
		}
	}
	m.SetTrainable(func(p nn.Param) bool { return m.InHead(p) || slices.Index(stages, p.Stage) >= first })
	weighty := stagesWithWeights(m)
	plan.Rate = func(p nn.Param) float64 {
		if m.InHead(p) {
			return cmp.Or(f.HeadFactor, 1)
		}
		if i := slices.Index(weighty, p.Stage); i >= 0 && f.Decay != 0 {
			return math.Pow(f.Decay, -float64(len(weighty)-i))
		}
		return 1
	}
	plan.Phases = f.phases(m, weighty, stages[first:])
	return plan, nil
}

func (f FineTune) check() error {
	for _, v := range []struct {
		name  string
		value float64
	}{{"HeadFactor", f.HeadFactor}, {"Decay", f.Decay}, {"HeadRate", f.HeadRate}} {
		if v.value != 0 && (!(v.value > 0) || !numbers.Finite(v.value)) {
			return fmt.Errorf("tlkit: FineTune.%s is %g; it must be a positive number, or 0 for the default", v.name, v.value)
		}
	}
	if f.HeadFirst < 0 || f.Unfreeze < 0 {
		return fmt.Errorf("tlkit: FineTune.HeadFirst is %d and Unfreeze %d; they are numbers of epochs, 0 for none", f.HeadFirst, f.Unfreeze)
	}
	return nil
}

// CheckFields refuses a HeadRate that is the rate of no epoch.
func (f FineTune) CheckFields() error {
	if f.HeadRate != 0 && f.HeadFirst == 0 && f.Unfreeze == 0 {
		return fmt.Errorf("tlkit: FineTune.HeadRate is %g, but no epoch trains the output layer alone; set HeadFirst, or HeadFactor for another rate of that layer among all", f.HeadRate)
	}
	return nil
}

// Revision says that HeadRate is the rate of the output layer, which it was not with a HeadFactor.
func (f FineTune) Revision() string {
	own := f.HeadFirst > 0 || f.Unfreeze > 0 && f.HeadRate > 0
	if own && f.HeadFactor != 0 && f.HeadFactor != 1 {
		return "HeadRate is no longer multiplied by HeadFactor"
	}
	return ""
}

// head sets the model's output layer at the start of the training.
func (f FineTune) head(m *zoo.Model, task train.Task, plan *train.Plan) error {
	if !f.KeepHead {
		old, err := newTask(m, task, f.HeadFrom)
		if err != nil || f.Old == nil {
			return err
		}
		return keepOld(plan, old, f.Old, true)
	}
	if len(f.HeadFrom) > 0 {
		return fmt.Errorf("tlkit: FineTune.KeepHead goes on with the whole output layer, HeadFrom begins with some of its classes; give one of them")
	}
	if f.Old != nil {
		return fmt.Errorf("tlkit: FineTune.KeepHead trains the old output layer further; there is none beside it to watch for Old")
	}
	return sameClasses(m, task)
}

// sameClasses returns nil if the model's classes are the task's, in the same order.
func sameClasses(m *zoo.Model, task train.Task) error {
	if slices.Equal(m.Classes, task.Classes) {
		return nil
	}
	return fmt.Errorf("tlkit: the pretrained output layer of %s can't be kept: its classes are %s, those of the images %s; they must be equal, in one order",
		m.Spec.Name, sentence.List(m.Classes, 4), sentence.List(task.Classes, 4))
}

// phases returns the phases: the output layer alone, then one more stage in each phase, from the last stage to From.
func (f FineTune) phases(m *zoo.Model, weighty, trained []string) []train.Phase {
	if f.Unfreeze == 0 {
		return headFirst(m, f.HeadFirst, cmp.Or(f.HeadRate, 0.02))
	}
	head := train.Phase{Epochs: f.Unfreeze, Trains: m.InHead}
	switch {
	case f.HeadFirst > 0:
		head = headAlone(m, f.HeadFirst, cmp.Or(f.HeadRate, 0.02))
	case f.HeadRate > 0:
		head = headAlone(m, f.Unfreeze, f.HeadRate)
	}
	all := []train.Phase{head}
	for i, stage := range slices.Backward(weighty) {
		if !slices.Contains(trained, stage) {
			break
		}
		joined := weighty[i:]
		all = append(all, train.Phase{Epochs: f.Unfreeze, Trains: func(p nn.Param) bool { return m.InHead(p) || slices.Contains(joined, p.Stage) }})
	}
	return all
}

// stagesWithWeights returns the names of the stages that have trainable variables, in order.
func stagesWithWeights(m *zoo.Model) []string {
	var names []string
	for _, stage := range m.Stages() {
		if slices.ContainsFunc(m.Params(), func(p nn.Param) bool { return p.Stage == stage && !p.Buffer }) {
			names = append(names, stage)
		}
	}
	return names
}

var _ train.Revised = FineTune{}
