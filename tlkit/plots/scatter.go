package plots

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// ScatterPoint is one point of a scatter chart. A point whose X or Y is NaN or infinite is left out.
type ScatterPoint struct {
	X, Y  float64
	Class string      // chooses the colour and the shape
	Name  string      // shown under the pointer; may be ""
	Image image.Image // shown under the pointer; nil for none
}

// ScatterOptions control the look of a scatter chart. The zero value means axes without labels.
type ScatterOptions struct {
	// XLabel and YLabel name the axes.
	XLabel, YLabel string
	// Note is a line under the title.
	Note string
	// Percent labels both axes in percent, where 1 is 100 %.
	Percent bool
	// ClassLabel says what a class is, such as "model"; "" means "class".
	ClassLabel string
}

// Scatter returns a chart of points in classes, with equal units on both axes, so that distances can be compared. Under
// the pointer are the point's name, its class and a small copy of its image. The Bundle has Vega-Lite, SVG and a plain
// text table of the classes. So that it stays small, at most 5,000 points are drawn, which the note says, and
// [ScatterImages] have an image, evenly chosen.
func Scatter(title string, points []ScatterPoint, opts ScatterOptions) Figure {
	f := scatter{title: title, opts: opts, all: points}
	for _, p := range points {
		if finite(p.X, p.Y) {
			f.points = append(f.points, p)
		}
	}
	var notes []string
	if opts.Note != "" {
		notes = append(notes, opts.Note)
	}
	if n := len(points) - len(f.points); n > 0 {
		notes = append(notes, fmt.Sprintf("%d points without finite coordinates are left out", n))
	}
	f.classes = names(points, func(p ScatterPoint) string { return p.Class })
	if n := len(f.points); n > maxScatter {
		f.points = evenly(f.points, maxScatter)
		notes = append(notes, fmt.Sprintf("%d of %d points are drawn", maxScatter, n))
	}
	f.opts.Note = strings.Join(notes, "; ")
	return f
}

// ScatterImages is the largest number of points of a [Scatter] that have an image.
const ScatterImages = 400

// Bounds and sizes, in CSS pixels. A thumbnail of 80 pixels is about 3 kB.
const (
	maxScatter    = 5000
	thumbnailSide = 80
	scatterWidth  = 600
	scatterHeight = 400
	noteHeight    = 16
)

type scatter struct {
	title   string
	opts    ScatterOptions
	all     []ScatterPoint // as given
	points  []ScatterPoint // as drawn
	classes []string
}

// evenly returns n of the items, at equal distances.
func evenly[T any](items []T, n int) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = items[i*len(items)/n]
	}
	return out
}

func (f scatter) name() string        { return cmp.Or(f.title, "scatter") }
func (f scatter) label() string       { return described(f.title, fmt.Sprintf("%d points", len(f.points))) }
func (f scatter) longNames() []string { return append([]string{f.title, f.opts.Note}, f.classes...) }

// inLanguage returns the chart with axes and note in the language of figures.
func (f scatter) inLanguage() scatter {
	f.opts.XLabel, f.opts.YLabel, f.opts.Note = words.Of(f.opts.XLabel), words.Of(f.opts.YLabel), words.Parts(f.opts.Note, "; ")
	f.opts.ClassLabel = words.Of(cmp.Or(f.opts.ClassLabel, "class"))
	return f
}

func (f scatter) Bundle() (map[string]any, error) {
	shown := f.inLanguage()
	svg, err := drawSVG(shown)
	if err != nil {
		return nil, err
	}
	spec, err := shown.vega()
	if err != nil {
		return nil, err
	}
	return map[string]any{MIMEVegaLite: spec, MIMESVG: svg, MIMEText: f.text()}, nil
}

