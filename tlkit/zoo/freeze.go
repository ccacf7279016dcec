package zoo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/nearest"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// stageAfter returns the number of stages up to and including the named one; 0 for "".
func (m *Model) stageAfter(name string) (int, error) {
	if name == "" {
		return 0, nil
	}
	stages := m.Stages()
	if i := slices.Index(stages, name); i >= 0 {
		return i + 1, nil
	}
	hint := "its stages are"
	if near := nearest.Name(name, stages); near != "" {
		hint = fmt.Sprintf("did you mean %q? The stages are", near)
	}
	return 0, fmt.Errorf("zoo: model %q has no stage %q; %s %s", m.Spec.Name, name, hint, strings.Join(stages, ", "))
}

// Freeze freezes the network from the image up to and including the named stage (see [Model.Stages]): its weights and
// its BatchNorm statistics stay as they are in training, to the bit, and nothing in it is dropped at random. All stages
// after it are trained, and so is the head, whatever was frozen before. Freeze("") trains everything; freezing the last
// stage leaves only the head to train. The auxiliary heads of GoogLeNet and Inception belong to the stage whose output
// they classify.
func (m *Model) Freeze(upTo string) error {
	n, err := m.stageAfter(upTo)
	if err != nil {
		return err
	}
	frozen := map[string]bool{}
	for _, s := range m.Stages()[:n] {
		frozen[s] = true
	}
	m.SetTrainable(func(p nn.Param) bool { return m.InHead(p) || !frozen[p.Stage] })
	return nil
}
