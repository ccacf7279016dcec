package kernels

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestPool: memory comes back, also for half as many values, survives garbage collections, and is given up when it lies
// unused.
func TestPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pool
		same := func(a, b []float32) bool { return &a[:1][0] == &b[:1][0] }
		a, b := p.get(1000), p.get(1000)
		p.put(a)
		runtime.GC()
		runtime.GC()
		if again := p.get(600); !same(a, again) {
			t.Error("600 values get new memory while some for 1000 is free")
		}
		p.put(b)
		if p.take(0) != nil {
			t.Error("64 values get memory for 1000")
		}
		for range 5 { // what is used stays
			time.Sleep(idle)
			synctest.Wait()
			c := p.get(1000)
			if !same(b, c) {
				t.Error("memory in use is given up")
			}
			p.put(c)
		}
		time.Sleep(2*idle + 1)
		synctest.Wait()
		class, _ := sizeClass(1000)
		if p.take(class) != nil {
			t.Errorf("memory is kept after %s without use", 2*idle)
		}
		if p.ticking {
			t.Error("the clock ticks for nothing")
		}
	})
}

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
		if class+1<<stepBits > len(scratch.free) {
			t.Errorf("%d values need pool %d of %d", n, class+1<<stepBits, len(scratch.free))
		}
	}
	for n := range 5000 {
		check(n)
	}
	for n := 5000; n < 1<<40; n += n / 97 {
		check(n)
	}
}
