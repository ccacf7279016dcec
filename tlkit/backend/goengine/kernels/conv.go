package kernels

// Geometry is a two-dimensional convolution; index 0 of the pairs is height, 1 is width.
type Geometry struct {
	Batch  int    // number of images
	In     [2]int // size of the images
	Out    [2]int // size of the result
	InC    int    // channels of the images
	OutC   int    // channels of the result
	Kernel [2]int // size of the kernel
	Stride [2]int // step between windows
	Pad    [2]int // zeros before the first row and column; negative crops
	// KernelDilation is the distance between the taps.
	KernelDilation [2]int
	// InDilation is the distance between the images' values: InDilation-1 zeros are imagined between them.
	InDilation [2]int
	Groups     int
	// run is the number of values per tap, if that is not InC/Groups, else 0: see mergeTaps.
	run int
}

// OfRows is the convolution that computes the products of rows of in values with a matrix [in, out].
func OfRows(rows, in, out int) Geometry {
	one := [2]int{1, 1}
	size := [2]int{1, rows}
	return Geometry{Batch: 1, In: size, Out: size, InC: in, OutC: out, Kernel: one, Stride: one, KernelDilation: one, InDilation: one, Groups: 1}
}

func (g *Geometry) runLength() int {
	if g.run > 0 {
		return g.run
	}
	return g.InC / max(1, g.Groups)
}

// Depthwise reports whether each channel is convolved separately.
func (g Geometry) Depthwise() bool { return g.Groups > 1 && g.Groups == g.InC && g.Groups == g.OutC }

// source returns, for one axis, the position in the images under a tap at an output position; -1 for padding and
// dilation zeros.
func (g *Geometry) source(axis, out, tap int) int {
	p := out*g.Stride[axis] - g.Pad[axis] + tap*g.KernelDilation[axis]
	d := g.InDilation[axis]
	if d > 1 {
		if p < 0 || p%d != 0 {
			return -1
		}
		p /= d
	}
	if p < 0 || p >= g.In[axis] {
		return -1
	}
	return p
}

// phase is a set of output rows (or columns) that use the same taps: first, first+step, ...
type phase struct {
	first, step, count int
	taps               []int
}

// phases groups the output positions of an axis by the taps they use. Without input dilation there is one phase.
func (g *Geometry) phases(axis int) []phase {
	d := g.InDilation[axis]
	all := make([]phase, 0, d)
	for first := range min(d, g.Out[axis]) {
		p := phase{first: first, step: d, count: (g.Out[axis] - first + d - 1) / d}
		for tap := range g.Kernel[axis] {
			if at := first*g.Stride[axis] - g.Pad[axis] + tap*g.KernelDilation[axis]; ((at%d)+d)%d == 0 {
				p.taps = append(p.taps, tap)
			}
		}
		all = append(all, p)
	}
	return all
}

// sources lists the image positions under each tap at the positions of a phase: [position, tap], -1 for padding.
func (g *Geometry) sources(axis int, p phase) []int {
	list := make([]int, 0, p.count*len(p.taps))
	for i := range p.count {
		for _, t := range p.taps {
			list = append(list, g.source(axis, p.first+i*p.step, t))
		}
	}
	return list
}

const (
	tileRows = 6
	tileCols = 16
)

// Epilogue is applied to the result of a convolution before it leaves the cache.
type Epilogue struct {
	Bias []float32 // a value per output channel, or nil
	ReLU bool      // negative values become 0, after the bias
	// After, if not nil, is called for each piece of the result.
	After After
}

// KernelLayout is the layout of the kernel in memory; the zero value is [kernel height, kernel width, in, out].
type KernelLayout struct {
	// OutIn: the last two axes are transposed.
	OutIn bool
	// Flipped: the taps are used in reverse order, on both axes.
	Flipped bool
}

// Conv computes the convolution of images x with kernel w and writes it to y. It sets every value of y.
func Conv(t Team, y, x, w []float32, g Geometry, layout KernelLayout, e Epilogue) {
	if g.Depthwise() {
		depthwise(t, y, x, w, g, layout.Flipped, e)
		return
	}
	if g.worthWinograd(e) {
		winogradConv(t, y, x, w, g, layout, e.After)
		return
	}
	if layout == (KernelLayout{}) {
		var padded bool // the kernel's memory is the same: taps of a row and channels are one axis
		if x, g, padded = mergeTaps(t, x, g); padded {
			defer putFloats(x)
		}
	}
	groups := max(1, g.Groups)
	gi, gout := g.runLength(), g.OutC/groups
	panels := (gout + tileCols - 1) / tileCols
	taps := g.Kernel[0] * g.Kernel[1]
	packed := getFloats(groups * panels * taps * gi * tileCols)
	defer putFloats(packed)
	packKernel(t, packed, w, taps, gi, gout, groups, layout)
	bias := make([]float32, groups*panels*tileCols)
	for gr := range groups {
		if e.Bias != nil {
			copy(bias[gr*panels*tileCols:], e.Bias[gr*gout:(gr+1)*gout])
		}
	}
	rowPhases, colPhases := g.phases(0), g.phases(1)
	after := e.After
	if len(rowPhases)*len(colPhases) > 1 { // a phase leaves gaps: After must wait for all phases
		after = nil
	}
	for _, rows := range rowPhases {
		for _, cols := range colPhases {
			newConvPhase(t, &g, rows, cols, packed, bias, e.ReLU).run(y, x, after)
		}
	}
	if after == nil {
		t.Rows(y, g.OutC, e.After)
	}
}

