package datasets

import (
	"fmt"
	"slices"
	"strings"
)

// Tables with a column of zeros and ones per class ("image,cat,dog"), as Roboflow writes them.

// set and unset are the values of such columns.
var (
	set   = []string{"1", "1.0", "true", "True", "TRUE"}
	unset = []string{"", "0", "0.0", "false", "False", "FALSE"}
)

// readLabels is readTable for a label column, or for several: "cat,dog", unless a column has that very name. The fields of its
// rows are those of wanted, with one label.
func readLabels(data []byte, wanted []string) ([]row, error) {
	rows, err := readTable(data, wanted)
	classes := strings.Split(wanted[1], ",")
	if err == nil || len(classes) == 1 {
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

// joined replaces the fields of the classes by the name of the one that is set. Without one, the label is empty; with several,
// unfit says so.
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
		out.unfit = fmt.Sprintf("it has several labels, %s, and an image has one here", list(labels))
	}
	return out, nil
}

// oneOfSeveral returns a note if the label column is one of several of zeros and ones, of which each line has one set: read
// alone it means that class or another one.
func oneOfSeveral(data []byte, wanted []string, rows []row) string {
	zeroOne := func(v string) bool { return slices.Contains(set, v) || slices.Contains(unset, v) }
	if slices.ContainsFunc(rows, func(r row) bool { return !zeroOne(r.fields[1]) }) {
		return ""
	}
	var classes []string
	for _, name := range columnNames(data, wanted) {
		if name == "" || strings.EqualFold(name, wanted[0]) || len(wanted) > 2 && strings.EqualFold(name, wanted[2]) {
			continue
		}
		column, err := readTable(data, []string{wanted[0], name})
		if err == nil && !slices.ContainsFunc(column, func(r row) bool { return !zeroOne(r.fields[1]) }) {
			classes = append(classes, name)
		}
		if len(classes) > maxOneHot {
			return ""
		}
	}
	if len(classes) < 2 {
		return ""
	}
	together := strings.Join(classes, ",")
	all, err := readLabels(data, []string{wanted[0], together})
	if err != nil || slices.ContainsFunc(all, func(r row) bool { return r.unfit != "" || r.fields[1] == "" }) {
		return ""
	}
	return fmt.Sprintf("column %q is read alone, as classes 0 and 1; columns %s have one 1 per line: if these are the classes, give them together, as %q", wanted[1], list(classes), together)
}

// maxOneHot bounds the columns that oneOfSeveral reads.
const maxOneHot = 100
