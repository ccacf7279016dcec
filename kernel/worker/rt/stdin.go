//go:build linux

package rt

import (
	"bytes"
	"os"
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
	proc    procFiles
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

// reopen is open between two runs.
func (s *stdin) reopen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open()
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
	if s.asked != 0 || unread() > 0 || !s.proc.isRead() {
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
// can. Linux shows that in /proc, and a process may read its own entries and those of its children.
func (p *procFiles) isRead() bool {
	n := p.target(p.pipe[:], "self", "/fd/", "0")
	if n == 0 {
		return false
	}
	pipe := p.pipe[:n]
	if p.threadReads("self", pipe) || p.parkedReads(pipe) {
		return true
	}
	for _, pid := range descendants() {
		process := strconv.Itoa(pid)
		if p.threadReads(process, pipe) || p.isTarget(pipe, process, "/fd/", "0") && threadPolls(process) {
			return true
		}
	}
	return false
}

// threadReads reports whether a thread of the process is in a system call that reads the pipe, by descriptor 0 or by
// another one (cat /dev/stdin).
func (p *procFiles) threadReads(process string, pipe []byte) bool {
	return p.contains(process, "/task", func(thread []byte) bool {
		number, rest, _ := bytes.Cut(p.read(process, "/task/", thread, "/syscall"), []byte(" "))
		if call := digits(number, 10); call != syscall.SYS_READ && call != syscall.SYS_READV && call != syscall.SYS_SPLICE {
			return false // it runs, or waits for something else
		}
		fd, _, _ := bytes.Cut(rest, []byte(" "))
		var decimal [20]byte
		n := digits(bytes.TrimPrefix(fd, []byte("0x")), 16)
		return n >= 0 && p.isTarget(pipe, process, "/fd/", string(strconv.AppendInt(decimal[:0], n, 10)))
	})
}

// parkedReads reports whether a goroutine of this process waits to read the pipe by another descriptor than 0, as
// os.ReadFile("/dev/stdin") does: no system call shows that.
func (p *procFiles) parkedReads(pipe []byte) bool {
	reads := p.contains("self", "/fd", func(fd []byte) bool {
		if string(fd) == "0" || !p.isTarget(pipe, "self", "/fd/", string(fd)) {
			return false
		}
		_, flags, _ := bytes.Cut(p.read("self", "/fdinfo/", fd, ""), []byte("flags:"))
		flags, _, _ = bytes.Cut(bytes.TrimSpace(flags), []byte("\n"))
		mode := digits(flags, 8)
		return mode >= 0 && mode&syscall.O_ACCMODE == syscall.O_RDONLY // else it is the end to which the worker writes
	})
	return reads && slices.ContainsFunc(goroutines(), func(g goroutine) bool {
		return g.state == "IO wait" && strings.Contains(g.stack, "\nos.(*File).Read(")
	})
}
