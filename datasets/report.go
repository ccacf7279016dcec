package datasets

import (
	"fmt"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
)

// LeftOut is a file or folder that was left out of the data set, with the reason.
type LeftOut struct {
	Path   string // from the root of the data, with slashes
	Reason string
}

// Report lists the files and folders that were left out of a data set.
type Report []LeftOut

// Report lists every file that was found and left out, with its reason: broken ones, other formats, files beside the
// class folders, hidden ones. Warnings summarise the ones that may matter.
func (d *Dataset) Report() Report { return d.left }

// String is one line per file, such as: train/cats/17.jpg: broken: unexpected EOF.
func (r Report) String() string {
	var b strings.Builder
	for _, l := range r {
		fmt.Fprintf(&b, "%s: %s\n", l.Path, l.Reason)
	}
	return b.String()
}

// warning returns a sentence that counts the files that were left out for other reasons than being hidden or not
// listed, and names the first.
func (r Report) warning() string {
	var names []string
	for _, l := range r {
		if l.Reason != hiddenReason && l.Reason != unlistedReason && l.Reason != unlabelledReason {
			names = append(names, fmt.Sprintf("%s (%s)", short(l.Path), l.Reason))
		}
	}
	switch n := len(names); {
	case n == 0:
		return ""
	case n == 1:
		return "1 file was left out: " + names[0]
	case n <= 5:
		return fmt.Sprintf("%d files were left out: %s", n, strings.Join(names, ", "))
	default:
		return fmt.Sprintf("%d files were left out: %s (Report lists all)", n, sentence.List(names, 5))
	}
}
