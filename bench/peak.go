package main

import (
	"runtime"
	"sync"
	"time"
)

// accumulators is the number of sums of a fused loop: more than an addition has cycles, so that none waits for another.
const accumulators = 12

// A fused loop runs a number of rounds of fused multiply-adds a*0.5 + 1 on vectors of accumulators, whose
// first values are 1, 2, and so on. It returns the number of operations (a product and a sum are two) and the
// sum of the accumulators.
type fusedLoop struct {
	bits int
	run  func(rounds int) (operations int, sum float32)
}

// peak measures the GFLOP/s of fused multiply-adds without any memory on all threads: the roof under which every
// convolution stays. It returns the best of the widths that the processor has, and that width in bits; 0 in a build
// without vector instructions.
func peak(threads int) (gflops float64, bits int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	for _, loop := range fusedLoops() {
		best := 0.0
		for range 5 {
			best = max(best, together(threads, loop))
		}
		if best > gflops {
			gflops, bits = best, loop.bits
		}
	}
	return gflops, bits
}

// together runs the loop on each thread and returns the GFLOP/s of all.
func together(threads int, loop fusedLoop) float64 {
	const rounds = 2_000_000
	operations := make([]int, threads)
	began := time.Now()
	var group sync.WaitGroup
	for i := range threads {
		group.Go(func() { operations[i], _ = loop.run(rounds) })
	}
	group.Wait()
	seconds, sum := time.Since(began).Seconds(), 0
	for _, n := range operations {
		sum += n
	}
	return float64(sum) / seconds / 1e9
}
