//go:build linux

package rt

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The most rows and columns that a table shows, and the most characters in a table cell.
const (
	maxRows    = 60
	maxColumns = 20
	maxCell    = 80
)

// table is a value in rows and columns.
type table struct {
	head        []string
	rows        [][]string
	numbers     []bool // the columns to align right
	moreRows    int    // rows that are left out
	moreColumns int
}

// tableOf shows slices of structs or slices, and maps, as tables. A value's text stays as Go writes it if it fits on a
// line.
func tableOf(v any) map[string]any {
	r := reflect.ValueOf(v)
	if _, ok := v.(fmt.Stringer); ok {
		return nil
	}
	if _, ok := v.(error); ok {
		return nil
	}
	var t *table
	switch r.Kind() {
	case reflect.Slice, reflect.Array:
		t = sliceTable(r)
	case reflect.Map:
		t = mapTable(r)
	}
	if t == nil {
		return nil
	}
	return t.bundle(Text(v))
}

// bundle returns the table as HTML and as text; short takes the place of the text if it is one line of at most 80
// characters.
func (t *table) bundle(short string) map[string]any {
	text := short
	const oneLine = 80
	if short == "" || utf8.RuneCountInString(short) > oneLine || strings.Contains(short, "\n") {
		text = t.text()
	}
	return map[string]any{"text/html": t.html(), "text/plain": text}
}

// sliceTable returns the table of a slice of structs, or of slices; nil for other slices.
func sliceTable(r reflect.Value) *table {
	elem := r.Type().Elem()
	for elem.Kind() == reflect.Pointer {
		elem = elem.Elem()
	}
	if r.Len() == 0 || textual(elem) || textual(reflect.PointerTo(elem)) {
		return nil
	}
	switch {
	case elem.Kind() == reflect.Struct && elem.NumField() > 0:
		return structTable(r, elem)
	case (elem.Kind() == reflect.Slice || elem.Kind() == reflect.Array) && elem.Elem().Kind() <= reflect.Complex128,
		(elem.Kind() == reflect.Slice || elem.Kind() == reflect.Array) && elem.Elem().Kind() == reflect.String:
		return nestedTable(r)
	}
	return nil
}

// textual reports whether a type has its own method for its text.
func textual(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[fmt.Stringer]()) || t.Implements(reflect.TypeFor[error]()) || t.Implements(reflect.TypeFor[fmt.Formatter]())
}

// shownRows returns how many of n rows are shown, and how many are not.
func shownRows(n int) (shown, more int) {
	if n <= maxRows {
		return n, 0
	}
	return maxRows, n - maxRows
}

