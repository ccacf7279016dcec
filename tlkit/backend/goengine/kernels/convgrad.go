package kernels

import "unsafe"

// pixelBlock is the number of pixels of the result that are processed at once: their values in 16 channels fill half of
// a first-level cache.
const pixelBlock = 256

// KernelGradient writes to dw, [kernel height, kernel width, in/groups, out], the gradient of the kernel of the
// convolution g of images x whose result has the adjoint v.
func KernelGradient(dw, x, v []float32, g Geometry) {
	if g.Depthwise() {
		depthwiseGradient(dw, x, v, g)
		return
	}
	x, g, _ = mergeTaps(x, g)
	groups := max(1, g.Groups)
	gi, gout := g.runLength(), g.OutC/groups
	if gi < tileRows { // tiles of 6 channels are read: there must be 6 after each pixel's first
		padded := getFloats(len(x) + tileRows)
		defer putFloats(padded)
		copy(padded, x)
		clear(padded[len(x):])
		x = padded
	}
	panels := (gout + tileCols - 1) / tileCols
	taps := g.Kernel[0] * g.Kernel[1]
	pixels := g.Batch * g.Out[0] * g.Out[1]

	// The adjoint in panels of 16 channels: [group, panel, pixel, 16].
	packed := getFloats(groups * panels * pixels * tileCols)
	defer putFloats(packed)
	Parallel(groups*panels, func(_, gp int) {
		gr, panel := gp/panels, gp%panels
		n := min(tileCols, gout-panel*tileCols)
		to := packed[gp*pixels*tileCols : (gp+1)*pixels*tileCols]
		if n < tileCols {
			clear(to)
		}
		from := v[gr*gout+panel*tileCols:]
		for p := range pixels {
			copy(to[p*tileCols:p*tileCols+n], from[p*g.OutC:])
		}
	})

	// Sums, padded to whole panels: [group, panel, tap, in, 16].
	rowTiles := (gi + tileRows - 1) / tileRows
	sums := getFloats(groups * panels * taps * gi * tileCols)
	defer putFloats(sums)
	clear(sums)

	// A task is a set of (tap, panel) pairs; it walks the pixels once, so that a block of the images stays in the
	// cache.
	jobs := groups * taps * panels
	tasks := min(jobs, 2*Workers())
	zeros := zeroRow[:]
	if g.InC+tileRows > len(zeros) {
		zeros = make([]float32, g.InC+tileRows)
	}
	nothing := unsafe.Pointer(&zeros[0])
	Parallel(tasks, func(_, task int) {
		first, last := task*jobs/tasks, (task+1)*jobs/tasks
		rows := make([]unsafe.Pointer, pixelBlock)
		var edge [tileRows * tileCols]float32
		for start := 0; start < pixels; start += pixelBlock {
			n := min(pixelBlock, pixels-start)
			tap := -1
			for job := first; job < last; job++ {
				// Jobs are ordered by tap, then group and panel: the pointers of a tap serve all panels.
				if t := job / (groups * panels); t != tap {
					tap = t
					g.tapRows(rows[:n], x, start, tap, nothing)
				}
				gp := job % (groups * panels)
				gr := gp / panels
				b := &packed[(gp*pixels+start)*tileCols]
				c := sums[(gp*taps+tap)*gi*tileCols:]
				for tile := range rowTiles {
					i := tile * tileRows
					if i+tileRows <= gi {
						outer6x16(&rows[0], gr*gi+i, n, b, &c[i*tileCols], tileCols)
						continue
					}
					if gi >= tileRows { // the last tile overlaps rows that are done
						clear(edge[:])
						outer6x16(&rows[0], gr*gi+gi-tileRows, n, b, &edge[0], tileCols)
						for k := i; k < gi; k++ {
							add(c[k*tileCols:(k+1)*tileCols], edge[(k-gi+tileRows)*tileCols:])
						}
						continue
					}
					clear(edge[:])
					outer6x16(&rows[0], gr*gi, n, b, &edge[0], tileCols)
					add(c[:gi*tileCols], edge[:])
				}
			}
		}
	})

	out := g.OutC
	Parallel(taps, func(_, tap int) {
		for gp := range groups * panels {
			gr, panel := gp/panels, gp%panels
			n := min(tileCols, gout-panel*tileCols)
			for i := range gi {
				copy(dw[(tap*gi+i)*out+gr*gout+panel*tileCols:][:n], sums[((gp*taps+tap)*gi+i)*tileCols:])
			}
		}
	})
}

func add(to, from []float32) {
	for i := range to {
		to[i] += from[i]
	}
}

// tapRows lists pointers to the image values under the tap at the pixels start, start+1, ... of the result; nothing (a
// pointer to zeros) for padding.
func (g *Geometry) tapRows(rows []unsafe.Pointer, x []float32, start, tap int, nothing unsafe.Pointer) {
	kh, kw := tap/g.Kernel[1], tap%g.Kernel[1]
	ow := start % g.Out[1]
	oh := start / g.Out[1] % g.Out[0]
	image := start / g.Out[1] / g.Out[0]
	r := g.source(0, oh, kh)
	for i := range rows {
		rows[i] = nothing
		if r >= 0 {
			if s := g.source(1, ow, kw); s >= 0 {
				rows[i] = unsafe.Pointer(&x[((image*g.In[0]+r)*g.In[1]+s)*g.InC])
			}
		}
		if ow++; ow == g.Out[1] {
			ow = 0
			if oh++; oh == g.Out[0] {
				oh = 0
				image++
			}
			r = g.source(0, oh, kh)
		}
	}
}
