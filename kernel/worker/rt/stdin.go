//go:build linux

package rt

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// Descriptor 0 is a pipe that this process itself writes to. When the pipe is empty and a thread of this process, or of
// a child that inherited it, is in a system call that reads it, the worker requests input from the kernel. So every way
// of reading is seen, and each further read too, since only a reply fills the pipe. At end of file a new pipe takes the
// place of the old one: threads that wait at the old pipe read its end, once.
var input stdin

type stdin struct {
	mu      sync.Mutex
	writer  *os.File
	asked   int  // the run for which input was requested; 0 if no request is open
	taken   int  // replies so far, also those that were dropped
	used    bool // the run has read
	writing bool // a line is on its way into the pipe
	ending  bool // end of file follows what is in the pipe
	ended   bool // the run was given end of file
}

// inputEvery is the interval at which a running cell is checked.
const inputEvery = 20 * time.Millisecond

// open replaces descriptor 0 with a new pipe.
func (s *stdin) open() {
	var ends [2]int
	if syscall.Pipe2(ends[:], syscall.O_CLOEXEC) != nil {
		return // out of descriptors: readers stay at the old pipe
	}
	old := s.writer
	syscall.Dup3(ends[0], 0, 0)
	syscall.Close(ends[0])
	syscall.SetNonblock(ends[1], true)
	s.writer = os.NewFile(uintptr(ends[1]), "input")
	old.Close()
}

// watchInput requests input from the kernel whenever the running cell waits for it.
func watchInput() {
	for {
		time.Sleep(inputEvery)
		if c := running.Load(); c != nil && !c.isStopping() {
			input.look(c.n)
		}
	}
}

// look requests input if run n waits for it and no request is open.
func (s *stdin) look(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Check that the pipe is empty first: a thread that is seen reading after that finds nothing.
	if s.asked != 0 || unread() > 0 || !isRead() {
		return
	}
	if s.used = true; s.ending {
		s.giveEnd()
		return
	}
	s.asked = n
	send(Event{Op: "input", N: n, Taken: s.taken})
}

// take handles the kernel's reply: a line with its line end, or end of file.
func (s *stdin) take(r Request) {
	s.mu.Lock()
	s.taken++
	w := s.writer
	c := running.Load()
	if c == nil || r.N != 0 && r.N != s.asked {
		if c != nil && s.asked != 0 { // the kernel may have taken this reply for the one to that request
			send(Event{Op: "input", N: s.asked, Taken: s.taken})
		}
		s.mu.Unlock()
		return // the run that requested the input is over
	}
	s.used = true
	if r.EOF {
		s.ending = s.writing || unread() > 0 // a line that nobody has read comes first
		switch {
		case !s.ending:
			s.giveEnd()
		case !s.writing:
			s.asked = 0
		}
		s.mu.Unlock()
		return
	}
	s.asked, s.writing = c.n, true // nothing is requested before the line is in the pipe
	s.mu.Unlock()
	w.WriteString(r.Value) // waits while the pipe is full
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writer == w { // else the run is over, or is being stopped
		s.asked, s.writing = 0, false
	}
}

// giveEnd sends end of file to the threads that wait for input. s.mu is held.
func (s *stdin) giveEnd() {
	s.open()
	s.asked, s.ending, s.ended = 0, false, true
}

// stop sends end of file to the threads that wait for input in run n.
func (s *stdin) stop(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := running.Load(); c != nil && c.n == n && s.used {
		s.open()
	}
}

// end drops the input that the run did not read, and ends the reads that are still waiting.
func (s *stdin) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used {
		s.open()
	}
	s.asked, s.used, s.writing, s.ending, s.ended = 0, false, false, false, false
}

// hasEnded reports whether the run was given end of file.
func (s *stdin) hasEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// unread returns how many bytes are in the pipe.
func unread() int {
	const fionread = 0x541b
	var n int32
	syscall.Syscall(syscall.SYS_IOCTL, 0, fionread, uintptr(unsafe.Pointer(&n)))
	return int(n)
}

// isRead reports whether a thread of this process or of its children is reading descriptor 0, or a child waits until it
// can. Linux shows that in
// /proc, and a process may read its own entries and those of its children.
func isRead() bool {
	pipe, err := os.Readlink("/proc/self/fd/0")
	if err != nil {
		return false
	}
	if threadReads("self", pipe) || parkedReads(pipe) {
		return true
	}
	for _, pid := range descendants() {
		process := strconv.Itoa(pid)
		if threadReads(process, pipe) {
			return true
		}
		if target, err := os.Readlink("/proc/" + process + "/fd/0"); err == nil && target == pipe && threadPolls(process) {
			return true
		}
	}
	return false
}

// threadReads reports whether a thread of the process is in a system call that reads the pipe, by descriptor 0 or by
// another one (cat /dev/stdin).
func threadReads(process, pipe string) bool {
	files, _ := filepath.Glob("/proc/" + process + "/task/*/syscall")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		var number, fd int
		if n, _ := fmt.Sscanf(string(text), "%d 0x%x ", &number, &fd); n < 2 || number != syscall.SYS_READ && number != syscall.SYS_READV && number != syscall.SYS_SPLICE {
			continue
		}
		if target, err := os.Readlink(fmt.Sprintf("/proc/%s/fd/%d", process, fd)); err == nil && target == pipe {
			return true
		}
	}
	return false
}

// parkedReads reports whether a goroutine of this process waits to read the pipe by another descriptor than 0, as
// os.ReadFile("/dev/stdin") does: no system call shows that.
func parkedReads(pipe string) bool {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return false
	}
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err != nil || target != pipe || e.Name() == "0" {
			continue
		}
		text, err := os.ReadFile("/proc/self/fdinfo/" + e.Name())
		_, flags, _ := strings.Cut(string(text), "flags:")
		flags, _, _ = strings.Cut(strings.TrimSpace(flags), "\n")
		if mode, parseErr := strconv.ParseInt(flags, 8, 64); err != nil || parseErr != nil || mode&syscall.O_ACCMODE != syscall.O_RDONLY {
			continue // the end to which the worker writes
		}
		return slices.ContainsFunc(goroutines(), func(g goroutine) bool {
			return g.state == "IO wait" && strings.Contains(g.stack, "\nos.(*File).Read(")
		})
	}
	return false
}
