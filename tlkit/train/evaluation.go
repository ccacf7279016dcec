package train

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/signal"
	"slices"
	"strconv"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/csvfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Evaluation is how a model classifies a split; see [Result.Evaluate]. Shares are in [0, 1].
type Evaluation struct {
	// Model is the name of the evaluated model, Classes are its classes.
	Model   string
	Classes []string
	// Predictions are those of each image, in the split's order.
	Predictions Predictions
	// Accuracy is the share of images that are classified right. BalancedAccuracy is the mean recall of the classes
	// that have images. MacroF1 is the mean F1 of the classes that have images or are predicted. Loss is the mean
	// cross-entropy, also called negative log-likelihood (NLL).
	Accuracy, BalancedAccuracy, MacroF1, Loss float64
	// ECE is the expected calibration error, in [0, 1]: how far the probability of the predicted class is from the
	// share that is right, on average over Reliability. Brier is the mean over the images of the squared distance
	// between the probabilities and the truth, in [0, 2] (Brier 1950).
	ECE, Brier float64
	// Reliability compares probability and accuracy, in 15 bins of the predicted class's probability.
	Reliability []ReliabilityBin
	// PerClass has the figures of each class.
	PerClass []ClassScore
}

// ClassScore is how a class was recognised (van Rijsbergen 1979). A share of nothing is NaN.
type ClassScore struct {
	Class string
	// Images is the number of images of the class, Predicted the number of images that were classified as it.
	Images, Predicted int
	// Precision is the share of the Predicted images that are of the class, Recall the share of the class's images that
	// are among them, F1 the harmonic mean of both.
	Precision, Recall, F1 float64
}

// Evaluate runs the trained model, with the weights of the best epoch, on a split: a test set that took no part in the
// choice of epochs, or another source of the same classes, or of some of them; see [Evaluate].
func (r *Result) Evaluate(split *datasets.Split) (*Evaluation, error) {
	if err := r.exists("evaluate"); err != nil {
		return nil, err
	}
	if r.NoHead {
		return nil, fmt.Errorf("tlkit: strategy %q classifies by the training images' features, which no model has; fit it on features of your own (strategy.KNN{}.Fit) to classify others", r.Strategy)
	}
	m, err := r.Model()
	if err != nil {
		return nil, err
	}
	defer m.Release()
	return Evaluate(m, split)
}

// Evaluate runs a model on a split, prepared by the model's Preprocess. The classes of the split are matched with the
// model's by their names, whatever their order; some of the model's may be missing. An interrupt ends it.
func Evaluate(m *zoo.Model, split *datasets.Split) (*Evaluation, error) {
	split, err := fitting(m, split, "evaluate")
	if err != nil {
		return nil, err
	}
	e := &Evaluation{Model: m.Weights, Classes: m.Classes}
	err = eachLogits(m, split, func(row []float32) { e.add(split, m.Probabilities(row)) })
	if err != nil {
		return nil, err
	}
	e.sum()
	return e, nil
}

// fitting returns the split with the model's classes, or an error unless it has images, all of classes of the model.
// what is the verb for the message.
func fitting(m *zoo.Model, split *datasets.Split, what string) (*datasets.Split, error) {
	switch {
	case m == nil:
		return nil, fmt.Errorf("tlkit: the model to %s is nil; load one with tlkit.Load, or take a run's: run.Best().Model()", what)
	case split == nil || split.Len() == 0:
		return nil, fmt.Errorf("tlkit: there are no images to %s on: the split is empty, or nil, as data.Test is of data without a test split; give one with images, such as data.Val", what)
	}
	own, model := written(split.Classes()), written(m.Classes)
	if slices.Equal(own, model) || unnamed(split, len(model)) {
		return split, nil
	}
	labels := split.Labels()
	for label, images := range split.Counts() {
		if images == 0 {
			continue
		}
		class := slices.Index(model, own[label])
		if class < 0 || slices.Contains(model[class+1:], own[label]) || slices.Contains(own[label+1:], own[label]) {
			return nil, fmt.Errorf("tlkit: %d images of the split are of class %q, which is not one of the model's (%s); leave them out (split.Subset), or give the split's classes the model's names (split.WithClasses)",
				images, split.Classes()[label], brief(m.Classes))
		}
		for i := range labels {
			if split.Label(i) == label {
				labels[i] = class
			}
		}
	}
	names := make([]string, split.Len())
	for i := range names {
		names[i] = split.Name(i)
	}
	matched, err := datasets.NewSplit(len(model), names, labels, split.Image)
	if err != nil {
		return nil, fmt.Errorf("tlkit: matching the classes of the split with the model's: %w", err)
	}
	return matched.WithClasses(m.Classes), nil
}

// written returns names as run.json has them: with U+FFFD for bytes that are no valid UTF-8, as in names of folders
// from zips of other systems.
func written(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = string([]rune(name))
	}
	return all
}

