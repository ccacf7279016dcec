package kernels

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Workers returns the number of goroutines that compute one operation: that of the processors that Go may use. It is
// read once, since operations keep memory for each worker.
var Workers = sync.OnceValue(func() int { return runtime.GOMAXPROCS(0) })

// Parallel calls f(worker, task) for each task < tasks, on as many workers as there are processors; each worker takes
// the next task when it has finished one. Parallel returns when all tasks are done.
func Parallel(tasks int, f func(worker, task int)) {
	workers := min(Workers(), tasks)
	if workers <= 1 {
		for t := range tasks {
			f(0, t)
		}
		return
	}
	var next atomic.Int64
	work := func(worker int) {
		for {
			t := int(next.Add(1)) - 1
			if t >= tasks {
				return
			}
			f(worker, t)
		}
	}
	var wg sync.WaitGroup
	for w := 1; w < workers; w++ {
		wg.Go(func() { work(w) })
	}
	work(0)
	wg.Wait()
}

// ranges cuts [0, n) into pieces of at least grain, a few per worker, and calls f on them in parallel.
func ranges(n, grain int, f func(worker, from, to int)) {
	pieces := max(1, min(n/max(grain, 1), 4*Workers()))
	Parallel(pieces, func(worker, i int) { f(worker, i*n/pieces, (i+1)*n/pieces) })
}
