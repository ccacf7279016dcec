package insight

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
)

// Outcome is what training brought to a model.
type Outcome struct {
	// Model is the model's name with that of its weights, as in [Ranked].
	Model string
	// Accuracy is that of the best training, in [0, 1].
	Accuracy float64
	// Data is the name of the data set, and Fingerprint its [datasets.Dataset.Fingerprint]; "" for data
	// that are not known.
	Data, Fingerprint string
}

// Outcome returns o itself, so that accuracies from elsewhere can be given to [Ranking.Against].
func (o Outcome) Outcome() (Outcome, error) { return o, nil }

// Trained is a training that [Ranking.Against] compares with its estimates: a *train.Run, or an [Outcome].
type Trained interface {
	// Outcome returns what it brought.
	Outcome() (Outcome, error)
}

// RankCheck is a ranking beside what training then brought; see [Ranking.Against].
type RankCheck struct {
	// Models are the ranked models that were trained, in the order of the ranking, Outcomes what training
	// brought to each.
	Models   []Ranked
	Outcomes []Outcome
	// Accuracy, LogME, HScore and NCE are Kendall's tau between the estimate of that name and the
	// outcomes, from -1, for opposite orders, to 1, for equal ones. It is over the models that have the
	// estimate; NaN for fewer than three.
	Accuracy, LogME, HScore, NCE float64
	// Untrained are the names of the ranked models that no training was given of.
	Untrained []string
}

// Against compares the estimates with what training the models then brought on the same data: how well the orders
// agree, as Kendall's tau, and a chart of estimate and outcome. Of several trainings of a model the best one counts,
// since the estimates know no learning rates. A training on another data set than that of the ranking is an error; an
// [Outcome] without a fingerprint is taken for one on the same.
//
//	ranking := tlkit.MustRank(data, small, large, other)
//	...
//	check, err := ranking.Against(runSmall, runLarge, runOther)
func (r Ranking) Against(trainings ...Trained) (*RankCheck, error) {
	best := map[string]Outcome{}
	for _, t := range trainings {
		if t == nil {
			return nil, errors.New("insight: a training to compare the ranking with is nil; give runs of the ranked models")
		}
		o, err := t.Outcome()
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(r, func(m Ranked) bool { return m.Model == o.Model }) {
			return nil, fmt.Errorf("insight: model %s was trained and not ranked; the ranking has %s", o.Model, strings.Join(r.names(), ", "))
		}
		if err := r.checkData(o); err != nil {
			return nil, err
		}
		if !(o.Accuracy >= 0 && o.Accuracy <= 1) {
			return nil, fmt.Errorf("insight: the accuracy of %s is %g; expected a share in [0, 1]", o.Model, o.Accuracy)
		}
		if old, ok := best[o.Model]; !ok || o.Accuracy > old.Accuracy {
			best[o.Model] = o
		}
	}
	c := &RankCheck{}
	for _, m := range r {
		o, ok := best[m.Model]
		switch {
		case !ok:
			c.Untrained = append(c.Untrained, m.Model)
		case slices.ContainsFunc(c.Models, func(other Ranked) bool { return other.Model == m.Model }):
			return nil, fmt.Errorf("insight: two models of the ranking are called %s, so that it is not known which was trained; give them other names (Model.Weights) before ranking", m.Model)
		default:
			c.Models, c.Outcomes = append(c.Models, m), append(c.Outcomes, o)
		}
	}
	if len(c.Models) == 0 {
		return nil, errors.New("insight: there is no training to compare the ranking with; give runs of the ranked models")
	}
	for _, e := range c.estimates() {
		*e.tau = e.agreement(c)
	}
	return c, nil
}

// checkData returns an error if a model was trained on another data set than the models were ranked on.
func (r Ranking) checkData(o Outcome) error {
	for _, m := range r {
		if m.data == nil || o.Fingerprint == "" {
			continue
		}
		if same, _ := m.data.Matches(o.Fingerprint); !same {
			return fmt.Errorf("insight: %s was trained on %q, which is not the data set %q that %s was ranked on: images, labels, classes or splits differ; rank and train the models on the same data set",
				o.Model, o.Data, m.data.Name, m.Model)
		}
	}
	return nil
}

