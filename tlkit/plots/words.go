package plots

import (
	"cmp"
	"os"
	"strings"
)

// LanguageEnv is the environment variable that names the language of figures: "ja" for Japanese, "en" for English. Without
// it the language is that of the locale (LC_ALL, else LC_MESSAGES, else LANG; POSIX.1-2017, Base Definitions, section 8.2),
// and English if figures are not written in that.
//
// It is the language of axes, titles of panels, heads of tables and verdicts in a notebook. Plain text, which programs read, and
// saved PNGs are in English.
const LanguageEnv = "TLKIT_LANG"

// japaneseWords are the words of figures in Japanese by the English ones.
var japaneseWords = map[string]string{
	"Loss":              "損失",
	"Accuracy":          "正解率",
	"Accuracy and data": "正解率とデータの量",
	"epoch":             "エポック",
	"cross-entropy":     "交差エントロピー",
	"share of images":   "画像の割合",
	"star: best":        "星印: 最良の",
	"no data":           "データなし",

	"training images per class": "クラスあたりの学習用画像",
	"validation accuracy":       "検証用画像の正解率",
	"learning rate":             "学習率",
	"loss":                      "損失",
	"Learning-rate range test":  "学習率の範囲テスト",
	"training loss":             "学習損失",

	"actual":              "正解",
	"predicted":           "予測",
	"actual \\ predicted": "正解 \\ 予測",
	"share of row":        "行に占める割合",
	"count":               "枚数",
	"change, as a share of the weights' norm": "変化量（重みのノルムに対する割合）",

	"strategy":           "戦略",
	"best accuracy":      "最高の 正解率",
	"at epoch":           "その エポック",
	"last accuracy":      "最後の 正解率",
	"macro F1":           "マクロ F1",
	"balanced accuracy":  "クラス平均の 正解率",
	"validation loss":    "検証 損失",
	"trained parameters": "学習する 値",
	"per epoch":          "1 エポック",
	"time":               "時間",
	"images per class":   "クラスあたりの 画像",
	"class":              "クラス",
	"images":             "画像",
	"precision":          "適合率",
	"recall":             "再現率",
	"stage":              "ステージ",
	"parameters":         "パラメータ",
}

// word returns a word of a figure in the language of figures; a word that is not in the table stays as it is.
func word(english string) string {
	if inJapanese() {
		return cmp.Or(japaneseWords[english], english)
	}
	return english
}

// words is [word] for a list.
func words(english []string) []string {
	out := make([]string, len(english))
	for i, w := range english {
		out[i] = word(w)
	}
	return out
}

// inJapanese reports whether figures are in Japanese.
func inJapanese() bool {
	set := cmp.Or(os.Getenv(LanguageEnv), os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"))
	return set == "ja" || strings.HasPrefix(set, "ja_") || strings.HasPrefix(set, "ja.")
}

// inLanguage returns the figure with titles of panels and axes in the language of figures.
func (f curves) inLanguage() curves {
	panels := make([]Panel, len(f.panels))
	for i, p := range f.panels {
		p.Title, p.XLabel, p.YLabel = word(p.Title), word(p.XLabel), word(p.YLabel)
		panels[i] = p
	}
	f.panels = panels
	return f
}
