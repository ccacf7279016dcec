package train

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// The moving average of the weights (Recipe.Average). It is an exponential moving average (EMA), kept in variables of
// the optimizer. Only the evaluation and the saved best weights use it; training goes on from the weights themselves.

const averageSlot = "average"

// averaged lists the variables that have an average: those that the plan trains, and running statistics.
func (t *trainer) averaged() []nn.Param {
	if t.average == 0 {
		return nil
	}
	all := append([]nn.Param(nil), t.trained...)
	for _, p := range t.model.Params() {
		if p.Buffer {
			all = append(all, p)
		}
	}
	return all
}

// startAverage starts the average at the current values of the model.
func (t *trainer) startAverage() error {
	for _, p := range t.averaged() {
		value, err := t.model.Variable(p).Value()
		if err == nil {
			value, err = value.LocalClone()
		}
		if err != nil {
			return fmt.Errorf("tlkit: the average of %q: %w", p.Key, err)
		}
		v, err := t.model.Store().CreateVariable(slotPath(p, averageSlot), value)
		if err != nil {
			return fmt.Errorf("tlkit: the average of %q: %w", p.Key, err)
		}
		v.SetTrainable(false)
	}
	return nil
}

// updateAverage moves the average towards the values after a step. The decay is min(decay, (1+step)/(10+step)), as in
// TensorFlow's ExponentialMovingAverage: the first steps count more, so that the random start soon fades. A variable
// that a step does not change keeps its average to the bit.
func (t *trainer) updateAverage(step *Node) {
	g := step.Graph()
	decay := MinScalar(Div(AddScalar(step, 1), AddScalar(step, 10)), t.average)
	for _, p := range t.averaged() {
		v := t.model.Variable(p)
		if !v.InUseByGraph(g) || !v.ChangedInGraph(g) {
			continue
		}
		kept := t.model.Store().GetVariable(slotPath(p, averageSlot))
		old := kept.NodeValue(g)
		kept.SetNodeValue(Add(old, Mul(Sub(v.NodeValue(g), old), OneMinus(decay))))
	}
}

// withAverage calls f with the averaged values in the model, and puts the values back afterwards.
func (t *trainer) withAverage(f func() error) error {
	if t.average == 0 {
		return f()
	}
	if err := t.swapAverage(); err != nil {
		return err
	}
	err := f()
	if back := t.swapAverage(); err == nil {
		err = back
	}
	return err
}

// swapAverage exchanges values and averages.
func (t *trainer) swapAverage() error {
	for _, p := range t.averaged() {
		v, kept := t.model.Variable(p), t.model.Store().GetVariable(slotPath(p, averageSlot))
		a, err := v.Value()
		if err != nil {
			return fmt.Errorf("tlkit: the average of %q: %w", p.Key, err)
		}
		b, err := kept.Value()
		if err == nil {
			err = v.SetValuePreservingOld(b)
		}
		if err == nil {
			err = kept.SetValuePreservingOld(a)
		}
		if err != nil {
			return fmt.Errorf("tlkit: the average of %q: %w", p.Key, err)
		}
	}
	return nil
}
