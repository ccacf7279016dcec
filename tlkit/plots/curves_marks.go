package plots

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// marker is the shape of a line's marks: its name in Vega, or a path within -1 to 1 as SVG writes it (y downwards), and
// the corners of the same polygon. No corners mean a circle.
type marker struct {
	vega    string
	corners []vg.Point
}

// markers are the shapes of the lines' names, in order of first appearance as the colours are. There is one less than
// colours, so that a shape and a colour return together only after 56 names. The triangle that points upwards means a
// value that is cut.
var markers = []marker{
	{vega: "circle"},
	polygon(-0.9, -0.9, 0.9, -0.9, 0.9, 0.9, -0.9, 0.9), // square
	polygon(0, -1.25, 1.25, 0, 0, 1.25, -1.25, 0),       // diamond
	polygon(-0.4, -1.2, 0.4, -1.2, 0.4, -0.4, 1.2, -0.4, 1.2, 0.4, 0.4, 0.4, 0.4, 1.2, -0.4, 1.2, -0.4, 0.4, -1.2, 0.4, -1.2, -0.4, -0.4, -0.4), // cross
	polygon(-1.1, -0.9, 1.1, -0.9, 0, 1.1), // triangle that points downwards
	polygon(1, -1.1, 1, 1.1, -1.1, 0),      // to the left
	polygon(-1, -1.1, 1.1, 0, -1, 1.1),     // to the right
}

var (
	cutMarker  = polygon(0, -1.1, 1.1, 0.9, -1.1, 0.9)
	bestMarker = star()
	// lineMarker is a piece of a line: the legend's mark of a name whose lines have no marks.
	lineMarker = polygon(-1.4, -0.25, 1.4, -0.25, 1.4, 0.25, -1.4, 0.25)
)

// polygon returns the marker with corners at x, y, x, y and so on, y downwards.
func polygon(at ...float64) marker {
	var m marker
	var path strings.Builder
	for i := 0; i < len(at); i += 2 {
		m.corners = append(m.corners, vg.Point{X: vg.Length(at[i]), Y: vg.Length(-at[i+1])})
		fmt.Fprintf(&path, "%s%g,%g", map[bool]string{true: "M", false: "L"}[i == 0], at[i], at[i+1])
	}
	m.vega = path.String() + "Z"
	return m
}

// star returns a star of five points.
func star() marker {
	var at []float64
	for k := range 10 {
		r := 1.5
		if k%2 == 1 {
			r = 0.6
		}
		a := math.Pi * float64(k) / 5
		at = append(at, round(r*math.Sin(a), 3), round(-r*math.Cos(a), 3))
	}
	return polygon(at...)
}

// markerOf returns the shape of the i-th name.
func markerOf(i int) marker { return markers[i%len(markers)] }

// markersOf returns the shapes of the first n names.
func markersOf(n int) []marker {
	out := make([]marker, n)
	for i := range out {
		out[i] = markerOf(i)
	}
	return out
}

// marks returns the shape of each name in the legend: that of its points, or [lineMarker] if no line of
// the name has any.
func (f curves) marks(lineNames []string) []marker {
	out := markersOf(len(lineNames))
	for i, n := range lineNames {
		if !slices.ContainsFunc(f.lines(), func(l Line) bool { return l.Name == n && !l.plain }) {
			out[i] = lineMarker
		}
	}
	return out
}

// DrawGlyph implements draw.GlyphDrawer.
func (m marker) DrawGlyph(c *draw.Canvas, sty draw.GlyphStyle, at vg.Point) {
	if m.corners == nil {
		draw.CircleGlyph{}.DrawGlyph(c, sty, at)
		return
	}
	var points []vg.Point
	for _, p := range m.corners {
		points = append(points, vg.Point{X: at.X + p.X*sty.Radius, Y: at.Y + p.Y*sty.Radius})
	}
	c.FillPolygon(sty.Color, points)
}

