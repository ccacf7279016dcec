package gradcam

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestWeighted has equations 1 and 2 by hand.
func TestWeighted(t *testing.T) {
	cases := []struct {
		name             string
		shape            []int
		output, gradient []float32
		want             [][]float64
	}{
		// Means of the gradients: channel 0 has 1, channel 1 has -0.5.
		{"image", []int{1, 1, 2, 2}, []float32{3, 2, 1, 4}, []float32{0.5, 0, 1.5, -1}, [][]float64{{2, 0}}},
		// The same after a class token, on a 2 x 2 grid of one channel with the mean gradient 2.
		{"tokens", []int{1, 5, 1}, []float32{100, 1, 2, -3, 4}, []float32{100, 1, 2, 3, 2}, [][]float64{{2, 4}, {0, 8}}},
	}
	for _, c := range cases {
		got, err := weighted(c.shape, c.output, c.gradient)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got, c.want, slices.Equal[[]float64]) {
			t.Errorf("%s: %v, expected %v", c.name, got, c.want)
		}
	}
	if _, err := weighted([]int{1, 1, 1, 1}, []float32{1}, []float32{float32(math.NaN())}); err == nil {
		t.Error("a gradient that is NaN gave no error")
	}
}

// TestFailureOfTheEngine holds that an engine that can't compile or compute a map for a while does not count as a
// network without maps, and that the next call computes the map.
func TestFailureOfTheEngine(t *testing.T) {
	m, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	inner, err := goengine.New("")
	if err != nil {
		t.Fatal(err)
	}
	pix := make([]uint8, 3*m.ImageSize()*m.ImageSize())
	engine := &short{Backend: inner}
	for _, where := range []string{"compile", "execute"} {
		engine.in = where
		n, err := New(engine, m, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Explain(pix, 0); errors.Is(err, ErrNoMap) || err == nil || !strings.Contains(err.Error(), "no memory") {
			t.Errorf("%s fails: %v; want the engine's error, and not that there are no maps", where, err)
		}
		engine.in = ""
		if found, err := n.Explain(pix, 0); err != nil || len(found.Values) == 0 {
			t.Errorf("%s works again: %+v, %v", where, found, err)
		}
		n.Finalize()
	}
}

// short is an engine that is short of memory in the step "compile" or "execute".
type short struct {
	compute.Backend
	in string
}

func (e *short) Builder(name string) compute.Builder { return shortBuilder{e.Backend.Builder(name), e} }

type shortBuilder struct {
	compute.Builder
	engine *short
}

func (b shortBuilder) Compile() (compute.Executable, error) {
	if b.engine.in == "compile" {
		return nil, errors.New("no memory")
	}
	made, err := b.Builder.Compile()
	return shortExecutable{made, b.engine}, err
}

type shortExecutable struct {
	compute.Executable
	engine *short
}

func (e shortExecutable) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	if e.engine.in == "execute" {
		return nil, errors.New("no memory")
	}
	return e.Executable.Execute(inputs, donate, device)
}
