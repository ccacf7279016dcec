//go:build linux

package rt

import (
	"fmt"
	"os"
	"path/filepath"
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
	mu     sync.Mutex
	writer *os.File
	asked  int  // the run for which input was requested; 0 if no request is open
	used   bool // the run has read
	ended  bool // the run was given end of file
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
	s.asked, s.used = n, true
	send(Event{Op: "input", N: n})
}

// take handles the kernel's reply: a line with its line end, or end of file.
func (s *stdin) take(r Request) {
	s.mu.Lock()
	w := s.writer
	c := running.Load()
	if c == nil || r.N != 0 && r.N != s.asked {
		s.mu.Unlock()
		return // the run that requested the input is over
	}
	s.used = true
	if r.EOF {
		s.open()
		s.asked, s.ended = 0, true
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	w.WriteString(r.Value) // waits while the pipe is full
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = 0
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
	s.asked, s.used, s.ended = 0, false, false
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
	if threadReads("self") {
		return true
	}
	own, _ := os.Readlink("/proc/self/fd/0")
	for _, pid := range descendants() {
		process := strconv.Itoa(pid)
		if target, err := os.Readlink("/proc/" + process + "/fd/0"); err == nil && target == own && (threadReads(process) || threadPolls(process)) {
			return true
		}
	}
	return false
}

// threadReads reports whether a thread of the process is in read(0, ...) or readv(0, ...).
func threadReads(process string) bool {
	read, readv := fmt.Sprintf("%d 0x0 ", syscall.SYS_READ), fmt.Sprintf("%d 0x0 ", syscall.SYS_READV)
	files, _ := filepath.Glob("/proc/" + process + "/task/*/syscall")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && (strings.HasPrefix(string(text), read) || strings.HasPrefix(string(text), readv)) {
			return true
		}
	}
	return false
}
