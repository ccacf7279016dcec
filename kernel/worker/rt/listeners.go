//go:build linux

package rt

import (
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
		var s syscall.Stat_t
		if syscall.Fstat(fd, &s) == nil {
			all[s.Ino] = fd
		}
	}
	return all
}

// closeListeners closes the sockets that the run opened to wait for connections, if one of its goroutines does so: the
// cell, run again, needs their addresses. The goroutine is left behind, and goes on waiting.
func (c *current) closeListeners(all []goroutine) {
	serves := false
	for _, g := range all {
		serves = serves || labelled(g.head, c.n) && strings.Contains(g.stack, "internal/poll.(*FD).Accept(")
	}
	if !serves {
		return
	}
	null, err := syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer syscall.Close(null)
	for inode, fd := range listeners() {
		if _, earlier := c.listeners[inode]; !earlier {
			syscall.Dup3(null, fd, syscall.O_CLOEXEC) // the descriptor stays taken: package net owns it
		}
	}
}
