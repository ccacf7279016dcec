package kernels

import "unsafe"

// depthwise convolves each channel separately: a sum over taps of image values times kernel values, for all channels at
// once.
func depthwise(team Team, y, x, w []float32, g Geometry, flipped bool, e Epilogue) {
	c, taps := g.InC, g.Kernel[0]*g.Kernel[1]
	rowPhases, colPhases := g.phases(0), g.phases(1)
	colSources := make([][]int, len(colPhases))
	for i, p := range colPhases {
		colSources[i] = g.sources(1, p)
	}
	pointers := make([][]unsafe.Pointer, Workers())
	team(g.Batch*g.Out[0], func(worker, task int) {
		if pointers[worker] == nil {
			pointers[worker] = make([]unsafe.Pointer, 2*taps)
		}
		a, b := pointers[worker][:taps], pointers[worker][taps:]
		image, oh := task/g.Out[0], task%g.Out[0]
		rows := rowPhases[oh%len(rowPhases)]
		line := y[task*g.Out[1]*c : (task+1)*g.Out[1]*c]
		for ow := range g.Out[1] {
			cols := colPhases[ow%len(colPhases)]
			at := ow / len(colPhases) * len(cols.taps)
			sources := colSources[ow%len(colPhases)][at : at+len(cols.taps)]
			n := 0
			for _, kh := range rows.taps {
				r := g.source(0, oh, kh)
				if r < 0 {
					continue
				}
				base := (image*g.In[0] + r) * g.In[1]
				for i, kw := range cols.taps {
					if sources[i] < 0 {
						continue
					}
					tap := kh*g.Kernel[1] + kw
					if flipped {
						tap = taps - 1 - tap
					}
					a[n], b[n] = unsafe.Pointer(&x[(base+sources[i])*c]), unsafe.Pointer(&w[tap*c])
					n++
				}
			}
			to := line[ow*c : (ow+1)*c]
			if e.Bias != nil {
				copy(to, e.Bias)
			} else {
				clear(to)
			}
			if n > 0 {
				dotRows(&a[0], &b[0], n, c, &to[0])
			}
		}
		if e.ReLU {
			relu(line)
		}
		if e.After != nil {
			e.After(worker, task*g.Out[1]*c, (task+1)*g.Out[1]*c)
		}
	})
}

func relu(x []float32) {
	for i, v := range x {
		x[i] = max(v, 0)
	}
}

// depthwiseGradient writes to dw the gradient of the kernel of a depthwise convolution.
func depthwiseGradient(team Team, dw, x, v []float32, g Geometry) {
	c, taps := g.InC, g.Kernel[0]*g.Kernel[1]
	pieces := min(g.Batch*g.Out[0], 4*Workers())
	parts := make([][]float32, pieces)
	team(pieces, func(_, piece int) {
		part := getFloats(taps * c)
		clear(part)
		parts[piece] = part
		a := make([]unsafe.Pointer, 0, g.Out[1])
		b := make([]unsafe.Pointer, 0, g.Out[1])
		for line := piece * g.Batch * g.Out[0] / pieces; line < (piece+1)*g.Batch*g.Out[0]/pieces; line++ {
			image, oh := line/g.Out[0], line%g.Out[0]
			for kh := range g.Kernel[0] {
				r := g.source(0, oh, kh)
				if r < 0 {
					continue
				}
				for kw := range g.Kernel[1] {
					a, b = a[:0], b[:0]
					for ow := range g.Out[1] {
						if s := g.source(1, ow, kw); s >= 0 {
							a = append(a, unsafe.Pointer(&x[((image*g.In[0]+r)*g.In[1]+s)*c]))
							b = append(b, unsafe.Pointer(&v[(line*g.Out[1]+ow)*c]))
						}
					}
					if len(a) > 0 {
						dotRows(&a[0], &b[0], len(a), c, &part[(kh*g.Kernel[1]+kw)*c])
					}
				}
			}
		}
	})
	clear(dw)
	for _, part := range parts {
		for i, p := range part {
			dw[i] += p
		}
		putFloats(part)
	}
}
