package words

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestOf: words, sentences with their parts, and text without a translation.
func TestOf(t *testing.T) {
	cases := []struct{ english, japanese string }{
		{"learning rate", "学習率"},
		{"old task, last", "前のタスク（最後）"},
		{"11,000 of 270,112", "11,000 / 270,112"},
		{"resnet20, pretrained as resnet20.SHAPES, on sketches (300 training, 200 validation images)",
			"モデル resnet20（事前学習の重み resnet20.SHAPES）、データ sketches（学習用 300 枚、検証用 200 枚）"},
		{"m, pretrained as w, on d (3 training, 2 validation images): mean ± standard deviation of 5 seeds",
			"モデル m（事前学習の重み w）、データ d（学習用 3 枚、検証用 2 枚）：5 シードの平均 ± 標準偏差"},
		{"m on d: accuracy on 200 validation images after the last epoch, one seed",
			"モデル m、データ d：最後のエポックのあとの正解率（検証用画像 200 枚、シード 1 個）"},
		{"lwf, seed 1 of 2: epoch 3 of 5, loss NaN, validation loss 1.250, accuracy 71.0%, 120 images/s, 1m2s left",
			"lwf、シード 1 / 2：エポック 3 / 5、損失 NaN、検証時の損失 1.250、正解率 71.0%、毎秒 120 枚、残り 1m2s"},
		{"lwf: features of the frozen layers, image 3 of 9", "lwf：凍結した層の特徴量、画像 3 / 9"},
		{"lwf: learning-rate range test, step 3 of at most 100, rate 1.0e-06, loss 2.500", "lwf：学習率レンジテスト、ステップ 3（最大 100）、学習率 1.0e-06、損失 2.500"},
		{"star: best エポック", "星印: 最良のエポック"},
		{"small, with random weights, on dots (3 training, 2 validation images): mean ± standard deviation of 5 seeds",
			"モデル small（重みは乱数）、データ dots（学習用 3 枚、検証用 2 枚）：5 シードの平均 ± 標準偏差"},
		{"house, predicted boat 94%", "house、予測は boat 94%"},
		{"best accuracy", "最高の正解率"}, // as the label of an axis; a head may break
		{"macro F1", "マクロ F1"},
		{"its 10 classes have no names; give them in LoadOptions.Classes", "10 個のクラスに名前がありません。LoadOptions.Classes で指定してください"},
		{"ants.onnx: 44 weights are stored in 16 bits and computed in float32. Warning: accuracy fell by 2.0 points, from 90.0 to 88.0 %, more than 1.0.",
			"ants.onnx：44 個の重みを 16 ビットで保存し、float32 で計算します。警告：正解率が 2.0 ポイント下がりました（90.0 % から 88.0 %、許容は 1.0 ポイント）。"},
		{"turn left", "turn left"},
		{"9 images: 3 cat, 2 dog, 1 ant, 1 bee, 1 cow, and 2 other classes; 4 could not be read", "画像 9 枚：3 cat, 2 dog, 1 ant, 1 bee, 1 cow、ほか 2 クラス。読めなかったもの 4 枚"},
		{"9 images: 3 cat, 2 dog, 1 ant, 1 bee, 1 cow, and 1 other classes", "画像 9 枚：3 cat, 2 dog, 1 ant, 1 bee, 1 cow、ほか 1 クラス"},
		{"0 images; 3 could not be read", "画像 0 枚。読めなかったもの 3 枚"},
		{"0 images", "画像 0 枚"},
		{"conv1.weight is for images of one channel; each of the three channels got a third of its values, which gives grey images the same features",
			"conv1.weight は 1 チャネルの画像用なので、3 つのチャネルに値の 3 分の 1 ずつを入れました。グレースケールの画像の特徴量は変わりません"},
		{"variances below zero, which have no root, are in bn1.running_var", "平方根のない負の分散があります：bn1.running_var"},
		{"no training images", "学習用画像なし"},
		{"recipe: batch size", "レシピ：batch size"},
		{"strategy: transfer", "戦略：transfer"},
		{"Validation images: transfer", "検証用画像：transfer"},
		{"Test images: transfer", "テスト用画像：transfer"},
		{"left out: a.txt: permission denied", "除外：a.txt: permission denied"},
		{"left out: IMG_1.HEIC: HEIC, which is not read; convert it to JPEG first, such as with: heif-convert photo.heic photo.jpg",
			"除外：IMG_1.HEIC：HEIC は読み込めません。JPEG に変換してください（例：heif-convert photo.heic photo.jpg）"},
		{"the file holds its module encoder alone", "ファイルの内容：モジュール encoder のみ"},
		{"Labels and outliers are not checked, since feature 3 of image 0 is NaN; the model's values are not finite. Give InspectOptions.Model another model.",
			"ラベルと外れ値は確認していません（画像 0 の特徴量 3 が NaN で、モデルの値が有限ではありません）。InspectOptions.Model に別のモデルを指定してください。"},
		{"left out: a.xcf: GIMP image (XCF), which is not read; convert it to PNG or JPEG first",
			"除外：a.xcf：GIMP の画像 (XCF) は読み込めません。PNG か JPEG に変換してください"},
		// Names of data sets, classes and strategies are what people call them, also where they are words.
		{"m, pretrained as w, on images (3 training, 2 validation images)", "モデル m（事前学習の重み w）、データ images（学習用 3 枚、検証用 2 枚）"},
		{"98 (no) to 155 (yes) training images per class", "クラスあたりの学習用画像 98 枚（no）から 155 枚（yes）"},
		{"images: learning-rate range test ended after 3 steps", "images：学習率レンジテストは 3 ステップで終わりました"},
		{"transfer on dots: the loss falls by no more than its noise at any rate from 1e-06 to 0.015, where it rose to NaN and ended the test; a larger Recipe.BatchSize makes it less noisy",
			"戦略 transfer、データ dots：1e-06 から 0.015 のどの学習率でも、損失の低下はノイズの範囲内です。学習率 0.015 で損失が NaN に上がったため、テストを打ち切りました。Recipe.BatchSize を大きくするとノイズが減ります。"},
		{"transfer on dots: the loss is NaN in step 2, at a rate of 1e-06 already: a loss of one's own, the weights or the images are the reason rather than the rate",
			"戦略 transfer、データ dots：損失は 2 ステップ目、学習率 1e-06 ですでに NaN です。原因は学習率ではなく、独自の損失関数、重み、または画像にあります。"},
		{"3: cat, dog, last", "3: cat, dog, last"},
		{"a class named: change", "a class named: change"},
		{"", ""},
	}
	for _, c := range cases {
		t.Setenv(Env, "ja")
		if got := Of(c.english); got != c.japanese {
			t.Errorf("%q in Japanese: %q, want %q", c.english, got, c.japanese)
		}
		t.Setenv(Env, "en")
		if got := Of(c.english); got != c.english {
			t.Errorf("%q in English: %q", c.english, got)
		}
	}
}

