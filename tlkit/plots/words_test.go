package plots

import (
	"fmt"
	"strings"
	"testing"
)

// TestWords: figures in a notebook have labels in the language that the environment names; plain text is English.
func TestWords(t *testing.T) {
	figures := map[string]Figure{
		"curves":    Curves("run", Panel{Title: "Loss", XLabel: "epoch", YLabel: "cross-entropy", Lines: []Line{{Name: "a", Points: []Point{{1, 2}, {2, 1}}, Best: 2}}}),
		"confusion": Confusion([]string{"ant", "bee"}, [][]int{{1, 2}, {0, 3}}),
		"table":     Table([]string{"strategy", "best accuracy"}, [][]string{{"transfer", "90%"}}, TableOptions{}),
		"bars":      Bars("b", []Bar{{Name: "a", Value: 1}}, BarOptions{Label: "validation accuracy"}),
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
			"curves": {"エポック", "epoch"}, "confusion": {"予測", "predicted"}, "table": {"最高の 正解率", "best accuracy"}, "bars": {"検証用画像の正解率", "validation accuracy"},
		} {
			b, err := figures[name].Bundle()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for kind, v := range b {
				if name == "curves" && kind == MIMEText {
					continue // it names no axis
				}
				shown := fmt.Sprint(v)
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
