//go:build amd64 && goexperiment.simd

package kernels

// The functions of math_amd64.go for n vectors of 16 values, n > 0 (mathwide_amd64.s).

//go:noescape
func expAVX512(d, a *float32, n int)

//go:noescape
func sigmoidAVX512(d, a *float32, n int)

//go:noescape
func erfAVX512(d, a *float32, n int)

// vectorsOf16 calls f for as many values as there are whole vectors of 16, and returns how many these are; 0 if the
// processor has no such vectors.
func vectorsOf16(d, a []float32, f func(d, a *float32, n int)) int {
	n := len(d) / 16
	if !hasAVX512 || n == 0 {
		return 0
	}
	a = a[:len(d)]
	f(&d[0], &a[0], n)
	return 16 * n
}
