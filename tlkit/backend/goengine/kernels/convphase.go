package kernels

import "unsafe"

// zeroRow is what windows read of the padding.
var zeroRow [4096]float32

// zeros returns a pointer to n zeros.
func zeros(n int) unsafe.Pointer {
	if n <= len(zeroRow) {
		return unsafe.Pointer(&zeroRow[0])
	}
	return unsafe.Pointer(&make([]float32, n)[0])
}

// convPhase computes one phase of a convolution: the output pixels whose windows use the same taps. They are numbered
// over all images, rows and columns of the phase, and computed in tiles of 6 pixels by 16 channels.
type convPhase struct {
	team         Team
	g            *Geometry
	rows, cols   phase
	packed, bias []float32 // as packKernel writes them; [group, panel, 16]
	relu         int       // 1 or 0

	groups, gi, gout, panels int // gi and gout are channels per group
	taps, allTaps            int // of the phase, of the kernel
	pixels                   int
	boff                     []int // the offset of each tap in a panel of packed, and a last 0
	rowSources, colSources   []int
	padding                  unsafe.Pointer
}

func newConvPhase(team Team, g *Geometry, rows, cols phase, packed, bias []float32, relu bool) *convPhase {
	c := &convPhase{team: team, g: g, rows: rows, cols: cols, packed: packed, bias: bias,
		groups: max(1, g.Groups), gi: g.runLength(),
		taps: len(rows.taps) * len(cols.taps), allTaps: g.Kernel[0] * g.Kernel[1],
		pixels:     g.Batch * rows.count * cols.count,
		rowSources: g.sources(0, rows), colSources: g.sources(1, cols)}
	c.gout = g.OutC / c.groups
	c.panels = (c.gout + tileCols - 1) / tileCols
	if relu {
		c.relu = 1
	}
	c.boff = make([]int, 0, c.taps+1)
	for _, r := range rows.taps {
		for _, col := range cols.taps {
			c.boff = append(c.boff, (r*g.Kernel[1]+col)*c.gi*tileCols)
		}
	}
	c.boff = append(c.boff, 0)
	c.padding = zeros(max(g.InC, c.gi))
	return c
}

// tileMemory is a worker's memory for the tiles of a task.
type tileMemory struct {
	in    []unsafe.Pointer            // [tile, tap, 6]: the image values under a tap at a pixel
	out   []unsafe.Pointer            // [tile, 6]: the first channel of a pixel of the result
	spare [2 * tileCols]float32       // what pixels after the last one write to
	edge  [tileRows][tileCols]float32 // a tile with fewer than 16 channels
}

// run computes the phase's part of the result y of images x, in parallel. After, if not nil, is called for each piece.
func (c *convPhase) run(y, x []float32, after After) {
	if c.pixels == 0 {
		return
	}
	tiles := (c.pixels + tileRows - 1) / tileRows
	perTask := max(1, min(32, (tiles+4*Workers()-1)/(4*Workers())))
	if pairs() && perTask > 2 {
		perTask &^= 1 // tiles are computed two by two
	}
	tasks := (tiles + perTask - 1) / perTask
	memory := make([]*tileMemory, Workers())
	c.team(tasks, func(worker, task int) {
		m := memory[worker]
		if m == nil {
			m = &tileMemory{in: make([]unsafe.Pointer, perTask*tileRows*c.taps+tileRows), out: make([]unsafe.Pointer, perTask*tileRows)}
			memory[worker] = m
		}
		from, to := task*perTask, min(tiles, (task+1)*perTask)
		c.point(m, y, x, from*tileRows, (to-from)*tileRows)
		for group := range c.groups {
			if group > 0 {
				c.nextGroup(m.in[:(to-from)*tileRows*c.taps])
			}
			panel := 0
			for ; pairs() && (panel+2)*tileCols <= c.gout; panel += 2 {
				c.tiles2(m, to-from, group, panel)
			}
			for ; panel < c.panels; panel++ {
				c.tiles(m, to-from, group, panel)
			}
		}
		if after != nil {
			after(worker, from*tileRows*c.g.OutC, min(to*tileRows, c.pixels)*c.g.OutC)
		}
	})
}