// packKernel puts the kernel into panels of 16 output channels: [group, panel, tap, in, 16], zeros added.
func packKernel(team Team, packed, w []float32, taps, gi, gout, groups int, layout KernelLayout) {
	if !layout.OutIn && gout%tileCols == 0 {
		packRows(team, packed, w, taps, gi, gout, groups, layout.Flipped)
		return
	}
	panels := (gout + tileCols - 1) / tileCols
	out := gout * groups
	team(groups*panels*taps, func(_, task int) {
		gr, panel, tap := task/(panels*taps), task/taps%panels, task%taps
		to := packed[task*gi*tileCols : (task+1)*gi*tileCols]
		if layout.Flipped {
			tap = taps - 1 - tap
		}
		first := gr*gout + panel*tileCols
		n := min(tileCols, gout-panel*tileCols)
		if n < tileCols {
			clear(to)
		}
		if layout.OutIn {
			transpose(to, w[(tap*out+first)*gi:], tileCols, gi, n, gi)
			return
		}
		from := w[tap*gi*out+first:]
		if n == tileCols {
			copyRuns(to, from, 1, out, gi)
			return
		}
		for i := range gi {
			copy(to[i*tileCols:i*tileCols+n], from[i*out:])
		}
	})
}

// packRows is packKernel for whole panels of a kernel [in, out]. A task copies some input channels of a tap for all
// panels, so that memory is read along its lines.
func packRows(team Team, packed, w []float32, taps, gi, gout, groups int, flipped bool) {
	const most = 16 // input channels of a task
	panels, blocks := gout/tileCols, (gi+most-1)/most
	out := gout * groups
	team(groups*taps*blocks, func(_, task int) {
		gr, tap, i := task/(taps*blocks), task/blocks%taps, task%blocks*most
		n := min(most, gi-i)
		from := w[(tap*gi+i)*out+gr*gout:]
		if flipped {
			from = w[((taps-1-tap)*gi+i)*out+gr*gout:]
		}
		for panel := range panels {
			copyRuns(packed[(((gr*panels+panel)*taps+tap)*gi+i)*tileCols:], from[panel*tileCols:], 1, out, n)
		}
	})
}

// mergeTaps joins the taps of a kernel row into one tap with more channels, if the images have few channels (the first
// layer of a network). It returns the images with their padding, so that a row of the window is contiguous, and true if
// they are the caller's to put back.
func mergeTaps(t Team, x []float32, g Geometry) ([]float32, Geometry, bool) {
	if g.InC > 4 || g.Kernel[1] == 1 || g.Groups > 1 || g.KernelDilation[1] != 1 || g.InDilation != [2]int{1, 1} {
		return x, g, false
	}
	padded := pad(t, x, g)
	for a := range 2 {
		g.In[a] = g.padded(a)
	}
	g.Pad = [2]int{}
	g.run = g.Kernel[1] * g.InC
	g.Kernel[1] = 1
	return padded, g, true
}

// padded is the number of rows or columns that the windows cover.
func (g *Geometry) padded(axis int) int {
	return (g.Out[axis]-1)*g.Stride[axis] + (g.Kernel[axis]-1)*g.KernelDilation[axis] + 1
}

// pad returns the images with their zeros around them, [batch, padded height, padded width, channels], and a few more
// values, since tiles are read whole.
func pad(t Team, x []float32, g Geometry) []float32 {
	size := [2]int{g.padded(0), g.padded(1)}
	all := g.Batch * size[0] * size[1] * g.InC
	padded := getFloats(all + tileCols)
	clear(padded[all:])
	lo, at := max(0, -g.Pad[1]), max(0, g.Pad[1])
	n := max(0, min(g.In[1]-lo, size[1]-at))
	t(g.Batch*size[0], func(_, task int) {
		to := padded[task*size[1]*g.InC : (task+1)*size[1]*g.InC]
		image, row := task/size[0], task%size[0]-g.Pad[0]
		if row < 0 || row >= g.In[0] || n == 0 {
			clear(to)
			return
		}
		clear(to[:at*g.InC])
		copy(to[at*g.InC:(at+n)*g.InC], x[((image*g.In[0]+row)*g.In[1]+lo)*g.InC:])
		clear(to[(at+n)*g.InC:])
	})
	return padded
}
