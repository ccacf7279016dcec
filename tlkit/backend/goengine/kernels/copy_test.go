package kernels

import (
	"fmt"
	"testing"
)

// TestTranspose holds matrices of whole squares and of others against the definition; values around them stay.
func TestTranspose(t *testing.T) {
	for _, size := range [][2]int{{16, 16}, {16, 48}, {33, 35}, {7, 50}, {50, 9}, {1, 17}, {32, 1}} {
		rows, cols := size[0], size[1]
		ldf, ldt := cols+3, rows+2
		from := randoms(1, rows*ldf)
		eachProcessor(t, func(t *testing.T) {
			to := randoms(2, cols*ldt)
			want := randoms(2, cols*ldt)
			for r := range rows {
				for c := range cols {
					want[c*ldt+r] = from[r*ldf+c]
				}
			}
			transpose(to, from, ldt, ldf, rows, cols)
			for i := range want {
				if to[i] != want[i] {
					t.Fatalf("%s: value %d is %g, want %g", fmt.Sprint(size), i, to[i], want[i])
				}
			}
		})
	}
}
