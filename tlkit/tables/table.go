package tables

import (
	"fmt"
	"html"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// Options control the look of a table. The zero value aligns columns of numbers right and others left, and marks
// nothing.
type Options struct {
	// Caption is shown above the table.
	Caption string
	// Align has one letter per column, 'l', 'c' or 'r'. Columns beyond its end, or with another letter, are aligned by
	// their contents.
	Align string
	// Highest and Lowest list columns (from 0) whose best cell is marked: bold in HTML, a star in plain text. Cells are
	// compared by the number they start with ("94.1% ± 0.7" is 94.1); equal cells are all marked, cells without a
	// number never.
	Highest, Lowest []int
	// Marked lists further cells to mark.
	Marked []Cell
	// Words lists columns (from 0) whose cells are words of the table and not data: the notebook shows them in the
	// language of figures, as it does the head and the caption.
	Words []int
	// WordCells lists further cells that are words of the table, such as the name of a row of means.
	WordCells []Cell
}

// Cell is a place in a table, Row and Column from 0; the header is not a row.
type Cell struct{ Row, Column int }

// Table is a table's columns and rows, with the options of its look. A notebook shows it for a cell that ends in it.
type Table struct {
	// Columns are the headers.
	Columns []string
	// Rows are the cells as text, one per column.
	Rows [][]string
	// Options control its look.
	Options Options
}

// Bundle returns HTML in the language of figures ([words.Env]), which takes its colours from the notebook's theme, and
// aligned plain text in English. It fails if the number
// of cells in a row differs from the number of columns, or if an option names a cell outside the table.
func (t Table) Bundle() (map[string]any, error) {
	for i, r := range t.Rows {
		if len(r) != len(t.Columns) {
			return nil, fmt.Errorf("tables: row %d of the table has %d cells, want %d, one per column (%s)",
				i, len(r), len(t.Columns), strings.Join(t.Columns, ", "))
		}
	}
	for _, c := range slices.Concat(t.Options.Highest, t.Options.Lowest, t.Options.Words) {
		if c < 0 || c >= len(t.Columns) {
			return nil, fmt.Errorf("tables: column %d of an option is not in the table, want 0 to %d", c, len(t.Columns)-1)
		}
	}
	for _, m := range slices.Concat(t.Options.Marked, t.Options.WordCells) {
		if m.Row < 0 || m.Row >= len(t.Rows) || m.Column < 0 || m.Column >= len(t.Columns) {
			return nil, fmt.Errorf("tables: cell (row %d, column %d) of an option is not in the table of %d rows and %d columns",
				m.Row, m.Column, len(t.Rows), len(t.Columns))
		}
	}
	marked := t.marks()
	shown := t.html(marked)
	if words.InJapanese() {
		// A Japanese head breaks at its zero-width spaces, not within a word.
		shown = "<div style=\"word-break:keep-all\">" + shown + "</div>"
	}
	return map[string]any{"text/html": shown, "text/plain": t.text(marked)}, nil
}

// leadingNumber matches the number that a cell starts with.
var leadingNumber = regexp.MustCompile(`^\s*[-+−]?[0-9][0-9,_]*(\.[0-9]+)?([eE][-+]?[0-9]+)?`)

// cellNumber returns the number that a cell starts with.
func cellNumber(s string) (float64, bool) {
	m := leadingNumber.FindString(s)
	if m == "" {
		return 0, false
	}
	m = strings.NewReplacer(",", "", "_", "", "−", "-").Replace(strings.TrimSpace(m))
	v, err := strconv.ParseFloat(m, 64)
	return v, err == nil && !math.IsInf(v, 0) && !math.IsNaN(v)
}

// marks returns the cells to mark.
func (t Table) marks() map[Cell]bool {
	marked := map[Cell]bool{}
	for _, m := range t.Options.Marked {
		marked[m] = true
	}
	best := func(columns []int, better func(a, b float64) bool) {
		for _, c := range columns {
			var top float64
			var where []int
			for r, row := range t.Rows {
				v, ok := cellNumber(row[c])
				switch {
				case !ok:
				case len(where) == 0 || better(v, top):
					top, where = v, []int{r}
				case v == top:
					where = append(where, r)
				}
			}
			for _, r := range where {
				marked[Cell{r, c}] = true
			}
		}
	}
	best(t.Options.Highest, func(a, b float64) bool { return a > b })
	best(t.Options.Lowest, func(a, b float64) bool { return a < b })
	return marked
}

// align returns 'l', 'c' or 'r' for column c.
func (t Table) align(c int) byte {
	if c < len(t.Options.Align) && strings.IndexByte("lcr", t.Options.Align[c]) >= 0 {
		return t.Options.Align[c]
	}
	numbers, filled := 0, 0
	for _, row := range t.Rows {
		if strings.TrimSpace(row[c]) == "" {
			continue
		}
		filled++
		if _, ok := cellNumber(row[c]); ok {
			numbers++
		}
	}
	// A dash or "n/a" among numbers does not make it a column of words.
	if filled > 0 && numbers*2 > filled {
		return 'r'
	}
	return 'l'
}

// html has inline alignment only: notebook servers strip style sheets from outputs, and colours would have to fit both
// a light and a dark theme.
func (t Table) html(marked map[Cell]bool) string {
	css := map[byte]string{'l': "left", 'c': "center", 'r': "right"}
	var b strings.Builder
	b.WriteString("<table>\n")
	if t.Options.Caption != "" {
		fmt.Fprintf(&b, "<caption style=\"text-align: left\"><strong>%s</strong></caption>\n", html.EscapeString(words.Of(t.Options.Caption)))
	}
	b.WriteString("<thead><tr>")
	for c, s := range t.Columns {
		fmt.Fprintf(&b, "<th style=\"text-align: %s\">%s</th>", css[t.align(c)], html.EscapeString(words.Head(s)))
	}
	b.WriteString("</tr></thead>\n<tbody>\n")
	for r, row := range t.Rows {
		b.WriteString("<tr>")
		for c, s := range row {
			if slices.Contains(t.Options.Words, c) || slices.Contains(t.Options.WordCells, Cell{r, c}) {
				s = words.Of(s)
			}
			s = html.EscapeString(unbroken(s))
			if marked[Cell{r, c}] {
				s = "<strong>" + s + "</strong>"
			}
			fmt.Fprintf(&b, "<td style=\"text-align: %s\">%s</td>", css[t.align(c)], s)
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody>\n</table>\n")
	return b.String()
}

// unbroken keeps a short quantity, such as "0.5 s" or "33 of 40", on one line: a browser breaks it where columns are
// narrow.
func unbroken(s string) string {
	if s == "" || s[0] < '0' || s[0] > '9' || len(s) > 9 {
		return s
	}
	return strings.ReplaceAll(s, " ", "\u00a0")
}

func (t Table) text(marked map[Cell]bool) string {
	starred := map[int]bool{}
	for m := range marked {
		starred[m.Column] = true
	}
	w := NewWriter()
	header := table.Row{}
	var configs []table.ColumnConfig
	for c, s := range t.Columns {
		if starred[c] {
			s += "  " // as wide as the stars below, so that a right-aligned header stays above the numbers
		}
		header = append(header, s)
		align := map[byte]text.Align{'l': text.AlignLeft, 'c': text.AlignCenter, 'r': text.AlignRight}[t.align(c)]
		configs = append(configs, table.ColumnConfig{Number: c + 1, Align: align, AlignHeader: align})
	}
	w.SetColumnConfigs(configs)
	w.AppendHeader(header)
	for r, row := range t.Rows {
		cells := table.Row{}
		for c, s := range row {
			switch {
			case marked[Cell{r, c}]:
				s += " *"
			case starred[c]:
				s += "  "
			}
			cells = append(cells, s)
		}
		w.AppendRow(cells)
	}
	out := TrimLines(w.Render())
	if t.Options.Caption != "" {
		out = t.Options.Caption + "\n" + out
	}
	return out
}

// NewWriter returns a writer of plain text tables in this package's style; give what it renders to [TrimLines].
func NewWriter() table.Writer {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Options.DrawBorder = false
	w.Style().Options.SeparateColumns = false
	w.Style().Format.Header = text.FormatDefault
	return w
}

// TrimLines removes the padding that a table writer leaves at the end of lines.
func TrimLines(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}
