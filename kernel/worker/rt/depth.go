//go:build linux

package rt

import "unsafe"

const (
	// maxUsed is how much stack a goroutine of a cell may use, in bytes. Go ends the process where a stack of 512 MiB is
	// full; 8 MiB are for the functions of libraries that are called without a check.
	maxUsed = 512<<20 - 8<<20
	// checkEvery and checkWithin choose the calls that check: those whose frame is in the last checkWithin bytes of each
	// checkEvery bytes of memory. A recursion comes there often enough, and other calls seldom.
	checkEvery, checkWithin = 1 << 20, 8 << 10
)

// Depth is called at the start of every function of a cell that calls others. A stack overflow, which would end the
// process, ends the cell.
func Depth() {
	var here byte
	if uintptr(unsafe.Pointer(&here))%checkEvery < checkWithin {
		checkDepth()
	}
}

//go:noinline
func checkDepth() {
	if stackUsed() < maxUsed {
		return
	}
	name, head := self()
	stopping.Lock()
	c := running.Load()
	told := c != nil && labelled(head, c.n) && c.told[name] != notTold // one of its deferred functions is running
	stopping.Unlock()
	if told {
		return
	}
	const text = "stack overflow: the calls in progress fill the largest stack that Go has, most likely because a function calls itself without end"
	f := &Failure{Kind: "overflow", Message: text, Frames: stackFrom(false)}
	how := endCell(f)
	if how == notTold {
		caught(f)
		how = byGoexit
	}
	how.leave()
}

// stackUsed returns how many bytes of its stack the calling goroutine uses.
func stackUsed() uintptr
