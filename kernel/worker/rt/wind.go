//go:build linux

package rt

import (
	"fmt"
	"syscall"
	"time"
)

const (
	// lookEvery is the interval at which a cell that must stop is checked.
	lookEvery = 50 * time.Millisecond
	// quietTime is how long the cell's goroutine must wait in one place, with nothing else running, before it is left
	// behind.
	quietTime = 600 * time.Millisecond
	// busyTime is the same limit while other goroutines run: the cell's goroutine may be waiting for their work. After
	// that time, a goroutine that does not wait is reported as held.
	busyTime = 3 * time.Second
	// deepTime is how long a goroutine whose stack was full may take to leave its calls, of which there are millions,
	// before it is looked at: a dump walks them all, and stops all goroutines.
	deepTime = 5 * time.Second
	// childTime is how long the cell's child processes may take to end after SIGINT.
	childTime = 300 * time.Millisecond
)

// leftBehind is a goroutine whose cell ended without it.
type leftBehind struct {
	place string // where it waits
	told  manner
}

// wind waits until the goroutine of a cell that must stop ends, or until it can be left behind: when it has waited in
// one place for long enough.
func (c *current) wind() *Failure {
	began := time.Now()
	w := watch{c: c, since: began, quiet: began}
	children := c.newChildren()
	if c.interrupted.Load() {
		signalAll(children, syscall.SIGINT)
	}
	var told heldBy
	wait := lookEvery
	if f := c.exit.Load(); f != nil && f.Kind == "overflow" {
		wait = deepTime
	}
	for {
		select {
		case f := <-c.result:
			return f
		case <-time.After(wait):
		}
		now := time.Now()
		if c.interrupted.Load() && now.Sub(began) > childTime {
			signalAll(c.newChildren(), syscall.SIGKILL)
		}
		g := w.look(now)
		wait = max(lookEvery, 4*time.Since(now)) // the dump of a deep stack takes long
		if g != nil {
			return c.leave(*g)
		}
		switch by := c.heldBy(w.last, now); {
		case by == heldByNothing: // also after each further interrupt
			told = by
		case by > told:
			told = by
			send(Event{Op: "held", N: c.n, Deferred: by == heldByDeferred})
		}
	}
}

// heldBy is what keeps a cell running that was interrupted.
type heldBy int

const (
	heldByNothing  heldBy = iota // there was not enough time
	heldByDeferred               // a deferred function of the cell; another interrupt ends it
	heldByOthers                 // C code or a loop of a library
)

func (c *current) heldBy(body goroutine, now time.Time) heldBy {
	stopping.Lock()
	defer stopping.Unlock()
	switch {
	case !c.interrupted.Load() || now.Sub(c.asked) < busyTime:
		return heldByNothing
	case c.told[c.body] != notTold && body.inDeferred(): // after another interrupt, C has told it again
		return heldByDeferred
	}
	return heldByOthers
}

// watch measures how long the cell's goroutine has waited in one place.
type watch struct {
	c     *current
	last  goroutine
	since time.Time // when it was first seen in its place
	quiet time.Time // when another goroutine was last seen running; at first, the start
}

// look returns the goroutine once it can be left behind.
func (w *watch) look(now time.Time) *goroutine {
	stopping.Lock()
	name := w.c.body
	stopping.Unlock()
	self := self()
	busy := false
	var own *goroutine
	all := goroutines()
	for i, g := range all {
		switch g.name {
		case self:
		case name:
			own = &all[i]
		default:
			busy = busy || g.runs()
		}
	}
	if busy {
		w.quiet = now
	}
	if own == nil || own.runs() || own.state != w.last.state || own.place() != w.last.place() {
		w.since = now
	}
	if own == nil {
		return nil
	}
	w.last = *own
	here, alone := now.Sub(w.since), now.Sub(w.quiet)
	if min(here, alone) >= quietTime && own.state != "sleep" || here >= busyTime-2*lookEvery {
		return own
	}
	return nil
}

// leave ends the run without its goroutine, which ends as soon as it continues.
func (c *current) leave(g goroutine) *Failure {
	waiting := true
	for _, other := range goroutines() {
		if labelled(other.head, c.n) {
			waiting = waiting && other.waitsForOthers()
		}
	}
	stopping.Lock()
	if stopping.left == nil {
		stopping.left = map[string]*leftBehind{}
	}
	stopping.left[g.name] = &leftBehind{place: g.place()}
	watched.Store(1)
	if len(stopping.left) == 1 {
		go watchLeft()
	}
	stopping.Unlock()
	if f := c.exit.Load(); f != nil {
		return f
	}
	f := &Failure{Kind: "interrupted", Message: fmt.Sprintf("interrupted while waiting (%s)", g.state), Frames: g.frames()}
	if waiting {
		f.Message = fmt.Sprintf("interrupted: all goroutines of this cell wait (%s)", g.state)
	}
	return f
}

// watchLeft ends goroutines that were left behind when they continue, as long as there are any.
func watchLeft() {
	for {
		took := time.Now()
		there := map[string]goroutine{}
		for _, g := range goroutines() {
			there[g.name] = g
		}
		if !endLeft(there) {
			return
		}
		time.Sleep(max(lookEvery, 20*time.Since(took)))
	}
}

// endLeft sets the alert while a goroutine that was left behind continues, and reports whether there are any such
// goroutines left.
func endLeft(there map[string]goroutine) bool {
	stopping.Lock()
	defer stopping.Unlock()
	awake := false
	for name, l := range stopping.left {
		g, found := there[name]
		if !found {
			delete(stopping.left, name)
			continue
		}
		awake = awake || g.runs() || g.place() != l.place
	}
	c := running.Load()
	setAlert(awake || c != nil && c.isStopping())
	return len(stopping.left) > 0
}
