package tlkit

import (
	"fmt"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// ModelNames are names of models, sorted. A notebook shows them as a table with a search field.
type ModelNames []string

// Models returns the names of all models, sorted.
func Models() ModelNames { return zoo.List(zoo.Filter{}) }

// Bundle is a table with a row for each weight set of the models: published accuracies, parameters, multiply-adds, size
// of the file and licence. An empty cell means that the figure is not known.
func (names ModelNames) Bundle() (map[string]any, error) {
	columns := []string{"model", "weights", "top 1 %", "top 5 %", "parameters", "GFLOPs", "MB", "image", "classes", "licence"}
	var rows [][]string
	for _, name := range names {
		spec, err := zoo.Info(name)
		if err != nil {
			return nil, err
		}
		if len(spec.Weights) == 0 {
			rows = append(rows, []string{name, "", "", "", "", "", "", size(spec.InputSize), "", ""})
		}
		for _, w := range spec.Weights {
			rows = append(rows, []string{name, w.Name, known("%.1f", w.Top1), known("%.1f", w.Top5), known("%.1fM", float64(w.Params)/1e6),
				known("%.2f", w.GFLOPs), known("%.1f", w.FileMB), size(spec.InputSize), known("%.0f", float64(len(w.Classes))), w.Licence})
		}
	}
	data, err := plots.Table(columns, rows, plots.TableOptions{Align: "llrrrrrrrl"}).Bundle()
	if err != nil {
		return nil, err
	}
	data[plots.MIMEHTML] = searchable(fmt.Sprint(data[plots.MIMEHTML]))
	return data, nil
}

// known formats a figure; it returns "" for 0, which stands for a figure that is not known.
func known(format string, v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf(format, v)
}

func size(pixels int) string {
	if pixels == 0 {
		return ""
	}
	return fmt.Sprintf("%d x %d", pixels, pixels)
}

// searchable puts a field above a table that hides the rows without the words typed there.
func searchable(table string) string {
	const filter = `const words = this.value.toLowerCase().split(' ');` +
		`this.parentNode.querySelectorAll('tbody tr').forEach(r =&gt; { r.hidden = !words.every(w =&gt; r.textContent.toLowerCase().includes(w)) })`
	return strings.Join([]string{`<div><input type="search" placeholder="`, words.Of("search"), `" oninput="`, filter, `">`, table, `</div>`}, "")
}
