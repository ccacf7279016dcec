package backend

import (
	"strings"
	"testing"
)

func TestChooseFallsThrough(t *testing.T) {
	list := []candidate{
		{config: "no-such-engine"},
		{config: "xla:no_such_plugin"},
		{config: "go", why: "last"},
	}
	e, err := choose(list)
	if err != nil {
		t.Fatal(err)
	}
	if e.Config != "go" || len(e.Notices) != 2 {
		t.Fatalf("chose %q with notices %q, want go and 2 notices", e.Config, e.Notices)
	}
	for i, n := range e.Notices {
		if strings.Contains(n, "\n") || !strings.Contains(n, list[i].config) {
			t.Errorf("notice %q: want one line that names %q", n, list[i].config)
		}
	}
}

func TestChooseNothingWorks(t *testing.T) {
	_, err := choose([]candidate{{config: "no-such-engine"}})
	if err == nil || !strings.Contains(err.Error(), "no-such-engine") {
		t.Fatalf("error %v, want one that names the engine", err)
	}
}

func TestCandidatesOrder(t *testing.T) {
	env := map[string]string{"GOMLX_BACKEND": "onnx:cpu", "TLKIT_HOME": t.TempDir()}
	list := candidates(func(k string) string { return env[k] })
	if list[0].config != "onnx:cpu" {
		t.Errorf("first candidate %+v, want what GOMLX_BACKEND asks for", list[0])
	}
	if last := list[len(list)-1]; last.config != "go" {
		t.Errorf("last candidate %q, want go", last.config)
	}
}

func TestDescribe(t *testing.T) {
	if d := Describe(); strings.Contains(d, "\n") || !strings.Contains(d, ":") {
		t.Errorf("Describe() = %q, want one line with engine and reason", d)
	}
}

func TestOpen(t *testing.T) {
	e, err := Open("go")
	if err != nil || e.Config != "go" || e.Backend == nil {
		t.Errorf("Open(go) = %+v, %v", e, err)
	}
	if _, err := Open("no-such-engine"); err == nil || !strings.Contains(err.Error(), `"no-such-engine"`) {
		t.Errorf("error %v, want one that names the engine", err)
	}
	t.Setenv("TLKIT_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("ONNXRUNTIME_SHARED_LIBRARY_PATH", "")
	if _, err := Open("onnx:cpu"); err == nil || !strings.Contains(err.Error(), "--engine onnx") {
		t.Errorf("without ONNX Runtime: error %v", err)
	}
}
