package train

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// UseEngines makes trainings of a test compute steps on one engine and the network on another.
func UseEngines(t testing.TB, steps, forward string) {
	t.Helper()
	var opened []*backend.Engine
	for _, config := range []string{steps, forward} {
		e, err := backend.Open(config)
		if err != nil {
			t.Fatal(err)
		}
		opened = append(opened, e)
	}
	before := chooseEngines
	t.Cleanup(func() { chooseEngines = before })
	chooseEngines = func(*zoo.Model, int, int) (backend.Choice, error) {
		return backend.Choice{Step: opened[0], Infer: opened[1]}, nil
	}
}

// TestProbeEngine measures the two engines that every build has, and OpenVINO and oneDNN where they are installed, and
// leaves the model as it is.
func TestProbeEngine(t *testing.T) {
	m, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: zoo.Random})
	if err != nil {
		t.Fatal(err)
	}
	before, err := digestOf(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, config := range []string{"go", "gomlx", "openvino", "onednn"} {
		e, err := backend.Open(config)
		if (config == "openvino" || config == "onednn") && err != nil {
			t.Logf("left out: %v", err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		f, err := probeEngine(e, m, 1)
		if err != nil || !(f.InferS > 0 && (f.StepS > 0) == (config != "openvino")) {
			t.Errorf("%s: %+v, %v; want an inference and, of an engine with gradients, a step", config, f, err)
		}
	}
	if after, err := digestOf(m); err != nil || after != before {
		t.Errorf("the probe changed the model: digest %s, before %s, %v", after, before, err)
	}
}

// TestStepsOfRun holds that the steps for which engines are chosen are those that a run takes.
func TestStepsOfRun(t *testing.T) {
	before := chooseEngines
	t.Cleanup(func() { chooseEngines = before })
	asked := errors.New("asked")
	for _, tt := range []struct {
		recipe Recipe
		want   int
	}{
		{Recipe{Epochs: 5, BatchSize: 8}, 2 * 5 * 2},
		{Recipe{Epochs: 5, BatchSize: 8, Passes: 4}, 2 * 5 * 10},
		{Recipe{Epochs: 5, BatchSize: 32, Passes: 4}, 2 * 5 * 2}, // batches go over the end of a pass
	} {
		got := -1
		chooseEngines = func(_ *zoo.Model, _, steps int) (backend.Choice, error) {
			got = steps
			return backend.Choice{}, asked
		}
		run := &Run{Dir: t.TempDir(), Config: Config{Recipe: tt.recipe, Strategies: make([]json.RawMessage, 2)}}
		if _, err := run.engines(nil, 20); err != asked || got != tt.want {
			t.Errorf("%+v: %d steps, %v; want %d", tt.recipe, got, err, tt.want)
		}
	}
}

// TestTestsDontProbe holds that a program of go test computes on the usual engines, whatever their speed.
func TestTestsDontProbe(t *testing.T) {
	t.Setenv("TLKIT_CACHE", t.TempDir())
	c, err := chooseEngines(&zoo.Model{Spec: zoo.Spec{Name: "none", InputSize: 32}}, 4, 1<<30)
	if err != nil || c.Figures != nil {
		t.Errorf("%v, %v: figures in a test", c, err)
	}
}
