// Package nearest finds the name that somebody probably meant, for error messages.
package nearest

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

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
