//go:build linux

package session

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

// Some packages keep a list of names for the whole process and refuse a name that they have: a cell that registers one
// can't do so again in the same worker.

// taken are the messages about such names, and what code that runs twice can do.
var taken = []struct{ message, remedy string }{
	{`Reuse of exported var name`, "look the variable up first with expvar.Get"},
	{`sql: Register called twice`, "look for the driver in sql.Drivers() first"},
	{`NewProfile name already in use`, "look the profile up first with pprof.Lookup"},
	{`duplicate metrics collector`, "register with a registry that the cell makes (prometheus.NewRegistry), or take the collector that is there from the AlreadyRegisteredError of Register"},
	{`rpc: service already defined`, "register with a server that the cell makes (rpc.NewServer)"},
	{`conflicts with pattern`, "make the mux in this cell (http.NewServeMux)"},
}

// takenAdvice returns the advice for a failure of a line that gave a name which its earlier run had given; "" for
// others. A package has panicked then: a cell's own panic may be about anything, and panic(err) stands in many cells.
func (s *Session) takenAdvice(f *rt.Failure, msg string, src *source) string {
	ofCell := len(f.Frames) == 0 || strings.HasPrefix(f.Frames[0].File, cellPosition)
	if src == nil || ofCell || !slices.ContainsFunc(f.Frames, func(fr rt.Frame) bool { return s.ranBefore(fr, src) }) {
		return ""
	}
	for _, row := range taken {
		if strings.Contains(msg, row.message) {
			return "this line ran before, and the name stays taken as long as the worker runs: " + row.remedy + ", or restart the kernel"
		}
	}
	return ""
}

// ranBefore reports whether a call stands in a line of the cell that an earlier cell had, too.
func (s *Session) ranBefore(fr rt.Frame, src *source) bool {
	if fr.File != cellPosition+strconv.Itoa(src.count) {
		return false
	}
	line := strings.TrimSpace(src.line(fr.Line))
	return line != "" && slices.ContainsFunc(s.history.inputs(), func(h historyCell) bool {
		return slices.ContainsFunc(strings.Split(h.code, "\n"), func(other string) bool { return strings.TrimSpace(other) == line })
	})
}
