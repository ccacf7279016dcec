package kernels

import "testing"

// TestSizeClass holds that a size has room for what asks for it and wastes little, that it is its own size, so that
// memory returns to the pool it came from, and that no two sizes share a pool.
func TestSizeClass(t *testing.T) {
	sizes := map[int]int{}
	last := 0
	check := func(n int) {
		class, size := sizeClass(n)
		if size < n || n >= 64 && size > n+n/8+1 {
			t.Errorf("%d values get memory for %d", n, size)
		}
		if c, s := sizeClass(size); c != class || s != size {
			t.Errorf("%d values take %d of pool %d, which go to pool %d of %d", n, size, class, c, s)
		}
		if other, ok := sizes[class]; ok && other != size {
			t.Errorf("pool %d has memory of %d and of %d values", class, other, size)
		}
		sizes[class] = size
		if class < last {
			t.Errorf("%d values have pool %d, fewer have pool %d", n, class, last)
		}
		last = class
		if class+1<<stepBits > len(floats) {
			t.Errorf("%d values need pool %d of %d", n, class+1<<stepBits, len(floats))
		}
	}
	for n := range 5000 {
		check(n)
	}
	for n := 5000; n < 1<<40; n += n / 97 {
		check(n)
	}
}
