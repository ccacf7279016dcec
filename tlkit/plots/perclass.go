package plots

import (
	"fmt"
	"strconv"
)

// PerClass returns a table of a confusion matrix (see Confusion): for each class the number of its images, precision
// (the share of the images predicted as the class that belong to it), recall (the share of the class's images that were
// predicted as it) and F1, their harmonic mean. The last row has plain means, as scikit-learn's: of precision and F1
// over the classes that have images or are predicted, of recall over those that have images, which is the balanced
// accuracy. A frequent class does not dominate them. The precision of a class that was never predicted is shown as a
// dash and counts as 0. The Bundle has HTML and plain text. It fails where Confusion does.
func PerClass(classes []string, matrix [][]int) Figure {
	return perClass{newConfusion(classes, matrix)}
}

type perClass struct{ confusion }

func (f perClass) name() string { return "per-class" }

// score is one class's row; a share of nothing is 0.
type score struct {
	images                int
	precision, recall, f1 float64
	predicted             int
}

func (f perClass) scores() []score {
	out := make([]score, len(f.classes))
	for i, row := range f.matrix {
		for j, n := range row {
			out[i].images += n
			out[j].predicted += n
		}
	}
	for i := range out {
		hits := float64(f.matrix[i][i])
		s := &out[i]
		s.precision, s.recall = ratio(hits, s.predicted), ratio(hits, s.images)
		s.f1 = ratio(2*hits, s.predicted+s.images)
	}
	return out
}

// ratio returns part as a share of n, 0 if n is 0.
func ratio(part float64, n int) float64 {
	if n == 0 {
		return 0
	}
	return part / float64(n)
}

func (f perClass) Bundle() (map[string]any, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	var rows [][]string
	var mean score
	counted, withImages := 0, 0
	for i, s := range f.scores() {
		row := []string{f.classes[i], strconv.Itoa(s.images), percent(s.precision), percent(s.recall), percent(s.f1)}
		if s.predicted == 0 {
			row[2] = "–"
		}
		if s.images == 0 {
			row[3] = "–"
		} else {
			withImages++
		}
		if s.images+s.predicted == 0 {
			row[4] = "–"
		} else {
			counted++
		}
		mean.images += s.images
		mean.precision, mean.recall, mean.f1 = mean.precision+s.precision, mean.recall+s.recall, mean.f1+s.f1
		rows = append(rows, row)
	}
	rows = append(rows, []string{"mean of the classes", strconv.Itoa(mean.images),
		percent(ratio(mean.precision, counted)), percent(ratio(mean.recall, withImages)), percent(ratio(mean.f1, counted))})
	options := TableOptions{Align: "lrrrr", WordCells: []Cell{{Row: len(rows) - 1}}}
	return Table([]string{"class", "images", "precision", "recall", "F1"}, rows, options).Bundle()
}

func percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }
