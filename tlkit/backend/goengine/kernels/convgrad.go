package kernels

import "unsafe"

// pixelBlock is the number of pixels of the result that are processed at once: their values in 16 channels fill half of
// a first-level cache.
const pixelBlock = 256

// KernelGradient writes to dw, [kernel height, kernel width, in/groups, out], the gradient of the kernel of the
// convolution g of images x whose result has the adjoint v.
func KernelGradient(t Team, dw, x, v []float32, g Geometry) {
	if g.Depthwise() {
		depthwiseGradient(t, dw, x, v, g)
		return
	}
	var merged bool
	if x, g, merged = mergeTaps(t, x, g); merged {
		defer putFloats(x)
	}
	k := newKernelGradient(t, g)
	if k.gi < tileRows { // tiles of 6 channels are read: there must be 6 after each pixel's first
		padded := getFloats(len(x) + tileRows)
		defer putFloats(padded)
		copy(padded, x)
		clear(padded[len(x):])
		x = padded
	}
	k.adjoints = adjoints{v: v}
	if !k.gathers && (!k.direct || k.gout%tileCols != 0) {
		k.adjoints.packed = getFloats(k.groups * k.panels * k.pixels * tileCols)
		defer putFloats(k.adjoints.packed)
		k.pack()
	}
	if k.gout%tileCols == 0 {
		clear(dw)
		k.sum(sums{values: dw, tap: k.gi * g.OutC, panel: tileCols, row: g.OutC}, x)
		return
	}
	s := sums{values: getFloats(k.groups * k.panels * k.taps * k.gi * tileCols), tap: k.gi * tileCols, panel: k.taps * k.gi * tileCols, row: tileCols}
	defer putFloats(s.values)
	clear(s.values)
	k.sum(s, x)
	k.unpack(dw, s.values)
}

// sums are what tiles are added to, with the distances of two taps, of two panels, and of two input channels. Where all
// panels are whole they are the kernel's gradient itself, else [group, panel, tap, in, 16].
type sums struct {
	values          []float32
	tap, panel, row int
}

// of returns the sums of a panel, counted over all groups, from a tap on.
func (s sums) of(gp, tap int) []float32 { return s.values[gp*s.panel+tap*s.tap:] }

// kernelGradient is the gradient of a convolution's kernel, in numbers: channels per group, panels of 16 output
// channels, taps, pixels of all results.
type kernelGradient struct {
	team                     Team
	g                        Geometry
	groups, gi, gout, panels int
	taps, pixels             int
	adjoints                 adjoints
	// direct: whole panels are read where they are. To pack them, [group, panel, pixel, 16], costs more than it saves
	// where each is read a few times only, or where pixels are so near that a block of them stays in the cache.
	direct bool
	// gathers: tasks copy image values and adjoints; see convgrad_gather.go.
	gathers bool
}

// adjoints are those of the result, as they are and in panels.
type adjoints struct{ v, packed []float32 }

func newKernelGradient(t Team, g Geometry) kernelGradient {
	groups := max(1, g.Groups)
	gout := g.OutC / groups
	k := kernelGradient{team: t, g: g, groups: groups, gi: g.runLength(), gout: gout, panels: (gout + tileCols - 1) / tileCols,
		taps: g.Kernel[0] * g.Kernel[1], pixels: g.Batch * g.Out[0] * g.Out[1]}
	k.gathers = k.worthGathering()
	k.direct = gout%tileCols == 0 && g.OutC <= 8*tileCols || k.taps*(k.gi+tileRows-1)/tileRows <= 8
	return k
}

// panel returns the first output channel and the number of channels of panel gp, counted over all groups.
func (k kernelGradient) panel(gp int) (first, n int) {
	gr, panel := gp/k.panels, gp%k.panels
	return gr*k.gout + panel*tileCols, min(tileCols, k.gout-panel*tileCols)
}

