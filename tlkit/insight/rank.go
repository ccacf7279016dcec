package insight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"slices"
	"time"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/mat"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/logistic"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Ranked is how well a pretrained model suits a data set, estimated without training it.
type Ranked struct {
	// Model is the model's name with that of its weights, Params its number of trained values, Width that of features.
	Model         string
	Params, Width int
	// Accuracy is the share of the training images that a logistic regression on the features of others classifies
	// right, in [0, 1]; Error is its standard error.
	Accuracy, Error float64
	// LogME, HScore and NCE are estimates of the literature, higher is better; see their functions' papers in the
	// package. NCE is NaN for a model whose output layer is not trained.
	LogME, HScore, NCE float64
	// Seconds is the time it took.
	Seconds float64
	// Problem says why the model can't be ranked; its other figures are then NaN. "" if it could be.
	Problem string

	data *datasets.Dataset // that it was ranked on; nil for one that was not made by Rank
}

// Ranking lists models, the one of the highest Accuracy first, those with a Problem last.
type Ranking []Ranked

// rankFolds is the number of parts of the cross-validation.
const rankFolds = 5

// Rank estimates which of several pretrained models suits the training images best, without training any: by the
// features of their last stage, computed once. Accuracy of a cross-validated logistic regression is the most direct
// estimate; LogME (You et al. 2021), the H-score (Bao et al. 2019) and NCE (Tran et al. 2019) are those of the
// literature. None of them sees how much a fine-tuning would change the features; [Ranking.Against] compares them with
// what training then brought.
//
// How well the orders agree with seven small networks fine-tuned, as Kendall's tau, from -1 to 1 (bench/study rank, one
// seed): on 300 sketches Accuracy 0.71, LogME 0.62, H-score 0.33, NCE 0.40 (of five networks); on 120 ants and bees
// 0.29, 0.52, 0.24, 0.60, where six of the seven ended within 11 points of one another, about the noise of 153 images.
//
// A model that can't be ranked, such as one whose features do not vary, comes last with the reason. The error is that
// of the models if none can be. An interrupt ends the ranking.
func Rank(d *datasets.Dataset, models ...*zoo.Model) (Ranking, error) {
	if d == nil || d.Train.Len() < 2*rankFolds {
		return nil, fmt.Errorf("insight: Rank needs a data set of at least %d training images", 2*rankFolds)
	}
	if len(models) == 0 || slices.Contains(models, nil) {
		return nil, errors.New("insight: there is no model to rank, or one is nil; load some with tlkit.Load")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var all Ranking
	var failed []error
	data := *d // the caller may change the fields of d
	for _, m := range models {
		r, err := rank(ctx, d, m)
		if errors.Is(err, context.Canceled) {
			return nil, err
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("insight: ranking %s: %w", m.Spec.Name, err))
			nan := math.NaN()
			r = Ranked{Model: r.Model, Params: r.Params, Problem: err.Error(),
				Accuracy: nan, Error: nan, LogME: nan, HScore: nan, NCE: nan, Seconds: nan}
		}
		r.data = &data
		all = append(all, r)
	}
	if len(failed) == len(models) {
		return nil, errors.Join(failed...)
	}
	slices.SortStableFunc(all, func(a, b Ranked) int { return cmp.Compare(b.Accuracy, a.Accuracy) }) // NaN last
	return all, nil
}

// rank returns the figures of one model.
func rank(ctx context.Context, d *datasets.Dataset, m *zoo.Model) (r Ranked, err error) {
	begin := time.Now()
	r.Model = nameOf(m)
	r.Params, _ = m.NumParams()
	f, err := m.Features(d.Train, "")
	if err != nil {
		return r, err
	}
	r.Width = f.Width()
	if err := checkFeatures(f); err != nil {
		return r, err
	}
	if r.NCE, err = sourceEntropy(m, f); err != nil {
		return r, err
	}
	x := mat.NewDense(f.Len(), f.Width(), nil)
	for i := range f.Len() {
		for j, v := range f.Row(i) {
			x.Set(i, j, float64(v))
		}
	}
	classes := len(d.Classes)
	if err := ctx.Err(); err != nil {
		return r, fmt.Errorf("insight: the ranking was interrupted at %s: %w", r.Model, err)
	}
	if r.LogME, err = logME(x, f.Labels, classes); err != nil {
		return r, err
	}
	if r.HScore, err = hScore(x, f.Labels, classes); err != nil {
		return r, err
	}
	p, err := logistic.OutOfFold(ctx, f, f.Labels, classes, rankFolds, 0)
	if err != nil {
		return r, err
	}
	r.Accuracy = agreement(p, f.Labels)
	r.Error = math.Sqrt(r.Accuracy * (1 - r.Accuracy) / float64(len(p)))
	r.Seconds = time.Since(begin).Seconds()
	return r, nil
}

