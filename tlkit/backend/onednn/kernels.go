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

// set is a kernels.Set: oneDNN's kernels, and Go's for what oneDNN can't compute.
type set struct{}

// Conv implements kernels.Set.
func (set) Conv(g kernels.Geometry, l kernels.KernelLayout) kernels.ConvFunc {
	inGo := kernels.Go(team).Conv(g, l)
	compute := func(y, x, w []float32) bool { return false }
	if p, ok := forProduct(g, l); ok && g.In[0] == 1 {
		compute = func(y, x, w []float32) bool { return ran(p.run(y, x, w)) }
	} else if c, ok := forConv(g, l); ok {
		compute = prepared(c)
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
func (set) KernelGradient(g kernels.Geometry) kernels.GradientFunc {
	inGo := kernels.Go(team).KernelGradient(g)
	if p, ok := forProduct(g, kernels.KernelLayout{}); ok && g.In[0] == 1 {
		p = product{transposedA: true, m: g.InC, n: g.OutC, k: p.m}
		return func(dw, x, v []float32) {
			if !ran(p.run(dw, x, v)) {
				inGo(dw, x, v)
			}
		}
	}
	c, ok := forKernelGradient(g)
	if !ok {
		return inGo
	}
	compute := prepared(c)
	return func(dw, x, v []float32) {
		if !compute(v, x, dw) {
			inGo(dw, x, v)
		}
	}
}

// Product implements kernels.Set: each matrix is a task of one thread, unless there are fewer than threads.
func (set) Product(p kernels.Product) kernels.ProductFunc {
	inGo := kernels.Go(team).Product(p)
	one := product{transposedA: p.TransposedA, transposedB: p.TransposedB, m: p.M, n: p.N, k: p.K}
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

// prepared returns a function that computes a convolution of result y, images x and kernel w, and reports whether it
// did. oneDNN prepares it at the first call. In the direction of an input gradient, y and x are exchanged.
func prepared(c convolution) func(y, x, w []float32) bool {
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
