package kernels

import (
	"math/bits"
	"slices"
	"sync"
	"time"
)

// scratch is memory for the duration of one operation.
var scratch pool

// pool keeps memory by size, eight sizes between two powers of two. A sync.Pool would lose it with every second garbage
// collection, of which a service has many a second; new memory must be cleared and mapped. What lies unused for idle is
// given up.
type pool struct {
	mu      sync.Mutex
	free    [48 << stepBits][]spare // by size, the last one that was put back at the end
	period  int                     // counts the spans of time idle
	ticking bool                    // at the end of the period expire is called
}

type spare struct {
	values []float32
	period int // when it was put back
}

// idle is the time after which unused memory is given up; it may take twice as long.
const idle = 5 * time.Second

// stepBits is the logarithm of the number of sizes between two powers of two.
const stepBits = 3

// ManyFloats is the number of values from which on large pages are worth asking for.
const ManyFloats = 1 << 18

// NewFloats returns n zeros, on large pages if there are many: kernels read rows that are kilobytes apart, and with
// pages of 4 KiB the processor spends a tenth to a third of their time on finding where those are.
func NewFloats(n int) []float32 {
	s := make([]float32, n)
	if n >= ManyFloats {
		adviseHuge(s)
	}
	return s
}

// sizeClass returns the pool for n values, and the number of values that its memory has: n or an eighth more at most,
// but for small n.
func sizeClass(n int) (class, size int) {
	octave := max(bits.Len(uint(max(n, 1)-1)), 2*stepBits)
	step := 1 << (octave - 1 - stepBits) // the octave begins above half of 1<<octave
	steps := max((n+step-1)/step, 1<<stepBits+1)
	return octave<<stepBits + steps - 1<<stepBits - 1, steps * step
}

// getFloats returns n values with arbitrary content.
func getFloats(n int) []float32 { return scratch.get(n) }

func putFloats(s []float32) { scratch.put(s) }

func (p *pool) get(n int) []float32 {
	class, size := sizeClass(n)
	if s := p.take(class); s != nil {
		return s[:n]
	}
	return NewFloats(size)[:n]
}

// take returns memory of a class or of one up to twice as large, nil if there is none.
func (p *pool) take(class int) []float32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := class; c < class+1<<stepBits; c++ {
		if last := len(p.free[c]) - 1; last >= 0 {
			s := p.free[c][last].values
			p.free[c][last] = spare{}
			p.free[c] = p.free[c][:last]
			return s
		}
	}
	return nil
}

func (p *pool) put(s []float32) {
	s = s[:cap(s)]
	class, _ := sizeClass(len(s))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free[class] = append(p.free[class], spare{s, p.period})
	if !p.ticking {
		p.ticking = true
		time.AfterFunc(idle, p.expire)
	}
}

// expire gives up what was put back before this period, and begins the next one.
func (p *pool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ticking = false
	for class, free := range p.free {
		p.free[class] = slices.DeleteFunc(free, func(s spare) bool { return s.period < p.period })
		p.ticking = p.ticking || len(p.free[class]) > 0
	}
	p.period++
	if p.ticking {
		time.AfterFunc(idle, p.expire)
	}
}
