package datasets

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/imagefiles"
)

// checkQuotes returns an error if the record that r has read last goes over several lines because a quote is not
// closed: the lines would be lost in one of its fields. Text is that of the record. Quotes within a field (5" wide) may
// stay.
func (t *table) checkQuotes(r *csv.Reader, record []string, text []byte) error {
	text = bytes.Trim(text, "\r\n")
	if !bytes.Contains(text, []byte("\n")) {
		return nil
	}
	strict := csv.NewReader(bytes.NewReader(text))
	strict.Comma, strict.FieldsPerRecord, strict.TrimLeadingSpace = r.Comma, -1, r.TrimLeadingSpace
	_, err := strict.Read()
	for i, field := range record {
		_, inside, several := strings.Cut(field, "\n")
		if !several || !errors.Is(err, csv.ErrQuote) && !t.holdsImages(inside) {
			continue
		}
		line, _ := r.FieldPos(i)
		return fmt.Errorf("line %d opens a quote (\") that it does not close, so that the lines up to %d would be a part of its text; close the quote, or remove it",
			line, line+strings.Count(strings.TrimRight(field, "\r\n"), "\n"))
	}
	return nil
}

// holdsImages reports whether a line of a field's text has the name of an image where the table's lines have it.
func (t *table) holdsImages(text string) bool {
	for line := range strings.Lines(text) {
		fields := strings.Split(line, string(t.separator))
		if at := t.at[0]; at < len(fields) && imagefiles.NamedAsRead(strings.Trim(fields[at], " \r\n\"")) {
			return true
		}
	}
	return false
}
