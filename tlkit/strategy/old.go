package strategy

import (
	"fmt"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// This file is shared by the strategies with an old task, that is the pretrained model's own task. Its output layer
// (theta_o in Li and Hoiem 2016, arXiv 1606.09282) is kept in addition to the new one, and its accuracy is watched.

const (
	oldHead = "old"
	// OldAccuracy is the name under which Epoch.Also has the accuracy on the old task's validation images.
	OldAccuracy = "old task"
)

// keepOld adds to a plan the output layer of pretrained, the model before its head was replaced. If the images of the
// old task are given, it also adds the evaluation of that task.
func keepOld(plan *train.Plan, pretrained *zoo.Model, old *datasets.Dataset, frozen bool) error {
	plan.Heads = append(plan.Heads, train.Head{Name: oldHead, From: pretrained, Frozen: frozen})
	return watchOld(plan, pretrained, old, train.Watch{Head: oldHead})
}

func watchOld(plan *train.Plan, pretrained *zoo.Model, old *datasets.Dataset, w train.Watch) error {
	if old == nil {
		return nil
	}
	if !slices.Equal(old.Classes, pretrained.Classes) {
		return fmt.Errorf("tlkit: the old task %q has %d classes that are not the %d that %s (%s) tells apart; give the data set that it was trained for, classes in its order",
			old.Name, len(old.Classes), len(pretrained.Classes), pretrained.Spec.Name, pretrained.Weights)
	}
	w.Name, w.Split = OldAccuracy, train.EvalSplit(old)
	if w.Split == nil || w.Split.Len() == 0 {
		return fmt.Errorf("tlkit: the old task %q has neither validation nor test images", old.Name)
	}
	plan.Watch = append(plan.Watch, w)
	return nil
}

// newTask replaces the head of m for the task; from, which may be nil, is a HeadFrom. old is a copy of m from before,
// for strategies that keep parts of it.
func newTask(m *zoo.Model, task train.Task, from map[string]string) (old *zoo.Model, err error) {
	if old, err = m.Clone(); err != nil {
		return nil, err
	}
	return old, m.ReplaceHeadFrom(task.Classes, from, task.Seed)
}
