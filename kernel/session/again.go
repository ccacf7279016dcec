//go:build linux

package session

import (
	"crypto/sha256"
	"fmt"
	"strconv"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

// A cell that is run again unchanged declares nothing new: its functions and types are kept, its variables keep their
// memory. Only its statements are left, and they would compile to code that the worker has already loaded. The session
// therefore calls that code again and compiles nothing. This makes a training cell start at once.
//
// The text decides whether code is the same. Names in generated text refer to packages of single runs (nb/r7), which
// never change, so equal texts mean the same variables, functions and types. The first run still declares, so its text
// differs; for it, again writes the text that the next run will have.

// loaded is code that the worker can run again.
type loaded struct {
	run   int // of the plugin
	count int // the cell's number in the code's positions
}

// again returns the cell's generated text as its next run would have it if nothing else changed. It returns the empty
// string if the next run can't use this run's code.
func (pl *planner) again(c *checked) string {
	if len(c.carry)+len(c.migrate)+len(c.mains) > 0 || c.cgo != nil {
		return ""
	}
	g := pl.generator(c)
	g.again = true
	text := g.cell()
	if g.err != nil || len(g.builtins) > 0 {
		return ""
	}
	return text
}

// againKey returns the key under which loaded code is found. It includes the modules: after go get, the same text may
// mean other packages.
func againKey(text string, b *build.Builder) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d\n%s%s", len(text), text, b.Modules())
	return string(h.Sum(nil))
}

// renumber returns how the worker puts the cell's present count into the places of the cell's body.
func (l loaded) renumber(count int) *rt.Renumber {
	return &rt.Renumber{Body: own + "Run", From: cellPosition + strconv.Itoa(l.count), To: cellPosition + strconv.Itoa(count)}
}
