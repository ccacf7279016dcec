package kernels

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestGoroutines: each task is done once, by many operations at once, by operations inside of others, and after the
// helpers have gone to sleep.
func TestGoroutines(t *testing.T) {
	count := func(tasks int) {
		done := make([]atomic.Int32, tasks)
		busy := make([]atomic.Bool, Workers())
		Goroutines(tasks, func(worker, task int) {
			if busy[worker].Swap(true) {
				t.Errorf("worker %d is two at once", worker)
			}
			done[task].Add(1)
			busy[worker].Store(false)
		})
		for i := range done {
			if n := done[i].Load(); n != 1 {
				t.Errorf("task %d of %d was done %d times", i, tasks, n)
			}
		}
	}
	for tasks := range 40 {
		count(tasks)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 300 {
				count(i % 7)
			}
		})
	}
	wg.Wait()
	Goroutines(5, func(int, int) { count(9) })
	for _, helper := range crew().all {
		for !helper.asleep.Load() { // within microseconds
			runtime.Gosched()
		}
	}
	count(20)
}

// TestPanics: a task's panic is the caller's, whichever worker does it, and the workers go on.
func TestPanics(t *testing.T) {
	for i := range 40 {
		panicked := func() (text string) {
			defer func() { text, _ = recover().(string) }()
			Goroutines(40, func(_, task int) {
				if task == i {
					panic("task of a test")
				}
			})
			return ""
		}()
		if !strings.Contains(panicked, "task of a test") || !strings.Contains(panicked, "crew_test.go") {
			t.Fatalf("task %d: panic %.100q, want the task's with its stack", i, panicked)
		}
	}
	var done atomic.Int32
	Goroutines(100, func(_, _ int) { done.Add(1) })
	if done.Load() != 100 {
		t.Errorf("%d tasks are done after panics, want 100", done.Load())
	}
}
