package kernels

import (
	"sync"
	"sync/atomic"
)

// helpers are goroutines that stay for the next operation, and spin for a moment before they sleep. To wake a goroutine
// takes some 10 us, as long as a small operation, and a network has hundreds of these, one right after the other.
type helpers struct {
	mu      sync.Mutex // of the operation that has the helpers
	current atomic.Pointer[shift]
	all     []*helper
}

// helper is one of them. asleep is true while it waits for wake, or is about to; whoever changes it to false sends to
// wake, but for the helper itself.
type helper struct {
	asleep atomic.Bool
	wake   chan struct{}
}

// shift is the work of an operation for the first members-1 helpers.
type shift struct {
	shares  *Shares
	members int
	left    atomic.Int32 // helpers that have not ended
	waits   atomic.Bool  // the operation sleeps until ended has a value
	ended   chan struct{}
}

// spins is how often a goroutine looks before it sleeps: for 10 to 40 us with the pause of amd64, and for some 1 us
// where there is none.
const spins = 600

// crew returns the helpers, one fewer than workers. They are started at the first call.
var crew = sync.OnceValue(func() *helpers {
	h := &helpers{all: make([]*helper, Workers()-1)}
	for i := range h.all {
		h.all[i] = &helper{wake: make(chan struct{}, 1)}
		go h.run(i)
	}
	return h
})

// do does the shares with the helpers. It returns false at once if another operation has them.
func (h *helpers) do(s *Shares, members int) bool {
	if !h.mu.TryLock() {
		return false
	}
	defer h.mu.Unlock()
	w := &shift{shares: s, members: members, ended: make(chan struct{}, 1)}
	w.left.Store(int32(members - 1))
	h.current.Store(w)
	for _, helper := range h.all[:members-1] {
		if helper.asleep.Swap(false) {
			helper.wake <- struct{}{}
		}
	}
	s.Work()
	for range spins {
		if w.left.Load() == 0 {
			break
		}
		pause()
	}
	if w.waits.Store(true); w.left.Load() != 0 {
		<-w.ended
	}
	s.f = nil // helpers keep their last shift, and with it what f refers to
	return true
}

// run is helper i.
func (h *helpers) run(i int) {
	var last *shift
	for {
		w := h.next(h.all[i], last)
		last = w
		if i >= w.members-1 {
			continue
		}
		w.shares.Work()
		if w.left.Add(-1) == 0 && w.waits.Load() {
			w.ended <- struct{}{}
		}
	}
}

// next returns the shift after the last one.
func (h *helpers) next(me *helper, last *shift) *shift {
	for {
		for range spins {
			if w := h.current.Load(); w != last {
				return w
			}
			pause()
		}
		me.asleep.Store(true)
		if h.current.Load() != last && me.asleep.Swap(false) {
			continue // nobody has seen it asleep
		}
		<-me.wake
	}
}
