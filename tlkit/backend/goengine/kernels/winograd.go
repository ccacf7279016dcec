package kernels

import (
	"runtime"
	"unsafe"
)

// Winograd's convolutions with kernels of 3x3, F(2x2, 3x3) of Lavin and Gray 2016, arXiv 1509.09308: squares of 4x4
// pixels, of which each overlaps the next by two, and the kernels are transformed to 16 positions. At each position
// there is a product of matrices, [squares, in] by [in, out], and their results are transformed to squares of 2x2
// pixels: 16 products for four values, where the definition has 36. The transformations are sums, and halves for the
// kernel, so that results are equal to the bit on all processors. Rounding errors are those of the definition with up
// to 64 channels, and twice as large with 512.

// positions is the number of values of a transformed square.
const positions = 16

// squareBytes is the size of the transformed squares of a task: less than half of a second-level cache.
const squareBytes = 3 << 18

// winograd is such a convolution.
type winograd struct {
	team       Team
	g          Geometry
	rows, cols int       // squares of an image
	kernel     []float32 // transformed, [panel, position, in, 16]
	panels     int
	most       int // squares of a task
	padding    unsafe.Pointer
}

// worthWinograd reports whether a convolution is computed so: with fewer channels the transformations cost what the
// products save, and images of 7x7 leave a quarter of the squares empty.
func (g *Geometry) worthWinograd(e Epilogue) bool {
	one := [2]int{1, 1}
	return g.Kernel == [2]int{3, 3} && g.Stride == one && g.KernelDilation == one && g.InDilation == one && g.Groups <= 1 &&
		min(g.InC, g.OutC) >= 2*tileCols && g.InC%tileCols == 0 && g.OutC%tileCols == 0 && min(g.Out[0], g.Out[1]) >= 8 &&
		e.Bias == nil && !e.ReLU && (winogradInVectors || runtime.GOARCH != "amd64")
}

// winogradConv is [Conv] for such a convolution.
func winogradConv(t Team, y, x, w []float32, g Geometry, layout KernelLayout, after After) {
	c := winograd{team: t, g: g, rows: (g.Out[0] + 1) / 2, cols: (g.Out[1] + 1) / 2, panels: g.OutC / tileCols, padding: zeros(g.InC)}
	c.kernel = getFloats(positions * g.InC * g.OutC)
	defer putFloats(c.kernel)
	c.transformKernel(w, layout)
	// A task has whole rows of squares, and so many squares that few are left after twelves.
	rows := max(1, squareBytes/(4*positions*g.InC)/c.cols)
	rows = min(rows, max(1, g.Batch*c.rows/(4*Workers())))
	c.most = (rows*c.cols + 2*tileRows - 1) / (2 * tileRows) * 2 * tileRows
	tasks := (g.Batch*c.rows + rows - 1) / rows
	memory := make([]*squareMemory, Workers())
	c.team(tasks, func(worker, task int) {
		m := memory[worker]
		if m == nil {
			m = c.newMemory()
			memory[worker] = m
		}
		first, last := task*rows, min(g.Batch*c.rows, (task+1)*rows)
		c.transformImages(m, x, first, last)
		for panel := 0; panel < c.panels; {
			n := 1
			if pairs() && panel+2 <= c.panels {
				n = 2
			}
			c.multiply(m, (last-first)*c.cols, panel, n)
			c.transformResults(m, y, first, last, panel, n)
			panel += n
		}
		if after != nil {
			after(worker, c.start(first), c.start(last))
		}
	})
	for _, m := range memory {
		if m != nil {
			putFloats(m.values)
			putFloats(m.results)
		}
	}
}

// start is where the values of a row of squares, counted over all images, begin in the result.
func (c *winograd) start(row int) int {
	image, r := row/c.rows, row%c.rows
	return (image*c.g.Out[0] + 2*r) * c.g.Out[1] * c.g.OutC
}

// squareMemory is a worker's memory for the squares of a task.
type squareMemory struct {
	values  []float32        // [position, square, in]
	results []float32        // [position, square, 32]
	in, out []unsafe.Pointer // the rows of both
}

func (c *winograd) newMemory() *squareMemory {
	m := &squareMemory{values: getFloats(positions * c.most * c.g.InC), results: getFloats(positions * c.most * 2 * tileCols)}
	m.in, m.out = make([]unsafe.Pointer, positions*c.most), make([]unsafe.Pointer, positions*c.most)
	for i := range m.in {
		m.in[i], m.out[i] = unsafe.Pointer(&m.values[i*c.g.InC]), unsafe.Pointer(&m.results[i*2*tileCols])
	}
	return m
}

// transformKernel transforms the kernel, packed in panels.
func (c *winograd) transformKernel(w []float32, layout KernelLayout) {
	run := c.g.InC * tileCols
	packed := getFloats(9 * c.panels * run)
	defer putFloats(packed)
	packKernel(c.team, packed, w, 9, c.g.InC, c.g.OutC, 1, layout)
	const parts = 4 // of a panel
	c.team(c.panels*parts, func(_, task int) {
		panel, at, end := task/parts, task%parts*run/parts, (task%parts+1)*run/parts
		winogradKernel(c.kernel[panel*positions*run+at:], packed[panel*9*run+at:], run, end-at)
	})
}

