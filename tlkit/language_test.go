package tlkit_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	img "image"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/detect"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/insight"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/sweep"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// figureMakers returns the exported functions and methods of the rooms above plots that return a figure, and the types
// that a notebook shows, such as "train.Run.Curves" and "train.Run.Bundle". Must forms are left out.
func figureMakers(t *testing.T) map[string]bool {
	found := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return err
		case strings.HasPrefix(path, "plots"+string(os.PathSeparator)):
			return nil // its own tests have them all
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() || strings.HasPrefix(f.Name.Name, "Must") || f.Type.Results == nil {
				continue
			}
			name, result := f.Name.Name, fmt.Sprint(f.Type.Results.List[0].Type)
			if r, ok := f.Type.Results.List[0].Type.(*ast.SelectorExpr); ok {
				result = fmt.Sprint(r.X, ".", r.Sel)
			}
			if result != "plots.Figure" && name != "Bundle" {
				continue
			}
			if f.Recv != nil {
				of := f.Recv.List[0].Type
				if star, ok := of.(*ast.StarExpr); ok {
					of = star.X
				}
				name = fmt.Sprint(of, ".", name)
			}
			found[file.Name.Name+"."+name] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// inJapanese returns functions that make all figures and tables. The key of each names its maker, as figureMakers does,
// and after blanks the makers of the figures that its own figure contains.
func inJapanese(t *testing.T) map[string]func() (map[string]any, error) {
	model := tlkit.MustLoad("resnet20", tlkit.LoadOptions{Weights: zoo.Random, Seed: 1})
	model.Preprocess.Resize, model.Preprocess.Crop = 8, 8
	data := dots(t)
	recipe := tlkit.Recipe{Epochs: 2, BatchSize: 4, Optimizer: tlkit.Adam, Quiet: true}
	run := recipe.MustCompare("lines", data, model, tlkit.Transfer{LearningRate: 0.02}, tlkit.LogisticRegression{})
	seeds := recipe
	seeds.Seeds = 2
	twice := seeds.MustCompare("twice", data, model, tlkit.Transfer{})
	best := run.Best()
	trained, err := best.Model()
	if err != nil {
		t.Fatal(err)
	}
	evaluation, err := train.Evaluate(trained, data.Val)
	if err != nil {
		t.Fatal(err)
	}
	summary, err := model.Summary()
	if err != nil {
		t.Fatal(err)
	}
	image, err := data.Val.Image(0)
	if err != nil {
		t.Fatal(err)
	}
	own := func(f plots.Figure) func() (map[string]any, error) { return f.Bundle }
	of := func(f plots.Figure, err error) func() (map[string]any, error) {
		if err != nil {
			t.Error(err)
			return nil
		}
		return f.Bundle
	}
	compressed, err := tlkit.Compress(model, "dots.onnx", tlkit.CompressOptions{Precision: "float16"})
	if err != nil {
		t.Fatal(err)
	}
	scenes := []detect.Scene{{Image: image, Objects: []detect.Object{{Class: 0, Box: img.Rect(0, 0, 4, 4)}}}}
	detections := &detect.Report{Classes: data.Classes, PerClass: make([]detect.Precision, 2),
		Detections: []detect.Detection{{Class: 0, Box: img.Rect(0, 0, 4, 4), Score: 0.9}, {Class: 1, Box: img.Rect(4, 4, 8, 8), Score: 0.9}}}
	curve := &train.LRCurve{Strategy: "transfer", Data: "dots", Model: "resnet20", Rates: []float64{1e-3, 1e-2, 1e-1}, Losses: []float64{1, 0.5, 0.7},
		Smoothed: []float64{1, 0.5, 0.7}, Suggested: 1e-2, Lowest: 1e-1}
	last := *curve
	last.Phases = 2
	return map[string]func() (map[string]any, error){
		"compress.Report.Bundle":                                             compressed.Bundle,
		"detect.Report.Bundle":                                               detections.Bundle,
		"detect.Report.Figure":                                               own(detections.Figure(scenes, 0, 1, 0.1)),
		"detect.Report.Table":                                                own(detections.Table("average precision after fine-tuning")),
		"insight.Diagram tlkit.Diagram":                                      own(tlkit.Diagram(summary, "head")),
		"insight.Embedding.Bundle insight.Embedding.Figure":                  tlkit.MustEmbeddingMap(model, data.Train).Bundle,
		"insight.Embedding of t-SNE":                                         tlkit.MustEmbeddingMap(model, data.Train, tlkit.EmbeddingOptions{Method: "tsne"}).Bundle,
		"insight.FeatureMap.Bundle insight.FeatureMap.Figure":                tlkit.MustFeatureMaps(model, image).Bundle,
		"insight.Filter.Bundle insight.Filter.Figure":                        tlkit.MustFilters(model).Bundle,
		"insight.Heatmap.Bundle":                                             tlkit.MustGradCAM(model, image, "").Bundle,
		"insight.Heatmap of an occlusion":                                    tlkit.MustOcclusion(model, image, "").Bundle,
		"insight.Inspection.Bundle insight.Inspection.Table":                 tlkit.MustInspect(data, tlkit.InspectOptions{Model: model}).Bundle,
		"insight.Ranking.Bundle insight.Ranking.Chart insight.Ranking.Table": tlkit.MustRank(data, model).Bundle,
		"insight.RankCheck.Bundle insight.RankCheck.Chart insight.RankCheck.Table": of(tlkit.Ranking{{Model: "resnet20", Accuracy: 0.8}, {Model: "resnet18", Accuracy: 0.7}, {Model: "resnet20.random", Accuracy: 0.6}}.Against(
			insight.Outcome{Model: "resnet20", Accuracy: 0.9}, insight.Outcome{Model: "resnet18", Accuracy: 0.7}, insight.Outcome{Model: "resnet20.random", Accuracy: 0.8})),
		"insight.WeightChanges.Bundle insight.WeightChanges.Figure":                 tlkit.MustCompareWeights(model, model).Bundle,
		"strategy.Advice.Bundle":                                                    tlkit.MustSuggest(data, model).Bundle,
		"sweep.Results.Bundle sweep.Results.Table":                                  (&sweep.Results{Name: "dots"}).Bundle,
		"tlkit.ModelNames.Bundle":                                                   tlkit.ModelNames{"resnet18"}.Bundle,
		"train.Calibrated.Bundle train.Calibrated.Figure":                           tlkit.MustCalibrate(trained, data.Val, tlkit.CalibrateOptions{Precision: 0.9}).Bundle,
		"train.Evaluation.Bundle train.Evaluation.Confusion train.Evaluation.Table": evaluation.Bundle,
		"train.Evaluation.ConfusionImages":                                          of(evaluation.ConfusionImages(data.Val)),
		"train.Evaluation.TopLosses":                                                of(evaluation.TopLosses(data.Val, 2)),
		"train.Evaluation.TopLossesByClass":                                         of(evaluation.TopLossesByClass(data.Val, 2)),
		"train.LRCurve.Bundle train.LRCurve.Figure":                                 curve.Bundle,
		"train.LRCurve of the last phase":                                           last.Bundle,
		"train.LRCurve without a suggestion":                                        (&train.LRCurve{Strategy: "transfer", Data: "dots", Model: "resnet20"}).Bundle,
		"train.Recipe.PreviewAugment":                                               of(recipe.PreviewAugment(model, data.Train, 1, 2)),
		"train.Result.Bundle":                                                       best.Bundle,
		"train.Results.Bundle":                                                      run.Results.Bundle,
		"train.Run.Bundle train.Run.Curves train.Run.Summary":                       run.Bundle,
		"train.Run.Report":                                                          page(run),
		"train.Run of several seeds":                                                twice.Bundle,
		"train.Samples.Bundle train.Samples.Figure train.Samples.Table": (&train.Samples{Data: "dots", Model: "resnet20", Val: 6, Sizes: []int{1, 2},
			Strategies: []string{"transfer"}, Accuracy: [][][]float64{{{0.5, 0.6}, {0.7, 0.8}}}}).Bundle,
		"zoo.ClassCounts.Bundle":      zoo.ClassCounts{"red": 2}.Bundle,
		"zoo.FolderPrediction.Bundle": zoo.FolderPrediction{{File: "dots/1.png", Prediction: zoo.Prediction{Class: "red", Probability: 0.9}}}.Bundle,
		"zoo.Model.Bundle":            model.Bundle,
		"zoo.Summary.Bundle":          summary.Bundle,
	}
}

// quoted matches what a report quotes: the cells of its tables, such as settings, and lines of code.
var quoted = regexp.MustCompile(`(?s)<td\b.*?</td>|<pre>.*?</pre>`)

// page returns a run's report as a figure, without the data that it quotes.
func page(run *tlkit.Run) func() (map[string]any, error) {
	return func() (map[string]any, error) {
		if err := run.Report("report.html"); err != nil {
			return nil, err
		}
		text, err := os.ReadFile("report.html")
		return map[string]any{"text/html": quoted.ReplaceAllString(string(text), "")}, err
	}
}

// elsewhere are makers with a reason why this test does not show them.
var elsewhere = map[string]string{
	"tables.Table.Bundle":      "its words are its caller's",
	"detached.Detached.Bundle": "its line is tested with the phases, its curves are those of a run",
}

// TestFiguresInJapanese: no figure and no table shows a reader who has chosen Japanese a word of English. A new one
// needs a row of inJapanese, and its words an entry in words/japanese.go. Names stay.
func TestFiguresInJapanese(t *testing.T) {
	runs, figures := t.TempDir(), figureMakers(t)
	t.Chdir(runs)
	t.Setenv("TLKIT_RUNS", runs)
	t.Setenv(plots.LanguageEnv, "ja")
	names := strings.Fields("red green dots lines twice resnet20.random resnet20 resnet18 IMAGENET1K_V1 IMAGENET1K_V2 random BSD-3-Clause transfer logistic train val png " +
		"TLKIT_RUNS Compare Extra avgpool bn conv linear FindLR float32 float16 stem layer1 layer2 layer3 fc head weight BatchNorm Conv Linear ONNX Runtime")
	names = append(names, append(tlkit.MustLoad("resnet20", tlkit.LoadOptions{Weights: zoo.Random}).Classes, runs)...)
	for name, show := range inJapanese(t) {
		for _, maker := range strings.Fields(name) {
			delete(figures, maker)
		}
		bundle, err := show()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if english := testutil.English(bundle, names...); len(english) > 0 {
			t.Errorf("%s shows %q", name, english)
		}
	}
	for maker := range figures {
		if elsewhere[maker] == "" {
			t.Errorf("%s is in no row of inJapanese", maker)
		}
	}
}