// names returns those of the models.
func (r Ranking) names() (all []string) {
	for _, m := range r {
		all = append(all, m.Model)
	}
	return all
}

// estimate is one of the estimates of a ranking, and where its agreement is.
type estimate struct {
	of  func(Ranked) float64
	tau *float64
}

// estimates are all of them, in the order of the table.
func (c *RankCheck) estimates() []estimate {
	return []estimate{{func(m Ranked) float64 { return m.Accuracy }, &c.Accuracy}, {func(m Ranked) float64 { return m.LogME }, &c.LogME},
		{func(m Ranked) float64 { return m.HScore }, &c.HScore}, {func(m Ranked) float64 { return m.NCE }, &c.NCE}}
}

// agreement returns Kendall's tau of an estimate and the outcomes.
func (e estimate) agreement(c *RankCheck) float64 {
	var a, b []float64
	for i, m := range c.Models {
		if v := e.of(m); !math.IsNaN(v) {
			a, b = append(a, v), append(b, c.Outcomes[i].Accuracy)
		}
	}
	if len(a) < 3 {
		return math.NaN()
	}
	return kendall(a, b)
}

// kendall returns tau-b (Kendall 1945, The treatment of ties in ranking problems): the pairs in the same order less
// those in opposite order, over the geometric mean of the pairs that differ in a and of those that differ in b. NaN if
// all values of a list are equal.
func kendall(a, b []float64) float64 {
	sum, differA, differB := 0.0, 0.0, 0.0
	for i := range a {
		for j := range i {
			x, y := sign(a[i]-a[j]), sign(b[i]-b[j])
			sum, differA, differB = sum+x*y, differA+x*x, differB+y*y
		}
	}
	return sum / math.Sqrt(differA*differB)
}

// sign returns -1, 0 or 1.
func sign(v float64) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// Table has a row per model, and one of the agreements.
func (c *RankCheck) Table() plots.Figure {
	number := func(v float64, form string, factor float64) string {
		if math.IsNaN(v) {
			return "-"
		}
		return fmt.Sprintf(form, factor*v)
	}
	var rows [][]string
	for i, m := range c.Models {
		rows = append(rows, []string{m.Model, number(m.Accuracy, "%.1f%%", 100), number(m.LogME, "%.4f", 1), number(m.HScore, "%.4f", 1),
			number(m.NCE, "%.3f", 1), number(c.Outcomes[i].Accuracy, "%.1f%%", 100)})
	}
	last := []string{"Kendall's tau"}
	for _, e := range c.estimates() {
		last = append(last, number(*e.tau, "%.2f", 1))
	}
	rows = append(rows, append(last, ""))
	return plots.Table([]string{"model", "accuracy on frozen features", "LogME", "H-score", "NCE", "accuracy after training"}, rows,
		plots.TableOptions{Align: "lrrrrr", WordCells: []plots.Cell{{Row: len(rows) - 1}}})
}

// Chart has a point per model: the accuracy on frozen features, and that after training.
func (c *RankCheck) Chart() plots.Figure {
	var points []plots.ScatterPoint
	for i, m := range c.Models {
		points = append(points, plots.ScatterPoint{X: m.Accuracy, Y: c.Outcomes[i].Accuracy, Class: m.Model})
	}
	o := plots.ScatterOptions{XLabel: "accuracy on frozen features", YLabel: "accuracy after training", Percent: true, ClassLabel: "model"}
	if !math.IsNaN(c.Accuracy) {
		o.Note = fmt.Sprintf("Kendall's tau %.2f: 1 is the same order, 0 none, -1 the opposite one", c.Accuracy)
	}
	return plots.Scatter("", points, o)
}

// Bundle is table and chart. A notebook shows it for a cell that ends in the comparison.
func (c *RankCheck) Bundle() (map[string]any, error) {
	return plots.Stack("ranking and outcome", c.Table(), c.Chart()).Bundle()
}
