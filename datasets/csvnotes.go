package datasets

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// csvNotes returns warnings about a list whose rows were read: what it has beside them may change their meaning.
func csvNotes(data []byte, wanted []string, rows []row) (notes []string) {
	for _, note := range []string{oneOfSeveral(data, wanted, rows), overfull(data, wanted), unusedSplit(data, wanted)} {
		if note != "" {
			notes = append(notes, note)
		}
	}
	return notes
}

// overfull returns a note if lines have more fields than the first line names: "dog, brown" without quotes is two.
func overfull(data []byte, wanted []string) string {
	t, err := openTable(data, wanted)
	if err != nil || t.headless {
		return ""
	}
	n, line, label := 0, 0, ""
	err = t.each(func(at int, record []string) bool {
		if more := record[min(len(t.head), len(record)):]; strings.TrimSpace(strings.Join(more, "")) != "" {
			if n++; n == 1 {
				line, label = at, strings.Clone(field(record, t.at[1]))
			}
		}
		return true
	})
	if err != nil || n == 0 {
		return ""
	}
	return fmt.Sprintf("%d lines have more fields than the first line names, such as line %d, whose label is read as %q: put a field that holds the separator (%q) in quotes",
		n, line, short(label), t.separator)
}

// unusedSplit returns a note if a column that is not read says of each image whether it is for training: another split
// is drawn in its place.
func unusedSplit(data []byte, wanted []string) string {
	if len(wanted) > 2 { // Options.SplitColumn
		return ""
	}
	names, each := columnsOf(data, wanted)
	found := map[int]map[string]bool{} // the words in the columns that may be such
	for i, name := range names {
		if name != "" && !slices.Contains(wanted, name) {
			found[i] = map[string]bool{}
		}
	}
	if len(found) == 0 {
		return ""
	}
	each(func(value func(column int) string) bool {
		for i, words := range found {
			v := value(i)
			if len(words) >= maxSplitWords && !words[v] || v != "" && splitOf(v) == "" && !((isYes(v) || isNo(v)) && isMark(names[i])) {
				delete(found, i)
				continue
			}
			words[strings.Clone(v)] = true
		}
		return len(found) > 0
	})
	for _, i := range slices.Sorted(maps.Keys(found)) {
		splits := map[string]bool{}
		for v := range found[i] {
			if split := splitOf(v); split != "" {
				splits[split] = true
			}
		}
		delete(found[i], "")
		if mark := len(splits) == 0 && len(found[i]) == 2; mark || len(splits) > 1 && splits[trainSplit] {
			return fmt.Sprintf("column %q has %s and is not read: if it says what each image is for, give it as Options{SplitColumn: %q}",
				names[i], list(slices.Sorted(maps.Keys(found[i]))), names[i])
		}
	}
	return ""
}

// maxSplitWords bounds the different words for splits in one column.
const maxSplitWords = 8

// isMark reports whether a column is named as fastai's is_valid: it has true and false.
func isMark(name string) bool { return markOf(name, nil) != "" }

// columnsOf returns the names of a list's columns or fields, nil if it has none, and a function that calls f for each
// line or object until f returns false. What value returns is valid during the call.
func columnsOf(data []byte, wanted []string) (names []string, each func(f func(value func(column int) string) bool)) {
	if text, err := plainText(data); err == nil && isJSON(text) {
		l, err := readJSON(text)
		if err != nil {
			return nil, nil
		}
		return l.names, func(f func(value func(column int) string) bool) {
			for _, o := range l.objects {
				if !f(func(column int) string { return o.fields[l.names[column]] }) {
					return
				}
			}
		}
	}
	t, err := openTable(data, wanted)
	if err != nil || t.headless {
		return nil, nil
	}
	for i := range t.head {
		names = append(names, field(t.head, i))
	}
	return names, func(f func(value func(column int) string) bool) {
		_ = t.each(func(_ int, record []string) bool { // it was read before
			return f(func(column int) string { return field(record, column) })
		})
	}
}
