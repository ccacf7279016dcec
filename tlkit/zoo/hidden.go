package zoo

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// ReplaceHeadHidden replaces the head as ReplaceHead does, but by a small multilayer perceptron: a hidden layer of the
// given width and a ReLU, then the model's kind of output layer. The hidden layer has the keys HeadKey.hidden.weight
// and .bias, in addition to those of the output layer.
func (m *Model) ReplaceHeadHidden(classes []string, hidden int, seed uint64) error {
	if hidden < 1 {
		return fmt.Errorf("zoo: a hidden layer of width %d for the head of %q; give at least 1", hidden, m.Spec.Name)
	}
	m.arch.Head = hiddenHead(m.Spec.Build().Head, hidden)
	return m.ReplaceHead(classes, seed)
}

func hiddenHead(output Head, width int) Head {
	return Head{Key: output.Key, Forward: func(s *nn.Scope, x *Node, classes int) *Node {
		return output.Forward(s, nn.ReLU(nn.Linear(s.In("hidden"), x, width)), classes)
	}}
}

// takeHidden gives the model the hidden layer that the weights in sd were saved with, if it has none of that width.
func (m *Model) takeHidden(sd *weights.StateDict) error {
	key := m.HeadKey() + ".hidden.weight"
	t, ok := sd.Get(key)
	if !ok || len(t.Shape) != 2 {
		return nil
	}
	if p, ok := m.Param(key); ok && p.Shape[0] == t.Shape[0] {
		return nil
	}
	return m.ReplaceHeadHidden(m.Classes, t.Shape[0], 0)
}
