package detached

import (
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
)

// TestStateInJapanese: the line of a training is in the language of figures in each phase.
func TestStateInJapanese(t *testing.T) {
	t.Setenv(plots.LanguageEnv, "ja")
	for phase := range phasesInJapanese {
		for _, s := range []State{{Name: "ants", Phase: phase},
			{Name: "ants", Phase: phase, Done: 3, Total: 6, Best: "transfer", BestAccuracy: 0.59, Left: 90 * time.Second},
			{Name: "ants", Phase: phase, Diverged: "finetune, scratch"},
			{Name: "ants", Phase: phase, Error: gone}, {Name: "ants", Phase: phase, Error: "transfer" + repairs}} {
			bundle, err := s.figure().Bundle()
			if err != nil {
				t.Fatal(err)
			}
			if english := testutil.English(bundle, "ants", "transfer", "finetune", "scratch", "Resume", "Compare"); len(english) > 0 {
				t.Errorf("phase %q: the line %q is not in Japanese", phase, bundle["text/html"])
			}
		}
	}
	source, err := os.ReadFile("state.go")
	if err != nil {
		t.Fatal(err)
	}
	phases := regexp.MustCompile(`Phase = "([a-z ]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(phases) != len(phasesInJapanese) {
		t.Errorf("%d phases, and words for %d", len(phases), len(phasesInJapanese))
	}
	for _, m := range phases {
		if phasesInJapanese[Phase(m[1])] == "" {
			t.Errorf("phase %q has no word in Japanese", m[1])
		}
	}
}
