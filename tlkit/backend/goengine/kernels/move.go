package kernels

import (
	"cmp"
	"slices"
)

// Move copies values from one place of memory to another: transpositions, slices, parts of concatenations, repetitions.
// There are as many values as the product of Dims; the next one along an axis is To[axis] values further in the result
// and From[axis] in the source, which may be 0 or negative. ToStart and FromStart are the places of the first value.
type Move struct {
	Dims, To, From     []int
	ToStart, FromStart int
}

// Strides returns the distances of neighbours along each axis of a tensor whose values lie one after the other.
func Strides(dims []int) []int {
	s, n := make([]int, len(dims)), 1
	for i := len(dims) - 1; i >= 0; i-- {
		s[i] = n
		n *= dims[i]
	}
	return s
}

// moveAxis is an axis of a Move.
type moveAxis struct{ n, to, from int }

// axes returns the axes, those of the largest steps in the result first, without those of one value, and joined where
// two are one axis in both places.
func (m Move) axes() []moveAxis {
	var all []moveAxis
	for i, n := range m.Dims {
		if n != 1 {
			all = append(all, moveAxis{n, m.To[i], m.From[i]})
		}
	}
	slices.SortStableFunc(all, func(a, b moveAxis) int { return cmp.Compare(b.to, a.to) })
	joined := all[:0]
	for _, a := range all {
		if last := len(joined) - 1; last >= 0 && joined[last].to == a.to*a.n && joined[last].from == a.from*a.n {
			joined[last] = moveAxis{joined[last].n * a.n, a.to, a.from}
			continue
		}
		joined = append(joined, a)
	}
	return joined
}

// Planned is a Move whose loops are planned.
type Planned struct {
	outer       []moveAxis
	count       int      // of values of the outer axes together
	across      moveAxis // a second axis along which the source's values are neighbours; n is 0 if there is none
	inner       moveAxis
	start, from int
}

// Plan plans the loops.
func (m Move) Plan() *Planned {
	p := &Planned{start: m.ToStart, from: m.FromStart, inner: moveAxis{1, 1, 1}, count: 1}
	p.outer = m.axes()
	if last := len(p.outer) - 1; last >= 0 {
		p.inner, p.outer = p.outer[last], p.outer[:last]
	}
	if p.inner.from != 0 && p.inner.from != 1 || p.inner.to != 1 {
		if i := slices.IndexFunc(p.outer, func(a moveAxis) bool { return a.from == 1 }); i >= 0 {
			p.across = p.outer[i]
			p.outer = slices.Delete(p.outer, i, i+1)
		}
	}
	for _, a := range p.outer {
		p.count *= a.n
	}
	return p
}

// Size is the number of values.
func (p *Planned) Size() int { return p.count * p.inner.n * max(1, p.across.n) }

// Run copies the values.
func (p *Planned) Run(t Team, to, from []float32) {
	if p.Size() == 0 {
		return
	}
	// The lines of the source, or else the values of the only one, are shared where there is little else to share.
	n, grain := p.inner.n, 16384
	if p.across.n > 0 {
		n, grain = p.across.n, max(tile, 16384/p.inner.n)
	}
	if p.count < 4*Workers() {
		for i := range p.count {
			t.ranges(n, grain, func(_, first, last int) { p.part(to, from, i, first, last) })
		}
		return
	}
	t.ranges(p.count, max(1, 16384*p.count/p.Size()), func(_, first, last int) {
		for i := first; i < last; i++ {
			p.part(to, from, i, 0, n)
		}
	})
}

// part copies the lines, or else the values, first to last-1 at index i of the outer axes.
func (p *Planned) part(to, from []float32, i, first, last int) {
	a, b := p.at(i)
	some := p.inner
	if p.across.n > 0 {
		some = p.across
	}
	some.n = last - first
	to, b = to[a+first*some.to:], b+first*some.from
	if p.across.n > 0 {
		matrix(to, from, b, some, p.inner)
	} else {
		line(to, from, b, some)
	}
}

// at returns the places of the first value at index i of the outer axes.
func (p *Planned) at(i int) (to, from int) {
	to, from = p.start, p.from
	for j := len(p.outer) - 1; j >= 0; j-- {
		a := p.outer[j]
		to, from = to+i%a.n*a.to, from+i%a.n*a.from
		i /= a.n
	}
	return to, from
}

// line copies the values of an axis, of which the first is from[at].
func line(to, from []float32, at int, a moveAxis) {
	switch {
	case a.to == 1 && a.from == 1:
		copy(to[:a.n], from[at:])
	case a.to == 1 && a.from == 0:
		fill(to[:a.n], from[at])
	case a.to == 1:
		to = to[:a.n]
		for i := range to {
			to[i] = from[at]
			at += a.from
		}
	default:
		for i := range a.n {
			to[i*a.to] = from[at]
			at += a.from
		}
	}
}

// tile is the number of rows and columns that matrix copies at once: the source's lines stay in the cache.
const tile = 16

// matrix copies a matrix whose neighbours are those of rows in the source and those of cols in the result.
func matrix(to, from []float32, at int, rows, cols moveAxis) {
	if rows.from == 1 && cols.to == 1 && cols.from > 0 {
		transpose(to, from[at:], rows.to, cols.from, cols.n, rows.n)
		return
	}
	for r := 0; r < rows.n; r += tile {
		part := min(tile, rows.n-r)
		for c := 0; c < cols.n; c += tile {
			a := cols
			a.n = min(tile, cols.n-c)
			for i := r; i < r+part; i++ {
				line(to[i*rows.to+c*a.to:], from, at+i*rows.from+c*a.from, a)
			}
		}
	}
}

// Fill sets all values of y to v.
func Fill(t Team, y []float32, v float32) {
	t.ranges(len(y), 16384, func(_, from, to int) { fill(y[from:to], v) })
}

// FromBytes writes the bytes x to y as numbers from 0 to 255.
func FromBytes(t Team, y []float32, x []uint8) {
	t.ranges(len(y), 16384, func(_, from, to int) {
		x := x[from:to]
		for i := range y[from:to] {
			y[from+i] = float32(x[i])
		}
	})
}

// MaxRows writes the largest of each row of x [rows, n] to y; NaN if the row has one.
func MaxRows(t Team, y, x []float32, n int) {
	t.ranges(len(y), max(1, 8192/n), func(_, from, to int) {
		for r := from; r < to; r++ {
			y[r] = largest(x[r*n : (r+1)*n])
		}
	})
}

func largest(x []float32) float32 {
	var best [32]float32
	if n := len(best); len(x) >= 2*n {
		copy(best[:], x)
		for at := n; at < len(x); at += n {
			vecMax(best[:], best[:], x[min(at, len(x)-n):][:n])
		}
		vecMax(best[:16], best[:16], best[16:])
		vecMax(best[:8], best[:8], best[8:16])
		x = best[:8]
	}
	top := x[0]
	for _, v := range x {
		top = max(top, v)
	}
	return top
}
