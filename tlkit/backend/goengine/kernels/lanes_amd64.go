//go:build amd64 && goexperiment.simd

package kernels

import "simd/archsimd"

// Operations on runs of values, eight at a time (vec_amd64.go); d may be one of the operands. vec.go computes the rest
// of each run.

const (
	lanes = 8
	wide  = 4 * lanes
)

type f8 = archsimd.Float32x8

func load(s []float32) f8     { return archsimd.LoadFloat32x8Array((*[8]float32)(s)) }
func store(x f8, s []float32) { x.StoreArray((*[8]float32)(s)) }
func all(v float32) f8        { return archsimd.BroadcastFloat32x8(v) }
