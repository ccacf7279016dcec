//go:build linux

package session

import (
	"regexp"
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
	{`compressor already registered`, "register it with one archive (its RegisterCompressor or RegisterDecompressor)"},
	{`already registered`, "make what it is registered with in this cell (&http.Transport{})"},
	{`flag redefined`, "make the flag set in this cell (flag.NewFlagSet)"},
	{`is registered twice`, "give it another name"},
	{`registering duplicate`, "give it another name"},
}

// takenAdvice returns the advice for a failure of a line that gave a name which its earlier run had given; "" for
// others. A package has panicked then: a cell's own panic may be about anything, and panic(err) stands in many cells.
func (s *Session) takenAdvice(f *rt.Failure, msg string, src *source) string {
	ofCell := len(f.Frames) == 0 || strings.HasPrefix(f.Frames[0].File, cellPosition)
	if src == nil || ofCell {
		return ""
	}
	i := slices.IndexFunc(taken, func(row struct{ message, remedy string }) bool { return strings.Contains(msg, row.message) })
	if i < 0 {
		return ""
	}
	why := ""
	for _, fr := range f.Frames {
		switch {
		case s.ranBefore(fr, src):
			why = "this line ran before, and the name stays taken"
		case why == "" && s.tookBefore(fr, src, msg):
			why = "an earlier cell took the name, which stays taken"
		}
	}
	if why == "" {
		return ""
	}
	return why + " as long as the worker runs: " + taken[i].remedy + ", or restart the kernel"
}

// registering matches a call with a text as its first argument, up to that text's end.
var registering = regexp.MustCompile(`[\w.]+\((?:"[^"]*"|` + "`[^`]*`" + `)`)

// patternPlace matches the place of the other one in a message about two patterns.
var patternPlace = regexp.MustCompile(`conflicts with pattern .* \(registered at cell (\d+):`)

// tookBefore reports whether a line of the cell gives a name that an earlier cell gave by another line: the cell was
// edited, most likely. A second call of the cell itself is a mistake of its own.
func (s *Session) tookBefore(fr rt.Frame, src *source, msg string) bool {
	if fr.File != cellPosition+strconv.Itoa(src.count) {
		return false
	}
	if m := patternPlace.FindStringSubmatch(msg); m != nil {
		return m[1] != strconv.Itoa(src.count)
	}
	call := registering.FindString(src.line(fr.Line))
	return call != "" && strings.Count(src.text, call) == 1 &&
		slices.ContainsFunc(s.history.inputs(), func(h historyCell) bool { return strings.Contains(h.code, call) })
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
