package zoo

import (
	"fmt"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/tables"
)

// maxShownClasses is the number of class names that a model's table lists.
const maxShownClasses = 8

// String describes the model in a line.
func (m *Model) String() string {
	total, _ := m.NumParams()
	return fmt.Sprintf("%s (%s): %s parameters, %d classes, images of %d x %d", m.Spec.Name, m.Weights, thousands(total), len(m.Classes), m.ImageSize(), m.ImageSize())
}

// Bundle returns a short table of the model, for display in a notebook; [Model.Summary] has its layers.
func (m *Model) Bundle() (map[string]any, error) {
	total, trained := m.NumParams()
	names := m.Classes
	if len(names) > maxShownClasses {
		names = append(names[:maxShownClasses:maxShownClasses], "...")
	}
	rows := [][]string{
		{"weights", m.Weights},
		{"parameters", fmt.Sprintf("%s, of which trained %s", thousands(total), thousands(trained))},
		{"images", fmt.Sprintf("%d x %d", m.ImageSize(), m.ImageSize())},
		{"classes", fmt.Sprintf("%d: %s", len(m.Classes), strings.Join(names, ", "))},
		{"stages", strings.Join(m.Stages(), ", ")},
	}
	for _, note := range m.Notes {
		rows = append(rows, []string{"note", note})
	}
	rows = append(rows, []string{"layers", "tlkit.MustSummary(model) lists them"})
	return tables.Table{Columns: []string{m.Spec.Name, ""}, Rows: rows, Options: tables.Options{Align: "ll", Words: []int{0, 1}}}.Bundle()
}
