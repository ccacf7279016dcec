package sweep

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// Results is what a sweep has come to. As the last expression of a cell it is a table.
type Results struct {
	// Name is the sweep's.
	Name string
	// Tasks are all its tasks, in the order models, recipes, strategies, seeds.
	Tasks []TaskResult

	test bool // they are compared on test images, as the data has no validation split
}

// TaskResult is what a task has come to.
type TaskResult struct {
	*Task
	// Result is nil before the task's first epoch is complete.
	Result *train.Result
	// Finished is true if nothing of it is left to train: it is trained to its end, or it diverged.
	Finished bool
	// Diverged, if set, is where its loss became infinite or NaN.
	Diverged *train.Divergence
	// Err is what keeps the task's files from being read.
	Err error
}

// results reads the tasks' folders.
func (s Sweep) results(tasks []*Task) *Results {
	r := &Results{Name: s.Name}
	if s.Data != nil {
		r.test = train.EvalSplit(s.Data) == s.Data.Test
	}
	for _, t := range tasks {
		one := TaskResult{Task: t}
		var own train.Results // of its one strategy
		if own, one.Finished, one.Err = t.Results(); len(own) > 0 {
			one.Diverged = own[0].Diverged
			if own[0].Score().Seeds > 0 {
				one.Result = own[0]
			}
		}
		r.Tasks = append(r.Tasks, one)
	}
	return r
}

// missing names the tasks that are not at their end, beside those that were given up.
func (r *Results) missing(gaveUp []*Task) error {
	var all []error
	for _, t := range r.Tasks {
		switch {
		case t.Err != nil:
			all = append(all, fmt.Errorf("sweep: task %q of %q has no result that can be read: %w", t.Name, r.Name, t.Err))
		case !t.Finished && !slices.Contains(gaveUp, t.Task):
			all = append(all, fmt.Errorf("sweep: task %q of %q was trained, and its run has changed since: results are gone, or a notebook trains it; the same call trains it again", t.Name, r.Name))
		}
	}
	return errors.Join(all...)
}

// Trained counts the tasks that are trained to their end. One that diverged is not.
func (r *Results) Trained() int { return r.count(TaskResult.trained) }

// Diverged counts the tasks that diverged.
func (r *Results) Diverged() int {
	return r.count(func(t TaskResult) bool { return t.Diverged != nil })
}

func (r *Results) count(of func(TaskResult) bool) (n int) {
	for _, t := range r.Tasks {
		if of(t) {
			n++
		}
	}
	return n
}

// trained reports whether the task is trained to its end.
func (t TaskResult) trained() bool { return t.Finished && t.Diverged == nil }

// Best returns the task with the highest validation accuracy; nil before the first epoch. With several seeds the table
// says more: the best of many seeds is high by chance.
func (r *Results) Best() *TaskResult {
	var best *TaskResult
	highest := math.Inf(-1)
	for i, t := range r.Tasks {
		if t.Result == nil {
			continue
		}
		if e, ok := t.Result.Best(); ok && e.ValAccuracy > highest {
			best, highest = &r.Tasks[i], e.ValAccuracy
		}
	}
	return best
}

// Row is the results of one combination over its seeds.
type Row struct {
	// Model, Strategy and Recipe name the combination.
	Model, Strategy, Recipe string
	// Seeds counts its tasks, Trained those that are trained to their end, Diverged those that diverged.
	Seeds, Trained, Diverged int
	// Mean is the validation accuracy of the kept epochs, 0 to 1, over the seeds that have one, and Deviation the
	// sample standard deviation; NaN where there are too few. A seed that diverged has the epochs before that, if any.
	Mean, Deviation float64
	// Seconds is the training time of all seeds.
	Seconds float64
}

// Rows sums up the tasks by combination, the highest mean first.
func (r *Results) Rows() []Row {
	var rows []Row
	accuracies := map[Row][]float64{} // by the names alone
	at := map[Row]int{}
	for _, t := range r.Tasks {
		key := Row{Model: t.Model, Strategy: t.Strategy, Recipe: t.Recipe}
		i, ok := at[key]
		if !ok {
			i = len(rows)
			at[key] = i
			rows = append(rows, key)
		}
		rows[i].Seeds++
		if t.trained() {
			rows[i].Trained++
		}
		if t.Diverged != nil {
			rows[i].Diverged++
		}
		if t.Result != nil {
			rows[i].Seconds += t.Result.Seconds()
			if e, ok := t.Result.Best(); ok {
				accuracies[key] = append(accuracies[key], e.ValAccuracy)
			}
		}
	}
	for i := range rows {
		key := Row{Model: rows[i].Model, Strategy: rows[i].Strategy, Recipe: rows[i].Recipe}
		rows[i].Mean, rows[i].Deviation = spread(accuracies[key])
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		if math.IsNaN(a.Mean) || math.IsNaN(b.Mean) { // the ones without a value last
			return cmp.Compare(b2i(math.IsNaN(a.Mean)), b2i(math.IsNaN(b.Mean)))
		}
		return cmp.Compare(b.Mean, a.Mean)
	})
	return rows
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// spread is the mean and the sample standard deviation.
func spread(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values)) // NaN without values
	for _, v := range values {
		deviation += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(values)-1))
}

// Table is the rows as a figure.
func (r *Results) Table() plots.Figure {
	var cells [][]string
	for _, row := range r.Rows() {
		accuracy := "-"
		if !math.IsNaN(row.Mean) {
			accuracy = fmt.Sprintf("%.1f%%", 100*row.Mean)
		}
		if row.Seeds > 1 && !math.IsNaN(row.Deviation) {
			accuracy += fmt.Sprintf(" ± %.1f", 100*row.Deviation)
		}
		trained := fmt.Sprintf("%d of %d", row.Trained, row.Seeds)
		if row.Diverged > 0 {
			trained += fmt.Sprintf(" (%d diverged)", row.Diverged)
		}
		cells = append(cells, []string{row.Model, row.Strategy, row.Recipe, accuracy, trained, fmt.Sprintf("%.0f s", row.Seconds)})
	}
	caption := fmt.Sprintf("%s: %d of %d tasks trained", r.Name, r.Trained(), len(r.Tasks))
	if n := r.Diverged(); n > 0 {
		caption += fmt.Sprintf(", %d diverged", n)
	}
	if r.test {
		caption += "; test accuracy, mean ± standard deviation over the seeds"
	} else {
		caption += "; validation accuracy, mean ± standard deviation over the seeds"
	}
	return plots.Table([]string{"model", "strategy", "recipe", "best accuracy", "seeds trained", "time"}, cells, plots.TableOptions{Caption: caption, Highest: []int{3}, Words: []int{4}})
}

// Bundle shows the table.
func (r *Results) Bundle() (map[string]any, error) { return r.Table().Bundle() }
