//go:build linux

package rt

import (
	"strconv"
	"strings"
	"sync"
)

// Renumber changes the cell's number in the places of a body whose code is that of an earlier run.
type Renumber struct {
	// Body is the name of the body's function, without its package.
	Body string
	// From is the file in the code's positions, and To is the one to show.
	From, To string
}

// renumbered holds the *Renumber of each run of an earlier run's code, by run: its goroutines may outlive it.
var renumbered sync.Map

// frame returns a frame as it is to be shown. r may be nil.
func (r *Renumber) frame(f Frame) Frame {
	if r == nil || f.File != r.From {
		return f
	}
	_, name, _ := strings.Cut(f.Func, ".")
	if rest, ok := strings.CutPrefix(name, r.Body); ok && (rest == "" || rest[0] == '.') {
		f.File = r.To
	}
	return f
}

// frames changes all frames of a failure. r and f may be nil.
func (r *Renumber) frames(f *Failure) {
	if f == nil {
		return
	}
	for i := range f.Frames {
		f.Frames[i] = r.frame(f.Frames[i])
	}
}

// ownRenumber returns the Renumber of the run to which the calling goroutine belongs; nil if it needs none.
func ownRenumber() *Renumber {
	_, n, _ := strings.Cut(strings.NewReplacer(`"`, "", " ", "").Replace(head()), "run:")
	n, _, _ = strings.Cut(n, "}")
	run, err := strconv.Atoi(n)
	if err != nil {
		return nil
	}
	r, _ := renumbered.Load(run)
	own, _ := r.(*Renumber)
	return own
}
