package plots

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"html"
	"image"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// Example is an image of a field of a confusion matrix.
type Example struct {
	// Actual and Predicted are numbers of classes, from 0.
	Actual, Predicted int
	Image             image.Image
	Caption           string
}

// Limits of a matrix with images: fields beyond the first are left out of the page, as are images beyond the second.
const (
	maxFields   = 50
	maxExamples = 12
)

// ConfusionImages is Confusion with images behind its fields: a click on a count opens up to 12 of its images, without
// a script, so that it works in an exported page too. Above 20 classes it lists the 50 most frequent confusions that
// have images. The Bundle has HTML, SVG and plain text; the latter two are those of Confusion. It fails where Confusion
// does, and if an example's class does not exist.
func ConfusionImages(classes []string, matrix [][]int, examples []Example) Figure {
	return confusionImages{newConfusion(classes, matrix), examples}
}

type confusionImages struct {
	confusion
	examples []Example
}

func (confusionImages) clickable() {}

func (f confusionImages) Bundle() (map[string]any, error) {
	b, err := f.confusion.Bundle()
	if err != nil {
		return nil, err
	}
	behind := map[[2]int][]Captioned{}
	for i, e := range f.examples {
		if n := len(f.classes); e.Actual < 0 || e.Actual >= n || e.Predicted < 0 || e.Predicted >= n {
			return nil, fmt.Errorf("plots: example %d of the confusion matrix is of class %d, predicted as %d, want 0 to %d", i, e.Actual, e.Predicted, n-1)
		}
		at := [2]int{e.Actual, e.Predicted}
		if len(behind[at]) < maxExamples {
			behind[at] = append(behind[at], Captioned{Image: e.Image, Caption: e.Caption})
		}
	}
	delete(b, MIMEVegaLite)
	if len(f.classes) == 0 {
		return b, nil
	}
	if len(f.classes) <= maxCounts {
		b[MIMEHTML], err = f.page(behind)
	} else {
		b[MIMEHTML], err = f.list(behind)
	}
	return b, err
}

// group returns a name for the fields of this matrix, of which one is open at a time.
func (f confusionImages) group() string {
	sum := sha256.Sum256([]byte(f.text() + fmt.Sprint(len(f.examples))))
	return fmt.Sprintf("tlkit-%x", sum[:6])
}

// page is a table whose counts are the heads of what they open: an area of fixed height below the table.
func (f confusionImages) page(behind map[[2]int][]Captioned) (string, error) {
	var b strings.Builder
	b.WriteString(`<div style="position:relative;padding-bottom:230px"><div>` + words.Of("confusion matrix: a click on a count shows its images") + `</div>` + "\n<table>\n<thead><tr>")
	fmt.Fprintf(&b, `<th style="text-align:left">%s</th>`, words.Of("actual \\ predicted"))
	for _, c := range f.classes {
		b.WriteString(headCell(c, "center"))
	}
	b.WriteString("</tr></thead>\n<tbody>\n")
	for i, row := range f.matrix {
		b.WriteString("<tr>" + headCell(f.classes[i], "left"))
		for j, count := range row {
			face := fmt.Sprint(count)
			if items := behind[[2]int{i, j}]; len(items) > 0 {
				title := fmt.Sprintf("%s, predicted %s: %d of %d", f.classes[i], f.classes[j], len(items), count)
				grid, err := imageGrid{title: title, items: items, columns: 6}.html()
				if err != nil {
					return "", err
				}
				face = fmt.Sprintf(`<details name="%s"><summary style="cursor:pointer;list-style:none;text-decoration:underline">%d</summary>`+
					`<div style="position:absolute;left:0;bottom:0;height:225px;width:100%%;overflow:auto;text-align:left">%s</div></details>`, f.group(), count, grid)
			}
			fmt.Fprintf(&b, `<td style="text-align:center;background:%s">%s</td>`, shadeOf(f.share(i, j)), face)
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody>\n</table>\n</div>\n")
	return b.String(), nil
}

// headCell is a cell with a class's name, which is shortened by its style and whole in its title.
func headCell(name, align string) string {
	return fmt.Sprintf(`<th title="%s" style="text-align:%s;max-width:120px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap">%s</th>`,
		html.EscapeString(name), align, html.EscapeString(name))
}

// ShownConfusions returns the fields, actual and predicted class, whose images [ConfusionImages] shows: all wrong ones,
// or of more than 20 classes the 50 most frequent, in that order.
func ShownConfusions(matrix [][]int) [][2]int {
	fields := confusions(matrix)
	if len(matrix) > maxCounts {
		fields = fields[:min(len(fields), maxFields)]
	}
	return fields
}

// confusions returns the wrong fields of a matrix that are not 0, the most frequent first.
func confusions(matrix [][]int) (fields [][2]int) {
	for i, row := range matrix {
		for j, n := range row {
			if i != j && n > 0 {
				fields = append(fields, [2]int{i, j})
			}
		}
	}
	slices.SortStableFunc(fields, func(a, b [2]int) int { return cmp.Compare(matrix[b[0]][b[1]], matrix[a[0]][a[1]]) })
	return fields
}

// list has a line for each of the most frequent confusions, which opens its images.
func (f confusionImages) list(behind map[[2]int][]Captioned) (string, error) {
	all := confusions(f.matrix)
	fields := slices.DeleteFunc(slices.Clone(all), func(at [2]int) bool { return len(behind[at]) == 0 })
	count := func(at [2]int) int { return f.matrix[at[0]][at[1]] }
	shown := fields[:min(len(fields), maxFields)]
	var b strings.Builder
	title := fmt.Sprintf("confusion matrix of %d classes: %d of %d kinds of confusion with images", len(f.classes), len(shown), len(all))
	fmt.Fprintf(&b, "<div><strong>%s</strong></div>\n", words.Of(title))
	for _, at := range shown {
		grid, err := imageGrid{items: behind[at], columns: 6}.html()
		if err != nil {
			return "", err
		}
		head := words.Of(fmt.Sprintf("%s, predicted %s: %d (%.1f%%)", f.classes[at[0]], f.classes[at[1]], count(at), 100*f.share(at[0], at[1])))
		fmt.Fprintf(&b, "<details><summary>%s</summary>%s</details>\n", html.EscapeString(head), grid)
	}
	return b.String(), nil
}