// point sets the pointers of n pixels, from first, to the images x and the result y.
func (c *convPhase) point(m *tileMemory, y, x []float32, first, n int) {
	g := c.g
	col := first % c.cols.count
	row := first / c.cols.count % c.rows.count
	image := first / c.cols.count / c.rows.count
	for i := range n {
		in := m.in[i/tileRows*tileRows*c.taps+i%tileRows:]
		if first+i >= c.pixels {
			m.out[i] = unsafe.Pointer(&m.spare)
			for t := range c.taps {
				in[t*tileRows] = c.padding
			}
			continue
		}
		oh, ow := c.rows.first+row*c.rows.step, c.cols.first+col*c.cols.step
		m.out[i] = unsafe.Pointer(&y[((image*g.Out[0]+oh)*g.Out[1]+ow)*g.OutC])
		sourceCols := c.colSources[col*len(c.cols.taps) : (col+1)*len(c.cols.taps)]
		t := 0
		for _, r := range c.rowSources[row*len(c.rows.taps) : (row+1)*len(c.rows.taps)] {
			if r < 0 {
				for range sourceCols {
					in[t] = c.padding
					t += tileRows
				}
				continue
			}
			line := unsafe.Pointer(&x[(image*g.In[0]+r)*g.In[1]*g.InC])
			for _, s := range sourceCols {
				p := c.padding
				if s >= 0 {
					p = unsafe.Add(line, 4*s*g.InC)
				}
				in[t] = p
				t += tileRows
			}
		}
		if col++; col == c.cols.count {
			col = 0
			if row++; row == c.rows.count {
				row = 0
				image++
			}
		}
	}
}

// nextGroup moves pointers to the images by the channels of a group.
func (c *convPhase) nextGroup(in []unsafe.Pointer) {
	for i, p := range in {
		if p != c.padding {
			in[i] = unsafe.Add(p, 4*c.gi)
		}
	}
}

// tiles2 computes n tiles of two panels of 16 output channels.
func (c *convPhase) tiles2(m *tileMemory, n, group, panel int) {
	bias := &c.bias[(group*c.panels+panel)*tileCols]
	step := c.allTaps * c.gi * tileCols
	kernel := &c.packed[min(len(c.packed)-1, (group*c.panels+panel)*step)]
	shift := 4 * (group*c.gout + panel*tileCols)
	spare := unsafe.Pointer(&m.spare)
	var to [2 * tileRows]unsafe.Pointer
	for tile := 0; tile < n; tile += 2 {
		out := m.out[tile*tileRows : min(n, tile+2)*tileRows]
		for i, p := range out {
			if p != spare {
				p = unsafe.Add(p, shift)
			}
			to[i] = p
		}
		in := m.in[tile*tileRows*c.taps:]
		if len(out) > tileRows {
			igemm12x32(&in[0], &in[tileRows*c.taps], &c.boff[0], c.taps, c.gi, kernel, step, &to[0], &to[tileRows], bias, c.relu)
			continue
		}
		igemm6x32(&in[0], &c.boff[0], c.taps, c.gi, kernel, step, &to[0], bias, c.relu)
	}
}

// tiles computes n tiles of a panel of 16 output channels.
func (c *convPhase) tiles(m *tileMemory, n, group, panel int) {
	bias := &c.bias[(group*c.panels+panel)*tileCols]
	kernel := &c.packed[min(len(c.packed)-1, (group*c.panels+panel)*c.allTaps*c.gi*tileCols)]
	channels := min(tileCols, c.gout-panel*tileCols)
	shift := 4 * (group*c.gout + panel*tileCols)
	spare := unsafe.Pointer(&m.spare)
	var to [2 * tileRows]unsafe.Pointer
	tile := 0
	for ; channels == tileCols && pairs() && tile+2 <= n; tile += 2 {
		for i, p := range m.out[tile*tileRows : (tile+2)*tileRows] {
			if p != spare {
				p = unsafe.Add(p, shift)
			}
			to[i] = p
		}
		in := m.in[tile*tileRows*c.taps:]
		igemm12x16(&in[0], &in[tileRows*c.taps], &c.boff[0], c.taps, c.gi, kernel, &to[0], &to[tileRows], bias, c.relu)
	}
	for ; tile < n; tile++ {
		in := &m.in[tile*tileRows*c.taps]
		out := m.out[tile*tileRows : (tile+1)*tileRows]
		if channels == tileCols {
			for i, p := range out {
				if p != spare {
					p = unsafe.Add(p, shift)
				}
				to[i] = p
			}
			igemm6x16(in, &c.boff[0], c.taps, c.gi, kernel, &to[0], bias, c.relu)
			continue
		}
		for i := range m.edge {
			to[i] = unsafe.Pointer(&m.edge[i])
		}
		igemm6x16(in, &c.boff[0], c.taps, c.gi, kernel, &to[0], bias, c.relu)
		for i, p := range out {
			if p != spare {
				copy(unsafe.Slice((*float32)(unsafe.Add(p, shift)), channels), m.edge[i][:channels])
			}
		}
	}
}
