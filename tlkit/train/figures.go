package train

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
)

// Curves returns loss and accuracy of all strategies, epoch by epoch, training dashed and validation solid.
func (r *Run) Curves() plots.Figure {
	loss := plots.Panel{Title: "Loss", XLabel: "epoch", YLabel: "cross-entropy"}
	accuracy := plots.Panel{Title: "Accuracy", XLabel: "epoch", YLabel: "share of images", YPercent: true}
	line := func(p *plots.Panel, res *Result, split string, value func(Epoch) float64) {
		l := plots.Line{Name: res.Strategy, Split: split}
		for _, e := range res.History {
			l.Points = append(l.Points, plots.Point{X: float64(e.Epoch), Y: value(e)})
		}
		p.Lines = append(p.Lines, l)
	}
	for _, res := range r.Results {
		line(&loss, res, "train", func(e Epoch) float64 { return e.TrainLoss })
		line(&loss, res, "val", func(e Epoch) float64 { return e.ValLoss })
		line(&accuracy, res, "train", func(e Epoch) float64 { return e.TrainAccuracy })
		line(&accuracy, res, "val", func(e Epoch) float64 { return e.ValAccuracy })
	}
	return plots.Curves(fmt.Sprintf("%s: %s on %s", r.Name, r.Config.Model.Name, r.Config.Data.Name), loss, accuracy)
}

// Summary returns the table of the comparison: one row per strategy.
func (r *Run) Summary() plots.Figure {
	columns := []string{"strategy", "best accuracy", "at epoch", "last accuracy", "validation loss", "trained parameters", "time"}
	var rows [][]string
	for _, res := range r.Results {
		best, ok := res.Best()
		if !ok {
			rows = append(rows, []string{res.Strategy, "-", "-", "-", "-", "-", "-"})
			continue
		}
		last, _ := res.Last()
		rows = append(rows, []string{
			res.Strategy,
			percent(best.ValAccuracy), fmt.Sprint(best.Epoch), percent(last.ValAccuracy), fmt.Sprintf("%.3f", best.ValLoss),
			fmt.Sprintf("%s of %s", thousands(res.Trainable), thousands(res.Params)),
			duration(res.Seconds()),
		})
	}
	caption := fmt.Sprintf("%s, pretrained as %s, on %s (%d training, %d validation images)",
		r.Config.Model.Name, r.Config.Model.Weights, r.Config.Data.Name, r.Config.Data.Train, r.Config.Data.Val)
	return plots.Table(columns, rows, plots.TableOptions{Caption: caption, Highest: []int{1, 3}, Lowest: []int{4}})
}

// Plot shows the curves of the run in the notebook (outside one it writes a file and says where).
func (r *Run) Plot() error { return plots.Show(r.Curves()) }

// Table shows the summary of the run.
func (r *Run) Table() error { return plots.Show(r.Summary()) }

// ConfusionMatrix returns how the validation images of each class (rows) were classified (columns) in the best epoch.
func (r *Result) ConfusionMatrix() [][]int {
	n := len(r.run.Config.Data.Classes)
	matrix := make([][]int, n)
	for i := range matrix {
		matrix[i] = make([]int, n)
	}
	for i, label := range r.Predictions.Labels {
		matrix[label][r.Predictions.Predicted[i]]++
	}
	return matrix
}

// Confusion shows the confusion matrix of the strategy's best epoch.
func (r *Result) Confusion() error {
	return plots.Show(plots.Confusion(r.run.Config.Data.Classes, r.ConfusionMatrix()))
}

func percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }

// thousands writes 269722 as "269,722".
func thousands(n int) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", seconds)
	}
	return fmt.Sprintf("%d:%02d min", int(d.Minutes()), int(math.Round(d.Seconds()))%60)
}
