// Package sentence writes parts of sentences.
package sentence

import (
	"fmt"
	"strconv"
	"strings"
)

// List joins names with commas. Of more than most names it has the first ones, and the number of the others: "a, b and
// 3 more".
func List(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// Quoted is List with each name in quotes.
func Quoted(names []string, most int) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return List(quoted, most)
}
