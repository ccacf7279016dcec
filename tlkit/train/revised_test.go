package train_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// FineTune stands in run.json as strategy.FineTune did before it had revisions.
type FineTune struct {
	HeadFactor float64 `json:"head_factor,omitempty"`
	HeadFirst  int     `json:"head_first,omitempty"`
}

func (FineTune) Name() string { return "finetune" }
func (f FineTune) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	return strategy.FineTune{HeadFactor: f.HeadFactor, HeadFirst: f.HeadFirst}.Plan(m, task)
}

// TestRevised: results of a strategy that is trained differently since are neither continued nor shown as today's: they
// become a version, and a line says why. Those that are trained as before go on.
func TestRevised(t *testing.T) {
	m, r := pretrained(t), quick(t)
	for _, tt := range []struct {
		factor float64
		first  int
		want   string
	}{
		{10, 1, "finetune: HeadRate is no longer multiplied by HeadFactor; trained anew, what was there before is version 1 (run.Versions())"},
		{10, 0, ""}, {1, 1, ""}, {0, 1, ""},
	} {
		r.Dir = t.TempDir()
		compare(t, r, "r", paint(t), m, FineTune{tt.factor, tt.first})
		again := r
		again.Epochs = 4
		run := compare(t, again, "r", paint(t), m, strategy.FineTune{HeadFactor: tt.factor, HeadFirst: tt.first})
		versions, err := run.Versions()
		if said := strings.Join(run.Warnings, "\n"); err != nil || (tt.want == "") != (said == "") || !strings.HasSuffix(said, tt.want) || len(versions) != 1 && tt.want != "" {
			t.Errorf("%+v: said %q with %d versions, %v; want %q", tt, said, len(versions), err, tt.want)
		}
		if run := compare(t, again, "r", paint(t), m, strategy.FineTune{HeadFactor: tt.factor, HeadFirst: tt.first}); len(run.Warnings) > 0 {
			t.Errorf("%+v: the same call again said %q", tt, run.Warnings)
		}
	}
}

// TestRevisedRecipe: run.json says of a recipe that is trained differently since that it is; of all others nothing, so
// that their runs go on.
func TestRevisedRecipe(t *testing.T) {
	r := quick(t)
	for _, tt := range []struct {
		name   string
		change func(r *train.Recipe)
		want   string
	}{
		{"plain", func(*train.Recipe) {}, ""},
		{"accumulated", func(r *train.Recipe) { r.Accumulate, r.Schedule = 2, train.Schedule{StepEvery: 1} }, ""},
		{"balanced", func(r *train.Recipe) { r.ClassWeights, r.Schedule = train.Balanced, train.Schedule{Cosine: true} }, ""},
		{"both", func(r *train.Recipe) { r.Accumulate, r.ClassWeights = 2, train.Balanced }, `"Revision": "ClassWeights are those of all`},
		{"cosine", func(r *train.Recipe) { r.Accumulate, r.Schedule = 2, train.Schedule{Cosine: true} }, `"Revision": "Schedule moves`},
	} {
		one := r
		tt.change(&one)
		run := compare(t, one, tt.name, paint(t), pretrained(t), strategy.Transfer{})
		text, err := os.ReadFile(filepath.Join(run.Dir, "run.json"))
		if err != nil || strings.Contains(string(text), "Revision") != (tt.want != "") || !strings.Contains(string(text), tt.want) {
			t.Errorf("%s: run.json lacks %q, or has a revision: %v\n%s", tt.name, tt.want, err, text)
		}
	}
}
