package kernels

import "math"

// MaxPool writes the maximum of each window of the images x to y; padding is never the maximum. The geometry has InC
// equal to OutC, no groups and no dilation.
func MaxPool(t Team, y, x []float32, g Geometry) {
	c := g.InC
	low := float32(math.Inf(-1))
	t(g.Batch*g.Out[0], func(_, task int) {
		image, oh := task/g.Out[0], task%g.Out[0]
		for ow := range g.Out[1] {
			to := y[(task*g.Out[1]+ow)*c:][:c]
			first := true
			g.window(image, oh, ow, func(at int) {
				from := x[at*c : (at+1)*c]
				if first {
					copy(to, from)
					first = false
				} else {
					vecMax(to, to, from)
				}
			})
			if first {
				fill(to, low)
			}
		}
	})
}

// window calls f for each position of the images under a window, row by row.
func (g *Geometry) window(image, oh, ow int, f func(at int)) {
	for kh := range g.Kernel[0] {
		r := g.source(0, oh, kh)
		if r < 0 {
			continue
		}
		for kw := range g.Kernel[1] {
			if s := g.source(1, ow, kw); s >= 0 {
				f((image*g.In[0]+r)*g.In[1] + s)
			}
		}
	}
}

// MaxPoolGradient writes to dx the gradient of MaxPool for the adjoint v: the first maximum of a window, row by row,
// gets all of it.
func MaxPoolGradient(t Team, dx, x, v []float32, g Geometry) {
	c := g.InC
	// Windows overlap along height, so an image (and a piece of its channels) is one task.
	per := c
	for g.Batch*(c/per) < 2*Workers() && per%16 == 0 {
		per /= 2
	}
	pieces := c / per
	t(g.Batch*pieces, func(_, task int) {
		image, from := task/pieces, task%pieces*per
		clearRows(dx[image*g.In[0]*g.In[1]*c:(image+1)*g.In[0]*g.In[1]*c], c, from, per)
		top, best := make([]float32, per), make([]int32, per)
		for oh := range g.Out[0] {
			for ow := range g.Out[1] {
				first := true
				g.window(image, oh, ow, func(at int) {
					row := x[at*c+from:][:per]
					if first {
						first = false
						copy(top, row)
						for i := range best {
							best[i] = int32(at)
						}
						return
					}
					vecLarger(top, best, row, int32(at))
				})
				if first {
					continue
				}
				adjoint := v[((image*g.Out[0]+oh)*g.Out[1]+ow)*c+from:][:per]
				for i, a := range adjoint {
					dx[int(best[i])*c+from+i] += a
				}
			}
		}
	})
}

func clearRows(x []float32, c, from, n int) {
	if n == c {
		clear(x)
		return
	}
	for at := from; at < len(x); at += c {
		clear(x[at : at+n])
	}
}

// SumPool writes the sum of each window of the images x to y.
func SumPool(t Team, y, x []float32, g Geometry) {
	c := g.InC
	t(g.Batch*g.Out[0], func(_, task int) {
		image, oh := task/g.Out[0], task%g.Out[0]
		for ow := range g.Out[1] {
			to := y[(task*g.Out[1]+ow)*c:][:c]
			clear(to)
			g.window(image, oh, ow, func(at int) { vecAdd(to, to, x[at*c:(at+1)*c]) })
		}
	})
}
