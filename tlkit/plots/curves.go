package plots

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
)

// maxPoints is the number of points of one line that a figure keeps. Longer lines (a loss per step, say) are thinned to
// the lowest and highest point of each stretch, which looks the same at any size in a notebook.
const maxPoints = 1000

// Point is one point of a line. NaN or an infinity in X or Y is a gap: the line breaks there.
type Point struct{ X, Y float64 }

// Interval is the range from Low to High around a point, for instance mean minus and plus one standard deviation over
// seeds. With NaN or an infinity it shrinks to the point.
type Interval struct{ Low, High float64 }

// Line is one curve.
type Line struct {
	// Name is the thing that the line belongs to, usually a strategy; it determines the colour.
	Name string
	// Word says that Name is a word of the figure: a notebook shows it in the language of figures.
	Word bool
	// Split determines the dashes: "train" and "each step" are dashed, "val", "smoothed" and "" solid, "test" solid in
	// a figure without "val", anything else dotted. It is a word of the figure, which the legend shows with its dashes,
	// but for "" and [Dotted].
	Split string
	// Points in the order in which they are joined.
	Points []Point
	// Band, if not empty, has one interval per point and is drawn as a shade.
	Band []Interval
	// Best is the number, from 1, of the point that a star marks, such as the epoch whose weights are kept; 0 marks
	// none.
	Best int

	// plain leaves the markers out.
	plain bool
}

// Dotted is the [Line.Split] of a dotted line that needs no word but its Name.
const Dotted = " "

// Panel is one chart of a figure, with axes of its own.
type Panel struct {
	Title          string // above the chart
	XLabel, YLabel string // of the axes
	Lines          []Line // in the order of the legend
	// YPercent labels the y axis in percent, where 1 is 100 %.
	YPercent bool
	// LogX and LogY choose logarithmic axes; values of 0 and less are gaps there.
	LogX, LogY bool
	// Points gives each point a marker; otherwise a line has about eight.
	Points bool
	// Robust cuts a linear y axis where single curves would flatten all others, as a diverged loss does: at the
	// larger of the highest usual start of a line, and of the lines' typical value with three times its distance to
	// the lowest. It cuts only if the highest value is above twice of that. Triangles show where a line leaves the
	// chart, and a note says it.
	Robust bool
	// YMax, if not 0, cuts a linear y axis there in the same way, if values lie on both sides of it.
	YMax float64
	// Note is a short line under the title.
	Note string

	notes     func(say func(string) string) string // more of the note, whose words say gives; may be nil
	translate func(string) string                  // nil: notes and splits are in English
}

// Curves returns a figure of panels side by side (two in a row) that share one legend: colour and marker by Line.Name,
// dashes by Line.Split, both in order of first appearance. In JupyterLab the curves have tooltips, and a click in the
// legend highlights a name (shift-click for several). Panels and lines may be empty.
//
// The Bundle has Vega-Lite, SVG and a plain text table of each line's last, lowest and highest value. It fails if a
// Band and its Points differ in length.
func Curves(title string, panels ...Panel) Figure {
	return curves{title: title, panels: panels}
}

type curves struct {
	title  string
	panels []Panel
}

func (f curves) name() string { return f.title }

func (f curves) label() string {
	parts := []string{}
	for _, p := range f.panels {
		parts = append(parts, p.Title)
	}
	return described(f.title, "curves of "+strings.Join(parts, ", "))
}

func (f curves) longNames() []string {
	lineNames, splits := f.keys()
	all := append(append(lineNames, splits...), f.title)
	for _, p := range f.panels {
		all = append(all, p.Title)
	}
	return all
}

func (f curves) Bundle() (map[string]any, error) {
	for _, p := range f.panels {
		for _, l := range p.Lines {
			if len(l.Band) != 0 && len(l.Band) != len(l.Points) {
				return nil, fmt.Errorf("plots: line %q (%s) of panel %q has %d band intervals for %d points, want one per point or none",
					l.Name, l.Split, p.Title, len(l.Band), len(l.Points))
			}
		}
	}
	shown := f.inLanguage()
	svg, err := drawSVG(shown)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		MIMEVegaLite: shown.vega(),
		MIMESVG:      svg,
		MIMEText:     f.text(),
	}, nil
}

// lines returns all lines of all panels.
func (f curves) lines() []Line {
	var all []Line
	for _, p := range f.panels {
		all = append(all, p.Lines...)
	}
	return all
}

// keys returns the distinct names and splits, the entries of the legend.
func (f curves) keys() (lineNames, splits []string) {
	all := f.lines()
	return names(all, func(l Line) string { return l.Name }), names(all, func(l Line) string { return l.Split })
}

// named reports whether a name or a split has an entry with a text in the legend.
func named(key string) bool { return key != "" && key != Dotted }

// unlabelled reports whether the legend would be without any text.
func unlabelled(keys []string) bool {
	return !slices.ContainsFunc(keys, named)
}

// dashes returns the pattern of a split, one of all the figure's, in CSS pixels; empty is solid.
func dashes(split string, all []string) []float64 {
	switch split {
	case "train", "each step":
		return []float64{5, 3}
	case "val", "smoothed", "":
		return nil
	case "test":
		if !slices.Contains(all, "val") {
			return nil
		}
	}
	return []float64{1.5, 3}
}

