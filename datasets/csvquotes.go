package datasets

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// checkQuotes returns an error if the record that r has read last goes over several lines because a quote is not
// closed, so that lines of the table are lost in one of its fields. Text is that of the record. Quotes within a field
// (5" wide) and texts of several lines may stay.
func (t *table) checkQuotes(r *csv.Reader, record []string, text []byte) error {
	text = bytes.Trim(text, "\r\n")
	lines := bytes.Split(text, []byte("\n"))
	if len(lines) == 1 {
		return nil
	}
	strict := t.readerOf(text)
	strict.LazyQuotes = false
	_, err := strict.Read()
	least, open, is := imageName, false, "may not be closed"
	if errors.Is(err, csv.ErrQuote) { // other names of images count, too, if the record has such a name
		least, open, is = min(least, nameRate(field(record, t.at[0]))), t.endsOpen(text), "it does not close"
	}
	whole := err == nil && len(record) == len(t.head)
	first, _ := r.FieldPos(0)
	for i, f := range record {
		if whole && i == t.at[0] && !strings.ContainsRune(f, t.separator) { // a name of a file may have a line end
			continue
		}
		line, _ := r.FieldPos(i)
		last := line + strings.Count(strings.TrimRight(f, "\r\n"), "\n")
		inside := lines[min(line-first+1, len(lines)):min(last-first+1, len(lines))]
		if len(inside) > 0 && (open || slices.ContainsFunc(inside, func(l []byte) bool { return t.isLine(l, least) })) {
			return fmt.Errorf("line %d opens a quote (\") that %s, so that the lines up to %d would be a part of its text; close the quote, or remove it",
				line, is, last)
		}
	}
	return nil
}

// endsOpen reports whether a quote of the text is still open at its end.
func (t *table) endsOpen(text []byte) bool {
	more := slices.Concat(text, []byte("\n."))
	r := t.readerOf(more)
	_, err := r.Read()
	return err == nil && r.InputOffset() == int64(len(more))
}

// isLine reports whether a line has the columns of the table and, where the images are named, a name of at least the
// given rate.
func (t *table) isLine(line []byte, least int) bool {
	if bytes.Count(line, []byte(string(t.separator)))+1 < len(t.head) {
		return false
	}
	record, err := t.readerOf(line).Read()
	return err == nil && len(record) == len(t.head) && nameRate(strings.Trim(field(record, t.at[0]), " \r\"")) >= least
}
