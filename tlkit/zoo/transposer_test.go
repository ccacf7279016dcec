package zoo

import (
	"slices"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// TestTransposer holds the turned values against the order that eachPair gives, whatever the pieces they come in.
func TestTransposer(t *testing.T) {
	for _, p := range []nn.Param{
		{Shape: []int{1, 1, 1, 1}, Layout: nn.ConvKernel},
		{Shape: []int{16, 3, 7, 7}, Layout: nn.ConvKernel},
		{Shape: []int{50, 5, 3, 2}, Layout: nn.ConvKernel},
		{Shape: []int{33, 1, 3, 3}, Layout: nn.ConvKernel},
		{Shape: []int{17, 40}, Layout: nn.LinearWeight},
		{Shape: []int{3, 64}, Layout: nn.LinearWeight},
	} {
		values := make([]float32, p.Size())
		for i := range values {
			values[i] = float32(i + 1)
		}
		want := make([]float32, len(values))
		eachPair(p, func(file, variable int) { want[variable] = values[file] })
		area := 1
		for _, d := range p.Shape[2:] {
			area *= d
		}
		for _, piece := range []int{1, 7, 100, len(values)} {
			got := make([]float32, len(values))
			turn := newTransposer(got, p.Shape[0], p.Shape[1], area)
			for part := range slices.Chunk(values, piece) {
				if err := turn.add(0, part); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("shape %v in pieces of %d: %v, want %v", p.Shape, piece, got, want)
			}
		}
	}
}
