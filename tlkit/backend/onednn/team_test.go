//go:build cgo && linux && amd64

package onednn

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// panicOf returns what f panics with, as text.
func panicOf(f func()) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprint(r)
		}
	}()
	f()
	return ""
}

// TestPanics: a task that panics fails its operation and nothing else; the library's threads go on.
func TestPanics(t *testing.T) {
	needLibrary(t)
	for i := range 10 {
		got := panicOf(func() {
			onThread(func() {
				team(40, func(_, task int) {
					if task == 4*i {
						panic("task of a test")
					}
				})
			})
		})
		if !strings.Contains(got, "task of a test") || !strings.Contains(got, "team_test.go") {
			t.Errorf("task %d: panic %.100q, want the task's with its stack", 4*i, got)
		}
	}
	check(t, set{inFloat32}, layers[1], rand.New(rand.NewPCG(1, 1)))
}

// TestTeam: each task is done once, also by a team inside a task, and beside goroutines that leave the library's
// threads no processor.
func TestTeam(t *testing.T) {
	needLibrary(t)
	var stop atomic.Bool
	defer stop.Store(true)
	for range 2 * runtime.GOMAXPROCS(0) {
		go func() {
			for n := 0; !stop.Load(); n++ {
			}
		}()
	}
	onThread(func() {
		for tasks := range 50 {
			done := make([]atomic.Int32, tasks)
			team(tasks, func(_, task int) {
				team(3, func(_, inner int) { done[task].Add(1) })
			})
			for i := range done {
				if n := done[i].Load(); n != 3 {
					t.Errorf("task %d of %d was done %d times, want 3", i, tasks, n)
				}
			}
		}
	})
}

// TestChoice: the first runs take turns, then the faster way computes, and the other one is tried now and then.
func TestChoice(t *testing.T) {
	for name, test := range map[string]struct {
		threads, goroutines time.Duration
		want                bool
	}{"threads": {2 * time.Millisecond, 3 * time.Millisecond, false}, "goroutines": {9 * time.Millisecond, 8 * time.Millisecond, true}} {
		c := &choice{}
		run := func() (goroutines bool) {
			goroutines = c.next()
			took := map[bool]time.Duration{false: test.threads, true: test.goroutines}[goroutines]
			if c.runs <= 2 { // the first runs take longer, whatever computes them
				took = time.Second
			}
			c.took(goroutines, took)
			return goroutines
		}
		seen := map[bool]int{}
		for range tries {
			seen[run()]++
		}
		if seen[true] != tries/2 {
			t.Errorf("%s: %d of the first %d runs use goroutines, want half", name, seen[true], tries)
		}
		others := 0
		for range 10 * tryAgain {
			if run() != test.want {
				others++
			}
		}
		if others != 10 {
			t.Errorf("%s: %d of %d runs take the slower way, want 10", name, others, 10*tryAgain)
		}
		// Other work on the machine makes the faster way slow.
		test.threads, test.goroutines = test.goroutines, test.threads
		for range 3 * tryAgain {
			run()
		}
		if got := c.next(); got == test.want {
			t.Errorf("%s: the way that has become slow is still used", name)
		}
	}
}
