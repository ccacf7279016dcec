package kernels

import "unsafe"

// Copies of a few values at a time. One array is copied to another by a call, since they may overlap; by way of a
// variable it is not.

// copyRuns copies n runs of 16 values: the i-th from from[i*step] to to[16*i*every].
func copyRuns(to, from []float32, every, step, n int) {
	for i := range n {
		run := *(*[16]float32)(from[i*step:])
		*(*[16]float32)(to[16*i*every:]) = run
	}
}

// copyTwelves copies twelve values of each row, at bytes after its start, one after the other.
func copyTwelves(to []float32, rows []unsafe.Pointer, at int) {
	for i, row := range rows {
		run := *(*[12]float32)(unsafe.Add(row, at))
		*(*[12]float32)(to[12*i:]) = run
	}
}
