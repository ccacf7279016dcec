package goengine

import (
	"sync"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// memory keeps the blocks of finished operations for the next ones: the Go runtime would clear each new block, and
// leave the old ones to the garbage collector.
type memory struct {
	mu   sync.Mutex
	free []freeBlock // in no order
	now  int
}

type freeBlock struct {
	values []float32
	since  int
}

// keepRuns is the number of runs for which an unused block is kept.
const keepRuns = 4

// get returns n values with arbitrary content.
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
		return kernels.NewFloats(n)
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

// ran marks the end of a run and frees blocks that were unused for more than keepRuns runs.
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
