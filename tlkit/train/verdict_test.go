package train_test

import (
	"context"
	"errors"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestVerdictInJapanese: under the table stands the verdict in the language of figures, with the same names and numbers
// as in English, and Verdict and plain text stay English.
func TestVerdictInJapanese(t *testing.T) {
	r := quick(t)
	run := compare(t, r, "verdict", paint(t), pretrained(t), strategy.Transfer{}, strategy.FineTune{Label: "wild", LearningRate: 1e30},
		strategy.FineTune{Label: "still", LearningRate: 1e-12}, strategy.KNN{})
	seeds := quick(t)
	seeds.Epochs, seeds.Seeds = 3, 2
	phases := compare(t, seeds, "phases", paint(t), pretrained(t), strategy.FineTune{HeadFirst: 2, HeadRate: 1e38})
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
		"phases":  {phases, phases.Verdict(), []string{"finetune は最後の段階の前", "finetune、シード 4 は最後の段階の前"}},
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
		if strings.Contains(text, "accuracy") || strings.Contains(text, "seed") {
			t.Errorf("%s in Japanese: %s", name, text)
		}
		if !strings.Contains(plain(t, c.figure), c.verdict) {
			t.Errorf("%s: the plain text is not English:\n%s", name, plain(t, c.figure))
		}
	}
}

// TestVerdictUnfinished: the verdict of a run that was stopped, or in which one strategy was trained further than
// others, says who has how many epochs, and claims nothing of a training that is not at its end.
func TestVerdictUnfinished(t *testing.T) {
	m, r := pretrained(t), quick(t)
	r.Epochs, r.MemoryLimit = 3, 1
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ds := paint(t)
	ds.Train = painted(t, 1, 5, (&counter{when: 45 + 25, at: cancel}).asked)
	strategies := []train.Strategy{strategy.FineTune{}, strategy.FineTune{Label: "b", LearningRate: 1e-12}, strategy.Scratch{}}
	run, err := r.Compare(ctx, "r", ds, m, strategies...)
	var stopped *train.InterruptedError
	if !errors.As(err, &stopped) || stopped.Strategy != "b" {
		t.Fatal(err)
	}
	for _, want := range []string{"Not all is trained, so that this may change: b has 1 of 3 epochs, scratch has 0 of 3 epochs; the same call goes on.",
		`b, after 1 of 3 epochs, names the class "blue" for every image`} {
		if text := run.Verdict(); !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	t.Setenv(plots.LanguageEnv, "ja")
	if text := shown(t, run); !strings.Contains(text, "b は 3 エポック中 1 エポック、scratch は 3 エポック中 0 エポック") || !strings.Contains(text, "b（3 エポック中 1 エポック） はどの画像にもクラス「blue」と答えます") {
		t.Errorf("in Japanese: %s", text)
	}
	run = compare(t, r, "r", paint(t), m, strategies...)
	if text := run.Verdict(); strings.Contains(text, "Not all is trained") {
		t.Errorf("all is trained: %q", text)
	}
	r.Epochs = 5
	for range 2 { // the call that trains, and the same again, which finds all done
		run = compare(t, r, "r", paint(t), m, strategies[0])
		text := run.Verdict()
		if !strings.Contains(text, "Not all is trained equally long: b has 3 of 5 epochs, scratch has 3 of 5 epochs; a call that names them, too, goes on.") ||
			strings.Contains(text, "finetune has 5") || strings.Contains(text, "the same call goes on") {
			t.Errorf("one was trained further: %q", text)
		}
		if done, total := run.Progress(); done != total {
			t.Errorf("all that was called is trained, but %d of %d epochs are done", done, total)
		}
	}
	reopened, err := train.Open(r.Dir, "r")
	if err != nil {
		t.Fatal(err)
	}
	if text := reopened.Verdict(); text != run.Verdict() {
		t.Errorf("after opening: %q, want %q", text, run.Verdict())
	}
	run = compare(t, r, "r", paint(t), m, strategies...)
	if text := run.Verdict(); strings.Contains(text, "Not all is trained") {
		t.Errorf("a call that names all trains all: %q", text)
	}
}

// shown returns the HTML of a figure as text.
func shown(t *testing.T, f plots.Figure) string {
	t.Helper()
	return html.UnescapeString(form(t, f, plots.MIMEHTML))
}