// block returns the adjoints of panel gp from a pixel on, and the distance of two pixels.
func (k kernelGradient) block(gp, pixel int) (b *float32, ldb int) {
	if first, n := k.panel(gp); k.direct && n == tileCols {
		return &k.adjoints.v[pixel*k.g.OutC+first], k.g.OutC
	}
	return &k.adjoints.packed[(gp*k.pixels+pixel)*tileCols], tileCols
}

// pack puts the adjoints into panels of 16 channels, zeros added, except where they are read directly.
func (k kernelGradient) pack() {
	v, packed := k.adjoints.v, k.adjoints.packed
	k.team(k.groups*k.panels, func(_, gp int) {
		first, n := k.panel(gp)
		if k.direct && n == tileCols {
			return
		}
		to := packed[gp*k.pixels*tileCols : (gp+1)*k.pixels*tileCols]
		from := v[first:]
		if n == tileCols {
			copyRuns(to, from, 1, k.g.OutC, k.pixels)
			return
		}
		clear(to)
		for p := range k.pixels {
			copy(to[p*tileCols:p*tileCols+n], from[p*k.g.OutC:])
		}
	})
}

// sum adds to s the products of image values and adjoints over all pixels.
func (k kernelGradient) sum(s sums, x []float32) {
	if k.gathers {
		k.sumGathered(s, x)
		return
	}
	// A job is a tap with one or two panels of a group. A task is some jobs; it walks the pixels once, so that a block
	// of the images stays in the cache.
	width := 1
	if pairs() {
		width = 2
	}
	perGroup := (k.panels + width - 1) / width
	perTap := k.groups * perGroup
	jobs := perTap * k.taps
	tasks := min(jobs, 2*Workers())
	padding := k.padding()
	k.team(tasks, func(_, task int) {
		first, last := task*jobs/tasks, (task+1)*jobs/tasks
		rows := make([]unsafe.Pointer, pixelBlock)
		for start := 0; start < k.pixels; start += pixelBlock {
			n := min(pixelBlock, k.pixels-start)
			tap := -1
			for job := first; job < last; job++ {
				// Jobs are ordered by tap, then group and panel: the pointers of a tap serve all panels.
				if t := job / perTap; t != tap {
					tap = t
					k.g.tapRows(rows[:n], x, start, tap, padding)
				}
				group, panel := job%perTap/perGroup, job%perGroup*width
				gp := group*k.panels + panel
				b, ldb := k.block(gp, start)
				if panel+1 == k.panels || width == 1 {
					k.outer(s.of(gp, tap), s.row, &rows[0], group, 0, n, b, ldb)
					continue
				}
				next, ldnext := k.block(gp+1, start)
				if ldb == ldnext {
					step := (uintptr(unsafe.Pointer(next)) - uintptr(unsafe.Pointer(b))) / 4
					k.outer2(s.of(gp, tap), s.row, s.panel, &rows[0], group, 0, n, b, ldb, int(step))
					continue
				}
				k.outer(s.of(gp, tap), s.row, &rows[0], group, 0, n, b, ldb)
				k.outer(s.of(gp+1, tap), s.row, &rows[0], group, 0, n, next, ldnext)
			}
		}
	})
}

// padding returns a pointer to what tiles read of padding.
func (k kernelGradient) padding() unsafe.Pointer { return zeros(k.g.InC + 2*tileRows) }

// outer adds to c, a row of 16 values per input channel, the outer products of n pixels: a group's image values at
// rows, from input channel i on, with the adjoints b.
func (k kernelGradient) outer(c []float32, ldc int, rows *unsafe.Pointer, group, i, n int, b *float32, ldb int) {
	gi := k.gi
	for ; pairs() && i+2*tileRows <= gi; i += 2 * tileRows {
		outer12x16(rows, group*gi+i, n, b, ldb, &c[i*ldc], ldc)
	}
	for ; i+tileRows <= gi; i += tileRows {
		outer6x16(rows, group*gi+i, n, b, ldb, &c[i*ldc], ldc)
	}
	if i == gi {
		return
	}
	var edge [tileRows * tileCols]float32
	from := max(0, gi-tileRows) // the last tile overlaps rows that are done
	outer6x16(rows, group*gi+from, n, b, ldb, &edge[0], tileCols)
	for ; i < gi; i++ {
		add(c[i*ldc:][:tileCols], edge[(i-from)*tileCols:])
	}
}