// eachLogits computes the logits of each image of a split, in order. Logits that are no finite numbers are an error.
func eachLogits(m *zoo.Model, split *datasets.Split, each func(logits []float32)) error {
	s := newImages(split, m.Preprocess, vision.Augment{}, 0, m.ImageSize(), nil)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	done := 0
	for b := range batches(ctx, s, ascending(s.len()), 32, 0) {
		if b.err != nil {
			return fmt.Errorf("%w; make it readable, or open the data set again, which leaves out what can't be read", b.err)
		}
		logits, err := m.LogitsOf(tensors.MustCopyFlatData[uint8](b.inputs), b.n)
		b.release()
		if err != nil {
			return err
		}
		for _, row := range logits {
			if slices.ContainsFunc(row, func(v float32) bool { return !numbers.Finite(float64(v)) }) {
				return fmt.Errorf("tlkit: the logits of image %s are no finite numbers (%v); %s", split.Name(done), row[:min(4, len(row))], whyNotFinite(notFinite(m)))
			}
			done++
			each(row)
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("tlkit: images of a split interrupted: %w", err)
	}
	return nil
}

// unnamed reports whether the split has the given number of classes, named 0, 1 and so on, as datasets.NewSplit names
// them.
func unnamed(split *datasets.Split, classes int) bool {
	names := split.Classes()
	for i, name := range names {
		if name != strconv.Itoa(i) {
			return false
		}
	}
	return len(names) == classes
}

// brief names the first few of many.
func brief(names []string) string { return sentence.Quoted(names, 4) }

// add appends the next image of a split, with the probabilities of the classes.
func (e *Evaluation) add(split *datasets.Split, probabilities []float64) {
	p, i := &e.Predictions, len(e.Predictions.Labels)
	best, label := numbers.Argmax(probabilities), split.Label(i)
	p.Names, p.Labels = append(p.Names, split.Name(i)), append(p.Labels, label)
	p.Predicted, p.Confidence = append(p.Predicted, best), append(p.Confidence, probabilities[best])
	p.Losses = append(p.Losses, numbers.NegLog(probabilities[label]))
	e.Loss += p.Losses[i] / float64(split.Len())
	e.Brier += brier(probabilities, label) / float64(split.Len())
}

// sum computes the figures from the predictions.
func (e *Evaluation) sum() {
	matrix, right := e.ConfusionMatrix(), 0
	for c, class := range e.Classes {
		s := ClassScore{Class: class}
		for k := range e.Classes {
			s.Images += matrix[c][k]
			s.Predicted += matrix[k][c]
		}
		hits := float64(matrix[c][c])
		right += matrix[c][c]
		s.Precision, s.Recall, s.F1 = hits/float64(s.Predicted), hits/float64(s.Images), 2*hits/float64(s.Images+s.Predicted)
		e.PerClass = append(e.PerClass, s)
	}
	e.Accuracy = float64(right) / float64(len(e.Predictions.Labels))
	e.Reliability = e.Predictions.reliability()
	e.ECE = calibrationError(e.Reliability)
	e.BalancedAccuracy, e.MacroF1 = e.Predictions.balancedAccuracy(), e.Predictions.macroF1()
}

// ConfusionMatrix returns how the images of each class (rows) were classified (columns).
func (e *Evaluation) ConfusionMatrix() [][]int { return e.Predictions.confusion(len(e.Classes)) }

// Confusion is the confusion matrix as a figure.
func (e *Evaluation) Confusion() plots.Figure { return plots.Confusion(e.Classes, e.ConfusionMatrix()) }

// Table has a row per class, with the figures over all in its caption.
func (e *Evaluation) Table() plots.Figure {
	share := func(v float64) string {
		if math.IsNaN(v) {
			return "-"
		}
		return percent(v)
	}
	var rows [][]string
	for _, s := range e.PerClass {
		rows = append(rows, []string{s.Class, fmt.Sprint(s.Images), fmt.Sprint(s.Predicted), share(s.Precision), share(s.Recall), share(s.F1)})
	}
	return plots.Table([]string{"class", "images", "predicted", "precision", "recall", "F1"}, rows, plots.TableOptions{Caption: e.String()})
}

// String is a line with the figures over all classes.
func (e *Evaluation) String() string {
	return fmt.Sprintf("%s on %d images: accuracy %s, balanced accuracy %s, macro F1 %.3f, loss %.3f, calibration error %s, Brier score %.3f",
		e.Model, len(e.Predictions.Labels), percent(e.Accuracy), percent(e.BalancedAccuracy), e.MacroF1, e.Loss, percent(e.ECE), e.Brier)
}

// Bundle is table and confusion matrix. A notebook shows it for a cell that ends in the evaluation.
func (e *Evaluation) Bundle() (map[string]any, error) {
	return plots.Stack("evaluation", e.Table(), e.Confusion()).Bundle()
}

// WriteCSV writes a line per image to a file: its name, its class, the predicted one, the probability of that, and
// whether it is right.
func (e *Evaluation) WriteCSV(path string) error { return e.Predictions.writeCSV(path, e.Classes) }

// WriteCSV writes a line per validation image to a file, as the best epoch classified it: its name, its class, the
// predicted one, the probability of that, and whether it is right.
func (r *Result) WriteCSV(path string) error {
	if err := r.exists("write"); err != nil {
		return err
	}
	return r.Predictions.writeCSV(path, r.run.Config.Data.Classes)
}

func (p Predictions) writeCSV(path string, classes []string) error {
	rows := [][]string{{"image", "class", "predicted", "probability", "right"}}
	for i, name := range p.Names {
		rows = append(rows, []string{name, classes[p.Labels[i]], classes[p.Predicted[i]], fmt.Sprintf("%.6f", p.Confidence[i]), fmt.Sprint(p.Labels[i] == p.Predicted[i])})
	}
	if err := csvfile.Write(path, rows); err != nil {
		return fmt.Errorf("tlkit: writing the predictions: %w", err)
	}
	return nil
}

// confusion counts the images of each class (rows) by the class predicted (columns).
func (p Predictions) confusion(classes int) [][]int {
	matrix := make([][]int, classes)
	for i := range matrix {
		matrix[i] = make([]int, classes)
	}
	for i, label := range p.Labels {
		matrix[label][p.Predicted[i]]++
	}
	return matrix
}
