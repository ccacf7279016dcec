// Package nearest finds the name that somebody probably meant, for error messages.
package nearest

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Name returns the candidate closest to name, case aside: one that begins with it, or the one of the smallest edit
// distance. It returns "" if none is near: at more than half the name's length and two changes.
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
