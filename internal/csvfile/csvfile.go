// Package csvfile writes tables of names and figures as CSV files.
package csvfile

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
)

// Write writes rows to the file at path, whole or not at all; "~/" in the path is expanded. Bytes that are not UTF-8,
// as names of files may have them, are written as \xe9: one of them keeps pandas from reading the whole table.
func Write(path string, rows [][]string) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	for _, row := range rows {
		for i, field := range row {
			row[i] = inUTF8(field)
		}
		w.Write(row)
	}
	w.Flush() // into memory
	path, err := envpath.Expand(path)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, b.Bytes())
}

// inUTF8 returns a text with the bytes that are not UTF-8 as escapes, as Python's backslashreplace has them.
func inUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}
