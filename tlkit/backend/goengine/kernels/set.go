package kernels

// ConvFunc computes a convolution of images x with a kernel w, as [Conv] does, and sets every value of y. after may be
// nil.
type ConvFunc func(y, x, w []float32, after After)

// GradientFunc computes the gradient of a convolution's kernel of images x and adjoints v, as [KernelGradient] does, and
// sets every value of dw.
type GradientFunc func(dw, x, v []float32)

// Set is a set of kernels for what takes most of a network's time. A function is made for each operation of a plan and
// called in each run, by several goroutines at once.
type Set interface {
	// Conv returns the function of the convolution g, with kernels of the given layout.
	Conv(g Geometry, layout KernelLayout) ConvFunc
	// KernelGradient returns the function of the gradient of g's kernel, [kernel height, kernel width, in/groups, out].
	KernelGradient(g Geometry) GradientFunc
}

// Go returns the set of this package, whose operations a team computes.
func Go(t Team) Set { return goSet{t} }

type goSet struct{ team Team }

func (s goSet) Conv(g Geometry, layout KernelLayout) ConvFunc {
	return func(y, x, w []float32, after After) { Conv(s.team, y, x, w, g, layout, Epilogue{After: after}) }
}

func (s goSet) KernelGradient(g Geometry) GradientFunc {
	return func(dw, x, v []float32) { KernelGradient(s.team, dw, x, v, g) }
}

// Rows calls after, if it is not nil, for pieces of a result y of rows of c values, in parallel.
func (t Team) Rows(y []float32, c int, after After) {
	if after == nil {
		return
	}
	t.ranges(len(y)/c, max(1, 8192/c), func(worker, from, to int) { after(worker, from*c, to*c) })
}
