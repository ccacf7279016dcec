//go:build linux

package rt

import (
	"runtime"
	"strconv"
	"strings"
	"unsafe"
)

// record returns the runtime's record of the calling goroutine.
func record() unsafe.Pointer

// numberAt is the offset of a goroutine's number in its record; 0 if it is not known. A stack dump has the number too,
// but walks the whole stack.
var numberAt = findNumber()

// findNumber returns the one offset at which the records of several goroutines have their numbers; 0 if there are more.
func findNumber() uintptr {
	const goroutines, words = 8, 40 // the record is longer than this
	counts := [words]int{}
	for range goroutines {
		done := make(chan bool)
		go func() {
			defer close(done)
			name, _, _ := strings.Cut(head(), " [")
			n, _ := strconv.ParseUint(strings.TrimPrefix(name, "goroutine "), 10, 64)
			for i := range counts {
				if n != 0 && *(*uint64)(unsafe.Add(record(), 8*i)) == n {
					counts[i]++
				}
			}
		}()
		<-done
	}
	found := uintptr(0)
	for i, count := range counts {
		switch {
		case count == goroutines && found != 0:
			return 0
		case count == goroutines:
			found = 8 * uintptr(i)
		}
	}
	return found
}

// self returns the calling goroutine's name in a stack dump, "goroutine 7".
func self() string {
	if numberAt == 0 {
		name, _, _ := strings.Cut(head(), " [")
		return name
	}
	return "goroutine " + strconv.FormatUint(*(*uint64)(unsafe.Add(record(), numberAt)), 10)
}

// head returns the first line of the calling goroutine's stack dump: "goroutine 7 [running] {cell: 3, run: 4}:".
// GODEBUG=tracebacklabels=1 shows the labels.
func head() string {
	buf := make([]byte, 256)
	first, _, _ := strings.Cut(string(buf[:runtime.Stack(buf, false)]), "\n")
	return first
}