// glyphs draws a marker at each point.
func glyphs(m marker, radius float64, ink color.Color, points []Point) plot.Plotter {
	s, err := plotter.NewScatter(piece{points: points}.xys())
	if err != nil {
		panic(fmt.Sprintf("points: %v", err)) // pieces leaves only finite numbers
	}
	s.GlyphStyle = draw.GlyphStyle{Color: ink, Radius: px(radius), Shape: m}
	return s
}

// marked returns whether the i-th point of the line of the k-th of n names has a marker: about eight points of a line
// have one, and lines of different names at different points, so that a line shows where it lies below another.
func (p Panel) marked(l Line, k, n int) func(i int) bool {
	count := len(l.Points)
	if l.plain {
		return func(int) bool { return false }
	}
	if p.Points || count <= 1 {
		return func(int) bool { return true }
	}
	step := max((count+7)/8, min(n, (count+1)/2), 1)
	return func(i int) bool { return i%step == k%step }
}

// limit returns the value above which the panel cuts, infinite if it does not; see Panel.Robust.
func (p Panel) limit() float64 {
	none := math.Inf(1)
	if p.LogY || !p.Robust && p.YMax == 0 {
		return none
	}
	var all, first, middle []float64
	for _, l := range p.Lines {
		var own []float64
		for _, pt := range l.Points {
			if finite(pt.X, pt.Y) {
				own = append(own, pt.Y)
			}
		}
		if len(own) == 0 {
			continue
		}
		first = append(first, own[0])
		slices.Sort(own)
		middle = append(middle, lowerMedian(own))
		all = append(all, own...)
	}
	if len(all) == 0 {
		return none
	}
	low, high := slices.Min(all), slices.Max(all)
	if p.YMax != 0 {
		if high <= p.YMax || low >= p.YMax {
			return none
		}
		return p.YMax
	}
	slices.Sort(first)
	slices.Sort(middle)
	typical := lowerMedian(middle)
	// A loss begins high and falls: its start is no outlier.
	limit := typical + 3*(typical-low)
	for _, v := range first {
		if v <= 3*lowerMedian(first) {
			limit = max(limit, v)
		}
	}
	if len(all) < 4 || limit <= 0 || high <= 2*limit {
		return none
	}
	return limit
}

// lowerMedian returns the middle of sorted values, the lower one of two.
func lowerMedian(sorted []float64) float64 { return sorted[(len(sorted)-1)/2] }

// note returns what a reader of the panel must know: the caller's note, what is cut, and what a star means.
func (p Panel) note() string {
	var parts []string
	if p.Note != "" {
		parts = append(parts, p.Note)
	}
	if p.notes != nil {
		parts = append(parts, p.notes(p.inWords))
	}
	if limit := p.limit(); !math.IsInf(limit, 1) {
		high := math.Inf(-1)
		for _, l := range p.Lines {
			for _, pt := range l.Points {
				if finite(pt.X, pt.Y) {
					high = max(high, pt.Y)
				}
			}
		}
		parts = append(parts, p.inWords(fmt.Sprintf("triangles: above %s, up to %s", p.brief(limit), p.brief(high))))
	}
	for _, l := range p.Lines {
		if l.Best > 0 && l.Best <= len(l.Points) && finite(l.Points[l.Best-1].X, l.Points[l.Best-1].Y) {
			return strings.Join(append(parts, p.starred()), "; ")
		}
	}
	return strings.Join(parts, "; ")
}

// starred says what a star marks. The label of the axis is in the panel's language already.
func (p Panel) starred() string {
	return p.inWords(strings.TrimSpace("star: best " + p.XLabel))
}

// brief is a number with two digits, for a note.
func (p Panel) brief(v float64) string {
	if p.YPercent {
		return fmt.Sprintf("%.2g%%", 100*v)
	}
	return fmt.Sprintf("%.2g", v)
}
