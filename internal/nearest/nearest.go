// Package nearest finds the name that somebody probably meant, for error messages.
package nearest

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Close reports whether two names, case aside, differ by one letter, by two if they are longer than three, or by a
// third of the shorter one's, or b begins with a.
func Close(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	shorter, most := min(len(a), len(b)), 1
	if shorter > 3 {
		most = max(2, shorter/3)
	}
	return levenshtein.ComputeDistance(a, b) <= most || len(a) > 3 && strings.HasPrefix(b, a)
}

// Name returns the candidate closest to name, case aside: one that begins with it (if name is longer than three bytes),
// or the one with the smallest edit distance. It returns "" if that distance is more than two and more than half the
// name's length.
func Name(name string, candidates []string) string {
	name = strings.ToLower(name)
	best, bestAt := "", max(2, len(name)/2)+1
	for _, c := range candidates {
		d := levenshtein.ComputeDistance(name, strings.ToLower(c))
		if len(name) > 3 && strings.HasPrefix(strings.ToLower(c), name) {
			d = 0
		}
		if d < bestAt {
			best, bestAt = c, d
		}
	}
	return best
}
