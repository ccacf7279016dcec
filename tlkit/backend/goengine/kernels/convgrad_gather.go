package kernels

import "unsafe"

// Gradients of matrix products, and of kernels of one tap, read values that are far apart: with many channels, each
// pixel of a block lies on a page of its own. A task copies what it multiplies to where it is next to each other. With
// several taps each of them would copy the same pixels, which costs what it saves.

const (
	// gatherRows is the number of input channels that are copied at once.
	gatherRows = 2 * tileRows
	// gatherCols is the number of output channels of a job: a pair of panels.
	gatherCols = 2 * tileCols
	// gatherJobs is the number of jobs of a task, so that the copy of the image values costs little
	// beside the products.
	gatherJobs = 12
	// gatherBytes is the size of a task's adjoints, which are read again for each twelve input channels: less than half
	// of a second-level cache.
	gatherBytes = 1 << 19
)

// worthGathering reports whether each copied value serves several products.
func (k kernelGradient) worthGathering() bool {
	return k.taps == 1 && k.gi >= 64 && k.gout%gatherCols == 0 && k.gout >= 4*gatherCols
}

// sumGathered is sum for copied values. Each sum has the order that it has in sum.
func (k kernelGradient) sumGathered(s sums, x []float32) {
	perGroup := k.gout / gatherCols // jobs
	jobs := k.groups * perGroup
	whole := k.gi / gatherRows
	// A task has some jobs; if these are fewer than the workers, with a part of the input channels: the adjoints, which
	// the parts copy each for itself, are small beside the products with many channels.
	spans := max(1, jobs/gatherJobs)
	parts := max(1, min((Workers()+spans-1)/spans, whole/4))
	padding := k.padding()
	k.team(spans*parts, func(_, task int) {
		span, part := task/parts, task%parts
		first, last := span*jobs/spans, (span+1)*jobs/spans
		from, to := part*whole/parts*gatherRows, (part+1)*whole/parts*gatherRows
		g := newGathered(k, min(perGroup, last-first))
		defer g.free()
		for start := 0; start < k.pixels; start += g.most {
			g.pixels = min(g.most, k.pixels-start)
			k.g.tapRows(g.rows[:g.pixels], x, start, 0, padding)
			for job := first; job < last; job += g.pairs {
				group, pair := job/perGroup, job%perGroup
				g.pairs = min(perGroup-pair, last-job)
				g.adjoints(k.adjoints.v[start*k.g.OutC+job*gatherCols:])
				c := s.of(group*k.panels+2*pair, 0)
				g.outer(c, s, group, from, to)
				if part == parts-1 {
					g.rest(c, s, group, to)
				}
			}
		}
	})
}

// gathered are the values that a task multiplies: of so many pixels, with the adjoints of so many pairs of panels.
type gathered struct {
	k             kernelGradient
	most          int              // pixels at once
	pixels, pairs int              // at the moment
	rows          []unsafe.Pointer // the image values of each pixel
	values        []float32        // twelve of them, [pixel, 12]
	at            []unsafe.Pointer // the values of each pixel
	packed        []float32        // the adjoints, [pair, pixel, 32]
}

// newGathered returns the memory for a task with at most so many pairs of panels.
func newGathered(k kernelGradient, pairs int) *gathered {
	most := max(1, gatherBytes/(pairs*gatherCols*4)/pixelBlock) * pixelBlock
	most = min(most, k.pixels)
	g := &gathered{k: k, most: most, rows: make([]unsafe.Pointer, most), at: make([]unsafe.Pointer, most),
		values: getFloats(most * gatherRows), packed: getFloats(pairs * most * gatherCols)}
	for i := range g.at {
		g.at[i] = unsafe.Pointer(&g.values[i*gatherRows])
	}
	return g
}

func (g *gathered) free() {
	putFloats(g.values)
	putFloats(g.packed)
}

// adjoints copies those of the pairs of panels, which begin at v. It goes pixel by pixel, along the lines of memory.
func (g *gathered) adjoints(v []float32) {
	for pixel := range g.pixels {
		from := v[pixel*g.k.g.OutC:]
		for panel := range 2 {
			copyRuns(g.packed[pixel*gatherCols+panel*tileCols:], from[panel*tileCols:], 2*g.pixels, gatherCols, g.pairs)
		}
	}
}

// outer adds to c, the sums of the first pair, and to those of the others the outer products of a group's image values,
// of the input channels from..to-1, with the adjoints.
func (g *gathered) outer(c []float32, s sums, group, from, to int) {
	for i := from; i < to; i += gatherRows {
		copyTwelves(g.values, g.rows[:g.pixels], 4*(group*g.k.gi+i))
		g.blocks(func(pair, pixel, n int, b *[gatherCols]float32) {
			addTile(c[2*pair*s.panel+i*s.row:], s, &g.at[pixel], n, b)
		})
	}
}

// rest is outer for the input channels from i on, which are fewer than twelve: they are read where they are.
func (g *gathered) rest(c []float32, s sums, group, i int) {
	g.blocks(func(pair, pixel, n int, b *[gatherCols]float32) {
		c := c[2*pair*s.panel:]
		if pairs() {
			g.k.outer2(c, s.row, s.panel, &g.rows[pixel], group, i, n, &b[0], gatherCols, tileCols)
			return
		}
		for panel := range 2 {
			g.k.outer(c[panel*s.panel:], s.row, &g.rows[pixel], group, i, n, &b[panel*tileCols], gatherCols)
		}
	})
}

// addTile adds to c the outer products of n pixels: twelve values of each of rows with the adjoints of a
// pair, from b on.
func addTile(c []float32, s sums, rows *unsafe.Pointer, n int, b *[gatherCols]float32) {
	if pairs() {
		outer12x32(rows, 0, n, &b[0], gatherCols, tileCols, &c[0], s.row, s.panel)
		return
	}
	for panel := range 2 {
		for row := 0; row < gatherRows; row += tileRows {
			outer6x16(rows, row, n, &b[panel*tileCols], gatherCols, &c[panel*s.panel+row*s.row], s.row)
		}
	}
}

// blocks calls do for each block of n pixels of each pair, whose adjoints begin at b.
func (g *gathered) blocks(do func(pair, pixel, n int, b *[gatherCols]float32)) {
	for pair := range g.pairs {
		for pixel := 0; pixel < g.pixels; pixel += pixelBlock {
			do(pair, pixel, min(pixelBlock, g.pixels-pixel), (*[gatherCols]float32)(g.packed[(pair*g.pixels+pixel)*gatherCols:]))
		}
	}
}
