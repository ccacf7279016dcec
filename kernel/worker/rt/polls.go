//go:build linux

package rt

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// waiter reports whether a system call with these arguments waits until descriptor 0 can be read.
type waiter func(process string, args [6]uint64) bool

// waiters are the system calls that wait for several descriptors, by architecture and number: poll and ppoll, select
// and pselect6, epoll_wait and its variants.
var waiters = map[string]map[int]waiter{
	"amd64": {7: polls, 271: polls, 23: selects, 270: selects, 232: epolls, 281: epolls, 441: epolls},
	"arm64": {73: polls, 72: selects, 22: epolls, 441: epolls},
}

// threadPolls reports whether a thread of a process waits until descriptor 0 can be read, as programs do that read from
// several places. A process may look into its children; where the system forbids it, they are not seen to wait.
func threadPolls(process string) bool {
	files, _ := filepath.Glob("/proc/" + process + "/task/*/syscall")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		var number int
		var args [6]uint64
		if n, _ := fmt.Sscanf(string(text), "%d %v %v %v %v %v %v", &number, &args[0], &args[1], &args[2], &args[3], &args[4], &args[5]); n < 7 {
			continue // "running"
		}
		if waits := waiters[runtime.GOARCH][number]; waits != nil && waits(process, args) {
			return true
		}
	}
	return false
}

// polls handles poll(fds, count, ...), with fds of {int32 descriptor, int16 events, int16 result}.
func polls(process string, args [6]uint64) bool {
	const size, most, readable = 8, 1024, 1
	list := memory(process, args[0], size*min(args[1], most))
	for ; len(list) >= size; list = list[size:] {
		if binary.NativeEndian.Uint32(list) == 0 && binary.NativeEndian.Uint16(list[4:])&readable != 0 {
			return true
		}
	}
	return false
}

// selects handles select(count, readable, ...), with one bit for each descriptor.
func selects(process string, args [6]uint64) bool {
	if args[0] == 0 || args[1] == 0 {
		return false
	}
	set := memory(process, args[1], 1)
	return len(set) == 1 && set[0]&1 != 0
}

// epolls handles epoll_wait(descriptor, ...): /proc lists what the descriptor waits for.
func epolls(process string, args [6]uint64) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%s/fdinfo/%d", process, args[0]))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		var descriptor int
		var events uint32
		if n, _ := fmt.Sscanf(line, "tfd: %d events: %x", &descriptor, &events); n == 2 && descriptor == 0 && events&1 != 0 {
			return true
		}
	}
	return false
}

// memory reads n bytes of a process; fewer if they can't be read.
func memory(process string, at, n uint64) []byte {
	f, err := os.Open("/proc/" + process + "/mem")
	if err != nil {
		return nil
	}
	defer f.Close()
	data, _ := io.ReadAll(io.NewSectionReader(f, int64(at), int64(n)))
	return data
}
