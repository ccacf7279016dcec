//go:build !(amd64 && goexperiment.simd)

package main

// fusedLoops returns none: only vector instructions show what the processor can do.
func fusedLoops() []fusedLoop { return nil }
