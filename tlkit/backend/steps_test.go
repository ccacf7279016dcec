package backend

import "testing"

func TestStepsInGo(t *testing.T) {
	for _, c := range []struct {
		chosen, config string
		simd, want     bool
	}{
		{"", "onnx:cpu", true, true},
		{"", "onnx:cpu", false, false}, // without vector instructions pure Go is the slower one
		{"", "xla:cuda", true, false},
		{"", "xla:cpu", true, false}, // chosen only where ONNX Runtime is not installed
		{"", "go", true, false},
		{"onnx:cpu", "onnx:cpu", true, false}, // the user's choice is for all
		{"openvino", "onnx:cpu", true, true},  // it computes no steps
	} {
		env := func(string) string { return c.chosen }
		if got := stepsInGo(env, c.config, c.simd); got != c.want {
			t.Errorf("GOMLX_BACKEND %q, engine %s, SIMD %v: steps in Go %v, want %v", c.chosen, c.config, c.simd, got, c.want)
		}
	}
}

func TestSteps(t *testing.T) {
	forward, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	e, err := Steps()
	if err != nil || e == nil {
		t.Fatal(err)
	}
	if again, _ := Steps(); again != e {
		t.Error("a second call opened another engine")
	}
	if e != forward && e.Config != "go" {
		t.Errorf("steps run on %s, inference on %s", e.Config, forward.Config)
	}
}
