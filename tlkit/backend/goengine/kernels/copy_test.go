package kernels

import (
	"fmt"
	"slices"
	"testing"
	"unsafe"
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

// TestCopies holds runs and twelves against their definitions; values between them stay.
func TestCopies(t *testing.T) {
	from := randoms(1, 400)
	eachProcessor(t, func(t *testing.T) {
		for n := range 8 {
			to, want := randoms(2, 400), randoms(2, 400)
			for i := range n {
				copy(want[3+16*i*3:][:16], from[5+i*17:])
			}
			copyRuns(to[3:], from[5:], 3, 17, n)
			if !slices.Equal(to, want) {
				t.Errorf("%d runs are %v, want %v", n, to, want)
			}
			to, want = randoms(2, 400), randoms(2, 400)
			rows := make([]unsafe.Pointer, n)
			for i := range rows {
				rows[i] = unsafe.Pointer(&from[7*i])
				copy(want[1+12*i:][:12], from[7*i+2:])
			}
			copyTwelves(to[1:], rows, 4*2)
			if !slices.Equal(to, want) {
				t.Errorf("%d rows give %v, want %v", n, to, want)
			}
		}
	})
}