// ranges returns the ends of both axes, with room around the points and equal units.
func (f scatter) ranges() (x, y [2]float64) {
	x, y = [2]float64{math.Inf(1), math.Inf(-1)}, [2]float64{math.Inf(1), math.Inf(-1)}
	for _, p := range f.points {
		x = [2]float64{min(x[0], p.X), max(x[1], p.X)}
		y = [2]float64{min(y[0], p.Y), max(y[1], p.Y)}
	}
	if len(f.points) == 0 {
		return [2]float64{-1, 1}, [2]float64{-1, 1}
	}
	unit := 1.1 * max((x[1]-x[0])/scatterWidth, (y[1]-y[0])/scatterHeight) // of a pixel
	if unit == 0 {
		unit = 2 * max(1, math.Abs(x[0]), math.Abs(y[0])) / scatterHeight
	}
	around := func(r [2]float64, pixels float64) [2]float64 {
		middle, half := r[0]/2+r[1]/2, unit*pixels/2
		return [2]float64{middle - half, middle + half}
	}
	return around(x, scatterWidth), around(y, scatterHeight)
}

// vega returns the specification. Its data fields: n class, x, y, name and img, a data URL or "".
func (f scatter) vega() (obj, error) {
	spec := vegaBase(f.title)
	if f.opts.Note != "" {
		head, _ := spec["title"].(obj)
		if head == nil {
			head = obj{"text": "", "anchor": "middle", "offset": 14}
		}
		head["subtitle"] = f.opts.Note
		spec["title"] = head
	}
	if len(f.points) == 0 {
		addNoData(spec, scatterWidth, scatterHeight)
		return spec, nil
	}
	values, pictures, err := f.values()
	if err != nil {
		return nil, err
	}
	x, y := f.ranges()
	position := func(field, title string, ends [2]float64) obj {
		axis := obj{"tickCount": 6}
		if f.opts.Percent {
			axis["format"] = "~%"
		}
		return obj{"field": field, "type": "quantitative", "title": title, "axis": axis,
			"scale": obj{"domain": arr{ends[0], ends[1]}, "nice": false, "zero": false}}
	}
	class := func(visual arr) obj {
		return obj{"field": "n", "type": "nominal", "sort": false, "scale": obj{"domain": f.classes, "range": visual},
			"legend": legend(f.classes, legendColumns(f.classes, nil))}
	}
	tooltip := arr{}
	if slices.ContainsFunc(f.points, func(p ScatterPoint) bool { return p.Name != "" }) {
		tooltip = append(tooltip, obj{"field": "name", "type": "nominal", "title": "title"}) // Vega's heading
	}
	if !unlabelled(f.classes) {
		tooltip = append(tooltip, obj{"field": "n", "type": "nominal", "title": f.opts.ClassLabel})
	}
	if pictures {
		tooltip = append(tooltip, obj{"field": "img", "type": "nominal", "title": "image"}) // Vega's picture
	}
	pick := obj{"name": "pick", "select": obj{"type": "point", "fields": arr{"n"}}}
	if !unlabelled(f.classes) {
		pick["bind"] = "legend"
	}
	spec["params"] = arr{pick}
	spec["width"], spec["height"] = scatterWidth, scatterHeight
	spec["data"] = obj{"values": values}
	spec["mark"] = obj{"type": "point", "filled": true, "size": 45, "opacity": 1}
	spec["encoding"] = obj{"x": position("x", f.opts.XLabel, x), "y": position("y", f.opts.YLabel, y), "tooltip": tooltip,
		"color": class(colorRange(f.classes)), "shape": class(shapeRange(markersOf(len(f.classes)))),
		"opacity": obj{"condition": obj{"param": "pick", "value": 1}, "value": 0.06}}
	return spec, nil
}

// values returns the data rows, and whether any has a picture.
func (f scatter) values() (rows arr, pictures bool, err error) {
	var pictured []int
	for i, p := range f.points {
		if p.Image != nil && !p.Image.Bounds().Empty() {
			pictured = append(pictured, i)
		}
	}
	if len(pictured) > ScatterImages {
		pictured = evenly(pictured, ScatterImages)
	}
	for i, p := range f.points {
		url := ""
		if len(pictured) > 0 && pictured[0] == i {
			pictured = pictured[1:]
			if url, err = thumbnail(p.Image); err != nil {
				return nil, false, fmt.Errorf("plots: the image of %q: %w", p.Name, err)
			}
			pictures = true
		}
		rows = append(rows, obj{"n": p.Class, "x": round(p.X, 6), "y": round(p.Y, 6), "name": p.Name, "img": url})
	}
	return rows, pictures, nil
}

