package goengine

import "sync"

// memory keeps the values of finished operations for the next ones: asking the Go runtime each time would clear them
// first and leave the rest to the garbage collector.
type memory struct {
	mu   sync.Mutex
	free []freeBlock // in no order
	now  int
}

type freeBlock struct {
	values []float32
	since  int
}

// keepRuns is for how many runs of a plan an unused block is kept.
const keepRuns = 4

// get returns n values of any content.
func (m *memory) get(n int) []float32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	best := -1
	for i, b := range m.free {
		c := cap(b.values)
		if c >= n && c <= n+n/4+64 && (best < 0 || c < cap(m.free[best].values)) {
			best = i
		}
	}
	if best < 0 {
		return make([]float32, n)
	}
	b := m.free[best]
	last := len(m.free) - 1
	m.free[best] = m.free[last]
	m.free[last] = freeBlock{}
	m.free = m.free[:last]
	return b.values[:n]
}

func (m *memory) put(s []float32) {
	if cap(s) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = append(m.free, freeBlock{s[:cap(s)], m.now})
}

// ran marks the end of a run and lets go of what was not used for a while.
func (m *memory) ran() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now++
	kept := m.free[:0]
	for _, b := range m.free {
		if m.now-b.since <= keepRuns {
			kept = append(kept, b)
		}
	}
	clear(m.free[len(kept):])
	m.free = kept
}

func (m *memory) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = nil
}
