package datasets

import (
	"image"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// The built-in images must be the same, bit by bit, on every machine, because weights and accuracies are published for
// them. Floating point does not guarantee this: some processors fuse a*b+c and round once, which changes pixels on an
// edge. So all geometry is in 64-bit integers, and golang.org/x/image/vector receives coordinates on which it computes
// exactly.

const (
	side  = 32   // width and height of the built-in images in pixels
	sub   = 64   // subpixel units per pixel
	unit  = 1000 // template units of a shape's radius
	turn  = 1024 // angle units of a full turn
	trigs = 14   // fractional bits of sine and cosine
)

// sines holds sin(2 pi i/turn) << trigs, rounded. None of the values lies close to a rounding boundary (a test checks
// this), so that the last bit of a platform's math.Sin does not matter.
var sines = func() (t [turn]int) {
	for i := range t {
		t[i] = int(math.Round(math.Sin(2*math.Pi*float64(i)/turn) * (1 << trigs)))
	}
	return t
}()

func sin(a int) int { return sines[((a%turn)+turn)%turn] }
func cos(a int) int { return sin(a + turn/4) }

// point is in template units, x to the right and y down, or in subpixels once it is transformed.
type point struct{ x, y int }

// polar returns the point at angle a (clockwise from the right) and distance r from the origin.
func polar(r, a int) point { return point{r * cos(a) >> trigs, r * sin(a) >> trigs} }

// arc samples n+1 points of an ellipse around c from angle a0 to a1.
func arc(c point, rx, ry, a0, a1, n int) []point {
	p := make([]point, n+1)
	for i := range p {
		a := a0 + (a1-a0)*i/n
		p[i] = point{c.x + rx*cos(a)>>trigs, c.y + ry*sin(a)>>trigs}
	}
	return p
}

// bezier samples n+1 points of a cubic curve.
func bezier(a, b, c, d point, n int) []point {
	p := make([]point, n+1)
	for i := range p {
		j := n - i
		w0, w1, w2, w3 := j*j*j, 3*j*j*i, 3*j*i*i, i*i*i
		p[i] = point{(w0*a.x + w1*b.x + w2*c.x + w3*d.x) / (n * n * n), (w0*a.y + w1*b.y + w2*c.y + w3*d.y) / (n * n * n)}
	}
	return p
}

// transform maps template units to subpixels.
type transform struct {
	a, b, c, d int // x' = (a x + b y) / unit / 2^trigs + x0, y' = (c x + d y) / unit / 2^trigs + y0
	x0, y0     int
}

// newTransform scales by rx and ry (subpixels per unit), slants by slant/256, rotates by angle and moves to x0, y0.
func newTransform(rx, ry, slant, angle, x0, y0 int) transform {
	c, s := cos(angle), sin(angle)
	return transform{
		a: c * rx, b: (c*rx*slant)>>8 - s*ry,
		c: s * rx, d: (s*rx*slant)>>8 + c*ry,
		x0: x0, y0: y0,
	}
}

func (t transform) apply(pts []point) []point {
	out := make([]point, len(pts))
	for i, p := range pts {
		out[i] = point{t.x0 + ((t.a*p.x+t.b*p.y)/unit)>>trigs, t.y0 + ((t.c*p.x+t.d*p.y)/unit)>>trigs}
	}
	return out
}

// mask collects outlines in subpixels and converts them to coverage.
type mask struct {
	raster *vector.Rasterizer
	alpha  *image.Alpha
}

func newMask() *mask {
	return &mask{raster: vector.NewRasterizer(side, side), alpha: image.NewAlpha(image.Rect(0, 0, side, side))}
}

// area is twice the signed area.
func area(p []point) int {
	s := 0
	for i, a := range p {
		b := p[(i+1)%len(p)]
		s += a.x*b.y - b.x*a.y
	}
	return s
}

// polygon adds a closed outline. All outlines get the same sense of rotation, so that overlapping parts add up; a hole
// gets the opposite one and is subtracted.
func (m *mask) polygon(p []point, hole bool) {
	if len(p) < 3 {
		return
	}
	at := func(i int) (float32, float32) {
		// Far beyond the edge the rasteriser loses precision, and nothing is visible.
		const far = 4 * side * sub
		return float32(min(max(p[i].x, -far), far)) / sub, float32(min(max(p[i].y, -far), far)) / sub
	}
	n := len(p)
	if (area(p) < 0) != hole {
		m.raster.MoveTo(at(n - 1))
		for i := n - 2; i >= 0; i-- {
			m.raster.LineTo(at(i))
		}
	} else {
		m.raster.MoveTo(at(0))
		for i := 1; i < n; i++ {
			m.raster.LineTo(at(i))
		}
	}
	m.raster.ClosePath()
}

// stroke adds a line of the given width in subpixels with round ends and corners.
func (m *mask) stroke(p []point, width int, closed bool) {
	n := len(p)
	for i, a := range p {
		m.polygon(arc(a, width/2, width/2, 0, turn*11/12, 11), false)
		if i == n-1 && !closed {
			break
		}
		b := p[(i+1)%n]
		dx, dy := b.x-a.x, b.y-a.y
		length := isqrt(dx*dx + dy*dy)
		if length == 0 {
			continue
		}
		nx, ny := -dy*width/(2*length), dx*width/(2*length)
		m.polygon([]point{{a.x + nx, a.y + ny}, {b.x + nx, b.y + ny}, {b.x - nx, b.y - ny}, {a.x - nx, a.y - ny}}, false)
	}
}

// coverage renders the outlines, 0 to 255 per pixel, and empties the mask. The result is valid until the next call.
func (m *mask) coverage() []uint8 {
	m.raster.DrawOp = draw.Src
	m.raster.Draw(m.alpha, m.alpha.Bounds(), image.Opaque, image.Point{})
	m.raster.Reset(side, side)
	return m.alpha.Pix
}

// isqrt is the integer square root, rounded down.
func isqrt(v int) int {
	if v <= 0 {
		return 0
	}
	r := int(math.Sqrt(float64(v)))
	for r*r > v {
		r--
	}
	for (r+1)*(r+1) <= v {
		r++
	}
	return r
}
