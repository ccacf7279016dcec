//go:build cgo && linux && amd64

package onednn

import (
	"sync"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// set is a kernels.Set: oneDNN's kernels, and Go's for what oneDNN can't compute.
type set struct{}

// Conv implements kernels.Set.
func (set) Conv(g kernels.Geometry, l kernels.KernelLayout) kernels.ConvFunc {
	inGo := kernels.Go.Conv(g, l)
	compute := func(y, x, w []float32) bool { return false }
	if p, ok := forProduct(g, l); ok && g.In[0] == 1 {
		compute = func(y, x, w []float32) bool { return p.run(y, x, w) == nil }
	} else if c, ok := forConv(g, l); ok {
		compute = prepared(c)
	}
	return func(y, x, w []float32, after kernels.After) {
		if !compute(y, x, w) {
			inGo(y, x, w, after)
			return
		}
		kernels.Rows(y, g.OutC, after)
	}
}

// KernelGradient implements kernels.Set.
func (set) KernelGradient(g kernels.Geometry) kernels.GradientFunc {
	inGo := kernels.Go.KernelGradient(g)
	if p, ok := forProduct(g, kernels.KernelLayout{}); ok && g.In[0] == 1 {
		p = product{transposedA: true, m: g.InC, n: g.OutC, k: p.m}
		return func(dw, x, v []float32) {
			if p.run(dw, x, v) != nil {
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
	return func(y, x, w []float32) bool {
		o := once()
		if o == nil {
			return false
		}
		if c.kind == inputGradient {
			x, y = y, x
		}
		return o.run(x, w, y) == nil
	}
}
