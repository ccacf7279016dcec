package kernels

import "unsafe"

// Copies of a few values at a time. One array is copied to another by a call, since they may overlap; by way of a
// variable it is not.

// copyRuns copies n runs of 16 values: the i-th from from[i*step] to to[16*i*every].
func copyRuns(to, from []float32, every, step, n int) {
	if n == 0 {
		return
	}
	_, _ = from[(n-1)*step+15], to[16*(n-1)*every+15]
	if copyRunsFast(&to[0], &from[0], every, step, n) {
		return
	}
	for i := range n {
		run := *(*[16]float32)(from[i*step:])
		*(*[16]float32)(to[16*i*every:]) = run
	}
}

// copyTwelves copies twelve values of each row, at bytes after its start, one after the other.
func copyTwelves(to []float32, rows []unsafe.Pointer, at int) {
	if len(rows) == 0 {
		return
	}
	_ = to[12*len(rows)-1]
	if copyTwelvesFast(&to[0], &rows[0], len(rows), at) {
		return
	}
	for i, row := range rows {
		run := *(*[12]float32)(unsafe.Add(row, at))
		*(*[12]float32)(to[12*i:]) = run
	}
}

// transpose writes the matrix from, [rows, cols] with rows ldf values apart, to to as [cols, rows] with rows ldt apart.
// It goes by squares of 16 values a side: what it reads and writes stays in the first-level cache, and lines of it are
// written whole.
func transpose(to, from []float32, ldt, ldf, rows, cols int) {
	for r := 0; r < rows; r += 16 {
		for c := 0; c < cols; c += 16 {
			h, w := min(16, rows-r), min(16, cols-c)
			if h == 16 && w == 16 && transpose16(to[c*ldt+r:], from[r*ldf+c:], ldt, ldf) {
				continue
			}
			for i := r; i < r+h; i++ {
				for j, v := range from[i*ldf+c:][:w] {
					to[(c+j)*ldt+i] = v
				}
			}
		}
	}
}
