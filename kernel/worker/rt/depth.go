//go:build linux

package rt

import "unsafe"

const (
	// maxUsed is how much stack a goroutine of a cell may use, in bytes. Go ends the process where a stack of 512 MiB is
	// full; 8 MiB are for the functions of libraries that are called without a check.
	maxUsed = 512<<20 - 8<<20
	// checkEvery and checkWithin choose the calls that check: those whose frame is in the last checkWithin bytes of each
	// checkEvery bytes of memory. A recursion whose frames are no larger than checkWithin comes there, and other calls
	// seldom do.
	checkEvery, checkWithin = 1 << 20, 8 << 10
)

// Depth is called at the start of every function of a cell that calls others. A stack overflow, which would end the
// process, ends the cell.
func Depth() {
	var here byte
	if uintptr(unsafe.Pointer(&here))%checkEvery < checkWithin && stackUsed() >= maxUsed {
		overflow()
	}
}

// DepthOf is Depth for a function whose frame is large, of about size bytes: it checks at every call, and also whether
// such a frame has room once more.
func DepthOf(size uintptr) {
	if stackUsed()+size >= maxUsed {
		overflow()
	}
}

//go:noinline
func overflow() {
	name := self()
	stopping.Lock()
	c := running.Load()
	told := c != nil && c.told[name] != notTold // one of its deferred functions is running
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
func stackUsed() uintptr {
	var here byte
	const end = 8 // the offset of g.stack.hi
	return *(*uintptr)(unsafe.Add(record(), end)) - uintptr(unsafe.Pointer(&here))
}
