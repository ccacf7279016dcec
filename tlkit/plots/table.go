package plots

import (
	"cmp"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/tables"
)

// TableOptions control the look of a table; see [tables.Options].
type TableOptions = tables.Options

// Cell is a place in a table; see [tables.Cell].
type Cell = tables.Cell

// Table returns a figure with the given columns and rows. The Bundle has HTML, which takes its colours from the
// notebook's theme, and aligned plain text. It fails if the number of cells in a row differs from the number of
// columns, or if an option names a cell outside the table.
func Table(columns []string, rows [][]string, opts TableOptions) Figure {
	return tableFigure{tables.Table{Columns: columns, Rows: rows, Options: opts}}
}

type tableFigure struct{ tables.Table }

func (t tableFigure) name() string { return cmp.Or(t.Options.Caption, "table") }

// newTextTable returns a writer for plain text tables in the style of [Table].
func newTextTable() table.Writer { return tables.NewWriter() }

// trimLines removes the padding that a table writer leaves at the end of lines.
func trimLines(s string) string { return tables.TrimLines(s) }
