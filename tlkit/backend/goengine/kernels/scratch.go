package kernels

import (
	"math/bits"
	"sync"
)

// Scratch memory for the duration of one operation, in pools by size: eight sizes between two powers of two.
var floats [48 << stepBits]sync.Pool

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
func getFloats(n int) []float32 {
	class, size := sizeClass(n)
	for c := range 1 << stepBits { // memory that is up to twice as large does as well
		if p, ok := floats[class+c].Get().(*[]float32); ok {
			return (*p)[:n]
		}
	}
	return NewFloats(size)[:n]
}

func putFloats(s []float32) {
	s = s[:cap(s)]
	class, _ := sizeClass(len(s))
	floats[class].Put(&s)
}
