package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Samples is accuracy against the number of training images: the result of [Recipe.SampleSizes].
type Samples struct {
	// Data and Model name the task, Val is its number of validation images. Test is true if those are the test images,
	// as data without a validation split have.
	Data, Model string
	Val         int
	Test        bool
	// Sizes are the numbers of training images per class, from the smallest.
	Sizes []int
	// Strategies are the names of the compared strategies.
	Strategies []string
	// Accuracy has the validation accuracy of the last epoch, by strategy, size and seed, of trainings that came to
	// their end. Diverged has the number of those that diverged, by strategy and size; they are not in Accuracy.
	Accuracy [][][]float64
	Diverged [][]int
}

// passes is the largest number of times that the steps of an epoch go through a small set of images; see SampleSizes.
const passes = 4

// SampleSizes trains each strategy on several numbers of images per class (0, or more than there are, means all),
// once for each of the recipe's seeds, and compares the accuracies of the last epoch on the whole validation split.
// The seed also draws the images; a larger set contains the smaller ones. So that few images do not mean few steps,
// the steps of an epoch go through a small set up to four times (see Recipe.Passes), but no more often than makes
// one pass through all.
//
// Every training is a run of its own, called NAME-SIZE-SEED. The same call again resumes. With an error, the trainings
// that came to their end are returned, too.
func (r Recipe) SampleSizes(ctx context.Context, name string, ds *datasets.Dataset, pretrained *zoo.Model, perClass []int, strategies ...Strategy) (*Samples, error) {
	if err := checkComparison(ds, pretrained, strategies); err != nil {
		return nil, err
	}
	counts := ds.Train.Counts()
	most := slices.Max(counts)
	s := &Samples{Data: ds.Name, Model: pretrained.Spec.Name, Val: EvalSplit(ds).Len(), Test: EvalSplit(ds) == ds.Test}
	for _, n := range perClass {
		if n < 0 {
			return nil, fmt.Errorf("tlkit: SampleSizes of %d images per class; give positive numbers, and 0 for all", n)
		}
		if n == 0 || n > most {
			n = most
		}
		s.Sizes = append(s.Sizes, n)
	}
	slices.Sort(s.Sizes)
	s.Sizes = slices.Compact(s.Sizes)
	if len(s.Sizes) == 0 {
		return nil, errors.New("tlkit: SampleSizes of no sizes; give some, such as []int{5, 10, 20, 50, 0}")
	}
	for _, st := range strategies {
		s.Strategies = append(s.Strategies, st.Name())
		s.Accuracy = append(s.Accuracy, make([][]float64, len(s.Sizes)))
		s.Diverged = append(s.Diverged, make([]int, len(s.Sizes)))
	}
	var bad []error
	for k := range max(1, r.Seeds) {
		one := r
		one.Seed, one.Seeds = r.Seed+uint64(k), 0
		for i, n := range s.Sizes {
			some := *ds
			some.Train = few(ds.Train, n, one.Seed)
			one.Passes = max(1, r.Passes) * min(passes, ds.Train.Len()/some.Train.Len())
			some.Name = fmt.Sprintf("%s-%d", ds.Name, n)
			run, err := one.Compare(ctx, fmt.Sprintf("%s-%d-%d", name, n, one.Seed), &some, pretrained, strategies...)
			s.count(run, i)
			if err == nil {
				continue
			}
			if bad = append(bad, err); !ownErrors(err) {
				return s, errors.Join(bad...)
			}
		}
	}
	return s, errors.Join(bad...)
}

// count enters the trainings of a run, which may be nil, that came to their end.
func (s *Samples) count(run *Run, size int) {
	if run == nil {
		return
	}
	for j, name := range s.Strategies {
		switch res, err := run.Result(name); {
		case err != nil: // it was not begun
		case res.Diverged != nil:
			s.Diverged[j][size]++
		case res.complete(run.Config.Recipe):
			last, _ := res.Last()
			s.Accuracy[j][size] = append(s.Accuracy[j][size], last.ValAccuracy)
		}
	}
}

// few draws n images of each class.
func few(split *datasets.Split, n int, seed uint64) *datasets.Split {
	var drawn []int
	seen := make([]int, len(split.Counts()))
	for _, i := range vision.NewRand(seed, 0x666577).Perm(split.Len()) {
		if c := split.Label(i); seen[c] < n {
			seen[c]++
			drawn = append(drawn, i)
		}
	}
	if len(drawn) == split.Len() {
		return split
	}
	slices.Sort(drawn)
	return split.Subset(drawn)
}

// either returns the first text for validation images, the second for test images.
func (s *Samples) either(validation, test string) string {
	return DataConfig{Test: s.Test}.either(validation, test)
}

// Figure is accuracy over images per class, with a band of one standard deviation over the seeds.
func (s *Samples) Figure() plots.Figure {
	panel := plots.Panel{Title: "Accuracy and data", XLabel: "training images per class", YLabel: s.either("validation accuracy", "test accuracy"), YPercent: true, LogX: true, Points: true}
	for j, name := range s.Strategies {
		l := plots.Line{Name: name}
		for i, n := range s.Sizes {
			v := spread(s.Accuracy[j][i])
			l.Points = append(l.Points, plots.Point{X: float64(n), Y: v.Mean})
			l.Band = append(l.Band, plots.Interval{Low: v.Mean - v.Deviation, High: v.Mean + v.Deviation})
		}
		panel.Lines = append(panel.Lines, l)
	}
	return plots.Curves(fmt.Sprintf("%s, %s", s.Model, s.Data), panel)
}

