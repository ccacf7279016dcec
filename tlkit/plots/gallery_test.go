package plots

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"
)

// shown is a figure of the gallery with a name.
type shown struct {
	name   string
	figure Figure
}

// gallery returns every kind of figure, for tests that look at all.
func gallery() []shown {
	loss := Panel{Title: "Loss", XLabel: "epoch", YLabel: "cross-entropy", Lines: []Line{
		series("transfer", "train", 0.66, 0.41, 0.33, 0.30), series("transfer", "val", 0.52, 0.36, 0.31, 0.29),
		series("fine-tune", "train", 0.7, 0.5, 0.3, 0.2), series("fine-tune", "val", 0.6, 0.45, 0.4, 0.38)}}
	accuracy := Panel{Title: "Accuracy", XLabel: "epoch", YLabel: "accuracy", YPercent: true, Lines: []Line{
		withBand(series("transfer", "val", 0.8, 0.88, 0.9, 0.91), 0.02), withBand(series("fine-tune", "val", 0.7, 0.8, 0.85, 0.9), 0.03)}}
	curves := Curves("ants-vs-bees", loss, accuracy)
	bars := Bars("Accuracy by strategy", []Bar{{"transfer", 0.941, 0.93, 0.952}, {"fine-tune", 0.936, 0.91, 0.95},
		{"scratch from zero with a long long name that is cut somewhere", 0.61, 0.55, 0.66}, {"diverged", math.NaN(), 0, 0}},
		BarOptions{Label: "validation accuracy", Percent: true})
	confusion := Confusion([]string{"ants", "bees", "wasps"}, [][]int{{60, 10, 0}, {5, 1780, 12_345}, {0, 33, 31}})
	table := Table([]string{"strategy", "accuracy"}, [][]string{{"transfer", "94.1% ± 0.7"}, {"fine-tune", "93.6% ± 1.1"}},
		TableOptions{Caption: "ants & bees", Highest: []int{1}})
	images := Images([]Captioned{{Image: block(32), Caption: "cat 0.93", Mark: Right}, {Image: photo(300, 200), Caption: "蟻 と 蜂", Mark: Wrong},
		{Image: photo(200, 300), Caption: "a caption that needs more than one line\nactual: dog"}, {Caption: "nothing here"}}, 3)
	robust := loss
	robust.Robust = true
	robust.Lines = append(robust.Lines[:4:4], series("diverged", "train", 0.8, 40, 9e5, math.Inf(1)), series("diverged", "val", 0.9, 3, 1e7, math.Inf(1)),
		series("the same as transfer", "val", 0.52, 0.36, 0.31, 0.29))
	robust.Lines[1].Best, robust.Lines[3].Best = 4, 3
	long := Panel{Title: "One name hides another", XLabel: "step", Lines: []Line{{Name: "transfer"}, {Name: "the same as transfer"}}}
	for i := range 100 {
		for k := range long.Lines {
			long.Lines[k].Points = append(long.Lines[k].Points, Point{float64(i), math.Exp(-float64(i) / 30)})
		}
	}
	return append([]shown{{"curves", curves}, {"robust", Curves("outliers and overlaps", robust, long)}, {"bars", bars}, {"confusion", confusion}, {"table", table}, {"images", images},
		{"stack", Stack("all", curves, table, Text("a verdict"))},
		{"predictions", Predictions("Predictions", somePredicted(), 0)}, {"top_losses", TopLosses(somePredicted(), 2)},
		{"top_by_class", TopLossesByClass(somePredicted(), 2)}, {"reliability", someReliability()}, {"network", someNetwork()},
		{"confusion_images", ConfusionImages([]string{"ants", "bees with a long long name", "蟻"}, [][]int{{60, 10, 0}, {5, 70, 2}, {0, 3, 31}}, []Example{
			{0, 1, photo(300, 200), "a.png"}, {0, 1, photo(100, 200), "b.png"}, {2, 1, block(32), "c.png"}})},
		{"scatter", someScatter()},
		{"perclass", PerClass([]string{"ants", "bees"}, [][]int{{66, 4}, {5, 78}})}}, japanese()...)
}

