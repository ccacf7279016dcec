package strategy

import (
	"cmp"
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Transfer is transfer learning in the narrow sense, feature extraction: the pretrained weights stay frozen, only a
// new output layer is trained (Donahue et al. 2013, DeCAF, arXiv 1310.1531; "feature extraction" in Li and Hoiem
// 2016, arXiv 1606.09282, section 2).
type Transfer struct {
	// LearningRate of the head; 0 means 0.02.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// Hidden puts a hidden layer of that many units, with a rectifier, between the features and the new output layer; 0
	// means none, a linear classifier.
	Hidden int `json:"hidden,omitempty"`
	// BatchStats makes the frozen BatchNorm layers normalise by batch statistics and update their running ones, as in
	// effect PyTorch's transfer-learning tutorial does. By default a frozen backbone is frozen as a whole.
	BatchStats bool `json:"batch_stats,omitempty"`
	// HeadFrom maps classes of the images to classes of the pretrained output layer ({"ants": "ant"}): a new class
	// begins with the pretrained weights of its old class. Classes that are not in HeadFrom begin with random values.
	// See [zoo.Model.ReplaceHeadFrom].
	HeadFrom map[string]string `json:"head_from,omitempty"`
	// Old, when set, is the data set that the model was pretrained on: the old output layer is kept as well, and the
	// accuracy on that data's validation images is reported with every epoch (Epoch.Also).
	Old *datasets.Dataset `json:"old,omitempty"`
	// Label replaces the name, for a second Transfer in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "transfer".
func (t Transfer) Name() string { return cmp.Or(t.Label, "transfer") }

// mostHidden is the largest number of units of a hidden layer: its weights are in memory more than once.
const mostHidden = 1 << 16

// Plan replaces the head and freezes everything else.
func (t Transfer) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	plan := train.Plan{LearningRate: cmp.Or(t.LearningRate, 0.02), BatchStatsWhenFrozen: t.BatchStats}
	if t.Hidden > mostHidden {
		return train.Plan{}, fmt.Errorf("tlkit: Transfer.Hidden is %d; give a number of units up to %d, or 0 for no hidden layer", t.Hidden, mostHidden)
	}
	if t.Hidden != 0 && len(t.HeadFrom) > 0 {
		return train.Plan{}, fmt.Errorf("tlkit: Transfer.HeadFrom begins with the old output layer, which does not fit behind a hidden layer of %d units; give one of Hidden and HeadFrom", t.Hidden)
	}
	old, err := newTask(m, task, t.HeadFrom)
	if err == nil && t.Hidden != 0 {
		err = m.ReplaceHeadHidden(task.Classes, t.Hidden, task.Seed)
	}
	if err != nil {
		return train.Plan{}, err
	}
	if t.Old != nil {
		if err := keepOld(&plan, old, t.Old, true); err != nil {
			return train.Plan{}, err
		}
	}
	m.SetTrainable(m.InHead)
	return plan, nil
}

var _ train.Strategy = Transfer{}

// all selects every variable.
func all(nn.Param) bool { return true }