func structTable(r reflect.Value, elem reflect.Type) *table {
	t := &table{head: []string{""}}
	fields := min(elem.NumField(), maxColumns)
	t.moreColumns = elem.NumField() - fields
	t.numbers = []bool{true}
	for i := range fields {
		t.head = append(t.head, elem.Field(i).Name)
		t.numbers = append(t.numbers, isNumber(elem.Field(i).Type))
	}
	n, more := shownRows(r.Len())
	t.moreRows = more
	for i := range n {
		row := []string{fmt.Sprint(i)}
		v := follow(r.Index(i))
		for f := range fields {
			if !v.IsValid() {
				row = append(row, "nil")
				continue
			}
			row = append(row, cellText(v.Field(f)))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func nestedTable(r reflect.Value) *table {
	n, more := shownRows(r.Len())
	t := &table{head: []string{""}, numbers: []bool{true}, moreRows: more}
	columns := 0
	for i := range n {
		if v := follow(r.Index(i)); v.IsValid() {
			columns = max(columns, v.Len())
		}
	}
	t.moreColumns = max(0, columns-maxColumns)
	columns -= t.moreColumns
	for c := range columns {
		t.head, t.numbers = append(t.head, fmt.Sprint(c)), append(t.numbers, true)
	}
	for i := range n {
		row := []string{fmt.Sprint(i)}
		v := follow(r.Index(i))
		for c := range columns {
			if !v.IsValid() || c >= v.Len() {
				row = append(row, "")
				continue
			}
			row = append(row, elementText(v.Index(c)))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// mapTable returns the table of a map, sorted by its keys; for a map of structs, with a column for each field.
func mapTable(r reflect.Value) *table {
	if r.Len() == 0 {
		return nil
	}
	entries := sortedEntries(r)
	n, more := shownRows(len(entries))
	values := reflect.MakeSlice(reflect.SliceOf(r.Type().Elem()), n, n)
	for i := range n {
		values.Index(i).Set(entries[i].elem(r))
	}
	t := sliceTable(values)
	if t == nil {
		t = &table{head: []string{"key", "value"}, numbers: []bool{false, isNumber(r.Type().Elem())}}
		for i := range n {
			t.rows = append(t.rows, []string{"", elementText(values.Index(i))})
		}
	}
	t.head[0], t.numbers[0], t.moreRows = "key", isNumber(r.Type().Key()), more
	for i := range n {
		t.rows[i][0] = cellText(entries[i].key)
	}
	return t
}

// entry is a key of a map. found is its element if the key may be one that no look-up finds, as NaN.
type entry struct{ key, found reflect.Value }

func (e entry) elem(m reflect.Value) reflect.Value {
	if e.found.IsValid() {
		return e.found
	}
	return m.MapIndex(e.key)
}

// sortedEntries returns the keys in the order in which fmt prints them.
func sortedEntries(m reflect.Value) []entry {
	entries := make([]entry, 0, m.Len())
	for iter := m.MapRange(); iter.Next(); {
		e := entry{key: iter.Key()}
		if !e.key.Equal(e.key) {
			e.found = iter.Value()
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(x, y entry) int { return compareKeys(x.key, y.key) })
	return entries
}

// compareKeys orders two keys of a map as fmt does: what has an order by it, false before true, arrays and structs by
// their parts, values in interfaces by their type first, and the rest by its address.
func compareKeys(a, b reflect.Value) int {
	switch {
	case a.CanInt():
		return cmp.Compare(a.Int(), b.Int())
	case a.CanUint():
		return cmp.Compare(a.Uint(), b.Uint())
	case a.CanFloat():
		return cmp.Compare(a.Float(), b.Float())
	case a.CanComplex():
		x, y := a.Complex(), b.Complex()
		return cmp.Or(cmp.Compare(real(x), real(y)), cmp.Compare(imag(x), imag(y)))
	}
	switch a.Kind() {
	case reflect.String:
		return cmp.Compare(a.String(), b.String())
	case reflect.Bool:
		return cmp.Compare(strconv.FormatBool(a.Bool()), strconv.FormatBool(b.Bool()))
	case reflect.Pointer, reflect.Chan, reflect.UnsafePointer:
		return cmp.Compare(a.Pointer(), b.Pointer())
	case reflect.Array:
		for i := range a.Len() {
			if c := compareKeys(a.Index(i), b.Index(i)); c != 0 {
				return c
			}
		}
	case reflect.Struct:
		for i := range a.NumField() {
			if c := compareKeys(a.Field(i), b.Field(i)); c != 0 {
				return c
			}
		}
	case reflect.Interface:
		switch {
		case a.IsNil() || b.IsNil():
			return cmp.Compare(strconv.FormatBool(!a.IsNil()), strconv.FormatBool(!b.IsNil()))
		case a.Elem().Type() != b.Elem().Type():
			return cmp.Compare(reflect.ValueOf(a.Elem().Type()).Pointer(), reflect.ValueOf(b.Elem().Type()).Pointer())
		}
		return compareKeys(a.Elem(), b.Elem())
	}
	return 0
}

// matrixOf shows a matrix, such as gonum's.
func matrixOf(v any) map[string]any {
	m, ok := v.(interface {
		Dims() (rows, columns int)
		At(i, j int) float64
	})
	if !ok {
		return nil
	}
	rows, columns := m.Dims()
	shown, more := shownRows(rows)
	t := &table{head: []string{""}, numbers: []bool{true}, moreRows: more, moreColumns: max(0, columns-maxColumns)}
	for c := range columns - t.moreColumns {
		t.head, t.numbers = append(t.head, fmt.Sprint(c)), append(t.numbers, true)
	}
	for i := range shown {
		row := []string{fmt.Sprint(i)}
		for c := range columns - t.moreColumns {
			row = append(row, fmt.Sprintf("%.6g", m.At(i, c)))
		}
		t.rows = append(t.rows, row)
	}
	data := t.bundle("")
	data["text/plain"] = fmt.Sprintf("%T %dx%d\n%s", v, rows, columns, data["text/plain"])
	return data
}

// follow follows pointers and interfaces to the value; the result is invalid for nil.
func follow(v reflect.Value) reflect.Value {
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		v = v.Elem()
	}
	return v
}

func isNumber(t reflect.Type) bool {
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Complex128 && !textual(t)
}

// cellText returns a value as text for a table cell.
func cellText(v reflect.Value) string {
	return inCell(func(p *printer) { p.value(v, 1) })
}

// elementText is cellText for an element of a list or map: a pointer is followed, as in the text.
func elementText(v reflect.Value) string {
	return inCell(func(p *printer) { p.element(v, 0, false) })
}

func inCell(write func(*printer)) string {
	p := printer{left: 4 * maxCell, bare: true}
	write(&p)
	text := strings.Join(strings.Fields(p.text.String()), " ")
	if utf8.RuneCountInString(text) <= maxCell {
		return text
	}
	return string([]rune(text)[:maxCell-1]) + "…"
}

func (t *table) html() string {
	var b strings.Builder
	b.WriteString(`<table class="dataframe"><thead><tr>`)
	for _, name := range t.head {
		b.WriteString("<th>" + escape(name) + "</th>")
	}
	b.WriteString("</tr></thead><tbody>")
	for _, row := range t.rows {
		b.WriteString("<tr>")
		for i, text := range row {
			tag, align := "td", "left"
			if i == 0 {
				tag = "th"
			}
			if t.numbers[i] {
				align = "right"
			}
			fmt.Fprintf(&b, `<%s style="text-align:%s">%s</%s>`, tag, align, escape(text), tag)
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</tbody></table>")
	if more := t.more(); more != "" {
		b.WriteString("<p>" + more + "</p>")
	}
	return b.String()
}

func (t *table) text() string {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	var b strings.Builder
	for _, row := range append([][]string{t.head}, t.rows...) {
		var line strings.Builder
		for i, text := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if t.numbers[i] {
				line.WriteString(pad + text + "  ")
			} else {
				line.WriteString(text + pad + "  ")
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String() + t.more()
}

// more returns a text with the numbers of rows and columns that the table leaves out.
func (t *table) more() string {
	var parts []string
	if t.moreRows > 0 {
		parts = append(parts, fmt.Sprintf("%d more rows", t.moreRows))
	}
	if t.moreColumns > 0 {
		parts = append(parts, fmt.Sprintf("%d more columns", t.moreColumns))
	}
	if len(parts) == 0 {
		return ""
	}
	return "and " + strings.Join(parts, ", ")
}
