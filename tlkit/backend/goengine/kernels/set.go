package kernels

// ConvFunc computes a convolution of images x with a kernel w, as [Conv] does, and sets every value of y. after may be
// nil.
type ConvFunc func(y, x, w []float32, after After)

// GradientFunc computes the gradient of a convolution's kernel of images x and adjoints v, as [KernelGradient] does,
// and sets every value of dw.
type GradientFunc func(dw, x, v []float32)

// Product is a number of products of matrices, c [Batch, M, N] = a [Batch, M, K] times b [Batch, K, N].
type Product struct {
	// TransposedA: a is [Batch, K, M]. TransposedB: b is [Batch, N, K].
	TransposedA, TransposedB bool
	// Batch is the number of products; M, N and K are the sizes of the matrices.
	Batch, M, N, K int
}

// ProductFunc computes products, and sets every value of c.
type ProductFunc func(c, a, b []float32)

// Set is a set of kernels for what takes most of a network's time. A function is made for each operation of a plan and
// called in each run, by several goroutines at once unless the engine runs one plan after the other.
type Set interface {
	// Conv returns the function of the convolution g, with kernels of the given layout.
	Conv(g Geometry, layout KernelLayout) ConvFunc
	// KernelGradient returns the function of the gradient of g's kernel, [kernel height, kernel width, in/groups, out].
	KernelGradient(g Geometry) GradientFunc
	// Product returns the function of the products p; nil if the set has none.
	Product(p Product) ProductFunc
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

// Product implements Set. Products of two transposed matrices are left out.
func (s goSet) Product(p Product) ProductFunc {
	one := func(t Team, c, a, b []float32) {
		Conv(t, c, a, b, OfRows(p.M, p.K, p.N), KernelLayout{OutIn: p.TransposedB}, Epilogue{})
	}
	if p.TransposedA {
		if p.TransposedB {
			return nil
		}
		one = func(t Team, c, a, b []float32) { KernelGradient(t, c, a, b, OfRows(p.K, p.M, p.N)) }
	}
	if p.Batch < Workers() {
		return func(c, a, b []float32) { p.Each(Alone, c, a, b, func(c, a, b []float32) { one(s.team, c, a, b) }) }
	}
	return func(c, a, b []float32) { p.Each(s.team, c, a, b, func(c, a, b []float32) { one(Alone, c, a, b) }) }
}

// Each calls f for the matrices of each product.
func (p Product) Each(t Team, c, a, b []float32, f func(c, a, b []float32)) {
	mn, mk, kn := p.M*p.N, p.M*p.K, p.K*p.N
	t(p.Batch, func(_, i int) { f(c[i*mn:(i+1)*mn], a[i*mk:(i+1)*mk], b[i*kn:(i+1)*kn]) })
}

// Rows calls after, if it is not nil, for pieces of a result y of rows of c values, in parallel.
func (t Team) Rows(y []float32, c int, after After) {
	if after == nil {
		return
	}
	t.ranges(len(y)/c, max(1, 8192/c), func(worker, from, to int) { after(worker, from*c, to*c) })
}
