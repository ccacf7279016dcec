package train

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Task has the classes and the data that a strategy must learn.
type Task struct {
	// Classes are the names of the new classes, in order.
	Classes []string
	// Seed determines the random values of a new head.
	Seed uint64
	// Data are the images of the comparison, for strategies that need other access to them than batches of the training
	// split.
	Data *datasets.Dataset
	// Recipe is what all strategies share.
	Recipe Recipe
}

// EvalSplit returns the images that models are compared on: the validation images, or the test images where there are
// no others; nil if there are neither.
func EvalSplit(ds *datasets.Dataset) *datasets.Split {
	if ds.Val == nil || ds.Val.Len() == 0 {
		return ds.Test
	}
	return ds.Val
}

// CheckTask returns an error if a model can't be trained on a data set: either is nil, images for training or
// validation are missing, or there are fewer than two classes.
func CheckTask(ds *datasets.Dataset, m *zoo.Model) error {
	switch {
	case ds == nil:
		return errors.New("tlkit: the data set is nil; load one with datasets.Load or datasets.ImageFolder")
	case m == nil:
		return errors.New("tlkit: the model is nil; load one with tlkit.Load")
	case ds.Train == nil || ds.Train.Len() == 0:
		return fmt.Errorf("tlkit: data set %q has no training images", ds.Name)
	case EvalSplit(ds) == nil || EvalSplit(ds).Len() == 0:
		return fmt.Errorf("tlkit: data set %q has neither validation nor test images to compare on; with two or more images of each class some are split off, or name a split (Options.Val)", ds.Name)
	case len(ds.Classes) < 2:
		return fmt.Errorf("tlkit: data set %q has %d class; a classifier needs at least 2", ds.Name, len(ds.Classes))
	}
	if err := m.Preprocess.Validate(); err != nil {
		return fmt.Errorf("tlkit: the model %s: %w", m.Spec.Name, err)
	}
	return checkClasses(ds)
}

// untrained says which classes of a data set have no training images, so that no strategy learns them; "" if all have.
func untrained(ds *datasets.Dataset) string {
	counts, without := ds.Train.Counts(), []string{}
	for label, name := range ds.Classes {
		if label >= len(counts) || counts[label] == 0 {
			without = append(without, name)
		}
	}
	switch n := len(without); {
	case n == 0:
		return ""
	case n == len(ds.Classes)-1:
		return fmt.Sprintf("all %d training images are of one class; there is nothing to tell apart", ds.Train.Len())
	default:
		return fmt.Sprintf("%d of %d classes have no training images (%s), so that they are learned from none", n, len(ds.Classes), brief(without))
	}
}

// checkNetwork returns an error for a network of the zoo under a name that is not registered: its trained weights could
// not be loaded. A network of one's own may be registered later.
func checkNetwork(m *zoo.Model) error {
	family := m.Spec.Family
	if m.Spec.Graph != nil || family == "" || family == zoo.CustomFamily || len(zoo.List(zoo.Filter{Family: family})) == 0 {
		return nil
	}
	if _, err := zoo.Info(m.Spec.Name); err == nil {
		return nil
	}
	return fmt.Errorf("tlkit: no network is named %q, though the model is of the family %q: its trained weights could not be loaded; leave Spec.Name as Load gave it and tell models apart by Model.Weights, or register the network under the new name: zoo.Register(model.Spec)",
		m.Spec.Name, family)
}

// sharedNames lists the class names that several labels of a data set have; "" if there are none. Such data are
// trained: torchvision's list of ImageNet has two names twice.
func sharedNames(ds *datasets.Dataset) string {
	var shared []string
	for i, name := range ds.Classes {
		if slices.Index(ds.Classes, name) != i && !slices.Contains(shared, name) {
			shared = append(shared, name)
		}
	}
	if len(shared) == 0 {
		return ""
	}
	return fmt.Sprintf("several labels have the same class name (%s), so that figures show them with their indices; give each label a name of its own (Dataset.Classes)", brief(shared))
}

// checkClasses returns an error if a data set has labels without a class.
func checkClasses(ds *datasets.Dataset) error {
	for _, split := range []*datasets.Split{ds.Train, EvalSplit(ds)} {
		for label, images := range split.Counts() {
			if images > 0 && label >= len(ds.Classes) {
				return fmt.Errorf("tlkit: data set %q has %d classes and %d images of label %d; labels go from 0 to %d, so give the missing names (Dataset.Classes), or a split of the same classes",
					ds.Name, len(ds.Classes), images, label, len(ds.Classes)-1)
			}
		}
	}
	return nil
}
