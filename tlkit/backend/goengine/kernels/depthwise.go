package kernels

import "unsafe"

// depthwise convolves each channel separately: a sum over taps of image values times kernel values, for all channels at
// once.
func depthwise(team Team, y, x, w []float32, g Geometry, flipped bool, e Epilogue) {
	rows, cols := g.phases(0), g.phases(1)
	spans := make([]span, len(cols))
	for i, p := range cols {
		spans[i] = g.span(1, p)
	}
	workers := make([]*depthwiseLine, Workers())
	team(g.Batch*g.Out[0], func(worker, task int) {
		l := workers[worker]
		if l == nil {
			taps := g.Kernel[0] * g.Kernel[1]
			l = &depthwiseLine{g: &g, x: x, w: w, flipped: flipped, a: make([]unsafe.Pointer, taps), b: make([]unsafe.Pointer, taps)}
			workers[worker] = l
		}
		size := g.Out[1] * g.InC
		line := y[task*size : (task+1)*size]
		start(line, e.Bias)
		oh := task % g.Out[0]
		l.image, l.oh, l.rows = task/g.Out[0], oh, rows[oh%len(rows)]
		for i, p := range cols {
			l.add(line, p, spans[i])
		}
		if e.ReLU {
			relu(line)
		}
		if e.After != nil {
			e.After(worker, task*size, (task+1)*size)
		}
	})
}

// start sets each row of a line to the bias, or to 0.
func start(line, bias []float32) {
	if bias == nil {
		clear(line)
		return
	}
	for ; len(line) > 0; line = line[len(bias):] {
		copy(line, bias)
	}
}

func relu(x []float32) {
	for i, v := range x {
		x[i] = max(v, 0)
	}
}

// span is a range of the positions of a phase, first to last-1, whose windows have no padding.
type span struct{ first, last int }

func (g *Geometry) span(axis int, p phase) (s span) {
	inside := func(i int) bool {
		for _, tap := range p.taps {
			if g.source(axis, p.first+i*p.step, tap) < 0 {
				return false
			}
		}
		return true
	}
	for s.first < p.count && !inside(s.first) {
		s.first++
	}
	for s.last = s.first; s.last < p.count && inside(s.last); {
		s.last++
	}
	return s
}

// depthwiseLine computes a row of pixels of the result. a and b are the image values and the kernel values of the taps
// of a pixel.
type depthwiseLine struct {
	g         *Geometry
	x, w      []float32
	flipped   bool
	image, oh int
	rows      phase
	a, b      []unsafe.Pointer
}

// add adds the products of the pixels of a phase to the line.
func (l *depthwiseLine) add(line []float32, cols phase, inside span) {
	c := l.g.InC
	one := func(from, to int) {
		for i := from; i < to; i++ {
			ow := cols.first + i*cols.step
			if n := l.point(ow, cols.taps); n > 0 {
				dotRows(&l.a[0], &l.b[0], n, c, &line[ow*c])
			}
		}
	}
	one(0, inside.first)
	if pixels := inside.last - inside.first; pixels > 0 {
		ow := cols.first + inside.first*cols.step
		n := l.point(ow, cols.taps)
		if n > 0 && !dotLines(&l.a[0], &l.b[0], n, c, &line[ow*c], pixels, l.g.Stride[1]*c, cols.step*c) {
			one(inside.first, inside.last)
		}
	}
	one(inside.last, cols.count)
}

// point sets a and b for a pixel, and returns the number of taps that are not on padding.
func (l *depthwiseLine) point(ow int, taps []int) (n int) {
	g, c := l.g, l.g.InC
	for _, kh := range l.rows.taps {
		r := g.source(0, l.oh, kh)
		if r < 0 {
			continue
		}
		base := (l.image*g.In[0] + r) * g.In[1]
		for _, kw := range taps {
			s := g.source(1, ow, kw)
			if s < 0 {
				continue
			}
			tap := kh*g.Kernel[1] + kw
			if l.flipped {
				tap = g.Kernel[0]*g.Kernel[1] - 1 - tap
			}
			l.a[n], l.b[n] = unsafe.Pointer(&l.x[(base+s)*c]), unsafe.Pointer(&l.w[tap*c])
			n++
		}
	}
	return n
}

// tapRun is the positions of a row of the result that a tap of a kernel row reaches: first, first+step, ...
type tapRun struct{ tap, first, step, count int }

// tapRuns lists them, without those on padding.
func (g *Geometry) tapRuns() (runs []tapRun) {
	for _, p := range g.phases(1) {
		for _, tap := range p.taps {
			one := p
			one.taps = []int{tap}
			if s := g.span(1, one); s.last > s.first {
				runs = append(runs, tapRun{tap, p.first + s.first*p.step, p.step, s.last - s.first})
			}
		}
	}
	return runs
}

// depthwiseGradient writes to dw the gradient of the kernel of a depthwise convolution.
func depthwiseGradient(team Team, dw, x, v []float32, g Geometry) {
	c, taps := g.InC, g.Kernel[0]*g.Kernel[1]
	pieces := min(g.Batch*g.Out[0], 32) // whatever the number of workers is: the sums are to be equal
	parts := make([][]float32, pieces)
	runs := g.tapRuns()
	team(pieces, func(_, piece int) {
		part := getFloats(taps * c)
		clear(part)
		parts[piece] = part
		for line := piece * g.Batch * g.Out[0] / pieces; line < (piece+1)*g.Batch*g.Out[0]/pieces; line++ {
			image, oh := line/g.Out[0], line%g.Out[0]
			for kh := range g.Kernel[0] {
				r := g.source(0, oh, kh)
				if r < 0 {
					continue
				}
				for _, run := range runs {
					a := x[((image*g.In[0]+r)*g.In[1]+g.source(1, run.first, run.tap))*c:]
					b := v[(line*g.Out[1]+run.first)*c:]
					dotLine(part[(kh*g.Kernel[1]+run.tap)*c:][:c], a, b, run.count, g.Stride[1]*c, run.step*c)
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

// dotLine adds to dst the sum of the products of n rows of a, which are astep values apart, with those of b, which are
// bstep values apart.
func dotLine(dst, a, b []float32, n, astep, bstep int) {
	c := len(dst)
	if dotSteps(&a[0], &b[0], n, c, &dst[0], astep, bstep) {
		return
	}
	for ; n > 0; n-- {
		p, q := unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0])
		dotRows(&p, &q, 1, c, &dst[0])
		if n > 1 {
			a, b = a[astep:], b[bstep:]
		}
	}
}
