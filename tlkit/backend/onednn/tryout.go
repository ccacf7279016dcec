//go:build cgo && linux && amd64

package onednn

import (
	"errors"
	"fmt"
	"math"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// tryOut compares a small convolution, its input gradient and its kernel gradient with those of package kernels, so
// that no training runs on a library that is wrong here. The values are small integers: every order of the sums gives
// the same results, in bfloat16, too.
func tryOut(operands precision) error {
	g := kernels.Geometry{Batch: 2, In: [2]int{9, 9}, Out: [2]int{9, 9}, InC: 32, OutC: 48, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1},
		Pad: [2]int{1, 1}, KernelDilation: [2]int{1, 1}, InDilation: [2]int{1, 1}, Groups: 1}
	back, backLayout := gradientOf(g)
	nx, nw, ny := sizes(g)
	x, w, y := integers(nx), integers(nw), integers(ny)

	inGo := kernels.Go(kernels.Goroutines)
	value, input, weights := make([]float32, ny), make([]float32, nx), make([]float32, nw)
	inGo.Conv(g, kernels.KernelLayout{})(value, x, w, nil)
	inGo.Conv(back, backLayout)(input, y, w, nil)
	inGo.KernelGradient(g)(weights, x, y)

	forth, _ := forConv(g, kernels.KernelLayout{})
	gradient, _ := forConv(back, backLayout)
	kernel, _ := forKernelGradient(g)
	forth.operands, gradient.operands, kernel.operands = operands, operands, operands
	return errors.Join(
		gives(forth, value, func(o *op, got []float32) error { return o.run(x, w, got) }),
		gives(gradient, input, func(o *op, got []float32) error { return o.run(got, w, y) }),
		gives(kernel, weights, func(o *op, got []float32) error { return o.run(x, got, y) }),
	)
}

// integers returns n values from -2 to 2 without a short period.
func integers(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i*i%11%5 - 2)
	}
	return v
}

// gives tests whether oneDNN computes c, and want with it.
func gives(c convolution, want []float32, run func(o *op, got []float32) error) error {
	name := [...]string{"a convolution", "an input gradient", "a kernel gradient"}[c.kind]
	o, err := prepare(c)
	if err != nil {
		return fmt.Errorf("it can't compute %s: %w", name, err)
	}
	got := make([]float32, len(want))
	for i := range got {
		got[i] = float32(math.NaN())
	}
	if err := run(o, got); err != nil {
		return fmt.Errorf("it can't compute %s: %w", name, err)
	}
	for i := range want {
		if got[i] != want[i] {
			return fmt.Errorf("its result of %s is wrong: value %d of %d is %g, and %g is expected", name, i, len(want), got[i], want[i])
		}
	}
	return nil
}
