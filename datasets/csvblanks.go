package datasets

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Lists without a first line whose columns only blanks separate: "0000001 British Aerospace" (FGVC-Aircraft),
// "Abyssinian_1 1 1 1" (Oxford-IIIT Pet), "000001.jpg -1  1" (CelebA).

// blankReadings are the ways to read such a list, beside that of blankRows: the second of two columns begins after the
// first blank, but not after an image if a number follows in each line, as that is a column ("a.jpg 0 train"); or
// blanks end all columns, if each line has as many. The columns are wanted by their numbers.
func blankReadings(data []byte, wanted []string) (readings [][]row) {
	t, _ := openTable(data, wanted)
	if t == nil {
		return nil
	}
	at := make([]int, len(wanted))
	for i, w := range wanted {
		n, err := strconv.Atoi(w)
		if err != nil || n < 1 {
			return nil
		}
		at[i] = n - 1
	}
	lines := blankLines(t.text)
	if len(lines) == 0 {
		return nil
	}
	if evenColumns(lines, at) {
		readings = append(readings, blankColumns(lines, at, strings.Fields))
	}
	if len(wanted) == 2 && slices.Max(at) == 1 && (at[0] == 1 || !numbersSecond(lines)) {
		readings = append(readings, blankColumns(lines, at, func(line string) []string {
			first, rest, _ := strings.Cut(line, " ")
			return []string{first, strings.TrimSpace(rest)}
		}))
	}
	return readings
}

// blankLine is a line of such a list and its number, from 1.
type blankLine struct {
	n    int
	text string
}

// blankLines returns the lines of a list but empty ones, comments (#) and the number of lines that CelebA's begin with.
func blankLines(text []byte) (lines []blankLine) {
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(strings.ReplaceAll(line, "\t", " "))
		if _, err := strconv.Atoi(line); line == "" || line[0] == '#' || i == 0 && err == nil {
			continue
		}
		lines = append(lines, blankLine{i + 1, line})
	}
	return lines
}

// evenColumns reports whether blanks divide the lines into columns: as many in each line, but for the names of columns
// in the first. With more columns than are wanted all but the images' must be numbers: else they may be words of one
// name.
func evenColumns(lines []blankLine, at []int) bool {
	columns := len(strings.Fields(lines[len(lines)-1].text))
	if columns <= slices.Max(at) {
		return false
	}
	for i, line := range lines {
		fields := strings.Fields(line.text)
		if i == 0 && len(fields) == columns-1 {
			continue
		}
		if len(fields) != columns {
			return false
		}
		for c, f := range fields {
			if _, err := strconv.ParseFloat(f, 64); err != nil && c != at[0] && columns > len(at) {
				return false
			}
		}
	}
	return true
}

// numbersSecond reports whether the second word of each line but the first, which may name columns, is a number.
func numbersSecond(lines []blankLine) bool {
	return !slices.ContainsFunc(lines[min(1, len(lines)-1):], func(line blankLine) bool {
		_, err := strconv.ParseFloat(field(strings.Fields(line.text), 1), 64)
		return err != nil
	})
}

// blankColumns returns the columns at the given indices of lines that cut divides.
func blankColumns(lines []blankLine, at []int, cut func(string) []string) (rows []row) {
	for _, line := range lines {
		fields := cut(line.text)
		r := row{line: line.n}
		for _, c := range at {
			r.fields = append(r.fields, field(fields, c))
		}
		rows = append(rows, r)
	}
	return rows
}

// mostFound returns those of the rows, or of other readings of the list, whose images are files of the tree most often.
func mostFound(t *tree, list string, rows []row, readings [][]row) []row {
	files := indexFiles(t, filepath.Dir(list))
	found := func(rows []row) (n int) {
		for _, r := range rows[:min(len(rows), rated)] {
			if _, reason := files.find(r.fields[0]); reason == "" {
				n++
			}
		}
		return n
	}
	most := found(rows)
	for _, other := range readings {
		if n := found(other); n > most {
			rows, most = other, n
		}
	}
	return rows
}