func (f scatter) text() string {
	p := Panel{YPercent: f.opts.Percent}
	t := newTextTable()
	t.AppendHeader(table.Row{cmp.Or(f.opts.ClassLabel, "class"), "points", "mean " + cmp.Or(f.opts.XLabel, "x"), "mean " + cmp.Or(f.opts.YLabel, "y")})
	for _, c := range f.classes {
		n, x, y := 0.0, 0.0, 0.0
		for _, pt := range f.all {
			if pt.Class == c && finite(pt.X, pt.Y) {
				n, x, y = n+1, x+pt.X, y+pt.Y
			}
		}
		t.AppendRow(table.Row{c, int(n), p.brief(x / n), p.brief(y / n)})
	}
	out := trimLines(t.Render())
	for _, line := range []string{f.opts.Note, f.title} {
		if line != "" {
			out = line + "\n" + out
		}
	}
	return out
}

// legend returns the rows of the classes under the chart.
func (f scatter) legend() [][]legendEntry {
	if unlabelled(f.classes) {
		return nil
	}
	var entries []legendEntry
	for i, c := range f.classes {
		m := markerOf(i)
		entries = append(entries, legendEntry{text: c, style: draw.LineStyle{Color: rgb(Color(i))}, mark: &m}) // a line of no width
	}
	width, _ := scatterCanvas()
	return inRows(firstEntries(entries), width-2*margin)
}

// scatterCanvas returns the size without legend.
func scatterCanvas() (width, height float64) {
	return scatterWidth + 70 + 2*margin, scatterHeight + 60 + 2*margin
}

func (f scatter) canvas() (width, height float64) {
	width, height = scatterCanvas()
	if f.title != "" {
		height += titleHeight
	}
	if f.opts.Note != "" {
		height += noteHeight
	}
	return width, height + float64(len(f.legend())*legendHeight)
}

func (f scatter) draw(c draw.Canvas) {
	c = draw.Crop(c, px(margin), px(-margin), px(margin), px(-margin))
	c = withTitle(c, f.title)
	c = withLine(c, f.opts.Note, sans(11, mutedInk), noteHeight)
	c = withLegend(c, f.legend())
	g := newPlot("", f.opts.XLabel, f.opts.YLabel)
	g.X.Tick.Marker, g.Y.Tick.Marker = ticks{percent: f.opts.Percent}, ticks{percent: f.opts.Percent}
	x, y := f.ranges()
	g.X.Min, g.X.Max, g.Y.Min, g.Y.Max = x[0], x[1], y[0], y[1]
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Horizontal.Width = gridColor, px(1)
	grid.Vertical.Color, grid.Vertical.Width = gridColor, px(1)
	g.Add(grid)
	if len(f.points) == 0 {
		g.Add(centred{"no data"})
	} else {
		g.Add(scatterPlotter{f})
	}
	g.Draw(c)
}

// scatterPlotter draws the points in the order given.
type scatterPlotter struct{ scatter }

func (f scatterPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	styles := make([]draw.GlyphStyle, len(f.classes))
	index := map[string]int{}
	for i, name := range f.classes {
		index[name] = i
		styles[i] = draw.GlyphStyle{Color: rgb(Color(i)), Radius: px(3.4), Shape: markerOf(i)}
	}
	for _, pt := range f.points {
		c.DrawGlyph(styles[index[pt.Class]], vg.Point{X: trX(pt.X), Y: trY(pt.Y)})
	}
}

// opaque reports whether an image says that it has no transparent pixel.
func opaque(img image.Image) bool {
	if o, ok := img.(interface{ Opaque() bool }); ok {
		return o.Opaque()
	}
	return img.ColorModel() == color.YCbCrModel || img.ColorModel() == color.GrayModel
}
