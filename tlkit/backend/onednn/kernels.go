//go:build cgo && linux && amd64

package onednn

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// OnFailure receives the error of a program's first run that failed after oneDNN had prepared it, for want of memory for
// example. Go's kernels compute instead, in that run and in later ones that fail.
var OnFailure = func(err error) { fmt.Fprintln(os.Stderr, err) }

var failure sync.Once

// ran reports whether a run has computed its result.
func ran(err error) bool {
	if err != nil {
		failure.Do(func() { OnFailure(fmt.Errorf("onednn: a run failed, and Go's kernels compute instead: %w", err)) })
	}
	return err == nil
}

// set is a kernels.Set: oneDNN's kernels, and Go's for what oneDNN can't compute. What oneDNN can't compute with operands
// in bfloat16 is computed in float32.
type set struct{ operands precision }

// kernel computes y from x and w, and reports whether it did.
type kernel func(y, x, w []float32) bool

// or returns a kernel that computes what f does not.
func (f kernel) or(other kernel) kernel {
	return func(y, x, w []float32) bool { return f(y, x, w) || other(y, x, w) }
}

// rounds reports whether a convolution is computed with operands in bfloat16. Depthwise ones are not: they take as long
// with them, since they read each value for a few products only.
func (s set) rounds(c convolution) bool {
	depthwise := len(c.w.dims) == 5 && c.w.dims[1] == 1 && c.w.dims[2] == 1
	return s.operands == inBfloat16 && !depthwise
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
	if s.operands == inBfloat16 {
		k = prepared(p.times(1)).or(k)
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
	if p, ok := forProduct(g, kernels.KernelLayout{}); ok && g.In[0] == 1 {
		compute := s.product(product{transposedA: true, m: g.InC, n: g.OutC, k: p.m})
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
	if s.operands == inFloat32 {
		return inFloat
	}
	compute := prepared(one.times(p.Batch))
	return func(c, a, b []float32) {
		if !compute(c, a, b) {
			inFloat(c, a, b)
		}
	}
}

// each returns the function of several products: each matrix is a task of one thread, unless there are fewer than threads.
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

// prepared returns the kernel of a convolution of result y, images x and kernel w, which oneDNN prepares at the first call.
// In the direction of an input gradient, y and x are exchanged; in that of a kernel gradient, the caller gives (v, x, dw).
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
