package kernels

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Workers returns the largest number of goroutines, or threads, that compute one operation: that of the processors
// that Go may use. It stays the same, since operations keep memory for each worker; a program that allows fewer at
// first, and more later, gets those that it was started with.
var Workers = sync.OnceValue(func() int { return max(atStart, runtime.GOMAXPROCS(0)) })

var atStart = runtime.GOMAXPROCS(0)

// Team calls f(worker, task) for each task < tasks, on at most [Workers] workers, numbered from 0. It returns when all
// tasks are done. A task may call a team, too.
type Team func(tasks int, f func(worker, task int))

// Goroutines is a team of goroutines: those of the crew, or new ones while other operations have the crew.
func Goroutines(tasks int, f func(worker, task int)) {
	workers := min(Workers(), tasks, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		Alone(tasks, f)
		return
	}
	s := NewShares(tasks, f)
	if !crew().do(s, workers) {
		var wg sync.WaitGroup
		for range workers - 1 {
			wg.Go(s.Work)
		}
		s.Work()
		wg.Wait()
	}
	s.Check()
}

// Alone is a team of one.
func Alone(tasks int, f func(worker, task int)) {
	for t := range tasks {
		f(0, t)
	}
}

// Shares are tasks that some workers share: each takes the next task when it has finished one.
type Shares struct {
	tasks         int64
	f             func(worker, task int)
	next, workers atomic.Int64
	failed        atomic.Pointer[string] // a task's first panic, with its stack
}

// Left reports whether there are tasks that no worker has begun.
func (s *Shares) Left() bool { return s.next.Load() < s.tasks }

// NewShares returns tasks of which none is done.
func NewShares(tasks int, f func(worker, task int)) *Shares {
	return &Shares{tasks: int64(tasks), f: f}
}

// Check panics if a task has. It is for whoever waits for the workers: a panic on a goroutine of theirs would end the
// program.
func (s *Shares) Check() {
	if failed := s.failed.Load(); failed != nil {
		panic(*failed)
	}
}

// Work does tasks as one more worker, until none is left to begin, or one has panicked.
func (s *Shares) Work() {
	defer func() {
		if r := recover(); r != nil {
			text := fmt.Sprintf("%v\n%s", r, debug.Stack())
			s.failed.CompareAndSwap(nil, &text)
			s.next.Store(s.tasks)
		}
	}()
	worker := int(s.workers.Add(1)) - 1
	for {
		t := s.next.Add(1) - 1
		if t >= s.tasks {
			return
		}
		s.f(worker, int(t))
	}
}

// ranges cuts [0, n) into pieces of at least grain, a few per worker, and calls f on them in parallel.
func (t Team) ranges(n, grain int, f func(worker, from, to int)) {
	pieces := max(1, min(n/max(grain, 1), 4*Workers()))
	t(pieces, func(worker, i int) { f(worker, i*n/pieces, (i+1)*n/pieces) })
}
