package detect

import (
	"cmp"
	"image"
	"math"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// Segment divides an image into regions of similar colour by the graph-based method of Felzenszwalb and Huttenlocher
// (2004, "Efficient Graph-Based Image Segmentation", algorithm 1 and section 4): neighbouring pixels are joined, the
// smallest difference of colour first. Two regions are joined unless the difference between them exceeds, for either
// region, the largest difference within it plus scale divided by its number of pixels. A larger scale makes larger
// regions; a region of fewer than least pixels is joined to a neighbour. Segment returns the region of each pixel, row
// by row, numbered from 0, and the number of regions.
func Segment(m *vision.Image, scale float64, least int) (region []int, regions int) {
	all := edges(m)
	f := newForest(m.Width*m.Height, scale)
	for _, e := range all {
		if a, b := f.root(e.a), f.root(e.b); a != b && e.d <= f.limit[a] && e.d <= f.limit[b] {
			f.join(a, b, e.d)
		}
	}
	for _, e := range all {
		if a, b := f.root(e.a), f.root(e.b); a != b && (f.size[a] < least || f.size[b] < least) {
			f.join(a, b, e.d)
		}
	}
	region = make([]int, m.Width*m.Height)
	number := map[int]int{}
	for i := range region {
		root := f.root(i)
		n, ok := number[root]
		if !ok {
			n = len(number)
			number[root] = n
		}
		region[i] = n
	}
	return region, len(number)
}

// edge joins two neighbouring pixels; d is the distance of their colours.
type edge struct {
	a, b int
	d    float64
}

// edges lists the pairs of pixels that touch, also at a corner, the smallest distance first.
func edges(m *vision.Image) []edge {
	w, h := m.Width, m.Height
	smooth := blurred(m)
	var all []edge
	add := func(a, b int) {
		d := 0.0
		for c := range 3 {
			x := smooth[3*a+c] - smooth[3*b+c]
			d += x * x
		}
		all = append(all, edge{a, b, math.Sqrt(d)})
	}
	for y := range h {
		for x := range w {
			i := y*w + x
			if x+1 < w {
				add(i, i+1)
			}
			if y+1 < h {
				add(i, i+w)
				if x+1 < w {
					add(i, i+w+1)
				}
				if x > 0 {
					add(i, i+w-1)
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b edge) int { return cmp.Compare(a.d, b.d) })
	return all
}

// forest holds the regions while they are joined, each as a tree of its pixels. Size and limit count for roots; limit
// is the largest edge by which the region may be joined.
type forest struct {
	parent, size []int
	limit        []float64
	scale        float64
}

func newForest(pixels int, scale float64) *forest {
	f := &forest{parent: make([]int, pixels), size: make([]int, pixels), limit: make([]float64, pixels), scale: scale}
	for i := range pixels {
		f.parent[i], f.size[i], f.limit[i] = i, 1, scale
	}
	return f
}

func (f *forest) root(i int) int {
	for f.parent[i] != i {
		f.parent[i] = f.parent[f.parent[i]]
		i = f.parent[i]
	}
	return i
}

// join joins the regions of two roots by an edge of length d.
func (f *forest) join(a, b int, d float64) {
	f.parent[b] = a
	f.size[a] += f.size[b]
	f.limit[a] = d + f.scale/float64(f.size[a])
}

// blurred smooths with a Gaussian of 0.8 pixels, as in the paper. The change is invisible and removes artefacts.
func blurred(m *vision.Image) []float64 {
	const sigma, reach = 0.8, 3
	var kernel [2*reach + 1]float64
	sum := 0.0
	for i := range kernel {
		kernel[i] = math.Exp(-float64((i-reach)*(i-reach)) / (2 * sigma * sigma))
		sum += kernel[i]
	}
	pass := func(src []float64, dx, dy int) []float64 {
		out := make([]float64, len(src))
		for y := range m.Height {
			for x := range m.Width {
				for k, weight := range kernel {
					px := min(max(x+dx*(k-reach), 0), m.Width-1)
					py := min(max(y+dy*(k-reach), 0), m.Height-1)
					for c := range 3 {
						out[3*(y*m.Width+x)+c] += weight / sum * src[3*(py*m.Width+px)+c]
					}
				}
			}
		}
		return out
	}
	plain := make([]float64, len(m.Pix))
	for i, v := range m.Pix {
		plain[i] = float64(v)
	}
	return pass(pass(plain, 1, 0), 0, 1)
}

// part is a region of the image during merging.
type part struct {
	box    image.Rectangle
	size   int
	colour [3 * bins]float64 // histograms of the three channels, summing to 1
	beside map[int]bool
}

const bins = 25 // per channel, as Uijlings et al.

// parts describes the regions of a segmentation.
func parts(m *vision.Image, region []int, regions int) []*part {
	all := make([]*part, regions)
	for i := range all {
		all[i] = &part{beside: map[int]bool{}}
	}
	for y := range m.Height {
		for x := range m.Width {
			i := y*m.Width + x
			p := all[region[i]]
			p.size++
			p.box = p.box.Union(image.Rect(x, y, x+1, y+1))
			for c := range 3 {
				p.colour[c*bins+int(m.Pix[3*i+c])*bins/256]++
			}
			for _, n := range [2]int{i + 1, i + m.Width} {
				if (n == i+1 && x+1 == m.Width) || n >= len(region) || region[n] == region[i] {
					continue
				}
				p.beside[region[n]] = true
				all[region[n]].beside[region[i]] = true
			}
		}
	}
	for _, p := range all {
		for k := range p.colour {
			p.colour[k] /= 3 * float64(p.size)
		}
	}
	return all
}

// similarity returns the similarity of two regions in an image of total pixels: that of their colours, plus a term that
// is high for small regions and one that is high for regions that fill each other's gaps (Uijlings et al. 2013, section
// 3.2, without texture).
func similarity(a, b *part, total int) float64 {
	s := 0.0
	for k, v := range a.colour {
		s += min(v, b.colour[k])
	}
	s += 1 - float64(a.size+b.size)/float64(total)
	return s + 1 - float64(area(a.box.Union(b.box))-a.size-b.size)/float64(total)
}

// grow merges the most similar neighbours until one region is left, and returns the boxes of all regions that existed.
func grow(all []*part, total int) []image.Rectangle {
	var boxes []image.Rectangle
	type pair struct{ a, b int }
	scores := map[pair]float64{}
	for i, p := range all {
		boxes = append(boxes, p.box)
		for n := range p.beside {
			if i < n {
				scores[pair{i, n}] = similarity(p, all[n], total)
			}
		}
	}
	for len(scores) > 0 {
		best, top := pair{-1, -1}, math.Inf(-1)
		for k, s := range scores { // among equals the first pair, so that the map's order has no effect
			if s > top || (s == top && (k.a < best.a || (k.a == best.a && k.b < best.b))) {
				best, top = k, s
			}
		}
		a, b := all[best.a], all[best.b]
		merged := &part{box: a.box.Union(b.box), size: a.size + b.size, beside: map[int]bool{}}
		for k := range merged.colour {
			merged.colour[k] = (a.colour[k]*float64(a.size) + b.colour[k]*float64(b.size)) / float64(merged.size)
		}
		id := len(all)
		all = append(all, merged)
		boxes = append(boxes, merged.box)
		for _, old := range [2]int{best.a, best.b} {
			for n := range all[old].beside {
				delete(scores, pair{min(old, n), max(old, n)})
				delete(all[n].beside, old)
				if n != best.a && n != best.b {
					merged.beside[n] = true
				}
			}
		}
		for n := range merged.beside {
			all[n].beside[id] = true
			scores[pair{n, id}] = similarity(all[n], merged, total)
		}
	}
	return boxes
}
