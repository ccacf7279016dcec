package datasets

import (
	"math/rand/v2"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// line is one stroke of a drawing in template units.
type line struct {
	points []point
	closed bool
}

func stroke(p ...point) line { return line{points: p} }
func loop(p ...point) line   { return line{points: p, closed: true} }
func curve(p []point) line   { return line{points: p} }
func ellipse(x, y, rx, ry int) line {
	return line{points: arc(point{x, y}, rx, ry, 0, turn*15/16, 15), closed: true}
}

// sketchClasses make the strokes of the target domain; r varies the proportions and the details.
var sketchClasses = []struct {
	name string
	make func(r *rand.Rand) []line
}{
	{"boat", func(r *rand.Rand) []line {
		mast, deck := between(r, -150, 150), between(r, 250, 400)
		l := []line{loop(point{-950, deck}, point{950, deck}, point{600, 850}, point{-600, 850}), stroke(point{mast, deck}, point{mast, -950}),
			loop(point{mast + 60, -850}, point{mast + 750, deck - 150}, point{mast + 60, deck - 150})}
		if percent(r, 50) {
			l = append(l, loop(point{mast - 60, -600}, point{mast - 600, deck - 150}, point{mast - 60, deck - 150}))
		}
		return l
	}},
	{"butterfly", func(r *rand.Rand) []line {
		up, low := between(r, 850, 1000), between(r, 550, 800)
		wing := func(s int) []line {
			return []line{curve(append(bezier(point{0, -100}, point{s * 300, -1000}, point{s * up, -1000}, point{s * up, -350}, 6),
				bezier(point{s * up, -350}, point{s * up, 50}, point{s * 300, 100}, point{0, 0}, 6)...)),
				curve(append(bezier(point{0, 0}, point{s * 500, 100}, point{s * low, 300}, point{s * low, 600}, 5),
					bezier(point{s * low, 600}, point{s * low, 1000}, point{s * 150, 900}, point{0, 150}, 5)...))}
		}
		l := append(wing(1), wing(-1)...)
		return append(l, stroke(point{0, -350}, point{0, 500}), stroke(point{0, -350}, point{-200, -750}), stroke(point{0, -350}, point{200, -750}))
	}},
	{"cup", func(r *rand.Rand) []line {
		w, h := between(r, 550, 750), between(r, 100, 220)
		l := []line{ellipse(-150, -550, w, h), curve([]point{{-150 - w, -550}, {-150 - w + 150, 800}, {-150 + w - 150, 800}, {-150 + w, -550}}),
			curve(bezier(point{-150 + w - 30, -300}, point{w + 450, -350}, point{w + 350, 500}, point{-250 + w, 450}, 7))}
		if percent(r, 30) {
			l = append(l, curve(bezier(point{-200, -750}, point{-350, -850}, point{-50, -900}, point{-200, -1000}, 4)))
		}
		return l
	}},
	{"fish", func(r *rand.Rand) []line {
		h := between(r, 400, 620)
		l := []line{curve(bezier(point{550, 0}, point{200, -h - 250}, point{-700, -h - 100}, point{-950, 0}, 9)),
			curve(bezier(point{-950, 0}, point{-700, h + 100}, point{200, h + 250}, point{550, 0}, 9)),
			loop(point{550, 0}, point{980, -450}, point{980, 450}), ellipse(-600, -100, 90, 90)}
		if percent(r, 50) {
			l = append(l, curve(bezier(point{-350, -300}, point{-200, -100}, point{-200, 100}, point{-350, 300}, 4)))
		}
		return l
	}},
	{"glasses", func(r *rand.Rand) []line {
		w, h := between(r, 340, 430), between(r, 300, 430)
		return []line{ellipse(-500, 100, w, h), ellipse(500, 100, w, h), curve(bezier(point{-500 + w, 50}, point{-80, -120}, point{80, -120}, point{500 - w, 50}, 4)),
			stroke(point{-500 - w, 50}, point{-1000, -350}), stroke(point{500 + w, 50}, point{1000, -350})}
	}},
	{"house", func(r *rand.Rand) []line {
		eave, top := between(r, -250, 0), between(r, -250, 250)
		l := []line{stroke(point{-700, eave}, point{-700, 850}, point{700, 850}, point{700, eave}), loop(point{-950, eave}, point{top, -950}, point{950, eave}),
			stroke(point{-150, 850}, point{-150, 350}, point{200, 350}, point{200, 850})}
		if percent(r, 50) {
			l = append(l, loop(point{350, 200}, point{580, 200}, point{580, 430}, point{350, 430}))
		}
		return l
	}},
	{"key", func(r *rand.Rand) []line {
		bow := between(r, 300, 400)
		l := []line{ellipse(-600, 0, bow, bow), stroke(point{-600 + bow, 0}, point{950, 0}), stroke(point{850, 0}, point{850, 350}), stroke(point{600, 0}, point{600, 300})}
		if percent(r, 50) {
			l = append(l, ellipse(-620, 0, 120, 120))
		}
		return l
	}},
	{"leaf", func(r *rand.Rand) []line {
		w := between(r, 650, 900)
		l := []line{curve(bezier(point{0, -950}, point{w, -450}, point{w, 350}, point{0, 650}, 9)), curve(bezier(point{0, 650}, point{-w, 350}, point{-w, -450}, point{0, -950}, 9)),
			stroke(point{0, -750}, point{0, 1000})}
		for i := range between(r, 2, 3) {
			y := -300 + 330*i
			l = append(l, stroke(point{-350, y - 200}, point{0, y}, point{350, y - 200}))
		}
		return l
	}},
	{"tree", func(r *rand.Rand) []line {
		l := []line{stroke(point{-120, 950}, point{-120, 550}), stroke(point{120, 950}, point{120, 550})}
		tiers := between(r, 2, 3)
		for i := range tiers {
			top, low := -950+i*1100/tiers, -950+(i+1)*1500/tiers
			w := 450 + 400*(i+1)/tiers
			l = append(l, loop(point{0, top}, point{w, low}, point{-w, low}))
		}
		return l
	}},
	{"umbrella", func(r *rand.Rand) []line {
		h := between(r, 750, 950)
		l := []line{curve(arc(point{0, 0}, 950, h, turn/2, turn, 12)), stroke(point{0, -h}, point{0, 700}), curve(arc(point{-180, 700}, 180, 220, 0, turn/2, 6))}
		scallops := between(r, 3, 4)
		for i := range scallops {
			a, b := -950+1900*i/scallops, -950+1900*(i+1)/scallops
			l = append(l, curve(bezier(point{a, 0}, point{a + (b-a)/4, -200}, point{b - (b-a)/4, -200}, point{b, 0}, 4)))
		}
		return l
	}},
}

// drawSketch draws an image of the target domain: an object in wobbly strokes on paper or on a blackboard.
func drawSketch(class int, r *rand.Rand) *vision.Image {
	paper, ink := papers(r)
	c := newCanvas(clouds(r, paper, mixRGB(paper, ink, between(r, 10, 50)), between(r, 3, 12)))
	for range r.IntN(4) { // scribbles around
		at := point{r.IntN(side * sub), r.IntN(side * sub)}
		p := []point{at}
		for range between(r, 1, 3) {
			d := polar(between(r, 2*sub, 8*sub), r.IntN(turn))
			at = point{at.x + d.x, at.y + d.y}
			p = append(p, at)
		}
		c.mask.stroke(p, between(r, sub/2, sub), false)
		c.fill(flat(ink), between(r, 60, 170))
	}
	radius := between(r, 9*sub, 14*sub)
	rx := radius
	if percent(r, 50) {
		rx = -rx // a mirror image
	}
	t := newTransform(rx, radius*between(r, 75, 125)/100, between(r, -70, 70), between(r, -turn/9, turn/9),
		side*sub/2+between(r, -3*sub, 3*sub), side*sub/2+between(r, -3*sub, 3*sub))
	width := between(r, 3*sub/4, 7*sub/4)
	wobble := between(r, 20, 90)
	passes := 1
	if percent(r, 40) {
		passes = 2 // gone over a second time
	}
	lines := sketchClasses[class].make(r)
	forgotten := -1
	if percent(r, 25) {
		forgotten = between(r, 2, len(lines)-1) // never one of the first two, which define the object
	}
	opacity := between(r, 170, 256)
	for i, l := range lines {
		if i == forgotten {
			continue
		}
		if l.closed && percent(r, 20) {
			c.mask.polygon(t.apply(l.points), false)
			c.fill(hatching(r, ink), 128)
		}
		for range passes {
			p := make([]point, len(l.points))
			for k, q := range l.points {
				p[k] = point{q.x + between(r, -wobble, wobble), q.y + between(r, -wobble, wobble)}
			}
			c.mask.stroke(t.apply(p), width, l.closed)
			c.fill(flat(ink), opacity)
		}
	}
	return c.finish(r, between(r, 4, 20))
}

// papers returns the colours of the ground and of the strokes: pencil on paper, or chalk on a board.
func papers(r *rand.Rand) (paper, ink rgb) {
	if percent(r, 50) {
		paper = hsv(r.IntN(1536), between(r, 0, 70), between(r, 190, 250))
		return paper, hsv(r.IntN(1536), between(r, 0, 160), between(r, 10, 110))
	}
	paper = hsv(r.IntN(1536), between(r, 40, 160), between(r, 20, 100))
	return paper, hsv(r.IntN(1536), between(r, 0, 90), between(r, 190, 255))
}

// hatching is a paint of parallel ink lines; the gaps are middle grey with a little ink. drawSketch applies it at half
// opacity.
func hatching(r *rand.Rand, ink rgb) paint {
	return stripes(ink, mixRGB(ink, rgb{128, 128, 128}, 200), r.IntN(turn), between(r, sub, 2*sub))
}
