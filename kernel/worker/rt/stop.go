//go:build linux

package rt

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// alert is not 0 while a goroutine must end: C then checks whether that is the calling goroutine. watched, which Next
// reads, is not 0 during that time, and also while goroutines are left behind.
var alert, watched atomic.Uint32

// setAlert sets alert and watched. stopping is held.
func setAlert(on bool) {
	bit := map[bool]uint32{true: 1}
	alert.Store(bit[on])
	watched.Store(bit[on || len(stopping.left) > 0])
}

// stopping guards the record of the goroutines that must end, so that an interrupt stops the intended run and no other.
var stopping struct {
	sync.Mutex
	asked int // the newest run that was told to stop; it may not have begun
	// left are the goroutines of earlier cells that were left behind, by name.
	left map[string]*leftBehind
	// ended is the goroutine of the last cell.
	ended string
}

// C is called at the start of every function and loop body of a cell. It returns at once unless a goroutine must end;
// then it ends the calling goroutine if that belongs to an interrupted cell.
func C() {
	if alert.Load() != 0 {
		stopped()
	}
}

// Next is called between the statements of a cell's body, and after other statements that may have waited. In addition
// to C's work, it ends a goroutine that was left behind as soon as the goroutine continues.
func Next() {
	if watched.Load() != 0 {
		stopped()
	}
}

// Stopping returns an error while the running cell must stop: loops of libraries that check with their caller at each
// step end with it.
func Stopping() error {
	if c := running.Load(); alert.Load() != 0 && c != nil && c.isStopping() {
		return errors.New("interrupted")
	}
	return nil
}

//go:noinline
func stopped() {
	name := self()
	stopping.Lock()
	c := running.Load()
	// Labels are inherited: they distinguish the cell's goroutines from those that earlier cells left.
	how := notTold
	if l := stopping.left[name]; l != nil {
		if how = tell(l.told, true, time.Time{}); how != notTold {
			l.told = how
		}
	} else if c != nil && c.isStopping() && c.told[name] != byGoexit && c.owns() {
		if how = tell(c.told[name], name == c.body, c.halted); how != notTold {
			c.told[name] = how
		}
	}
	stopping.Unlock()
	how.leave()
}

// owns reports whether the run started the calling goroutine. A stack dump, which walks the whole stack, is made only
// for a goroutine that got further labels. stopping is held.
func (c *current) owns() bool {
	own := labels()
	return own != nil && (own == c.label || labelled(head(), c.n))
}

// labelled reports whether a goroutine's first line carries the label of run n.
func labelled(head string, n int) bool {
	_, labels, found := strings.Cut(head, "{")
	labels = strings.NewReplacer(`"`, "", " ", "").Replace(labels)
	return found && strings.Contains(labels, "run:"+strconv.Itoa(n)+"}")
}

// begin makes a run the run in progress.
func begin(r Request) *current {
	reopenStandard()
	c := &current{n: r.N, count: r.Count, fields: r.Fields, stop: make(chan struct{}), result: make(chan *Failure, 1), told: map[string]manner{}, children: map[int]bool{}}
	c.noteListeners()
	for _, pid := range descendants() {
		c.children[pid] = true
	}
	stopping.Lock()
	defer stopping.Unlock()
	running.Store(c)
	if stopping.asked == c.n { // interrupted while its plugin was being opened
		stopNow(c)
	}
	return c
}

// end records that no run is in progress.
func end() {
	stopping.Lock()
	defer stopping.Unlock()
	input.end()
	stopping.ended = running.Load().body
	running.Store(nil)
	setAlert(false)
}

// interrupt stops run n, also if the run has not begun yet.
func interrupt(n int) {
	stopping.Lock()
	defer stopping.Unlock()
	stopping.asked = n
	keepLabels()
	if c := running.Load(); c != nil && c.n == n {
		if c.interrupted.Load() {
			c.insist()
		}
		stopNow(c)
	}
}

// doubleTime is the time after an interrupt in which another one counts as the same.
const doubleTime = 500 * time.Millisecond

// insist makes C end goroutines that were told to end before: also the deferred functions in which they are
// now. stopping is held.
func (c *current) insist() {
	if time.Since(c.asked) < doubleTime {
		return
	}
	c.asked = time.Now()
	clear(c.told)
}

// stopNow tells the goroutines of a run to end, and wakes those that wait for a signal, for input or for a process.
// stopping is held.
func stopNow(c *current) {
	if !c.interrupted.Swap(true) {
		c.asked = time.Now()
	}
	c.halt()
	syscall.Kill(os.Getpid(), syscall.SIGINT)
	go input.stop(c.n)
}

// halt makes C end the run's goroutines. stopping is held.
func (c *current) halt() {
	setAlert(true)
	if !c.isStopping() {
		c.halted = time.Now()
		close(c.stop)
	}
}

// stopRest gives the other goroutines of run n up to 500 ms to notice that they must stop. Those that wait for
// something stay.
func stopRest(n int) {
	const most, every = 500 * time.Millisecond, 5 * time.Millisecond
	for begin := time.Now(); time.Since(begin) < most; time.Sleep(every) {
		rest := false
		for _, g := range goroutines() {
			rest = rest || labelled(g.head, n) && (g.runs() || g.state == "sleep")
		}
		if !rest {
			return
		}
	}
}

// Sleep is time.Sleep for a cell; an interrupt ends it.
func Sleep(d time.Duration) {
	const step = 50 * time.Millisecond
	for end := time.Now().Add(d); ; {
		C()
		left := time.Until(end)
		if left <= step {
			time.Sleep(left)
			return
		}
		time.Sleep(step)
	}
}
