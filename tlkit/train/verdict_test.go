package train_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
)

// TestVerdictInJapanese: under the table stands the verdict in the language of figures, with the same names and numbers
// as in English, and Verdict and plain text stay English.
func TestVerdictInJapanese(t *testing.T) {
	r := quick(t)
	run := compare(t, r, "verdict", paint(t), pretrained(t), strategy.Transfer{}, strategy.FineTune{Label: "wild", LearningRate: 1e30},
		strategy.FineTune{Label: "still", LearningRate: 1e-12}, strategy.KNN{})
	samples, err := r.SampleSizes(t.Context(), "sizes", paint(t), pretrained(t), []int{1, 2}, strategy.KNN{}, strategy.LogisticRegression{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		figure  plots.Figure
		verdict string
		want    []string
	}{
		"run":     {run, run.Verdict(), []string{"正解率は", "wild は 1 エポック目に学習率 1e+30 で発散しました", "still", "knn", "transfer"}},
		"samples": {samples, samples.Verdict(), []string{"クラスあたり 1 枚では", "クラスあたり 2 枚では"}},
	} {
		t.Setenv(plots.LanguageEnv, "en")
		if text := shown(t, c.figure); !strings.Contains(text, c.verdict) {
			t.Errorf("%s in English lacks %q:\n%.3000s", name, c.verdict, text)
		}
		t.Setenv(plots.LanguageEnv, "ja")
		text := shown(t, c.figure)
		at := strings.LastIndex(text, `<p lang="ja">`)
		if at < 0 {
			t.Fatalf("%s in Japanese has no Japanese sentence:\n%.3000s", name, text)
		}
		text = text[at:]
		for _, want := range append(c.want, regexp.MustCompile(`\d+(\.\d+)?%?`).FindAllString(c.verdict, -1)...) {
			if !strings.Contains(text, want) {
				t.Errorf("%s in Japanese lacks %q of %q:\n%s", name, want, c.verdict, text)
			}
		}
		if strings.Contains(text, "accuracy") {
			t.Errorf("%s in Japanese: %s", name, text)
		}
		if !strings.Contains(plain(t, c.figure), c.verdict) {
			t.Errorf("%s: the plain text is not English:\n%s", name, plain(t, c.figure))
		}
	}
}

// shown returns the HTML of a figure as text.
func shown(t *testing.T, f plots.Figure) string {
	t.Helper()
	return html.UnescapeString(form(t, f, plots.MIMEHTML))
}
