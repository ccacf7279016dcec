package datasets

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Tables with a column of zeros and ones per class ("image,cat,dog"), as Roboflow writes them.

// set and unset are the values of such columns.
var (
	set   = []string{"1", "1.0", "true", "True", "TRUE"}
	unset = []string{"", "0", "0.0", "false", "False", "FALSE"}
)

// readLabels is readTable for a label column, or for several: "cat,dog", unless a column has that very name. The fields
// of its rows are those of wanted, with one label.
func readLabels(data []byte, wanted []string) ([]row, error) {
	rows, err := readTable(data, wanted)
	classes := strings.Split(wanted[1], ",")
	if err == nil || len(classes) == 1 {
		for i := range rows {
			rows[i].unlist()
		}
		return rows, err
	}
	for i, c := range classes {
		classes[i] = strings.TrimSpace(c)
	}
	rows, err = readTable(data, slices.Concat(wanted[:1], classes, wanted[2:]))
	if err != nil {
		return nil, err
	}
	for i, r := range rows {
		if rows[i], err = r.joined(classes); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// joined replaces the fields of the classes by the name of the one that is set. Without one, the label is empty; with
// several, unfit says so.
func (r row) joined(classes []string) (row, error) {
	var labels []string
	for i, c := range classes {
		switch v := r.fields[1+i]; {
		case slices.Contains(set, v):
			labels = append(labels, c)
		case !slices.Contains(unset, v):
			return r, fmt.Errorf("line %d: column %q has %q; of several label columns each line needs 1 in one and 0 in the others", r.line, c, v)
		}
	}
	out := row{line: r.line, fields: slices.Concat(r.fields[:1], []string{strings.Join(labels, ", ")}, r.fields[1+len(classes):])}
	if len(labels) > 1 {
		out.several(labels)
	}
	return out, nil
}

// labelList is a list of quoted names, as Python and JSON write it (['cat'], ["cat", "dog"], {'cat'}), or an object
// with one field that is a name or such a list, as Label Studio writes it ({"choices": ["cat"]}). The groups are the
// names.
var labelList = regexp.MustCompile(`^(?:` + quotedNames +
	`|\{\s*` + quotedName + `\s*:\s*(?:` + quotedNames + `|(` + quotedName + `))\s*\})$`)

const (
	quotedName  = `(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")`
	quotedNames = `[\[({]\s*((?:` + quotedName + `(?:\s*,\s*` + quotedName + `)*)?)\s*,?\s*[\])}]`
)

// pythonValue is a text or number as Python's repr writes it, when it is no plain str or int: b'cat', np.str_('cat'),
// tensor(3), PosixPath('a/b.png'); or a text as Excel keeps it from being read as a number (="0012"). The groups are
// the texts and the number.
var pythonValue = regexp.MustCompile(`^(?:[b=](` + quotedName + `)|(?:(?:np|numpy)\.\w+|tensor|(?:Pure)?(?:Posix|Windows)?Path)\((?:(` + quotedName + `)|(-?[0-9.]+))\))$`)

// plainValue returns the value that such a text holds, and any other as it is.
func plainValue(text string) string {
	m := pythonValue.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	if quoted := m[1] + m[2]; quoted != "" {
		return unquoted(quoted)
	}
	return m[3]
}

// unquoted returns what stands between quotes.
func unquoted(quoted string) string {
	if name := ""; json.Unmarshal([]byte(quoted), &name) == nil { // "caf\u00e9"
		return name
	}
	return quoted[1 : len(quoted)-1]
}

// unlist replaces a list of names in the place of the label by the name in it, "" if it is empty; with several, unfit
// says so.
func (r *row) unlist() {
	labels, isList := listedNames(r.fields[1])
	if !isList {
		r.fields[1] = plainValue(r.fields[1])
		return
	}
	r.fields[1] = ""
	if len(labels) > 0 {
		r.fields[1] = labels[0]
	}
	if len(labels) > 1 {
		r.several(labels)
	}
}

// listedNames returns the names of a list (see labelList).
func listedNames(text string) (names []string, isList bool) {
	m := labelList.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	names = labelName.FindAllString(strings.Join(m[1:], ""), -1)
	for i, quoted := range names {
		names[i] = unquoted(quoted)
	}
	return names, true
}

// unlistImage replaces a list of one name in the place of the image by that name: Python writes a tuple as
// ('img/0.png',), and Hugging Face's datasets an image as {"path": "img/0.png", "bytes": null}.
func (r *row) unlistImage() {
	if strings.HasPrefix(r.fields[0], "{") {
		var image struct{ Path string }
		if json.Unmarshal([]byte(r.fields[0]), &image) == nil && image.Path != "" {
			r.fields[0] = image.Path
			return
		}
	}
	if names, _ := listedNames(r.fields[0]); len(names) == 1 {
		r.fields[0] = names[0]
	}
	r.fields[0] = plainValue(r.fields[0])
}

var labelName = regexp.MustCompile(quotedName)

// several sets the reason why a line with several labels gives none.
func (r *row) several(labels []string) {
	r.unfit = fmt.Sprintf("it has several labels, %s, and an image has one here", list(labels))
}

// oneOfSeveral returns a note if the label column is one of several of zeros and ones, of which each line has one set:
// read alone it means that class or another one. It reads the table twice at most, and keeps none of it.
func oneOfSeveral(data []byte, wanted []string, rows []row) string {
	if slices.ContainsFunc(rows, func(r row) bool { return !zeroOne(r.fields[1]) }) {
		return ""
	}
	t, err := openTable(data, wanted)
	if err != nil || t.headless {
		return ""
	}
	classes := t.zeroOnes()
	if len(classes) < 2 || len(classes) > maxOneHot || !t.oneSet(classes) {
		return ""
	}
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = strings.TrimSpace(t.head[c])
	}
	return fmt.Sprintf("column %q is read alone, as classes 0 and 1; columns %s have one 1 per line: if these are the classes, give them together, as %q", wanted[1], list(names), strings.Join(names, ","))
}

// zeroOne reports whether v is a value of a column of zeros and ones.
func zeroOne(v string) bool { return slices.Contains(set, v) || slices.Contains(unset, v) }

// field returns the field at i, "" for a record that is too short.
func field(record []string, i int) string {
	if i >= len(record) {
		return ""
	}
	return strings.TrimSpace(record[i])
}

// zeroOnes returns the indices of the columns that have a name of their own and hold zeros and ones, except those of
// the image and the split.
func (t *table) zeroOnes() []int {
	count := map[string]int{}
	for i := range t.head {
		count[field(t.head, i)]++
	}
	var left []int
	for i := range t.head {
		if name := field(t.head, i); name != "" && count[name] == 1 && i != t.at[0] && (len(t.at) < 3 || i != t.at[2]) {
			left = append(left, i)
		}
	}
	err := t.each(func(_ int, record []string) bool {
		left = slices.DeleteFunc(left, func(i int) bool { return !zeroOne(field(record, i)) })
		return len(left) > 0
	})
	if err != nil {
		return nil
	}
	return left
}

// oneSet reports whether each line has one of the columns set, except for lines with neither an image nor
// values in them.
func (t *table) oneSet(columns []int) bool {
	all := true
	err := t.each(func(_ int, record []string) bool {
		n, empty := 0, field(record, t.at[0]) == ""
		for _, i := range columns {
			v := field(record, i)
			empty = empty && v == ""
			if slices.Contains(set, v) {
				n++
			}
		}
		all = n == 1 || empty
		return all
	})
	return err == nil && all
}

// maxOneHot bounds the columns that oneOfSeveral names as classes.
const maxOneHot = 100