// transformImages transforms the squares of the rows first to last-1.
func (c *winograd) transformImages(m *squareMemory, x []float32, first, last int) {
	g := &c.g
	square := 0
	var px [positions]unsafe.Pointer
	for row := first; row < last; row++ {
		image, top := row/c.rows, row%c.rows*2-g.Pad[0]
		for col := range c.cols {
			left := 2*col - g.Pad[1]
			for i := range 4 {
				for j := range 4 {
					px[4*i+j] = c.padding
					if r, s := top+i, left+j; r >= 0 && r < g.In[0] && s >= 0 && s < g.In[1] {
						px[4*i+j] = unsafe.Pointer(&x[((image*g.In[0]+r)*g.In[1]+s)*g.InC])
					}
				}
			}
			winogradImage(m.values[square*g.InC:], &px, c.most*g.InC, g.InC)
			square++
		}
	}
}

// multiply multiplies n squares with one or two panels of the kernel at each position.
func (c *winograd) multiply(m *squareMemory, n, panel, width int) {
	var none [2 * tileCols]float32
	offsets := [2]int{}
	run := c.g.InC * tileCols
	for p := range positions {
		kernel := &c.kernel[(panel*positions+p)*run]
		for at := 0; at < n; {
			in, out := &m.in[p*c.most+at], &m.out[p*c.most+at]
			switch {
			case width == 2 && at+tileRows < n:
				igemm12x32(in, &m.in[p*c.most+at+tileRows], &offsets[0], 1, c.g.InC, kernel, positions*run, out, &m.out[p*c.most+at+tileRows], &none[0], 0)
				at += tileRows
			case width == 2:
				igemm6x32(in, &offsets[0], 1, c.g.InC, kernel, positions*run, out, &none[0], 0)
			default:
				igemm6x16(in, &offsets[0], 1, c.g.InC, kernel, out, &none[0], 0)
			}
			at += tileRows
		}
	}
}

// transformResults transforms the products of one or two panels.
func (c *winograd) transformResults(m *squareMemory, y []float32, first, last, panel, width int) {
	g := &c.g
	var spare [2 * tileCols]float32
	var to [4]unsafe.Pointer
	square := 0
	for row := first; row < last; row++ {
		image, top := row/c.rows, row%c.rows*2
		for col := range c.cols {
			for i := range 2 {
				for j := range 2 {
					to[2*i+j] = unsafe.Pointer(&spare)
					if r, s := top+i, 2*col+j; r < g.Out[0] && s < g.Out[1] {
						to[2*i+j] = unsafe.Pointer(&y[((image*g.Out[0]+r)*g.Out[1]+s)*g.OutC+panel*tileCols])
					}
				}
			}
			winogradResult(&to, m.results[square*2*tileCols:], c.most*2*tileCols, width*tileCols)
			square++
		}
	}
}

// winogradImage transforms n values of each of 16 pixels, to rows that are step values apart.
func winogradImage(to []float32, px *[positions]unsafe.Pointer, step, n int) {
	for k := winogradImageVectors(to, px, step, n); k < n; k++ {
		var d [positions]float32
		for i, p := range px {
			d[i] = *(*float32)(unsafe.Add(p, 4*k))
		}
		for j := range 4 {
			d[j], d[4+j], d[8+j], d[12+j] = imageTerms(d[j], d[4+j], d[8+j], d[12+j])
		}
		for i := 0; i < positions; i += 4 {
			to[i*step+k], to[(i+1)*step+k], to[(i+2)*step+k], to[(i+3)*step+k] = imageTerms(d[i], d[i+1], d[i+2], d[i+3])
		}
	}
}

func imageTerms(a, b, c, d float32) (w, x, y, z float32) { return a - c, b + c, c - b, b - d }

// winogradKernel transforms n values of each of 9 taps, which are step values apart, as are the results.
func winogradKernel(to, from []float32, step, n int) {
	for k := winogradKernelVectors(to, from, step, n); k < n; k++ {
		var d [12]float32
		for j := range 3 {
			d[j], d[3+j], d[6+j], d[9+j] = kernelTerms(from[j*step+k], from[(3+j)*step+k], from[(6+j)*step+k])
		}
		for i := range 4 {
			r := 4 * i
			to[r*step+k], to[(r+1)*step+k], to[(r+2)*step+k], to[(r+3)*step+k] = kernelTerms(d[3*i], d[3*i+1], d[3*i+2])
		}
	}
}

func kernelTerms(a, b, c float32) (w, x, y, z float32) {
	return a, 0.5 * (a + c + b), 0.5 * (a + c - b), c
}

// winogradResult transforms n values of each of 16 positions, which are step values apart, to those of four pixels.
func winogradResult(to *[4]unsafe.Pointer, from []float32, step, n int) {
	for k := winogradResultVectors(to, from, step, n); k < n; k++ {
		var d [8]float32
		for j := range 4 {
			d[j], d[4+j] = resultTerms(from[j*step+k], from[(4+j)*step+k], from[(8+j)*step+k], from[(12+j)*step+k])
		}
		for i := range 2 {
			a, b := resultTerms(d[4*i], d[4*i+1], d[4*i+2], d[4*i+3])
			*(*float32)(unsafe.Add(to[2*i], 4*k)), *(*float32)(unsafe.Add(to[2*i+1], 4*k)) = a, b
		}
	}
}

func resultTerms(a, b, c, d float32) (x, y float32) { return a + b + c, b - c - d }
