//go:build cgo && linux && amd64

package onednn

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// OnFailure receives the error of a program's first run that failed after oneDNN had prepared it, for want of memory
// for example. Go's kernels compute instead, in that run and in later ones that fail.
var OnFailure = func(err error) { fmt.Fprintln(os.Stderr, err) }

var failure sync.Once

// ran reports whether a run has computed its result.
func ran(err error) bool {
	if err != nil {
		failure.Do(func() { OnFailure(fmt.Errorf("onednn: a run failed, and Go's kernels compute instead: %w", err)) })
	}
	return err == nil
}

// set is a kernels.Set: oneDNN's kernels, and Go's for what oneDNN can't compute. It computes in float32 what oneDNN
// can't compute with operands in bfloat16.
type set struct{ operands precision }

// kernel computes y from x and w, and reports whether it did.
type kernel func(y, x, w []float32) bool

// or returns a kernel that computes what f does not.
func (f kernel) or(other kernel) kernel {
	return func(y, x, w []float32) bool { return f(y, x, w) || other(y, x, w) }
}

// worthRounding is the number of products that a value of an operand is part of from which on kernel gradients and
// products of matrices take less time with operands in bfloat16, the rounding included: 24 to 32 took up to twice as
// long, 49 to 64 nine tenths or less (AMD EPYC with AVX512-BF16). Other convolutions gain with any number.
const worthRounding = 48

// rounds reports whether a convolution is computed with operands in bfloat16.
func (s set) rounds(c convolution) bool {
	groups, w := 1, c.w.dims
	if len(w) == 5 {
		groups, w = w[0], w[1:]
	}
	switch {
	case s.operands != inBfloat16:
		return false
	case c.kind == kernelGradient:
		return groups == 1 && min(w[0], w[1])*w[2]*w[3] >= worthRounding
	case c.kind == products:
		return min(c.y.dims[1], c.y.dims[2]) >= worthRounding
	}
	return groups == 1 || w[0]*w[1] > 1 // depthwise ones take as long
}

// convolution returns the kernel of a convolution. In the direction of an input gradient, y and x are exchanged.
func (s set) convolution(c convolution) kernel {
	k := prepared(c)
	if s.rounds(c) {
		c.operands = inBfloat16
		k = prepared(c).or(k)
	}
	return k
}

// product returns the kernel of one product on all threads.
func (s set) product(p product) kernel {
	k := kernel(func(c, a, b []float32) bool { return ran(p.run(c, a, b)) })
	if c := p.times(1); s.rounds(c) {
		k = prepared(c).or(k)
	}
	return k
}

// Conv implements kernels.Set.
func (s set) Conv(g kernels.Geometry, l kernels.KernelLayout) kernels.ConvFunc {
	inGo := kernels.Go(team).Conv(g, l)
	compute := kernel(func(y, x, w []float32) bool { return false })
	if p, ok := forProduct(g, l); ok && g.In[0] == 1 {
		compute = s.product(p)
	} else if c, ok := forConv(g, l); ok {
		compute = s.convolution(c)
	}
	return func(y, x, w []float32, after kernels.After) {
		if !compute(y, x, w) {
			inGo(y, x, w, after)
			return
		}
		kernels.Team(team).Rows(y, g.OutC, after)
	}
}

// KernelGradient implements kernels.Set.
func (s set) KernelGradient(g kernels.Geometry) kernels.GradientFunc {
	inGo := kernels.Go(team).KernelGradient(g)
	// In bfloat16, a product takes two thirds of the time of a kernel gradient of one tap.
	if p, ok := forGradientProduct(g); ok && (g.In[0] == 1 || s.rounds(p.times(1))) {
		compute := s.product(p)
		return func(dw, x, v []float32) {
			if !compute(dw, x, v) {
				inGo(dw, x, v)
			}
		}
	}
	c, ok := forKernelGradient(g)
	if !ok {
		return inGo
	}
	compute := s.convolution(c)
	return func(dw, x, v []float32) {
		if !compute(v, x, dw) {
			inGo(dw, x, v)
		}
	}
}

// Product implements kernels.Set.
func (s set) Product(p kernels.Product) kernels.ProductFunc {
	one := product{transposedA: p.TransposedA, transposedB: p.TransposedB, m: p.M, n: p.N, k: p.K}
	inFloat := one.each(p)
	all := one.times(p.Batch)
	if !s.rounds(all) {
		return inFloat
	}
	compute := prepared(all)
	return func(c, a, b []float32) {
		if !compute(c, a, b) {
			inFloat(c, a, b)
		}
	}
}

// each returns the function of several products: each matrix is a task of one thread, unless there are
// fewer than threads.
func (one product) each(p kernels.Product) kernels.ProductFunc {
	inGo := kernels.Go(team).Product(p)
	return func(c, a, b []float32) {
		var failed atomic.Pointer[error]
		onThread(func() {
			tasks := kernels.Team(team)
			if p.Batch < library.threads {
				tasks = kernels.Alone
			}
			p.Each(tasks, c, a, b, func(c, a, b []float32) {
				if err := one.runHere(c, a, b); err != nil {
					failed.Store(&err)
				}
			})
		})
		if err := failed.Load(); err != nil && inGo != nil {
			ran(*err)
			inGo(c, a, b)
		} else if err != nil {
			panic(*err)
		}
	}
}

// prepared returns the kernel of a convolution of result y, images x and kernel w, which oneDNN prepares at the
// first call. In the direction of an input gradient, y and x are exchanged; in that of a kernel gradient, the
// caller gives (v, x, dw).
func prepared(c convolution) kernel {
	once := sync.OnceValue(func() *op {
		o, err := prepare(c)
		if err != nil {
			return nil
		}
		return o
	})
	return func(y, x, w []float32) (computed bool) {
		if c.kind == inputGradient {
			x, y = y, x
		}
		onThread(func() { // once must not be held by another goroutine while the thread waits for it
			if o := once(); o != nil {
				computed = ran(o.run(x, w, y))
			}
		})
		return computed
	}
}
