package datasets

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	convert "golang.org/x/text/transform"

	"github.com/tlkit-go/tlkit-notebooks/internal/imagefiles"
	"github.com/tlkit-go/tlkit-notebooks/internal/nearest"
)

// row is one line of a table: its number, from 1, the wanted fields, and the reason why it gives no
// label, if there is one.
type row struct {
	line   int
	fields []string
	unfit  string
}

// readTable returns the wanted columns of a CSV file, or fields of a JSON file. The separator is that of Excel's "sep="
// line, or one of comma, semicolon, tab and bar that splits the first line into columns with all of them (see
// chooseTable), or the last blank.
func readTable(data []byte, wanted []string) ([]row, error) {
	if text, err := plainText(data); err == nil && isJSON(text) {
		list, err := readJSON(text)
		if err != nil {
			return nil, err
		}
		return list.rows(wanted)
	}
	t, err := openTable(data, wanted)
	if t == nil {
		return nil, err
	}
	rows := blankRows(t.text, wanted)
	switch {
	case rows != nil && (err != nil || rateRows(rows) > t.score):
		return rows, nil
	case err != nil:
		return nil, err
	}
	return t.rows()
}

// table is the text of a CSV file whose first line has the wanted columns.
type table struct {
	text      []byte
	separator rune
	head      []string // the fields of the first line
	at        []int    // the indices of the wanted columns
	headless  bool     // the first line describes an image
	score     int      // how many names of files the images' column has; see rate
}

// separators are those of tables without a "sep=" line, in the order of preference.
const separators = ",;\t|"

// quotedByBlanks fits a first line of names in quotes with blanks between them, as R's write.table writes it.
var quotedByBlanks = regexp.MustCompile(`^"[^"]*"(?: "[^"]*")+\r?$`)

// plainText returns the text of a file in UTF-8.
func plainText(data []byte) ([]byte, error) {
	text, _, err := convert.Bytes(unicode.BOMOverride(convert.Nop), data)
	if err != nil || !utf8.Valid(text) {
		return nil, errors.New("its text is neither UTF-8 nor UTF-16; save it as UTF-8")
	}
	if wideText(text) {
		return nil, errors.New("it is UTF-16 without a byte order mark; save it as UTF-8")
	}
	return text, nil
}

// openTable finds the separator and the wanted columns. With an error it returns the text alone, nil if
// that can't be read.
func openTable(data []byte, wanted []string) (*table, error) {
	text, err := plainText(data)
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(text, []byte("\n")) { // Excel's "CSV (Macintosh)"
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	possible := separators
	if first, _, _ := bytes.Cut(text, []byte("\n")); len(first) > 4 && hasPrefixFold(first, "sep=") { // Excel's
		possible, text = string(first[4]), text[len(first):] // lines keep their numbers
	}
	if first, _, _ := bytes.Cut(text, []byte("\n")); possible == separators && quotedByBlanks.Match(first) {
		possible += " "
	}
	return chooseTable(text, possible, wanted)
}

// chooseTable returns the table by the separator that gives the columns. Of several the first counts in whose column of
// images the most fields look like names of files: "a.png;red, large" has two columns by a comma, too.
func chooseTable(text []byte, possible string, wanted []string) (best *table, firstErr error) {
	for _, separator := range possible {
		t := &table{text: text, separator: separator}
		head, err := t.reader().Read()
		if err == io.EOF {
			return nil, errors.New("the file is empty; expected a line with the names of the columns")
		}
		if err != nil {
			firstErr = errors.Join(firstErr, err)
			continue
		}
		t.head = head
		if t.at, t.headless, err = columns(head, wanted); err != nil {
			// A separator that splits the first line gives the better message.
			if firstErr == nil || len(head) > 1 {
				firstErr = err
			}
			continue
		}
		t.skipRowNames()
		if t.score = t.rate(); best == nil || t.score > best.score {
			best = t
		}
	}
	if best == nil {
		return &table{text: text}, firstErr
	}
	return best, nil
}

// skipRowNames moves the columns behind the names of rows that R's write.table writes without a name in the first line:
// each line has one field more, and the images' names are one further on, or the first fields count the lines.
func (t *table) skipRowNames() {
	if t.headless {
		return
	}
	lines, zero, one, here, next := 0, true, true, 0, 0
	all := true // lines have a field more
	err := t.each(func(_ int, record []string) bool {
		all = len(record) == len(t.head)+1
		if all {
			first := field(record, 0)
			zero, one = zero && first == strconv.Itoa(lines), one && first == strconv.Itoa(lines+1)
			here, next = here+nameRate(field(record, t.at[0])), next+nameRate(field(record, t.at[0]+1))
			lines++
		}
		return all
	})
	if err != nil || lines == 0 || !all || next < here || next == here && !zero && !one {
		return
	}
	t.head = slices.Concat([]string{""}, t.head)
	for i := range t.at {
		t.at[i]++
	}
}

// rated is the number of lines that are rated.
const rated = 1000

// rate is the higher the more of the first fields in the images' column look like names of files.
func (t *table) rate() (n int) {
	lines := 0
	err := t.each(func(_ int, record []string) bool {
		n += nameRate(field(record, t.at[0]))
		lines++
		return lines < rated
	})
	if err != nil {
		return 0
	}
	return n
}

// rateRows is rate for rows that were read.
func rateRows(rows []row) (n int) {
	for _, r := range rows[:min(len(rows), rated)] {
		n += nameRate(r.fields[0])
	}
	return n
}

// imageName is the least nameRate of a name with the extension of an image.
const imageName = 2

// nameRate is high for a text that looks like the name of an image's file.
func nameRate(name string) (n int) {
	if imagefiles.NamedAsRead(name) {
		n += imageName
	}
	if name != "" && !strings.ContainsAny(name, separators) {
		n++
	}
	return n
}

// wideText reports whether every second byte of the first line is zero, or most of them: UTF-16 without a byte order
// mark.
func wideText(text []byte) bool {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	var zeros [2]int
	for i, b := range first {
		if b == 0 {
			zeros[i%2]++
		}
	}
	return min(zeros[0], zeros[1]) == 0 && 4*max(zeros[0], zeros[1]) > len(first)
}

// reader reads the text from its first line. The fields of a record are valid until the next one.
func (t *table) reader() *csv.Reader { return t.readerOf(t.text) }

// readerOf reads a part of the text as reader does.
func (t *table) readerOf(text []byte) *csv.Reader {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.TrimLeadingSpace, r.LazyQuotes, r.ReuseRecord = t.separator, -1, t.separator != '\t', true, true
	return r
}

// each calls f with the line number and the fields of each record that describes an image, until f returns false. The
// fields are valid during the call.
func (t *table) each(f func(line int, record []string) bool) error {
	r := t.reader()
	for first := true; ; first = false {
		from := r.InputOffset()
		record, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = t.checkQuotes(r, record, t.text[from:r.InputOffset()])
		}
		if err != nil {
			return err
		}
		if first && !t.headless {
			continue
		}
		if line, _ := r.FieldPos(0); !f(line, record) {
			return nil
		}
	}
}

