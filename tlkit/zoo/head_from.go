package zoo

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// ReplaceHeadFrom replaces the head as ReplaceHead does, but each new class that is a key of from starts with the
// output unit of an old class ({"ants": "ant"}: ImageNet has an ant), in place of random values. The model then
// distinguishes these classes before any training, about as well as it did among the old ones; WiSE-FT (Wortsman et al.
// 2021, arXiv 2109.01903) fine-tunes from such a classifier. It fails if from has a class that the old or the new
// output layer lacks.
func (m *Model) ReplaceHeadFrom(classes []string, from map[string]string, seed uint64) error {
	row := make(map[int]int, len(from)) // new class -> old class
	for _, name := range slices.Sorted(maps.Keys(from)) {
		i, old := slices.Index(classes, name), slices.Index(m.Classes, from[name])
		if i < 0 {
			return fmt.Errorf("zoo: the output layer for %s has no class %q to start from %q", strings.Join(classes, ", "), name, from[name])
		}
		if old < 0 {
			return fmt.Errorf("zoo: the output layer of %q has no class %q for %q to start from; Model.Classes are the %d that it has", m.Spec.Name, from[name], name, len(m.Classes))
		}
		row[i] = old
	}
	type saved struct {
		param  nn.Param
		values []float32
	}
	before := map[string]saved{}
	for _, p := range m.params {
		if m.InHead(p) && p.Shape[0] == len(m.Classes) {
			values, err := m.Values(p)
			if err != nil {
				return err
			}
			before[p.Key] = saved{p, values}
		}
	}
	if err := m.ReplaceHead(classes, seed); err != nil {
		return err
	}
	for _, p := range m.params {
		old, ok := before[p.Key]
		if !ok || !m.InHead(p) || p.Shape[0] != len(classes) || !slices.Equal(p.Shape[1:], old.param.Shape[1:]) {
			continue
		}
		values, err := m.Values(p)
		if err != nil {
			return err
		}
		n := len(values) / len(classes)
		for i, k := range row {
			copy(values[i*n:(i+1)*n], old.values[k*n:(k+1)*n])
		}
		if err := m.setValue(p, values); err != nil {
			return err
		}
	}
	return nil
}