// Table has a row per size and a column per strategy.
func (s *Samples) Table() plots.Figure {
	seeds := 0
	var rows [][]string
	for i, n := range s.Sizes {
		row := []string{fmt.Sprint(n)}
		for j := range s.Strategies {
			seeds = max(seeds, len(s.Accuracy[j][i])+s.diverged(j, i))
			row = append(row, s.cell(j, i))
		}
		rows = append(rows, row)
	}
	counted := fmt.Sprintf("%d seeds", seeds)
	if seeds == 1 {
		counted = "one seed"
	}
	caption := s.either("%s on %s: accuracy on %d validation images after the last epoch, %s", "%s on %s: accuracy on %d test images after the last epoch, %s")
	return plots.Table(append([]string{"images per class"}, s.Strategies...), rows, plots.TableOptions{
		Words:   ascending(1 + len(s.Strategies))[1:],
		Caption: fmt.Sprintf(caption, s.Model, s.Data, s.Val, counted),
	})
}

// cell is the text of a strategy at a size in the table.
func (s *Samples) cell(strategy, size int) string {
	v, n, lost := spread(s.Accuracy[strategy][size]), len(s.Accuracy[strategy][size]), s.diverged(strategy, size)
	text := "-"
	switch {
	case n == 0 && lost > 0:
		return "diverged"
	case n == 1:
		text = percent(v.Mean)
	case n > 1:
		text = fmt.Sprintf("%s ± %.1f", percent(v.Mean), 100*v.Deviation)
	}
	if lost > 0 {
		text += fmt.Sprintf(" (%d diverged)", lost)
	}
	return text
}

// diverged is the number of trainings that diverged; a Samples that was made by hand may have none.
func (s *Samples) diverged(strategy, size int) int {
	if strategy >= len(s.Diverged) || size >= len(s.Diverged[strategy]) {
		return 0
	}
	return s.Diverged[strategy][size]
}

// Verdict returns an English sentence that names, for each size, the leading strategy, those whose distance to it is no
// more than noise, and those that diverged. Under the chart of a notebook it stands in the language of figures.
func (s *Samples) Verdict() string { return s.verdict().english }

func (s *Samples) verdict() wording {
	var english, japanese []string
	anyLost := false
	for i, n := range s.Sizes {
		at := func(j int) Spread { return spread(s.Accuracy[j][i]) }
		trained := slices.DeleteFunc(ascending(len(s.Strategies)), func(j int) bool { return len(s.Accuracy[j][i]) == 0 })
		lost := s.lost(i)
		anyLost = anyLost || lost.english != ""
		if len(trained) == 0 { // interrupted before, or all have diverged
			english = append(english, fmt.Sprintf("with %d per class nothing is trained to the end", n)+lost.english)
			japanese = append(japanese, fmt.Sprintf("クラスあたり %d 枚では、最後まで学習したものがありません", n)+lost.japanese+"。")
			continue
		}
		top := trained[0]
		for _, j := range trained {
			if at(j).Mean > at(top).Mean {
				top = j
			}
		}
		var equal []string
		for _, j := range trained {
			if j != top && !(at(top).Mean-at(j).Mean > s.noise(top, j, i)) {
				equal = append(equal, s.Strategies[j])
			}
		}
		en := fmt.Sprintf("with %d per class %s is ahead (%s)", n, s.Strategies[top], percent(at(top).Mean))
		ja := fmt.Sprintf("クラスあたり %d 枚では %s が先頭です（%s）", n, s.Strategies[top], percent(at(top).Mean))
		if len(equal) > 0 {
			en += ", by no more than noise of " + strings.Join(equal, ", ")
			ja += "が、" + strings.Join(equal, "、") + " との差はノイズの範囲内です"
		}
		english, japanese = append(english, en+lost.english), append(japanese, ja+lost.japanese+"。")
	}
	text := strings.Join(english, "; ") + "."
	all := wording{strings.ToUpper(text[:1]) + text[1:], strings.Join(japanese, "")}
	if anyLost {
		all = all.and(wording{"Try a smaller learning rate for what diverged (FindLR).", "発散したものには、もっと小さい学習率（FindLR）を試してください。"})
	}
	return all
}

// lost lists the strategies that diverged at a size, to follow what is said of the others.
func (s *Samples) lost(size int) (text wording) {
	for j, name := range s.Strategies {
		lost, all := s.diverged(j, size), len(s.Accuracy[j][size])+s.diverged(j, size)
		switch {
		case lost == 0:
		case lost == all:
			text.english += fmt.Sprintf(", and %s diverged", name)
			text.japanese += fmt.Sprintf("。%s は発散しました", name)
		default:
			text.english += fmt.Sprintf(", and %s diverged with %d of %d seeds", name, lost, all)
			text.japanese += fmt.Sprintf("。%s はシード %d 個のうち %d 個で発散しました", name, all, lost)
		}
	}
	return text
}

// noise is two standard errors of the difference of two strategies at a size, from the seeds and from the validation
// set. The latter is computed as if the two had been evaluated on different images, which overestimates it.
func (s *Samples) noise(a, b, size int) float64 {
	variance := 0.0
	for _, j := range []int{a, b} {
		v := spread(s.Accuracy[j][size])
		variance += v.Deviation*v.Deviation/float64(max(1, len(s.Accuracy[j][size]))) + v.Mean*(1-v.Mean)/float64(s.Val)
	}
	return 2 * math.Sqrt(variance)
}

// Bundle is chart, table and sentence. A notebook shows it for a cell that ends in the study.
func (s *Samples) Bundle() (map[string]any, error) {
	return plots.Stack("samples", s.Figure(), s.Table(), s.verdict().figure()).Bundle()
}

// Plot shows the chart, and the table with its sentence.
func (s *Samples) Plot() error {
	if err := plots.Show(s.Figure()); err != nil {
		return err
	}
	return plots.Show(plots.Stack("samples", s.Table(), s.verdict().figure()))
}
