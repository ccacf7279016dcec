package train_test

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// inBfloat16 returns a recipe in bfloat16 with evaluations on OpenVINO where it is installed; where bfloat16 can't be
// had, the test is skipped.
func inBfloat16(t testing.TB) train.Recipe {
	t.Helper()
	t.Setenv("GOMLX_BACKEND", "openvino")
	if _, err := backend.InBfloat16(); err != nil {
		t.Skipf("bfloat16 can't be had here: %v", err)
	}
	r := quick(t)
	r.Precision = train.Bfloat16
	return r
}

// TestBfloat16: a training in bfloat16 has the losses of one in float32 within 3 % and its accuracy within one image of
// nine, each strategy on its kind of features, and run.json says in what it was computed.
func TestBfloat16(t *testing.T) {
	r := inBfloat16(t)
	r.Epochs = 6
	for _, s := range []train.Strategy{strategy.FineTune{}, strategy.Transfer{}, strategy.LogisticRegression{}} {
		m := pretrained(t)
		single := r
		single.Precision = ""
		train.UseEngines(t, "go", "go")
		float32s := compare(t, single, "float32", paint(t), m, s)
		run := compare(t, r, "bfloat16", paint(t), m, s)
		want, got := float32s.Results[0].History, run.Results[0].History
		same := true
		for i, w := range want {
			g := got[i]
			near := func(a, b float64) bool { return math.Abs(a-b) <= 0.03*max(0.3, b) }
			if !near(g.TrainLoss, w.TrainLoss) || !near(g.ValLoss, w.ValLoss) || math.Abs(g.ValAccuracy-w.ValAccuracy) > 1.01/9 {
				t.Errorf("%s, epoch %d: %+v, in float32 %+v", s.Name(), i+1, g, w)
			}
			same = same && math.Abs(g.ValLoss-w.ValLoss) <= 1e-6*w.ValLoss
		}
		if same {
			t.Errorf("%s: the losses are those of float32", s.Name())
		}
		if e := run.Config.Engines; e == nil || e.Steps != "onednn:bf16" || !strings.HasSuffix(e.Forward, ":bf16") {
			t.Errorf("%s: run.json has the engines %v", s.Name(), e)
		}
		page := filepath.Join(t.TempDir(), "r.html")
		if err := run.Report(page); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "recipe: precision") {
			t.Errorf("%s: the report names no precision, or %v", s.Name(), err)
		}
		opened, err := train.Open(r.Dir, "bfloat16")
		if err != nil || opened.Config.Recipe.Precision != train.Bfloat16 {
			t.Errorf("%s: the opened run has the precision %q, %v", s.Name(), opened.Config.Recipe.Precision, err)
		}
		r.Dir = t.TempDir()
	}
}

// TestBfloat16Resumes: a training in bfloat16 that was stopped and resumed has weights that are equal to the bit.
func TestBfloat16Resumes(t *testing.T) {
	r := inBfloat16(t)
	r.Epochs, r.MemoryLimit = 3, 1
	m := pretrained(t)
	whole := compare(t, r, "whole", paint(t), m, strategy.FineTune{})
	resumesEqually(t, r, m, whole, 15+13)
}

// TestPrecisionIsPartOfARun: a run in one precision does not go on in the other: it is kept beside the new one. The
// recipe of a run in float32 is written as before there was a choice.
func TestPrecisionIsPartOfARun(t *testing.T) {
	r := inBfloat16(t)
	m := pretrained(t)
	single := r
	single.Precision = ""
	train.UseEngines(t, "go", "go")
	run := compare(t, single, "r", paint(t), m, strategy.FineTune{})
	if text, err := os.ReadFile(filepath.Join(run.Dir, "run.json")); err != nil || strings.Contains(string(text), "precision") {
		t.Errorf("run.json of a run in float32 names a precision, or %v", err)
	}
	single.Epochs, r.Epochs = 3, 3
	again := compare(t, r, "r", paint(t), m, strategy.FineTune{})
	if text := strings.Join(again.Warnings, "\n"); !strings.Contains(text, `precision: not set, now "bfloat16"`) {
		t.Errorf("warnings %q, want one that names the precision", again.Warnings)
	}
	other := r
	other.Dir = t.TempDir()
	if fresh := compare(t, other, "r", paint(t), m, strategy.FineTune{}); !reflect.DeepEqual(again.Results[0].History[2].ValLoss, fresh.Results[0].History[2].ValLoss) {
		t.Errorf("loss %g after a run in float32, %g without one: it went on with its weights", again.Results[0].History[2].ValLoss, fresh.Results[0].History[2].ValLoss)
	}
}

// TestPrecisionErrors: a precision that is not there is an error that says what to do, whatever asks for it.
func TestPrecisionErrors(t *testing.T) {
	m := pretrained(t)
	for _, c := range []struct {
		precision     train.Precision
		devices       int
		backend, want string
	}{
		{"float16", 0, "go", `Recipe.Precision is "float16"; give "bfloat16", or nothing for float32`},
		{train.Bfloat16, 2, "go", "computed on one device"},
		{train.Bfloat16, 0, "go", "GOMLX_BACKEND is go, which does not compute in bfloat16; unset it, or set it to onednn"},
	} {
		t.Setenv("GOMLX_BACKEND", c.backend)
		r := quick(t)
		r.Precision, r.Devices = c.precision, c.devices
		if _, err := r.Compare(t.Context(), "r", paint(t), m, strategy.FineTune{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v", c, err)
		}
	}
	e, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	r := train.Recipe{BatchSize: 4, Precision: train.Bfloat16}
	if _, err := r.NewStepper(e.Backend, m, strategy.FineTune{}); err == nil || !strings.Contains(err.Error(), `which engine "TLKit Go" does not compute in`) {
		t.Errorf("a step in bfloat16 on pure Go: error %v", err)
	}
}

// TestFloat32OnBfloat16: an engine in bfloat16 computes no run in float32.
func TestFloat32OnBfloat16(t *testing.T) {
	inBfloat16(t)
	train.UseEngines(t, "onednn:bf16", "onednn:bf16")
	_, err := quick(t).Compare(t.Context(), "r", paint(t), pretrained(t), strategy.FineTune{})
	if err == nil || !strings.Contains(err.Error(), `engine "onednn:bf16" computes in bfloat16, and the recipe is in float32`) {
		t.Errorf("error %v", err)
	}
}
