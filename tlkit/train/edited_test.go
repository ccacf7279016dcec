package train_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestEdited: a result without checksums, as older versions wrote it, whose predictions were edited to what can't be,
// is shown without them, with a line about it, and trained again; nothing panics.
func TestEdited(t *testing.T) {
	m, r := pretrained(t), quick(t)
	for what, change := range map[string][2]string{
		"a class too high": {`"predicted": \[\s*\d+`, `"predicted": [7`},
		"a class below 0":  {`"labels": \[\s*\d+`, `"labels": [-1`},
		"one too few":      {`"confidence": \[\s*[0-9.]+,`, `"confidence": [`},
		"no names":         {`"names": \[[^\]]*\]`, `"names": []`},
	} {
		r.Dir = t.TempDir()
		run := compare(t, r, "r", paint(t), m, strategy.Transfer{})
		path := filepath.Join(run.Dir, "transfer", "result.json")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		old := regexp.MustCompile(`\s*"checksum": "[0-9a-f]+",`).ReplaceAllString(string(data), "")
		edited := regexp.MustCompile(change[0]).ReplaceAllString(old, change[1])
		if edited == old {
			t.Fatalf("%s: nothing was edited in %s", what, old)
		}
		writeFile(t, path, []byte(edited))
		if err := os.Remove(path + ".bak"); err != nil {
			t.Fatal(err)
		}
		opened, err := train.Open(r.Dir, "r")
		if err != nil || len(opened.Warnings) == 0 {
			t.Fatalf("%s: %v, warnings %q", what, err, opened.Warnings)
		}
		opened.Verdict()
		if _, err := opened.Bundle(); err != nil {
			t.Error(err)
		}
		again := compare(t, r, "r", paint(t), m, strategy.Transfer{})
		if got := again.Results[0]; !got.Done || len(got.Predictions.Predicted) != 9 {
			t.Errorf("%s: %+v", what, got)
		}
	}
}
