//go:build linux

package rt

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// watchStdin tells the kernel when the running cell waits for input: when a
// thread of this process is in the system call read on descriptor 0. Linux
// shows that in /proc, and a process may always look at itself.
func watchStdin() {
	const every = 40 * time.Millisecond
	for {
		time.Sleep(every)
		c := running.Load()
		if c == nil {
			continue
		}
		if readsStdin() {
			send(Event{Op: "input", N: c.n})
			// The kernel answers by writing a line; until the reader is gone, it
			// is still the same request.
			for readsStdin() && running.Load() == c {
				time.Sleep(every)
			}
		}
	}
}

func readsStdin() bool {
	files, _ := filepath.Glob("/proc/self/task/*/syscall")
	for _, file := range files {
		// "0 0x0 ..." is read(0, ...): number and arguments.
		if text, err := os.ReadFile(file); err == nil && strings.HasPrefix(string(text), "0 0x0 ") {
			return true
		}
	}
	return false
}
