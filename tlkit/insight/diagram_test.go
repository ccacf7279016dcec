package insight_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/insight"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

func tinyMobile(t *testing.T, classes ...string) *zoo.Model {
	t.Helper()
	spec, err := zoo.Info("mobilenet_v3_small")
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.New(spec, classes, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDiagram(t *testing.T) {
	m := tinyMobile(t, "ants", "bees")
	if err := m.Freeze(m.Stages()[1]); err != nil {
		t.Fatal(err)
	}
	s, err := m.Summary()
	if err != nil {
		t.Fatal(err)
	}
	b, err := insight.Diagram(s, "head").Bundle()
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]string{}
	for line := range strings.Lines(b[plots.MIMEText].(string)) {
		if f := strings.Fields(line); len(f) > 2 {
			states[f[0]] = f[len(f)-1]
		}
	}
	stages := m.Stages()
	for name, want := range map[string]string{stages[0]: "frozen", stages[1]: "frozen", stages[2]: "trained", "head": "new"} {
		if states[name] != want {
			t.Errorf("stage %s is drawn as %q, want %q\n%s", name, states[name], want, b[plots.MIMEText])
		}
	}
}

// A layer that is doubled changed by 100 %, one that stays by nothing; a new output layer is not compared.
func TestCompareWeights(t *testing.T) {
	before, after := tinyMobile(t, "a", "b"), tinyMobile(t, "a", "b")
	var layer string
	for _, p := range after.Params() {
		if len(p.Shape) == 4 && layer == "" {
			layer = strings.TrimSuffix(p.Key, ".weight")
			v := after.Variable(p)
			value, err := v.Value()
			if err != nil {
				t.Fatal(err)
			}
			tensors.MustMutableFlatData(value, func(flat []float32) {
				for i := range flat {
					flat[i] *= 2
				}
			})
		}
	}
	c, err := insight.CompareWeights(before, after)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, l := range c.Layers {
		want := 0.0
		if l.Layer == layer {
			want, found = 1, true
		}
		if math.Abs(l.Relative-want) > 1e-6 {
			t.Errorf("layer %s changed by %v, want %v", l.Layer, l.Relative, want)
		}
	}
	if !found || len(c.Left) != 0 {
		t.Errorf("layer %s found: %v; left out %v, want nothing", layer, found, c.Left)
	}
	if b, err := c.Bundle(); err != nil || !strings.Contains(b[plots.MIMEText].(string), "100%") {
		t.Errorf("%v: %v", err, b[plots.MIMEText])
	}
	three, err := insight.CompareWeights(before, tinyMobile(t, "a", "b", "c"))
	if err != nil || len(three.Left) != 2 {
		t.Errorf("another number of classes: %v, left out %v, want weight and bias of the output layer", err, three)
	}
	if _, err := insight.CompareWeights(nil, after); err == nil {
		t.Error("no error for nil")
	}
}
