//go:build cgo && linux && amd64

package onednn

/*
void tlkit_onednn_fork(int threads);
*/
import "C"

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// libraryThread is the thread on which the library is called; members of its team may call it, too.
type libraryThread struct {
	id    int
	calls chan<- func()
	ended <-chan struct{} // closed if a call has ended the thread's goroutine
}

var thread = sync.OnceValue(func() libraryThread {
	calls := make(chan func())
	id := make(chan int)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		id <- syscall.Gettid()
		for f := range calls {
			freeGarbage()
			f()
		}
	}()
	return libraryThread{<-id, calls, ended}
})

// here reports whether the caller runs on the thread. No other goroutine can, since the thread's is locked to it.
func (t libraryThread) here() bool { return syscall.Gettid() == t.id }

// onThread runs f on the library's thread, and returns when f has ended. A panic of f is the caller's. Tasks of a team
// must not call it.
func onThread(f func()) {
	t := thread()
	if t.here() {
		f()
		return
	}
	var failed any = "onednn: runtime.Goexit has ended the library's thread; restart the program"
	done := make(chan struct{})
	call := func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				failed = fmt.Sprintf("%v\n%s", r, debug.Stack())
			}
		}()
		f()
		failed = nil
	}
	select {
	case t.calls <- call:
		<-done
	case <-t.ended:
	}
	if failed != nil {
		panic(failed)
	}
}

// job is what the library's threads do for an operation of package kernels.
type job struct {
	*kernels.Shares
	ended atomic.Int64 // when the thread that forked had no task left, in nanoseconds
	late  atomic.Bool  // a thread has come when no task was left
}

// current is the job of the library's threads; nil if there is none.
var current atomic.Pointer[job]

// apart is the time until which Go's operations run on goroutines. A thread of C needs one of Go's processors for a
// task, and waits for it as long as other goroutines compute; goroutines take turns instead.
var apart time.Time

// lateness is how long an operation waits for a thread that then has nothing to do before apart begins, which lasts for
// rest.
const (
	lateness = 200 * time.Microsecond
	rest     = 100 * time.Millisecond
)

// newRunner returns what runs a plan on the library's thread, with the team that is faster for it.
func newRunner() func(run func()) {
	c := &choice{}
	return func(run func()) {
		onThread(func() {
			onGoroutines = c.next()
			defer func() { onGoroutines = false }()
			began := time.Now()
			run()
			c.took(onGoroutines, time.Since(began))
		})
	}
}

// onGoroutines is true while a plan runs whose Go operations are computed by goroutines. Only the library's thread uses
// it.
var onGoroutines bool

// choice finds out whether a plan is faster with the library's threads for Go's operations, as where most operations
// are small, or with goroutines, as where oneDNN's take longest. Both compute the same.
type choice struct {
	runs  int
	times [2]time.Duration // the shortest lately: of the threads, of goroutines
}

const (
	tries    = 8  // the first runs take turns; the very first two do not count
	tryAgain = 50 // so often, a run takes the slower one: the machine may have other work now
)

// next returns whether the next run uses goroutines.
func (c *choice) next() bool {
	c.runs++
	if c.runs <= tries {
		return c.runs%2 == 0
	}
	faster := c.times[1] < c.times[0]
	return faster != (c.runs%tryAgain == 0)
}

// took counts the time of a run.
func (c *choice) took(goroutines bool, t time.Duration) {
	i := 0
	if goroutines {
		i = 1
	}
	switch old := c.times[i]; {
	case c.runs <= 2:
	case old == 0 || t < old || c.runs > tries && c.runs%tryAgain == 0:
		c.times[i] = t
	default:
		c.times[i] += (t - old) / 8
	}
}

// team is a kernels.Team: on the library's thread, the library's threads, which then need not be woken between its
// operations and those of package kernels; elsewhere, goroutines.
func team(tasks int, f func(worker, task int)) {
	switch {
	case !thread().here():
		kernels.Goroutines(tasks, f)
	case min(tasks, library.threads, runtime.GOMAXPROCS(0)) < 2 || current.Load() != nil:
		kernels.Alone(tasks, f)
	case onGoroutines || time.Now().Before(apart):
		kernels.Goroutines(tasks, f)
	default:
		fork(&job{Shares: kernels.NewShares(tasks, f)})
	}
}

// fork does the job with all threads of the library: libgomp ends those that a smaller team leaves out.
func fork(j *job) {
	current.Store(j)
	C.tlkit_onednn_fork(C.int(library.threads))
	current.Store(nil)
	if now := time.Now(); j.late.Load() && now.UnixNano()-j.ended.Load() > int64(lateness) {
		apart = now.Add(rest)
	}
	j.Check()
}

// tlkitOneDNNMember does tasks as one more thread of the team, as the first one on the thread that forked. A panic does
// not reach C, whose frames it would leave open: see [kernels.Shares.Work].
//
//export tlkitOneDNNMember
func tlkitOneDNNMember(first C.int) {
	j := current.Load()
	if !j.Left() {
		j.late.Store(true)
	}
	j.Work()
	if first != 0 {
		j.ended.Store(time.Now().UnixNano())
	}
}
