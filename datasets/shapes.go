package datasets

import (
	"math/rand/v2"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// outline is one closed line of a shape, or an open one for the shapes that are lines.
type outline struct {
	points []point
	hole   bool
	open   bool // drawn as a line of this shape's own width
}

// shapeClasses make the outlines of the source domain in template units; r varies the proportions.
var shapeClasses = []struct {
	name string
	make func(r *rand.Rand) []outline
}{
	{"arrow", func(r *rand.Rand) []outline {
		shaft, head, neck := between(r, 150, 320), between(r, 600, 850), between(r, -100, 300)
		return closed(point{-950, -shaft}, point{neck, -shaft}, point{neck, -head}, point{950, 0}, point{neck, head}, point{neck, shaft}, point{-950, shaft})
	}},
	{"bolt", func(r *rand.Rand) []outline {
		w := between(r, 0, 200)
		return closed(point{200, -1000}, point{-550 - w, 150}, point{-50, 150}, point{-250, 1000}, point{550 + w, -200}, point{50, -200}, point{450, -1000})
	}},
	{"crescent", func(r *rand.Rand) []outline {
		shift, a := between(r, 350, 600), between(r, 190, 235)
		p := arc(point{}, 950, 950, a, turn-a, 24)
		end := p[len(p)-1]
		inner := arc(point{shift, 0}, isqrt((end.x-shift)*(end.x-shift)+end.y*end.y), 950, 0, 0, 1)[0].x - shift
		// Back along a circle through both tips around the shifted centre.
		tip := angleOf(point{end.x - shift, end.y}, inner)
		return []outline{{points: append(p, arc(point{shift, 0}, inner, inner, tip, turn-tip, 20)...)}}
	}},
	{"cross", func(r *rand.Rand) []outline {
		a := between(r, 200, 380)
		return closed(point{-a, -950}, point{a, -950}, point{a, -a}, point{950, -a}, point{950, a}, point{a, a}, point{a, 950}, point{-a, 950}, point{-a, a}, point{-950, a}, point{-950, -a}, point{-a, -a})
	}},
	{"disc", func(r *rand.Rand) []outline { return []outline{{points: arc(point{}, 900, 900, 0, turn*31/32, 31)}} }},
	{"drop", func(r *rand.Rand) []outline {
		w := between(r, 900, 1250)
		p := bezier(point{0, -1000}, point{150, -500}, point{w, 950}, point{0, 950}, 14)
		return []outline{{points: append(p, bezier(point{0, 950}, point{-w, 950}, point{-150, -500}, point{0, -1000}, 14)...)}}
	}},
	{"flower", func(r *rand.Rand) []outline {
		return petals(between(r, 5, 7), between(r, 400, 550))
	}},
	{"gear", func(r *rand.Rand) []outline {
		n, inner, bore := between(r, 7, 9), between(r, 650, 740), between(r, 220, 380)
		var p []point
		for i := range n {
			a := turn * i / n
			step := turn / n
			p = append(p, polar(inner, a), polar(1000, a+step/8), polar(1000, a+step*3/8), polar(inner, a+step/2))
		}
		return []outline{{points: p}, {points: arc(point{}, bore, bore, 0, turn*15/16, 15), hole: true}}
	}},
	{"heart", func(r *rand.Rand) []outline {
		dip := between(r, -450, -250)
		p := bezier(point{0, 900}, point{-500, 450}, point{-1000, 100}, point{-950, -350}, 8)
		p = append(p, bezier(point{-950, -350}, point{-900, -950}, point{-150, -950}, point{0, dip}, 8)...)
		p = append(p, bezier(point{0, dip}, point{150, -950}, point{900, -950}, point{950, -350}, 8)...)
		return []outline{{points: append(p, bezier(point{950, -350}, point{1000, 100}, point{500, 450}, point{0, 900}, 8)...)}}
	}},
	{"hexagon", func(r *rand.Rand) []outline { return []outline{{points: arc(point{}, 950, 950, 0, turn*5/6, 5)}} }},
	{"ring", func(r *rand.Rand) []outline {
		inner := between(r, 450, 680)
		return []outline{{points: arc(point{}, 920, 920, 0, turn*31/32, 31)}, {points: arc(point{}, inner, inner, 0, turn*23/24, 23), hole: true}}
	}},
	{"semicircle", func(r *rand.Rand) []outline {
		return []outline{{points: arc(point{0, 400}, 980, between(r, 850, 1050), turn/2, turn, 18)}}
	}},
	{"spiral", func(r *rand.Rand) []outline {
		n, turns := 36, between(r, 170, 230) // hundredths of a turn
		p := make([]point, n+1)
		for i := range p {
			p[i] = polar(120+830*i/n, turns*turn*i/(100*n))
		}
		return []outline{{points: p, open: true}}
	}},
	{"square", func(r *rand.Rand) []outline {
		return closed(point{-800, -800}, point{800, -800}, point{800, 800}, point{-800, 800})
	}},
	{"star", func(r *rand.Rand) []outline {
		n, inner := between(r, 5, 6), between(r, 380, 520)
		var p []point
		for i := range n {
			p = append(p, polar(1000, turn*i/n), polar(inner, turn*(2*i+1)/(2*n)))
		}
		return []outline{{points: p}}
	}},
	{"triangle", func(r *rand.Rand) []outline {
		top := between(r, -250, 250)
		return closed(point{top, -900}, point{900, 700}, point{-900, 700})
	}},
}

func closed(p ...point) []outline { return []outline{{points: p}} }

// petals are n round lobes around a circle of radius inner.
func petals(n, inner int) []outline {
	const steps = 12 // per petal
	p := make([]point, n*steps)
	for i := range p {
		lobe := sin(turn / 2 * (i % steps) / steps) // from 0 up to 1 and back
		p[i] = polar(inner+(1000-inner)*isqrt(lobe<<trigs)>>trigs, turn*i/len(p))
	}
	return []outline{{points: p}}
}

// angleOf returns the angle of p, which lies at distance r, by bisection of the sine table; p.y <= 0 is assumed and the
// result lies between half a turn and a turn.
func angleOf(p point, r int) int {
	lo, hi := turn/2, turn // the cosine grows from -1 to 1
	for lo < hi {
		mid := (lo + hi) / 2
		if r*cos(mid)>>trigs < p.x {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// drawShape draws an image of the source domain: a coloured, textured shape in a cluttered scene.
func drawShape(class int, r *rand.Rand) *vision.Image {
	ground := randomColor(r)
	c := newCanvas(background(r, ground))
	clutter(c, r)

	// Rotated by at most a quarter turn either way: an arrow stays an arrow, and a square is not only a diamond.
	radius := between(r, 8*sub, 13*sub)
	t := newTransform(radius, radius*between(r, 75, 130)/100, between(r, -60, 60), between(r, -turn/4, turn/4),
		side*sub/2+between(r, -4*sub, 4*sub), side*sub/2+between(r, -4*sub, 4*sub))
	parts := shapeClasses[class].make(r)
	first := contrasting(r, ground, 45)
	second := contrasting(r, first, 25)
	style := r.IntN(100)
	outlined := style < 30
	width := between(r, 5*sub/4, 5*sub/2)
	for _, o := range parts {
		p := t.apply(o.points)
		switch {
		case o.open:
			c.mask.stroke(p, max(width, 2*sub), false)
		case outlined:
			c.mask.stroke(p, width, true)
		default:
			c.mask.polygon(p, o.hole)
		}
	}
	switch {
	case outlined || style < 60:
		c.fill(flat(first), 256)
	case style < 72:
		c.fill(gradient(first, second, r.IntN(turn)), 256)
	case style < 85:
		c.fill(stripes(first, second, r.IntN(turn), between(r, 3*sub/2, 3*sub)), 256)
	case style < 92:
		c.fill(checker(first, second, between(r, 2, 4)), 256)
	default:
		c.fill(clouds(r, first, second, between(r, 3, 7)), 256)
	}
	if !outlined && percent(r, 30) {
		for _, o := range parts {
			if !o.open {
				c.mask.stroke(t.apply(o.points), between(r, 3*sub/4, 3*sub/2), true)
			}
		}
		c.fill(flat(contrasting(r, first, 60)), 256)
	}
	if percent(r, 35) {
		occlude(c, r, t)
	}
	return c.finish(r, r.IntN(14))
}

// background returns a random paint that varies around the colour c.
func background(r *rand.Rand, c rgb) paint {
	other := mixRGB(c, randomColor(r), between(r, 30, 110))
	switch r.IntN(5) {
	case 0:
		return flat(c)
	case 1:
		return gradient(c, other, r.IntN(turn))
	case 2:
		return stripes(c, mixRGB(c, other, 128), r.IntN(turn), between(r, sub, 4*sub))
	case 3:
		return checker(c, mixRGB(c, other, 128), between(r, 2, 8))
	}
	return clouds(r, c, other, between(r, 2, 12))
}

// clutter scatters small marks that mean nothing.
func clutter(c *canvas, r *rand.Rand) {
	for range r.IntN(5) {
		at := point{r.IntN(side * sub), r.IntN(side * sub)}
		size := between(r, sub, 3*sub)
		switch r.IntN(3) {
		case 0:
			c.mask.polygon(arc(at, size, size, 0, turn*11/12, 11), false)
		case 1:
			end := polar(between(r, 4*sub, 12*sub), r.IntN(turn))
			c.mask.stroke([]point{at, {at.x + end.x, at.y + end.y}}, between(r, sub/2, 2*sub), false)
		case 2:
			n, a := between(r, 3, 4), r.IntN(turn)
			c.mask.polygon(arc(at, size, size, a, a+turn*(n-1)/n, n-1), false)
		}
		c.fill(flat(randomColor(r)), between(r, 80, 220))
	}
}

// occlude lays a bar or a disc over a part of the shape.
func occlude(c *canvas, r *rand.Rand, t transform) {
	at := t.apply([]point{polar(between(r, 500, 1000), r.IntN(turn))})[0]
	if percent(r, 50) {
		d := polar(side*sub, r.IntN(turn))
		c.mask.stroke([]point{{at.x - d.x, at.y - d.y}, {at.x + d.x, at.y + d.y}}, between(r, sub, 5*sub/2), false)
	} else {
		size := between(r, 2*sub, 4*sub)
		c.mask.polygon(arc(at, size, size, 0, turn*15/16, 15), false)
	}
	c.fill(flat(randomColor(r)), 256)
}
