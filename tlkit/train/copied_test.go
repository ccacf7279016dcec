package train_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
)

// TestCopied: files of a run that were put where they do not belong are found.
func TestCopied(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	run := compare(t, r, "r", ds, m, strategy.Transfer{}, strategy.FineTune{})
	want := curve(run.Results[1].History)
	weights := saved(t, run, "finetune", "best.safetensors")

	// The folder of another strategy in the place of one.
	folder := filepath.Join(run.Dir, "finetune")
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(run.Dir, "transfer"))); err != nil {
		t.Fatal(err)
	}
	run = compare(t, r, "r", ds, m, strategy.Transfer{}, strategy.FineTune{})
	if text := strings.Join(run.Warnings, "\n"); !strings.Contains(text, `result.json is that of strategy "transfer"`) {
		t.Errorf("warnings %q", text)
	}
	if run.Results[1].Strategy != "finetune" || !reflect.DeepEqual(curve(run.Results[1].History), want) || !reflect.DeepEqual(saved(t, run, "finetune", "best.safetensors"), weights) {
		t.Errorf("strategy %s, history %v", run.Results[1].Strategy, run.Results[1].History)
	}

	// JSON that describes nothing.
	for _, name := range []string{"run.json", "run.json.bak"} {
		if err := os.WriteFile(filepath.Join(run.Dir, name), []byte("{}"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	before := tree(t, folder)
	run = compare(t, r, "r", ds, m, strategy.Transfer{}, strategy.FineTune{})
	if text := strings.Join(run.Warnings, "\n"); !strings.Contains(text, "run.json is missing or damaged; it was written anew") || !reflect.DeepEqual(tree(t, folder), before) {
		t.Errorf("warnings %q", text)
	}
}