// outer2 is outer for two panels: those of adjoints are bstep values apart, those of c cstep. Twelve channels are
// computed at once, and the last 8 or 16 in eights, so that none are left where their number is a multiple of 4.
func (k kernelGradient) outer2(c []float32, ldc, cstep int, rows *unsafe.Pointer, group, i, n int, b *float32, ldb, bstep int) {
	gi := k.gi
	for left := gi - i; left >= 2*tileRows || left == 8; left = gi - i {
		if left == 8 || left == 16 {
			outer8x32(rows, group*gi+i, n, b, ldb, bstep, &c[i*ldc], ldc, cstep)
			i += 8
			continue
		}
		outer12x32(rows, group*gi+i, n, b, ldb, bstep, &c[i*ldc], ldc, cstep)
		i += 2 * tileRows
	}
	for ; i+tileRows <= gi; i += tileRows {
		outer6x32(rows, group*gi+i, n, b, ldb, bstep, &c[i*ldc], ldc, cstep)
	}
	if i == gi {
		return
	}
	const panel = tileRows * tileCols
	var edge [2 * panel]float32
	from := max(0, gi-tileRows) // the last tile overlaps rows that are done
	outer6x32(rows, group*gi+from, n, b, ldb, bstep, &edge[0], tileCols, panel)
	for ; i < gi; i++ {
		add(c[i*ldc:][:tileCols], edge[(i-from)*tileCols:])
		add(c[cstep+i*ldc:][:tileCols], edge[panel+(i-from)*tileCols:])
	}
}

// unpack writes the sums without their padding to dw, [tap, in, out].
func (k kernelGradient) unpack(dw, sums []float32) {
	k.team(k.taps, func(_, tap int) {
		for gp := range k.groups * k.panels {
			first, n := k.panel(gp)
			for i := range k.gi {
				copy(dw[(tap*k.gi+i)*k.g.OutC+first:][:n], sums[((gp*k.taps+tap)*k.gi+i)*tileCols:])
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
	for len(rows) > 0 {
		n := min(len(rows), g.Out[1]-ow)
		g.tapLine(rows[:n], x, image, g.source(0, oh, kh), ow, kw, nothing)
		rows, ow = rows[n:], 0
		if oh++; oh == g.Out[0] {
			oh = 0
			image++
		}
	}
}

// tapLine lists the pointers for pixels that follow each other in a row of the result, whose tap is on row r of an
// image, or on padding if r is negative.
func (g *Geometry) tapLine(rows []unsafe.Pointer, x []float32, image, r, ow, kw int, nothing unsafe.Pointer) {
	if r < 0 {
		for i := range rows {
			rows[i] = nothing
		}
		return
	}
	line := unsafe.Pointer(&x[(image*g.In[0]+r)*g.In[1]*g.InC])
	if g.InDilation[1] > 1 {
		for i := range rows {
			rows[i] = nothing
			if s := g.source(1, ow+i, kw); s >= 0 {
				rows[i] = unsafe.Add(line, 4*s*g.InC)
			}
		}
		return
	}
	s := ow*g.Stride[1] - g.Pad[1] + kw*g.KernelDilation[1]
	for i := range rows {
		p := nothing
		if s >= 0 && s < g.In[1] {
			p = unsafe.Add(line, 4*s*g.InC)
		}
		rows[i] = p
		s += g.Stride[1]
	}
}
