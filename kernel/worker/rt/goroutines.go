//go:build linux

package rt

import (
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// goroutine is one goroutine of a stack dump.
type goroutine struct {
	name  string // "goroutine 7"
	head  string // its first line, with state and labels
	state string // "chan send", "running"
	stack string // its lines, innermost call first
}

// goroutines returns all goroutines of the process.
func goroutines() []goroutine {
	const most = 64 << 20
	buf := make([]byte, 1<<20)
	n := runtime.Stack(buf, true)
	for n == len(buf) && n < most {
		buf = make([]byte, 2*len(buf))
		n = runtime.Stack(buf, true)
	}
	var all []goroutine
	for text := range strings.SplitSeq(string(buf[:n]), "\n\n") {
		head, stack, _ := strings.Cut(text, "\n")
		name, rest, found := strings.Cut(head, " [")
		if !found || !strings.HasPrefix(name, "goroutine ") {
			continue
		}
		state, _, _ := strings.Cut(rest, "]")
		state, _, _ = strings.Cut(state, ",")       // "chan send, 2 minutes"
		state, _, _ = strings.Cut(state, " (scan)") // "runnable (scan)": the collector reads its stack
		all = append(all, goroutine{name, head, state, stack})
	}
	return all
}

// runs reports whether the goroutine uses a processor, or is about to.
func (g goroutine) runs() bool {
	switch g.state {
	case "running", "runnable", "preempted", "copystack":
		return true
	case "syscall":
		return g.inC()
	}
	// These end by themselves: the goroutine waits for the collector.
	return strings.HasPrefix(g.state, "GC ") || strings.HasPrefix(g.state, "garbage collection") ||
		g.state == "wait for GC cycle" || g.state == "stopping the world" || g.state == "flushing proc caches"
}

// inC reports whether the goroutine is in C code, which nothing can stop.
func (g goroutine) inC() bool { return strings.HasPrefix(g.stack, "runtime.cgocall") }

// inDeferred reports whether the goroutine ends, and runs a deferred function of a cell. A dump lacks the frame of such
// a function that another one's end called: then its call of C is there, or no frames but those of the runtime.
func (g goroutine) inDeferred() bool {
	deferred, _, ends := strings.Cut(g.stack, "runtime.Goexit(")
	others := false
	for line := range strings.Lines(deferred) {
		if strings.HasPrefix(line, "\tcell ") || strings.HasPrefix(line, "nb/rt.C(") || strings.HasPrefix(line, "nb/rt.stopped(") {
			return ends
		}
		others = others || line[0] != '\t' && !strings.HasPrefix(line, "runtime.")
	}
	return ends && !others
}

// waitsForOthers reports whether only another goroutine can make this one continue.
func (g goroutine) waitsForOthers() bool {
	waits := []string{"chan ", "select", "sync.", "semacquire", "coroutine"}
	return slices.ContainsFunc(waits, func(kind string) bool { return strings.HasPrefix(g.state, kind) })
}

// place returns the goroutine's stack without the arguments of calls, which change when the stack moves.
func (g goroutine) place() string {
	var b strings.Builder
	for line := range strings.Lines(g.stack) {
		if at := strings.LastIndexByte(line, '('); at > 0 && line[0] != '\t' {
			line = line[:at]
		}
		b.WriteString(line)
	}
	return b.String()
}

// frames returns the calls of the stack, innermost first, down to the cell's body.
func (g goroutine) frames() (all []Frame) {
	lines := strings.Split(g.stack, "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		name := lines[i]
		if at := strings.LastIndexByte(name, '('); at > 0 {
			name = name[:at]
		}
		if name == bodyCaller {
			break
		}
		file, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), " +0x")
		at := strings.LastIndexByte(file, ':')
		line, err := strconv.Atoi(file[at+1:])
		if at < 0 || err != nil {
			break // "created by" and the like
		}
		all = append(all, Frame{name, file[:at], line})
	}
	return all
}