// TestHead: the head of a column may break between words, and shows no space there.
func TestHead(t *testing.T) {
	for _, c := range []struct{ language, english, want string }{
		{"ja", "best accuracy", "最高の\u200b正解率"}, {"ja", "macro F1", "マクロ F1"}, {"ja", "old task, last", "前のタスク（最後）"},
		{"ja", "ants", "ants"}, {"en", "best accuracy", "best accuracy"},
	} {
		t.Setenv(Env, c.language)
		if got := Head(c.english); got != c.want {
			t.Errorf("the head %q is %q, want %q", c.english, got, c.want)
		}
	}
}

// TestSentences: a Japanese sentence has every part of the English one, and none that it lacks; no form hides behind an
// earlier one.
func TestSentences(t *testing.T) {
	verb := regexp.MustCompile(`%[swdv]`)
	sample := map[string]string{"%s": "a name", "%w": "a name", "%d": "12.5", "%v": "2m3s"}
	for i, s := range japaneseSentences {
		parts := verb.FindAllString(s[0], -1)
		used := map[string]bool{}
		for _, p := range place.FindAllString(s[1], -1) {
			used[p] = true
		}
		for n := range parts {
			if p := "$" + string(rune('1'+n)); !used[p] {
				t.Errorf("%q lacks %s in %q", s[0], p, s[1])
			}
		}
		if len(used) != len(parts) {
			t.Errorf("%q has %d parts, %q %d", s[0], len(parts), s[1], len(used))
		}
		text := verb.ReplaceAllStringFunc(s[0], func(v string) string { return sample[v] })
		for j, p := range patterns() {
			if p.english.MatchString(text) {
				if j != i {
					t.Errorf("%q is taken for %q", text, japaneseSentences[j][0])
				}
				break
			}
		}
	}
}

// lessons returns the code of the lessons, which give captions to tables.
func lessons(t *testing.T) string {
	paths, err := filepath.Glob("../../notebooks/*.ipynb")
	if err != nil || len(paths) == 0 {
		t.Fatalf("lessons: %q, %v", paths, err)
	}
	var code strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		code.WriteString(strings.ReplaceAll(string(text), `\"`, `"`))
	}
	return code.String()
}

// TestUsed: every word and every sentence is one that the code or a lesson writes. A sentence that was reworded in
// English alone would be shown in English.
func TestUsed(t *testing.T) {
	var code strings.Builder
	read := func(path string, d fs.DirEntry, err error) error {
		if d.IsDir() && path == "../words" {
			return fs.SkipDir
		}
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		code.Write(text)
		return err
	}
	if err := errors.Join(filepath.WalkDir("..", read), filepath.WalkDir("../../internal", read)); err != nil {
		t.Fatal(err)
	}
	code.WriteString(lessons(t))
	joined := map[string]string{"old task, last": "old task", "star: best": "star: best "} // the code joins them of two pieces
	for word := range japaneseWords {
		if !strings.Contains(code.String(), strconv.Quote(cmp.Or(joined[word], word))) {
			t.Errorf("no code writes %q", word)
		}
	}
	joint := regexp.MustCompile(`%[swdv]|; |: |\. |\.$`) // the code joins sentences at these
	for _, s := range japaneseSentences {
		for _, piece := range joint.Split(s[0], -1) {
			if piece = strings.Trim(strings.ReplaceAll(piece, "%", "%%"), " ()"); !strings.Contains(code.String(), piece) {
				t.Errorf("no code writes %q of %q", piece, s[0])
			}
		}
	}
}
