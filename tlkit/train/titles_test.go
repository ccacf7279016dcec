package train_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
)

// TestTitles: figures, verdict and report call a strategy by its title, which can be in any script; its name, by which
// results are found, stays.
func TestTitles(t *testing.T) {
	run := compare(t, quick(t), "titles", paint(t), pretrained(t), strategy.Transfer{}, strategy.FineTune{})
	run.Titles = map[string]string{"transfer": "転移学習"}
	report := filepath.Join(t.TempDir(), "report.html")
	if err := run.Report(report); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	transfer, err := run.Result("transfer")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"curves": plain(t, run.Curves()), "summary": plain(t, run.Summary()), "run": plain(t, run),
		"verdict": run.Verdict(), "report": string(page), "result": plain(t, transfer)} {
		if !strings.Contains(text, "転移学習") || name != "report" && strings.Contains(text, "transfer") {
			t.Errorf("%s: the title is not in place of the name:\n%.2000s", name, text)
		}
		if name != "result" && !strings.Contains(text, "finetune") {
			t.Errorf("%s: the strategy without a title has not its name:\n%.2000s", name, text)
		}
	}
}

// plain returns the plain text of a figure.
func plain(t *testing.T, f plots.Figure) string {
	t.Helper()
	return form(t, f, plots.MIMEText)
}

// form returns one form of a figure, which is text.
func form(t *testing.T, f plots.Figure, kind string) string {
	t.Helper()
	b, err := f.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	text, ok := b[kind].(string)
	if !ok {
		t.Fatalf("no text of kind %s in %v", kind, b)
	}
	return text
}
