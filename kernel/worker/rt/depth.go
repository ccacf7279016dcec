//go:build linux

package rt

import (
	"fmt"
	"math/bits"
	"runtime/debug"
	"sync/atomic"
	"unsafe"
)

const (
	// goStack is Go's own limit for the size of a stack, in bytes. Go doubles stacks, so that a stack of 512 MiB is the
	// largest, and ends the process where it is full.
	goStack = 1_000_000_000
	// spare is the part of the largest stack for the functions of libraries, which are called without a check.
	spare = 8 << 20
	// checkEvery and checkWithin choose the calls that check: those whose frame is in the last checkWithin bytes
	// of each checkEvery bytes of memory. A recursion whose frames are no larger than checkWithin comes there,
	// and other calls seldom do.
	checkEvery, checkWithin = 1 << 20, 8 << 10
)

var (
	maxStack atomic.Int64   // the limit that a cell has set last
	maxUsed  atomic.Uintptr // how much stack a goroutine of a cell may use
)

func init() { SetMaxStack(goStack) }

// usable returns how much stack a goroutine of a cell may use at a limit.
func usable(limit int) uintptr {
	if limit < goStack {
		return min(uintptr(max(0, limit)), usable(goStack))
	}
	return 1<<(bits.Len(uint(limit))-1) - spare
}

// SetMaxStack is debug.SetMaxStack for a cell. A lower limit than Go's own is left to Depth: where a stack is full for
// Go, the process ends.
func SetMaxStack(limit int) (before int) {
	debug.SetMaxStack(max(limit, goStack))
	maxUsed.Store(usable(limit))
	return int(maxStack.Swap(int64(limit)))
}

// Depth is called at the start of every function of a cell that calls others. A stack overflow, which would end the
// process, ends the cell.
func Depth() {
	var here byte
	if uintptr(unsafe.Pointer(&here))%checkEvery < checkWithin {
		DepthOf(0)
	}
}

// DepthOf is Depth for a function whose frame is large, of about size bytes: it checks at every call, and also whether
// such a frame has room once more.
//
//go:noinline
func DepthOf(size uintptr) {
	if stackUsed()+size >= maxUsed.Load() {
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
	full := "the largest stack that Go has"
	if limit := maxStack.Load(); limit != goStack {
		full = fmt.Sprintf("the stack of %d bytes that debug.SetMaxStack allows", limit)
	}
	text := "stack overflow: the calls in progress fill " + full + ", most likely because a function calls itself without end"
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
	return stackEnd() - uintptr(unsafe.Pointer(&here))
}

// stackEnd returns the address above the calling goroutine's stack, which grows downwards.
func stackEnd() uintptr {
	const end = 8 // the offset of g.stack.hi
	return *(*uintptr)(unsafe.Add(record(), end))
}

// framePointer returns the frame pointer of the calling function: where its caller's frame pointer is saved.
func framePointer() uintptr
