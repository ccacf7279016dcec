//go:build cgo && linux && amd64

package onednn

/*
void fork_team(int threads);
*/
import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// libraryThread is the thread that makes all calls of the library.
type libraryThread struct {
	id    int
	calls chan<- func()
}

var thread = sync.OnceValue(func() libraryThread {
	calls := make(chan func())
	id := make(chan int)
	go func() {
		runtime.LockOSThread()
		id <- syscall.Gettid()
		for f := range calls {
			f()
		}
	}()
	return libraryThread{<-id, calls}
})

// here reports whether the caller runs on the thread. No other goroutine can, since the thread's is locked to it.
func (t libraryThread) here() bool { return syscall.Gettid() == t.id }

// onThread runs f on the library's thread, and returns when f has ended. A panic of f is the caller's.
func onThread(f func()) {
	t := thread()
	if t.here() {
		f()
		return
	}
	var failed any
	done := make(chan struct{})
	t.calls <- func() {
		defer close(done)
		defer func() { failed = recover() }()
		f()
	}
	<-done
	if failed != nil {
		panic(failed)
	}
}

// team is a kernels.Team: on the library's thread, the library's threads, which then need not be woken between its
// operations and those of package kernels; elsewhere, goroutines.
func team(tasks int, f func(worker, task int)) {
	members := min(tasks, library.threads)
	switch {
	case !thread().here():
		kernels.Goroutines(tasks, f)
	case members < 2:
		kernels.Alone(tasks, f)
	default:
		shares.Store(kernels.NewShares(tasks, f))
		C.fork_team(C.int(members))
		shares.Store(nil)
	}
}

// shares are the tasks of the library's threads.
var shares atomic.Pointer[kernels.Shares]

//export tlkitOneDNNMember
func tlkitOneDNNMember() { shares.Load().Work() }
