package backend

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPick(t *testing.T) {
	onnx, pure := &Engine{Config: "onnx:cpu"}, &Engine{Config: "go"}
	usual := Choice{Infer: onnx, Step: pure}
	for _, c := range []struct {
		name        string
		onnx, pure  Figure
		infer, step *Engine
	}{
		{"as usual", Figure{InferS: 1, StepS: 4}, Figure{InferS: 2, StepS: 3}, onnx, pure},
		{"pure Go is a little faster, the other within the margin", Figure{InferS: 1.1, StepS: 2.8}, Figure{InferS: 1, StepS: 3}, pure, pure},
		{"clearly faster", Figure{InferS: 1.5, StepS: 2}, Figure{InferS: 1, StepS: 3}, pure, onnx},
		{"one failed", Figure{Failed: "no memory"}, Figure{InferS: 9, StepS: 9}, pure, pure},
		{"both failed", Figure{Failed: "a"}, Figure{Failed: "b"}, onnx, pure},
	} {
		c.onnx.Engine, c.pure.Engine = "onnx:cpu", "go"
		got := usual.pick([]*Engine{onnx, pure}, []Figure{c.onnx, c.pure})
		if got.Infer != c.infer || got.Step != c.step {
			t.Errorf("%s: %s, want inference on %s and steps on %s", c.name, got, c.infer.Config, c.step.Config)
		}
		if text := got.String(); c.onnx.Failed != "" && !strings.Contains(text, c.onnx.Failed) {
			t.Errorf("%s: %q does not say that an engine failed", c.name, text)
		}
	}
	// An engine without gradients computes no steps, however fast it infers.
	vino := &Engine{Config: "openvino"}
	got := Choice{Infer: vino, Step: pure}.pick([]*Engine{vino, pure, onnx},
		[]Figure{{Engine: "openvino", InferS: 1}, {Engine: "go", InferS: 3, StepS: 4}, {Engine: "onnx:cpu", InferS: 2, StepS: 9}})
	if got.Infer != vino || got.Step != pure || strings.Contains(got.String(), "steps on go (4.000 s; openvino") {
		t.Errorf("with an engine for inference alone: %s", got)
	}
	if got = (Choice{Infer: vino, Step: pure}).pick([]*Engine{vino, pure}, []Figure{{Engine: "openvino", Failed: "no Sign"}, {Engine: "go", InferS: 3, StepS: 4}}); got.Infer != pure {
		t.Errorf("an engine for inference that failed: %s", got)
	}
	if got := usual.pick([]*Engine{onnx, pure}, nil); got.Infer != onnx || got.Step != pure || got.Figures != nil {
		t.Errorf("without figures: %s", got)
	}
}

