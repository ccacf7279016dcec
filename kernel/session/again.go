//go:build linux

package session

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

// A cell that is run again unchanged declares nothing new: its functions and
// types are kept, its variables keep their memory. What is left, its statements,
// would be compiled to the code that the worker has loaded before; so it is called
// again and nothing is compiled. This makes a training cell start at once.
//
// Whether code is the same is decided by its text. Names in generated text lead
// to packages of single runs (nb/r7), which never change, so equal texts mean the
// same variables, functions and types. Of the first run, which still declares,
// again writes the text that the next one will have.

// loaded is code that the worker can run again.
type loaded struct {
	run   int // of the plugin
	count int // what its positions call the cell
}

// again is the generated text of a cell as its next run would be, if nothing
// else changed; empty if the next run can't do with this one's code.
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

// againKey is what loaded code is found by. After go get a text may mean other packages.
func againKey(text string, b *build.Builder) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d\n%s%s", len(text), text, b.Modules())
	return string(h.Sum(nil))
}

// renumber has the frames of the cell's body name the cell by its present count.
func (l loaded) renumber(f *rt.Failure, count int) {
	if f == nil {
		return
	}
	body := build.Path(l.run) + "." + own + "Run"
	for i := range f.Frames {
		fr := &f.Frames[i]
		if rest, ok := strings.CutPrefix(fr.Func, body); ok && (rest == "" || rest[0] == '.') && fr.File == cellPosition+strconv.Itoa(l.count) {
			fr.File = cellPosition + strconv.Itoa(count)
		}
	}
}
