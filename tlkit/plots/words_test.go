package plots

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/font/sfnt"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
)

// TestWords: figures in a notebook have labels in the language that the environment names; plain text is English.
func TestWords(t *testing.T) {
	figures := func() map[string]Figure {
		return map[string]Figure{
			"curves":    Curves("run", Panel{Title: "Loss", XLabel: "epoch", YLabel: "cross-entropy", Lines: []Line{{Name: "a", Points: []Point{{1, 2}, {2, 1}}, Best: 2}}}),
			"confusion": Confusion([]string{"ant", "bee"}, [][]int{{1, 2}, {0, 3}}),
			"table":     Table([]string{"strategy", "best accuracy"}, [][]string{{"transfer", "90%"}}, TableOptions{}),
			"caption":   Table([]string{"a"}, [][]string{{"transfer"}}, TableOptions{Caption: "net (w), one image of 32x32"}),
			"cell":      Table([]string{"a", "b"}, [][]string{{"no", "3 of 5"}}, TableOptions{Words: []int{1}}),
			"data":      Table([]string{"a"}, [][]string{{"no"}}, TableOptions{}),
			"progress":  Progress(0.5, "lwf: learning-rate range test ended after 86 steps"),
			"bars":      Bars("b", []Bar{{Name: "a", Value: 1}}, BarOptions{Label: "validation accuracy"}),
		}
	}
	for _, c := range []struct {
		env      map[string]string
		japanese bool
	}{
		{map[string]string{LanguageEnv: "ja"}, true},
		{map[string]string{"LANG": "ja_JP.UTF-8"}, true},
		{map[string]string{LanguageEnv: "en", "LANG": "ja_JP.UTF-8"}, false},
		{map[string]string{"LC_ALL": "C", "LANG": "ja_JP.UTF-8"}, false},
		{map[string]string{"LANG": "jam"}, false},
		{nil, false},
	} {
		for _, name := range []string{LanguageEnv, "LC_ALL", "LC_MESSAGES", "LANG"} {
			t.Setenv(name, c.env[name])
		}
		for name, want := range map[string][2]string{
			"curves": {"エポック", "epoch"}, "confusion": {"予測", "predicted"}, "table": {"最高の\u200b正解率", "best accuracy"}, "bars": {"検証用画像の正解率", "validation accuracy"},
			"caption": {"32x32 の画像 1 枚", "one image of 32x32"}, "cell": {"3 / 5", "3 of 5"}, "data": {"no", "no"},
			"progress": {"86 ステップで終わりました", "ended after 86 steps"},
		} {
			b, err := figures()[name].Bundle()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for kind, v := range b {
				if name == "curves" && kind == MIMEText {
					continue // it names no axis
				}
				shown := strings.ReplaceAll(fmt.Sprint(v), "\u00a0", " ") // quantities stay on one line
				word := want[1]
				if c.japanese && kind != MIMEText {
					word = want[0]
				}
				if !strings.Contains(shown, word) {
					t.Errorf("%v: %s of the figure %s lacks %q:\n%.1500s", c.env, kind, name, word, shown)
				}
			}
		}
	}
}

// TestGalleryInJapanese: no figure of any kind shows a reader who has chosen Japanese a word of English, but for names.
func TestGalleryInJapanese(t *testing.T) {
	t.Setenv(LanguageEnv, "ja")
	names := strings.Split("ants-vs-bees|transfer|fine-tune|scratch from zero with a long long name that is cut somewhere|diverged|ants & bees|ants|bees with a long long name|"+
		"Accuracy by strategy|scratch from zero with a long long nam|step|actual: dog|Predictions|Calibration|PCA: 41% and 22% of the variance|"+
		"9,536 parameters|2 classes, 1,026 parameters|layer1|layer4|head|bees|wasps|cat|dog|photo|the same as transfer|outliers and overlaps|One name hides another|jpg|png|a verdict|"+
		"resnet18 under fine-tuning|stem|a long detail|Embedding|a caption that needs more than one line|nothing here", "|")
	without := []shown{{"no top losses", TopLosses(nil, 2)}, {"no top losses by class", TopLossesByClass(nil, 2)}, {"no predictions", Predictions("", nil, 0)}}
	for _, s := range append(gallery(), without...) {
		b, err := s.figure.Bundle()
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if english := testutil.English(b, names...); len(english) > 0 {
			t.Errorf("%s shows %q", s.name, english)
		}
	}
}

// TestWordsInPNG: the words of captions that are painted are in Japanese where a font has them, else in English; a name
// is no word.
func TestWordsInPNG(t *testing.T) {
	t.Setenv(LanguageEnv, "ja")
	g := imageGrid{items: []Captioned{{Caption: "epoch 1\nimage", Words: []int{0}}}}
	font := systemFonts.find("エポック画像")
	fontsIn(t, "")
	if got := g.captions()[0]; !slices.Equal(got, []string{"epoch 1", "image"}) || g.noted() {
		t.Errorf("without a font the captions are %q", got)
	}
	if font == nil {
		t.Skip("this machine has no Japanese font")
	}
	systemFonts = &fontSearch{kept: []*sfnt.Font{font}}
	if got := g.captions()[0]; !slices.Equal(got, []string{"エポック 1", "image"}) {
		t.Errorf("with a font the captions are %q", got)
	}
}