// piece is a stretch of a line without gaps. The other lists are as long as points, but for band, which may be empty.
type piece struct {
	points []Point
	band   []Interval
	// true values: that of a cut point lies above its place.
	values []float64
	// marked has the points with a marker, best that with a star; cut the points at which the line leaves the chart.
	marked, best, cut []bool
}

// add appends a point; a value above limit is cut there.
func (pc *piece) add(pt Point, band *Interval, marked, best bool, limit float64) {
	cut := pt.Y > limit
	pc.values = append(pc.values, pt.Y)
	pc.points = append(pc.points, Point{pt.X, min(pt.Y, limit)})
	pc.marked, pc.best, pc.cut = append(pc.marked, marked && !cut), append(pc.best, best), append(pc.cut, cut)
	if band != nil {
		pc.band = append(pc.band, Interval{min(band.Low, limit), min(band.High, limit)})
	}
}

// chosen returns the points with a flag.
func (pc piece) chosen(flags []bool) (points []Point) {
	for i, on := range flags {
		if on {
			points = append(points, pc.points[i])
		}
	}
	return points
}

// pieces cuts the line of the k-th of n names at its gaps, and where it leaves the chart, and thins the pieces.
func (p Panel) pieces(l Line, k, n int) []piece {
	ok := func(pt Point) bool {
		return finite(pt.X, pt.Y) && !(p.LogX && pt.X <= 0) && !(p.LogY && pt.Y <= 0)
	}
	limit := p.limit()
	var star *Point
	if l.Best > 0 && l.Best <= len(l.Points) {
		star = &l.Points[l.Best-1]
	}
	pts, band := thin(l)
	marked := p.marked(Line{Points: pts, plain: l.plain}, k, n)
	var list []piece
	open, above := false, false
	last := -1 // of a stretch above the limit, the last point, not yet added
	add := func(i int) {
		if !open {
			list = append(list, piece{})
			open = true
		}
		var iv *Interval
		if len(band) > 0 {
			iv = &Interval{band[i].Low, band[i].High}
			if !finite(iv.Low, iv.High) || p.LogY && iv.Low <= 0 {
				iv = &Interval{pts[i].Y, pts[i].Y}
			}
		}
		list[len(list)-1].add(pts[i], iv, marked(i), star != nil && pts[i] == *star, limit)
	}
	for i, pt := range pts {
		switch {
		case !ok(pt):
			open, above, last = false, false, -1
		case pt.Y > limit && above:
			last = i
		case pt.Y > limit:
			add(i)
			above = true
		default:
			if last >= 0 { // the line returns from above
				open = false
				add(last)
			}
			above, last = false, -1
			add(i)
		}
	}
	return list
}

// thin keeps about maxPoints points of a line at most: from each stretch the first lowest and the first highest, in
// order, and the best, which has a star. If a stretch holds gaps, one of them stays.
func thin(l Line) ([]Point, []Interval) {
	pts, band := l.Points, l.Band
	if len(pts) <= maxPoints {
		return pts, band
	}
	stretches := maxPoints / 2
	var outP []Point
	var outB []Interval
	keep := func(i int) {
		outP = append(outP, pts[i])
		if len(band) > 0 {
			outB = append(outB, band[i])
		}
	}
	for s := range stretches {
		from, to := s*len(pts)/stretches, (s+1)*len(pts)/stretches
		lo, hi, gap := -1, -1, -1
		for i := from; i < to; i++ {
			if !finite(pts[i].X, pts[i].Y) {
				gap = i
				continue
			}
			if lo < 0 || pts[i].Y < pts[lo].Y {
				lo = i
			}
			if hi < 0 || pts[i].Y > pts[hi].Y {
				hi = i
			}
		}
		chosen := map[int]bool{lo: true, hi: true, gap: true, l.Best - 1: true}
		if s == 0 {
			chosen[0] = true
		}
		if s == stretches-1 {
			chosen[len(pts)-1] = true
		}
		for i := from; i < to; i++ {
			if chosen[i] {
				keep(i)
			}
		}
	}
	return outP, outB
}

// wholeX reports whether every x is a whole number, as epochs and steps are.
func (p Panel) wholeX() bool {
	for _, l := range p.Lines {
		for _, pt := range l.Points {
			if finite(pt.X) && pt.X != math.Trunc(pt.X) {
				return false
			}
		}
	}
	return true
}

// text returns the plain form: one row per line.
func (f curves) text() string {
	t := newTextTable()
	t.AppendHeader(table.Row{"chart", "name", "split", "points", "last", "lowest", "highest"})
	for _, p := range f.panels {
		for _, l := range p.Lines {
			n, last, lo, hi := 0, math.NaN(), math.NaN(), math.NaN()
			for _, pt := range l.Points {
				if !finite(pt.X, pt.Y) {
					continue
				}
				n++
				last = pt.Y
				if n == 1 || pt.Y < lo {
					lo = pt.Y
				}
				if n == 1 || pt.Y > hi {
					hi = pt.Y
				}
			}
			t.AppendRow(table.Row{p.Title, l.Name, l.Split, n, p.number(last), p.number(lo), p.number(hi)})
		}
	}
	out := trimLines(t.Render())
	if f.title != "" {
		out = f.title + "\n" + out
	}
	return out
}

// number formats a y value as on the axis.
func (p Panel) number(v float64) string {
	switch {
	case !finite(v):
		return ""
	case p.YPercent:
		return strconv.FormatFloat(100*v, 'f', 1, 64) + "%"
	default:
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
}
