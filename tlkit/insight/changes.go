package insight

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// WeightChange is how far training moved the values of one layer.
type WeightChange struct {
	Stage string // the name of its stage
	Layer string // its prefix in the state dict; that of the stage's name for values of no layer
	// Relative is the Euclidean norm of the change over that of the values before; infinite if those were all 0, and
	// NaN if values are not finite.
	Relative float64
}

// WeightChanges is the result of [CompareWeights]. It is a figure.
type WeightChanges struct {
	Model  string         // the architecture's name
	Layers []WeightChange // from the image on
	// Left are the variables that were not compared, as the other model lacks them or has another shape: a new output
	// layer, usually.
	Left []string
}

// CompareWeights compares a model's values, layer by layer, with those of an earlier model of the same architecture:
// what fine-tuning moved. Running statistics are left out.
func CompareWeights(before, after *zoo.Model) (*WeightChanges, error) {
	if before == nil || after == nil {
		return nil, errors.New("insight: a model to compare is nil; load the earlier one with its first weights")
	}
	m := after
	c := &WeightChanges{Model: m.Spec.Name}
	var moved, size []float64 // of each layer, squared norms
	for _, p := range m.Params() {
		if p.Buffer {
			continue
		}
		old, ok := before.Param(p.Key)
		if !ok || !slices.Equal(old.Shape, p.Shape) {
			c.Left = append(c.Left, p.Key)
			continue
		}
		d, n, err := distance(m, before, p, old)
		if err != nil {
			return nil, err
		}
		layer := cmp.Or(p.Key[:max(0, strings.LastIndexByte(p.Key, '.'))], p.Stage)
		i := slices.IndexFunc(c.Layers, func(w WeightChange) bool { return w.Layer == layer && w.Stage == p.Stage })
		if i < 0 {
			i = len(c.Layers)
			c.Layers, moved, size = append(c.Layers, WeightChange{Stage: p.Stage, Layer: layer}), append(moved, 0), append(size, 0)
		}
		moved[i], size[i] = moved[i]+d, size[i]+n
	}
	if len(c.Layers) == 0 {
		return nil, fmt.Errorf("insight: %s and %s have no variable of equal key and shape; compare models of one architecture", m.Spec.Name, before.Spec.Name)
	}
	for i := range c.Layers {
		if moved[i] > 0 || size[i] > 0 || math.IsNaN(moved[i]) {
			c.Layers[i].Relative = math.Sqrt(moved[i] / size[i])
		}
	}
	return c, nil
}

// distance returns the squared norms of the difference of two models' values of a variable, and of the earlier ones.
func distance(m, before *zoo.Model, p, old nn.Param) (moved, size float64, err error) {
	now, err := m.Values(p)
	if err != nil {
		return 0, 0, err
	}
	then, err := before.Values(old)
	if err != nil {
		return 0, 0, err
	}
	for i, v := range then {
		d := float64(now[i]) - float64(v)
		moved, size = moved+d*d, size+float64(v)*float64(v)
	}
	return moved, size, nil
}

// Figure has a bar per layer, from the image on, in the colour of its stage.
func (c *WeightChanges) Figure() plots.Figure {
	var stages []string
	var bars []plots.Bar
	for _, l := range c.Layers {
		stages, bars = append(stages, l.Stage), append(bars, plots.Bar{Name: l.Layer, Value: l.Relative})
	}
	return plots.Bars(c.Model+": change of the weights", bars, plots.BarOptions{Label: "change, as a share of the weights' norm", Percent: true, Groups: stages})
}

// Bundle is the figure. A notebook shows it for a cell that ends in the changes.
func (c *WeightChanges) Bundle() (map[string]any, error) { return c.Figure().Bundle() }