// checkFeatures returns an error for features that tell no images apart.
func checkFeatures(f *zoo.Features) error {
	vary := false
	for i := range f.Len() {
		for j, v := range f.Row(i) {
			if !numbers.Finite(float64(v)) {
				return fmt.Errorf("feature %d of image %d is %g; the model's values are not finite", j, i, v)
			}
			vary = vary || v != f.Row(0)[j]
		}
	}
	if !vary {
		return errors.New("the features are the same for all images: the model tells none apart, as one whose weights are not finite, or the images are equal")
	}
	return nil
}

// sourceEntropy is the NCE of the model's own classes; NaN if its output layer is not trained.
func sourceEntropy(m *zoo.Model, f *zoo.Features) (float64, error) {
	if untrained, err := m.HeadUntrained(); err != nil || untrained || len(m.Classes) < 2 {
		return math.NaN(), err
	}
	engine, err := backend.Default()
	if err != nil {
		return 0, err
	}
	exec, err := nn.NewModelExec(engine.Backend, m.Store(), func(_ *model.Scope, x *Node) *Node {
		m.Store().SetTraining(x.Graph(), true) // keeps the weights inputs of the graph
		return m.ForwardHead(&nn.Pass{}, x)
	})
	if err != nil {
		return 0, err
	}
	defer exec.Finalize()
	out, err := exec.Call1(tensors.FromFlatDataAndDimensions(slices.Clone(f.Values), append([]int{f.Len()}, f.Shape...)...))
	if err != nil {
		return 0, err
	}
	defer out.MustFinalizeAll()
	var source []int
	for row := range slices.Chunk(tensors.MustCopyFlatData[float32](out), len(m.Classes)) {
		source = append(source, numbers.Argmax(row))
	}
	return nce(source, f.Labels), nil
}

// Table has a row per model.
func (r Ranking) Table() plots.Figure {
	var rows [][]string
	for _, m := range r {
		entropy := "-"
		if !math.IsNaN(m.NCE) {
			entropy = fmt.Sprintf("%.3f", m.NCE)
		}
		if m.Problem != "" {
			rows = append(rows, []string{m.Model + ": " + m.Problem, "-", "-", "-", "-", numbers.Thousands(m.Params), "-", "-"})
			continue
		}
		rows = append(rows, []string{m.Model, fmt.Sprintf("%.1f%% ± %.1f", 100*m.Accuracy, 100*m.Error), fmt.Sprintf("%.4f", m.LogME),
			fmt.Sprintf("%.4f", m.HScore), entropy, numbers.Thousands(m.Params), fmt.Sprint(m.Width), fmt.Sprintf("%.1f s", m.Seconds)})
	}
	return plots.Table([]string{"model", "accuracy on frozen features", "LogME", "H-score", "NCE", "parameters", "features", "time"}, rows,
		plots.TableOptions{Caption: "Models by cross-validated logistic regression, ± a standard error", Align: "lrrrrrrr", Highest: []int{1, 2, 3, 4}})
}

// Chart has a bar per model, with its standard error.
func (r Ranking) Chart() plots.Figure {
	var bars []plots.Bar
	for _, m := range r {
		if m.Problem != "" {
			continue
		}
		bars = append(bars, plots.Bar{Name: m.Model, Value: m.Accuracy, Low: m.Accuracy - m.Error, High: m.Accuracy + m.Error})
	}
	return plots.Bars("", bars, plots.BarOptions{Label: "accuracy on frozen features", Percent: true})
}

// Bundle is table and chart.
func (r Ranking) Bundle() (map[string]any, error) {
	return plots.Stack("ranking", r.Table(), r.Chart()).Bundle()
}
