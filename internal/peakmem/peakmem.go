// Package peakmem reads the largest resident memory of a process.
package peakmem

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
)

var line = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// Of returns the largest resident memory that a running process has had, in bytes; ok is false where /proc has no such
// figure.
func Of(pid int) (bytes float64, ok bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	found := line.FindSubmatch(status)
	if found == nil {
		return 0, false
	}
	kb, err := strconv.ParseFloat(string(found[1]), 64)
	return kb * 1024, err == nil
}
