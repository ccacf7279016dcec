package backend

import (
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
)

// TestInBfloat16: both engines compute in bfloat16, or an error says what is missing and what to do.
func TestInBfloat16(t *testing.T) {
	for asked, want := range map[string]string{"go": "GOMLX_BACKEND is go", "onnx:cpu": "set it to onednn", "xla:cpu": "unset it"} {
		t.Setenv("GOMLX_BACKEND", asked)
		if _, err := InBfloat16(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("GOMLX_BACKEND=%s: error %v, want %q in it", asked, err, want)
		}
	}
	for _, asked := range []string{"onednn", "openvino", ""} {
		t.Setenv("GOMLX_BACKEND", asked)
		c, err := InBfloat16()
		if err != nil {
			if !strings.Contains(err.Error(), "bfloat16 needs oneDNN and a processor with AVX512-BF16 or AMX") {
				t.Error(err)
			}
			t.Skipf("bfloat16 can't be had here: %v", err)
		}
		if again, err := InBfloat16(); err != nil || again.Step != c.Step || again.Infer != c.Infer {
			t.Errorf("a second call opened other engines, or failed: %v", err)
		}
		if asked == "onednn" && c.Infer != c.Step {
			t.Errorf("GOMLX_BACKEND=onednn: inference on %s", c.Infer.Config)
		}
		for _, e := range []*Engine{c.Step, c.Infer} {
			if !traits.Of(e.Backend).Bfloat16 {
				t.Errorf("engine %s does not compute in bfloat16", e.Config)
			}
			if general, err := General(e.Backend); err != nil || general != c.Step {
				t.Errorf("graphs that %s can't compute are for %v, %v; want %s", e.Config, general, err, c.Step.Config)
			}
		}
	}
}

// TestInBfloat16WithoutLibrary: the error names the library that is missing, and no other engine takes its place.
func TestInBfloat16WithoutLibrary(t *testing.T) {
	bfloat16.Lock()
	before := bfloat16.oneDNN
	bfloat16.oneDNN = nil
	bfloat16.Unlock()
	t.Cleanup(func() { bfloat16.oneDNN = before })
	t.Setenv("GOMLX_BACKEND", "")
	t.Setenv("TLKIT_HOME", t.TempDir())
	t.Setenv("ONEDNN_LIBRARY_PATH", "")
	_, err := InBfloat16()
	if err == nil || !strings.Contains(err.Error(), "bfloat16 needs oneDNN") {
		t.Errorf("error %v, want one that says what bfloat16 needs", err)
	}
}