// blankRows reads lines of two columns, given by numbers, that only blanks separate: the second begins after the last
// blank, so that names of files may have some. It is nil if the columns or the lines are others.
func blankRows(text []byte, wanted []string) []row {
	if len(wanted) != 2 || !slices.Equal(slices.Sorted(slices.Values(wanted)), []string{"1", "2"}) {
		return nil
	}
	var rows []row
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			return nil
		}
		fields := []string{strings.TrimSpace(line[:at]), line[at+1:]}
		if wanted[0] == "2" {
			fields[0], fields[1] = fields[1], fields[0]
		}
		rows = append(rows, row{line: i + 1, fields: fields})
	}
	return rows
}

// columns returns the indices of the wanted columns. If all are names of the first line, they are names; else the
// numbers among them count columns from 1, as the first line of a table without names may hold a number as a value.
// headless reports that all were numbers, so that the first line describes an image.
func columns(head, wanted []string) (at []int, headless bool, err error) {
	names := make([]string, len(head))
	for i, h := range head {
		names[i] = strings.TrimSpace(h)
	}
	find := func(w string) int {
		if i := slices.Index(names, w); i >= 0 {
			return i
		}
		return slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, strings.TrimSpace(w)) })
	}
	numbers := map[string]int{} // by the wanted columns that are numbers
	for _, w := range wanted {
		if n, err := strconv.Atoi(w); err == nil {
			numbers[w] = n
		}
	}
	allNumbers := !slices.ContainsFunc(wanted, func(w string) bool { _, ok := numbers[w]; return !ok })
	byNumber := slices.ContainsFunc(wanted, func(w string) bool { return find(w) < 0 })
	if n := numbers[wanted[0]]; allNumbers && n >= 1 && n <= len(names) && imagefiles.NamedAsRead(names[n-1]) {
		byNumber = true // "a.png,1,2": a file's name is no column's
	}
	headless = allNumbers && byNumber
	for _, w := range wanted {
		i := find(w)
		if n, isNumber := numbers[w]; byNumber && isNumber {
			if n < 1 || n > len(names) {
				return nil, false, fmt.Errorf("it has no column %s: not all of %s are names of its first line, so numbers are those of its columns, 1 to %d; its first line is %s", w, list(wanted), len(names), list(names))
			}
			if !headless && i >= 0 && i != n-1 {
				return nil, false, fmt.Errorf("column %s is the name of one column and the number of another, and not all of %s are names of its first line; give the names of the columns; its first line is %s", w, list(wanted), list(names))
			}
			at = append(at, n-1)
			continue
		}
		if i < 0 && len(names) == 1 && len(wanted) > 1 && holdsAll(names[0], wanted) {
			return nil, false, fmt.Errorf("its first line is a single field, %s: separate the columns by commas, semicolons, tabs or |, without quotes around the whole line", short(names[0]))
		}
		if i < 0 {
			return nil, false, fmt.Errorf("it has no column %q%s; its first line is %s", w, didYouMean(w, names), list(names))
		}
		if slices.Contains(names[i+1:], names[i]) {
			return nil, false, fmt.Errorf("it has several columns %q; give the one that is meant by another name in the file; its first line is %s", names[i], list(names))
		}
		at = append(at, i)
	}
	return at, headless, nil
}

// holdsAll reports whether a first line that was not separated has all the wanted columns.
func holdsAll(line string, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(w string) bool {
		return !strings.Contains(strings.ToLower(line), strings.ToLower(strings.TrimSpace(w)))
	})
}

// didYouMean is the hint at the nearest of the names; "" if none is near.
func didYouMean(wanted string, names []string) string {
	if near := nearest.Name(wanted, names); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// rows returns the wanted columns of all records that have something in one of them.
func (t *table) rows() ([]row, error) {
	var rows []row
	err := t.each(func(line int, record []string) bool {
		fields := make([]string, len(t.at))
		for i, c := range t.at {
			if c < len(record) {
				fields[i] = strings.Clone(strings.TrimSpace(record[c]))
			}
		}
		if strings.Join(fields, "") != "" {
			rows = append(rows, row{line: line, fields: fields})
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("it lists no images")
	}
	return rows, nil
}
