package kernels

import "sync"

// Scratch memory for the duration of one operation, in pools by powers of two.
var floats [48]sync.Pool

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

func sizeClass(n int) int {
	c := 0
	for 1<<c < n {
		c++
	}
	return c
}

// getFloats returns n values with arbitrary content.
func getFloats(n int) []float32 {
	c := sizeClass(n)
	if p, ok := floats[c].Get().(*[]float32); ok {
		return (*p)[:n]
	}
	return NewFloats(1 << c)[:n]
}

func putFloats(s []float32) {
	s = s[:cap(s)]
	floats[sizeClass(len(s))].Put(&s)
}
