//go:build wasm && goexperiment.simd

package kernels

import "simd/archsimd"

// Operations on runs of values, four at a time (vec_wasm.go); d may be one of the operands. vec.go computes the rest of
// each run.

const (
	lanes = 4
	wide  = 4 * lanes
)

type f4 = archsimd.Float32x4

func load(s []float32) f4     { return archsimd.LoadFloat32x4Array((*[4]float32)(s)) }
func store(x f4, s []float32) { x.StoreArray((*[4]float32)(s)) }
func all(v float32) f4        { return archsimd.BroadcastFloat32x4(v) }
