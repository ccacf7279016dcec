package plots

import (
	"fmt"
	"image"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestPredictions(t *testing.T) {
	text := checked(t, Predictions("P", somePredicted(), 0))[MIMEText].(string)
	want := `P
1. [300 x 200] ants 93% loss 0.07 1.jpg (right)
2. [200 x 300] ants, predicted bees 81% loss 1.90 2.jpg (wrong)
3. [16 x 16] bees (right)
4. [120 x 120] bees, predicted ants 99% loss 4.60 4.jpg (wrong)
5. [120 x 120] ants 50%
`
	if text != want {
		t.Errorf("text\n%swant\n%s", text, want)
	}
	checked(t, Predictions("none", nil, 3))
}

// The highest losses come first; an unknown loss, NaN, is none of them.
func TestTopLosses(t *testing.T) {
	for n, want := range map[int][]string{0: nil, 1: {"4.jpg"}, 3: {"4.jpg", "2.jpg", "1.jpg"}, 99: {"4.jpg", "2.jpg", "1.jpg"}, -1: nil} {
		var got []string
		for _, p := range highest(somePredicted(), n) {
			got = append(got, p.Name)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the %d highest: %v, want %v", n, got, want)
		}
	}
	text := checked(t, TopLossesByClass(somePredicted(), 1))[MIMEText].(string)
	want := `Highest losses by class
bees (1 of 2 images)
1. [120 x 120] bees, predicted ants 99% loss 4.60 4.jpg (wrong)
ants (1 of 2 images)
1. [200 x 300] ants, predicted bees 81% loss 1.90 2.jpg (wrong)
`
	if text != want {
		t.Errorf("text\n%swant\n%s", text, want)
	}
	for _, items := range [][]Predicted{nil, {{Label: "a", Loss: math.NaN()}}} {
		checked(t, TopLosses(items, 3))
		if b := checked(t, TopLossesByClass(items, 3)); b[MIMEHTML] != nil {
			t.Error("a page of nothing")
		}
	}
	var many []Predicted
	for i := range 1000 {
		many = append(many, Predicted{Label: fmt.Sprint("class ", i), Prediction: "x", Loss: float64(i), Probability: 1})
	}
	if b := checked(t, TopLossesByClass(many, 1)); strings.Count(b[MIMEHTML].(string), "<figure") != LossClasses || !strings.Contains(b[MIMEText].(string), "the first 50 of 1000 classes") {
		t.Error("1000 classes: want the first 50, and the text to say so")
	}
}

func TestReliability(t *testing.T) {
	s := ReliabilitySet{Bins: []ReliabilityBin{{0, 0.5, 0.4, 0.5, 10}, {0.5, 1, 0.9, 0.7, 30}, {0.9, 1, math.NaN(), math.NaN(), 0}}}
	if got := s.ECE(); math.Abs(got-0.175) > 1e-12 { // (10*0.1 + 30*0.2)/40
		t.Errorf("the expected calibration error is %v, want 0.175", got)
	}
	if !math.IsNaN(ReliabilitySet{}.ECE()) {
		t.Error("the error of no images is a number")
	}
	goldenFigure(t, "reliability", someReliability())
	for _, sets := range [][]ReliabilitySet{nil, {{}}, {s}, {{Bins: []ReliabilityBin{{0, 1, 0.5, 0.5, 1}}}}} {
		checked(t, Reliability("", sets...))
	}
}

func TestNetwork(t *testing.T) {
	goldenFigure(t, "network", someNetwork())
	many := make([]NetworkStage, 1000)
	for _, f := range []Figure{Network("", nil), Network("one", []NetworkStage{{Name: "a", State: 7}}), Network("many", many)} {
		checked(t, f)
	}
	for s, want := range map[StageState]string{StageFrozen: "frozen", StageTrained: "trained", StageNew: "new", -1: "frozen", 9: "new"} {
		if s.String() != want {
			t.Errorf("state %d is %s, want %s", int(s), s, want)
		}
	}
}

func TestConfusionImages(t *testing.T) {
	classes, matrix := []string{"ants", "<bees>"}, [][]int{{3, 1}, {20, 4}}
	var examples []Example
	for range 20 {
		examples = append(examples, Example{1, 0, block(4), "x"})
	}
	b := checked(t, ConfusionImages(classes, matrix, append(examples, Example{0, 1, nil, ""})))
	page := b[MIMEHTML].(string)
	if n := strings.Count(page, "<details name="); n != 2 {
		t.Errorf("%d fields open, want 2", n)
	}
	if n := strings.Count(page, "<img "); n != maxExamples {
		t.Errorf("%d images, want at most %d per field", n, maxExamples)
	}
	if !strings.Contains(page, "&lt;bees&gt;, predicted ants: 12 of 20") || strings.Contains(page, "<bees>") || strings.Contains(page, "<script") {
		t.Errorf("a name is not escaped, or the title is missing:\n%.1500s", page)
	}
	if b[MIMESVG] == nil || b[MIMEVegaLite] != nil {
		t.Error("want the SVG beside the page, and no Vega-Lite, which some readers would prefer")
	}
	if _, err := ConfusionImages(classes, matrix, []Example{{2, 0, nil, ""}}).Bundle(); err == nil || !strings.Contains(err.Error(), "example 0 of the confusion matrix is of class 2, predicted as 0, want 0 to 1") {
		t.Errorf("got %v", err)
	}
	checked(t, ConfusionImages(nil, nil, nil))
	checked(t, ConfusionImages([]string{"a"}, [][]int{{0}}, nil))
	n := 1000
	many, counts := make([]string, n), make([][]int, n)
	var all []Example
	for i := range n {
		many[i], counts[i] = fmt.Sprint("c", i), make([]int, n)
		counts[i][(i+1)%n] = i
		all = append(all, Example{i, (i + 1) % n, nil, ""})
	}
	page = checked(t, ConfusionImages(many, counts, all))[MIMEHTML].(string)
	if n := strings.Count(page, "<details>"); n != maxFields || !strings.Contains(page, "c999, predicted c0: 999 (100.0%)") {
		t.Errorf("1000 classes: %d lines, want the %d most frequent confusions", n, maxFields)
	}
}

// TestShortNames: the last part of an image's name is its caption; the whole name is under the pointer
// and in plain text.
func TestShortNames(t *testing.T) {
	b, err := Predictions("", []Predicted{{Image: image.NewGray(image.Rect(0, 0, 4, 4)), Name: "v1/val/tree/0031", Label: "tree", Prediction: "house", Probability: 0.9, Loss: math.NaN()}}, 1).Bundle()
	if err != nil {
		t.Fatal(err)
	}
	page, text := b[MIMEHTML].(string), b[MIMEText].(string)
	if !strings.Contains(page, "tree, predicted house 90%\n0031</figcaption>") || !strings.Contains(page, "v1/val/tree/0031\"") || !strings.Contains(text, "v1/val/tree/0031") {
		t.Errorf("the caption is not the last part of the name, or the whole is not there:\n%s\n%s", page, text)
	}
}

// TestTile: a tile of a photograph is shown as the photograph itself, with its size in the text, and holds no more
// pixels than a grid shows.
func TestTile(t *testing.T) {
	photo, small := image.NewNRGBA(image.Rect(0, 0, 1500, 900)), image.NewNRGBA(image.Rect(0, 0, 320, 100))
	for i := range photo.Pix {
		photo.Pix[i] = uint8(i*i/7000) | 3
	}
	for i := 3; i < len(photo.Pix); i += 4 {
		photo.Pix[i] = 255
	}
	one := Tile(photo)
	if b := one.Bounds(); b.Dx() != 320 || b.Dy() != 192 {
		t.Errorf("a tile of 1500 x 900 pixels has %v", b)
	}
	if Tile(small) != image.Image(small) {
		t.Error("an image that is small enough was copied")
	}
	whole, tiled := checked(t, Images([]Captioned{{Image: photo, Caption: "a"}}, 1)), checked(t, Images([]Captioned{{Image: Tile(one), Caption: "a"}}, 1))
	for _, kind := range []string{MIMEHTML, MIMEText} {
		if whole[kind] != tiled[kind] {
			t.Errorf("%s of a tile differs from that of the image:\n%.300s\n%.300s", kind, tiled[kind], whole[kind])
		}
	}
}

// TestShownConfusions: the most frequent wrong fields, all of them for few classes.
func TestShownConfusions(t *testing.T) {
	matrix := make([][]int, 30)
	for i := range matrix {
		matrix[i] = make([]int, 30)
		for j := range matrix[i] {
			matrix[i][j] = (i*7 + j) % 40
		}
	}
	fields := ShownConfusions(matrix)
	if len(fields) != maxFields || !slices.IsSortedFunc(fields, func(a, b [2]int) int { return matrix[b[0]][b[1]] - matrix[a[0]][a[1]] }) {
		t.Errorf("of 30 classes %d fields are shown: %v", len(fields), fields)
	}
	if got := ShownConfusions([][]int{{9, 1, 0}, {3, 9, 0}, {0, 2, 9}}); fmt.Sprint(got) != "[[1 0] [2 1] [0 1]]" {
		t.Errorf("of 3 classes %v are shown", got)
	}
}