// japanese returns figures whose names are in a script that the font of drawings lacks, and wider than Latin.
func japanese() []shown {
	loss := Panel{Title: "損失", XLabel: "エポック", YLabel: "交差エントロピー", Lines: []Line{
		series("転移学習", "train", 0.66, 0.41, 0.33, 0.30), series("転移学習", "val", 0.52, 0.36, 0.31, 0.29),
		series("ファインチューニング", "train", 0.7, 0.5, 0.3, 0.2), series("ファインチューニング", "val", 0.6, 0.45, 0.4, 0.38)}}
	bars := []Bar{{"転移学習", 0.941, 0.93, 0.952}, {"ファインチューニング", 0.936, 0.91, 0.95}, {"とても長い名前の戦略、ヘッドを先に学習してから全層を学習", 0.61, 0.55, 0.66}}
	classes := []string{"蟻", "蜜蜂（みつばち）", "スズメバチ", "とても長い名前を持つ昆虫のクラス"}
	return []shown{{"japanese_curves", Curves("アリとハチ", loss)},
		{"japanese_bars", Bars("戦略ごとの正解率", bars, BarOptions{Label: "検証用画像の正解率", Percent: true})},
		{"japanese_confusion", Confusion(classes, [][]int{{60, 10, 0, 1}, {5, 178, 12, 0}, {0, 33, 31, 2}, {1, 2, 3, 40}})},
		{"japanese_table", Table([]string{"戦略", "正解率"}, [][]string{{"転移学習", "94.1% ± 0.7"}, {"ファインチューニング", "93.6% ± 1.1"}},
			TableOptions{Caption: "アリとハチ", Highest: []int{1}})},
		{"japanese_images", Images([]Captioned{{Image: block(32), Caption: "蟻 0.93", Mark: Right}, {Image: photo(300, 200), Caption: "正解は蜜蜂、予測はスズメバチ", Mark: Wrong}}, 2)}}
}

// photo returns an image with more colours than a drawing.
func photo(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, color.RGBA{uint8(40 + 180*x/w), uint8(60 + 120*y/h), uint8((x*y/200 + 40) % 256), 255})
		}
	}
	return img
}

func somePredicted() []Predicted {
	return []Predicted{{photo(300, 200), "1.jpg", "ants", "ants", 0.93, 0.07}, {photo(200, 300), "2.jpg", "ants", "bees", 0.81, 1.9},
		{block(16), "", "bees", "bees", math.NaN(), math.NaN()}, {photo(120, 120), "4.jpg", "bees", "ants", 0.99, 4.6}, {photo(120, 120), "", "", "ants", 0.5, math.NaN()}}
}

// someScatter has points in three classes around different places.
func someScatter() Figure {
	var points []ScatterPoint
	for i := range 90 {
		k := i % 3
		a := float64(i) * 2.4
		points = append(points, ScatterPoint{X: 3*float64(k%2) + math.Cos(a)*float64(i)/90, Y: 2*float64(k/2) + math.Sin(a)*float64(i)/70,
			Class: []string{"ants", "bees with a long long name", "蟻"}[k], Name: fmt.Sprintf("%d.jpg", i), Image: photo(120, 90)})
	}
	return Scatter("Embedding", points, ScatterOptions{XLabel: "first component", YLabel: "second component", Note: "PCA: 41% and 22% of the variance"})
}

func someReliability() Figure {
	before := ReliabilitySet{Name: "before"}
	after := ReliabilitySet{Name: "after"}
	for i := range 10 {
		low := float64(i) / 10
		before.Bins = append(before.Bins, ReliabilityBin{low, low + 0.1, low + 0.06, max(0, low-0.1), i * i})
		after.Bins = append(after.Bins, ReliabilityBin{low, low + 0.1, low + 0.05, low + 0.03, 28})
	}
	before.Bins[0] = ReliabilityBin{0, 0.1, math.NaN(), math.NaN(), 0}
	return Reliability("Calibration", before, after)
}

func someNetwork() Figure {
	return Network("resnet18 under fine-tuning", []NetworkStage{{"stem", "112 x 112 x 64, 9,536 parameters", StageFrozen}, {"layer1", "56 x 56 x 64", StageFrozen},
		{"layer4", strings.Repeat("a long detail ", 8), StageTrained}, {"head", "2 classes, 1,026 parameters", StageNew}})
}
