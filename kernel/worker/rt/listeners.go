//go:build linux

package rt

import (
	"maps"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// listeners returns the sockets of the process that wait for connections: their descriptors by inode.
func listeners() map[uint64]int {
	all := map[uint64]int{}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		fd, _ := strconv.Atoi(e.Name())
		if listens, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN); err != nil || listens == 0 {
			continue
		}
		if n := inode(fd); n != 0 {
			all[n] = fd
		}
	}
	return all
}

// inode returns the inode of a descriptor; 0 if it is closed.
func inode(fd int) uint64 {
	var s syscall.Stat_t
	if syscall.Fstat(fd, &s) != nil {
		return 0
	}
	return s.Ino
}

// accepts reports whether the goroutine waits for connections.
func (g goroutine) accepts() bool { return strings.Contains(g.stack, "internal/poll.(*FD).Accept(") }

// noteListeners records the sockets that wait for connections when the run begins, and the goroutines that do so.
func (c *current) noteListeners() {
	c.listeners, c.accepting = listeners(), map[string]bool{}
	if len(c.listeners) == 0 {
		return
	}
	for _, g := range goroutines() {
		if g.accepts() {
			c.accepting[g.name] = true
		}
	}
}

// deaf are the goroutines that wait at sockets which closeListeners has closed.
var deaf = map[string]bool{}

// closeListeners closes the sockets that the run opened to wait for connections, if one of its goroutines does so: the
// cell, run again, needs their addresses. The goroutine is left behind, and goes on waiting. If a goroutine of another
// cell has begun to wait since, a socket may be its own, and none is closed.
func (c *current) closeListeners(all []goroutine) {
	serving := map[string]bool{}
	for _, g := range all {
		switch {
		case !g.accepts() || c.accepting[g.name] || deaf[g.name]:
		case labelled(g.head, c.n):
			serving[g.name] = true
		default:
			return
		}
	}
	if len(serving) == 0 {
		return
	}
	null, err := syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer syscall.Close(null)
	maps.Copy(deaf, serving)
	for n, fd := range listeners() {
		if _, earlier := c.listeners[n]; !earlier && inode(fd) == n {
			removeSocket(fd)
			syscall.Dup3(null, fd, syscall.O_CLOEXEC) // the descriptor stays taken: package net owns it
		}
	}
}

// removeSocket removes the file that is the address of a Unix socket.
func removeSocket(fd int) {
	at, err := syscall.Getsockname(fd)
	unix, ok := at.(*syscall.SockaddrUnix)
	if err != nil || !ok {
		return
	}
	if info, err := os.Lstat(unix.Name); err == nil && info.Mode().Type() == os.ModeSocket {
		os.Remove(unix.Name)
	}
}
