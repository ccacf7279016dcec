package train_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestReportOnTest: of data with a test split alone, the report and the verdict name the test images, in
// both languages.
func TestReportOnTest(t *testing.T) {
	zoo.Register(tinySpec())
	held, r := *paint(t), quick(t)
	held.Val, held.Test = nil, held.Val
	one := held
	one.Test = held.Test.Subset([]int{0})
	m := pretrained(t)
	for _, run := range []*train.Run{
		compare(t, r, "alone", &held, m, strategy.Transfer{}),
		compare(t, r, "two", &held, m, strategy.Transfer{}, strategy.FineTune{}),
		compare(t, r, "one", &one, m, strategy.KNN{}),
	} {
		for language, words := range map[string][2]string{"en": {"est images", "alidation"}, "ja": {"テスト用画像", "検証"}} {
			t.Setenv(plots.LanguageEnv, language)
			path := filepath.Join(t.TempDir(), "r.html")
			if err := run.Report(path); err != nil {
				t.Fatal(err)
			}
			page, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text := string(page) + shown(t, run)
			if language == "en" {
				text += run.Verdict()
			}
			curves, err := run.Curves().Bundle()
			if err != nil {
				t.Fatal(err)
			}
			spec, err := json.Marshal(curves[plots.MIMEVegaLite])
			if err != nil {
				t.Fatal(err)
			}
			if split := map[string]string{"en": "test", "ja": "テスト"}[language]; !strings.Contains(string(spec), `"s":"`+split+`"`) || strings.Contains(string(spec), `"s":"val"`) {
				t.Errorf("%s in %s: the curves are not those of test images", run.Name, language)
			}
			text += string(spec)
			if !strings.Contains(text, words[0]) || strings.Contains(text, words[1]) {
				at := max(0, strings.Index(text, words[1])-100)
				t.Errorf("%s in %s: want %q, and no %q: %.400s", run.Name, language, words[0], words[1], text[at:])
			}
		}
	}
}

// TestReport holds what the page of a run has, that it needs nothing from elsewhere, and that names are escaped.
func TestReport(t *testing.T) {
	zoo.Register(tinySpec())
	ds, r := paint(t), quick(t)
	r.Epochs = 1
	run := compare(t, r, "r", ds, pretrained(t), strategy.Scratch{}, strategy.Transfer{})
	path := filepath.Join(t.TempDir(), "r.html")
	if err := run.Report(path, train.ReportOptions{Data: ds, Images: 3}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	for _, want := range []string{"<!doctype html>", "color-scheme: light dark", "<h1>r</h1>", "highest validation accuracy", "strategy: scratch", "recipe: batch size",
		ds.Fingerprint(), "precision", "Images of the highest loss", "go1.", "tlkit.Open(&#34;r&#34;)", "engine", "image/svg+xml", "confusion"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, remote := range []string{"src=\"http", "href=", "@import", "<script", "url("} {
		if strings.Contains(page, remote) {
			t.Errorf("the page has %s", remote)
		}
	}
	if err := run.Report(path); err != nil {
		t.Fatal(err)
	}
	if data, err = os.ReadFile(path); err != nil || strings.Contains(string(data), "highest loss") {
		t.Errorf("without data the page has images (%v)", err)
	}
	other := &datasets.Dataset{Name: "other", Classes: colours, Train: painted(t, 7, 5, nil), Val: painted(t, 8, 3, nil)}
	for want, err := range map[string]error{
		"must end in .html": run.Report(filepath.Join(t.TempDir(), "r.pdf")),
		"at most one":       run.Report(path, train.ReportOptions{}, train.ReportOptions{}),
		"other images":      run.Report(path, train.ReportOptions{Data: other}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
