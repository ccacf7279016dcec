package kernels

import "sync"

// Scratch memory for the duration of one operation, in pools by powers of two.
var floats [48]sync.Pool

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
	return make([]float32, n, 1<<c)
}

func putFloats(s []float32) {
	s = s[:cap(s)]
	floats[sizeClass(len(s))].Put(&s)
}
