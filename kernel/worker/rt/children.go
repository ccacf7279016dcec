//go:build linux

package rt

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// hasChildren reports whether the process has child processes, without reading /proc.
func hasChildren() bool {
	const all, nohang, exited, leave = 0, 1, 4, 0x1000000
	var info [128]byte
	_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, all, 0, uintptr(unsafe.Pointer(&info)), nohang|exited|leave, 0, 0)
	return errno != syscall.ECHILD
}

// descendants returns the ids of the processes below this one.
func descendants() (all []int) {
	if !hasChildren() {
		return nil
	}
	below := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// "pid (name) state parent ...": the name may have spaces and parentheses.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 2 || fields[0] == "Z" {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parent, _ := strconv.Atoi(fields[1])
		below[parent] = append(below[parent], pid)
	}
	all = below[os.Getpid()]
	for i := 0; i < len(all); i++ {
		all = append(all, below[all[i]]...)
	}
	return all
}

// newChildren returns the ids of the processes that the run started.
func (c *current) newChildren() (all []int) {
	for _, pid := range descendants() {
		if !c.children[pid] {
			all = append(all, pid)
		}
	}
	return all
}

// signalAll sends a signal to processes.
func signalAll(pids []int, s syscall.Signal) {
	for _, pid := range pids {
		syscall.Kill(pid, s)
	}
}