// TestMeasure holds a probe against other work on the machine: what disturbed one engine once does not decide, and an
// engine that is far behind is not measured again.
func TestMeasure(t *testing.T) {
	engines := []*Engine{{Config: "go"}, {Config: "onednn"}, {Config: "gomlx"}}
	for _, c := range []struct {
		name  string
		calls map[string][]Figure // in turn
		want  []Figure
	}{
		{"clear", map[string][]Figure{"go": {{InferS: 1, StepS: 2}}, "onednn": {{InferS: 2, StepS: 4}}, "gomlx": {{InferS: 8, StepS: 9}}},
			[]Figure{{Engine: "go", InferS: 1, StepS: 2}, {Engine: "onednn", InferS: 2, StepS: 4}, {Engine: "gomlx", InferS: 8, StepS: 9}}},
		{"disturbed once", map[string][]Figure{"go": {{InferS: 1, StepS: 2}, {InferS: 1.1, StepS: 2.1}}, "onednn": {{InferS: 1.2, StepS: 2.2}, {InferS: 0.8, StepS: 1.5}}, "gomlx": {{InferS: 8, StepS: 9}}},
			[]Figure{{Engine: "go", InferS: 1, StepS: 2}, {Engine: "onednn", InferS: 0.8, StepS: 1.5}, {Engine: "gomlx", InferS: 8, StepS: 9}}},
		{"without gradients", map[string][]Figure{"go": {{InferS: 1, StepS: 2}, {InferS: 1, StepS: 2}}, "onednn": {{InferS: 1}, {InferS: 0.9}}, "gomlx": {{InferS: 8, StepS: 9}}},
			[]Figure{{Engine: "go", InferS: 1, StepS: 2}, {Engine: "onednn", InferS: 0.9}, {Engine: "gomlx", InferS: 8, StepS: 9}}},
	} {
		done := map[string]int{}
		got := measure(engines, func(e *Engine) (Figure, error) {
			n := done[e.Config]
			if done[e.Config]++; n >= len(c.calls[e.Config]) {
				t.Fatalf("%s: %s is measured %d times", c.name, e.Config, n+1)
			}
			return c.calls[e.Config][n], nil
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		for config, calls := range c.calls {
			if done[config] != len(calls) {
				t.Errorf("%s: %s is measured %d times, want %d", c.name, config, done[config], len(calls))
			}
		}
	}
}

func TestFiguresFile(t *testing.T) {
	t.Setenv("TLKIT_CACHE", t.TempDir())
	e := []*Engine{mustOpen(t, "go"), mustOpen(t, "gomlx")}
	key := cacheKey("resnet18, 8 images of 224", e)
	if got := cachedFigures(key, e); got != nil {
		t.Fatalf("figures before a probe: %v", got)
	}
	want := []Figure{{Engine: "go", InferS: 1, StepS: 2}, {Engine: "gomlx", InferS: 3, StepS: 4}}
	if err := keepFigures(key, want); err != nil {
		t.Fatal(err)
	}
	if got := cachedFigures(key, e); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("figures %v, want %v", got, want)
	}
	for what, other := range map[string]string{"another batch": cacheKey("resnet18, 4 images of 224", e), "other engines": cacheKey("resnet18, 8 images of 224", e[:1])} {
		if other == key || cachedFigures(other, e) != nil {
			t.Errorf("%s has the same figures", what)
		}
	}
	with := append(e, &Engine{Config: "openvino", Backend: e[0].Backend})
	for stepS, kept := range map[string]Figure{"no step": {Engine: "openvino", InferS: 1}, "a step": {Engine: "openvino", InferS: 1, StepS: 1}} {
		if err := keepFigures(cacheKey(stepS, with), append(want, kept)); err != nil {
			t.Fatal(err)
		}
		if got := cachedFigures(cacheKey(stepS, with), with); len(got) != 3 {
			t.Errorf("an engine for inference alone with %s: figures %v", stepS, got)
		}
	}
	path, err := figuresFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range []string{"", "{", `{"key": "another"}`, `{"key": "` + strings.ReplaceAll(key, "\n", `\n`) + `", "figures": [{"engine": "go"}]}`} {
		if err := os.WriteFile(path, []byte(damage), 0o666); err != nil {
			t.Fatal(err)
		}
		if got := cachedFigures(key, e); got != nil {
			t.Errorf("a damaged file %q has figures %v", damage, got)
		}
	}
}

// TestChoose makes an engine out of the way appear by its figures: the one that measured faster, and the second call
// measures nothing.
func TestChoose(t *testing.T) {
	t.Setenv("TLKIT_CACHE", filepath.Join(t.TempDir(), "deeper"))
	t.Setenv("TLKIT_HOME", t.TempDir()) // oneDNN is not installed there
	t.Setenv("ONEDNN_LIBRARY_PATH", "")
	t.Setenv("GOMLX_BACKEND", "")
	mu.Lock()
	was, wasSteps, wasInfer := opened, steps, infer
	mu.Unlock()
	use := func(all, step, inference *Engine) {
		mu.Lock()
		opened, steps, infer = all, step, inference
		mu.Unlock()
	}
	t.Cleanup(func() { use(was, wasSteps, wasInfer) })
	slow, fast := mustOpen(t, "gomlx"), mustOpen(t, "go")
	use(slow, fast, slow)
	probes := 0
	probe := func(e *Engine) (Figure, error) {
		probes++
		if e == slow {
			return Figure{InferS: 3, StepS: 9}, nil
		}
		return Figure{InferS: 1, StepS: 2}, nil
	}
	for range 2 {
		c, err := Choose("net", probe)
		if err != nil {
			t.Fatal(err)
		}
		if c.Infer != fast || c.Step != fast || probes != 2 {
			t.Errorf("%s after %d probes, want both on go after 2", c, probes)
		}
	}
	if text := Describe(); !strings.Contains(text, "net: inference on go (1.000 s; gomlx 3.000 s)") {
		t.Errorf("Describe() = %q, want the figures", text)
	}
	lines := strings.Split(Lines(), "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[0], "training steps  go ") || !strings.HasPrefix(lines[2], "all else ") ||
		!strings.HasPrefix(lines[4], "measured here, net: ") {
		t.Errorf("Lines() = %q, want the engines of steps and of the rest, each with its reason, and the figures", lines)
	}
	if c, err := Choose("other", nil); err != nil || c.Infer != slow || c.Figures != nil {
		t.Errorf("without a probe: %s, %v", c, err)
	}
	if c, err := Choose("broken", func(*Engine) (Figure, error) { return Figure{InferS: 1}, errors.New("no") }); err != nil || c.Infer != slow || c.Step != fast {
		t.Errorf("all probes failed: %s, %v, want the usual engines", c, err)
	}
	if c, ok := Recorded("go", "gomlx"); !ok || c.Infer != fast || c.Step != slow {
		t.Errorf("recorded engines: %v, %v", c, ok)
	}
	if _, ok := Recorded("xla:none", "go"); ok {
		t.Error("an engine that is not there was found")
	}
	t.Setenv("GOMLX_BACKEND", "gomlx")
	if c, err := Choose("net", probe); err != nil || c.Infer != slow || probes != 2 {
		t.Errorf("GOMLX_BACKEND is set: %s, %v, %d probes", c, err, probes)
	}
	if _, ok := Recorded("go", "gomlx"); ok {
		t.Error("the recorded engines override GOMLX_BACKEND")
	}
}

func mustOpen(t *testing.T, config string) *Engine {
	t.Helper()
	e, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
