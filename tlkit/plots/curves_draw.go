package plots

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// Sizes of the drawn figure in CSS pixels.
const (
	cellWidth    = panelWidth + 70
	cellHeight   = panelHeight + 70
	titleHeight  = 32
	legendHeight = 24
	// panelTitleHeight is the room above each panel.
	panelTitleHeight = 30
	margin           = 12
)

func (f curves) grid() (columns, rows int) {
	n := max(len(f.panels), 1)
	columns = min(n, 2)
	return columns, (n + columns - 1) / columns
}

// noteRoom returns the height of the panels' notes in CSS pixels, 0 if there is none.
func (f curves) noteRoom() float64 {
	for _, p := range f.panels {
		if p.note() != "" {
			return 16
		}
	}
	return 0
}

func (f curves) canvas() (width, height float64) {
	columns, rows := f.grid()
	w := float64(columns*cellWidth + 2*margin)
	h := float64(rows*int(cellHeight+f.noteRoom()) + 2*margin)
	if f.title != "" {
		h += titleHeight
	}
	return w, h + float64(len(f.legendRows(w))*legendHeight)
}

func (f curves) draw(c draw.Canvas) {
	w, _ := f.canvas()
	legend := f.legendRows(w)
	c = draw.Crop(c, px(margin), px(-margin), px(margin), px(-margin))
	c = withTitle(c, f.title)
	c = withLegend(c, legend)

	columns, rows := f.grid()
	lineNames, splits := f.keys()
	cells := make([][]*plot.Plot, rows)
	for r := range cells {
		cells[r] = make([]*plot.Plot, columns)
		for k := range cells[r] {
			switch i := r*columns + k; {
			case i < len(f.panels):
				cells[r][k] = f.panels[i].plot(lineNames, splits)
			case len(f.panels) == 0:
				cells[r][k] = Panel{}.plot(lineNames, splits)
			}
		}
	}
	// Titles are drawn above the plots, not in them: gonum would set them at different heights in one row.
	tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: px(20), PadY: px(panelTitleHeight + f.noteRoom()), PadTop: px(panelTitleHeight + f.noteRoom())}
	canvases := plot.Align(cells, tiles, c)
	sty := sans(14, inkColor)
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YBottom
	for r := range cells {
		for k, p := range cells[r] {
			if p == nil {
				continue
			}
			p.Draw(canvases[r][k])
			if i := r*columns + k; i < len(f.panels) {
				data := p.DataCanvas(canvases[r][k])
				c.FillText(sty, vg.Point{X: data.Center().X, Y: data.Max.Y + px(10+f.noteRoom())}, clip(f.panels[i].Title, sty, px(cellWidth-20)))
				small := sans(11, mutedInk)
				small.XAlign, small.YAlign = draw.XCenter, draw.YBottom
				c.FillText(small, vg.Point{X: data.Center().X, Y: data.Max.Y + px(9)}, clip(f.panels[i].note(), small, px(cellWidth-20)))
			}
		}
	}
}

// plot draws one panel; lineNames and splits are those of the whole figure.
func (p Panel) plot(lineNames, splits []string) *plot.Plot {
	g := newPlot("", p.XLabel, p.YLabel)
	g.X.Tick.Marker = ticks{integer: p.wholeX(), log: p.LogX}
	g.Y.Tick.Marker = ticks{percent: p.YPercent, log: p.LogY}
	if p.LogX {
		g.X.Scale = plot.LogScale{}
	}
	if p.LogY {
		g.Y.Scale = plot.LogScale{}
	}
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal.Color = gridColor
	grid.Horizontal.Width = px(1)
	g.Add(grid)

	var shades, strokes, marks []plot.Plotter
	for _, l := range p.Lines {
		k := slices.Index(lineNames, l.Name)
		ink := rgb(Color(k))
		for _, pc := range p.pieces(l, k, len(lineNames)) {
			if len(pc.band) > 0 {
				shades = append(shades, shade(pc, ink))
			}
			if len(pc.points) > 1 {
				strokes = append(strokes, stroke(pc, dashes(l.Split, splits), ink))
			}
			dots := pc.chosen(pc.marked)
			if len(pc.points) == 1 && !pc.cut[0] {
				dots = pc.points
			}
			for _, m := range []struct {
				marker marker
				radius float64
				ink    color.NRGBA
				points []Point
			}{{markerOf(k), 3.2, ink, dots}, {cutMarker, 5, ink, pc.chosen(pc.cut)},
				{bestMarker, 6.5, inkColor, pc.chosen(pc.best)}, {bestMarker, 4.5, ink, pc.chosen(pc.best)}} {
				if len(m.points) > 0 {
					marks = append(marks, glyphs(m.marker, m.radius, m.ink, m.points))
				}
			}
		}
	}
	strokes = append(strokes, marks...)
	if len(strokes) == 0 {
		g.X.Min, g.X.Max, g.Y.Min, g.Y.Max = 0.1, 1, 0.1, 1
		g.X.Tick.Marker, g.Y.Tick.Marker = plot.ConstantTicks(nil), plot.ConstantTicks(nil)
		g.Add(centred{"no data"})
		return g
	}
	// Shades first, so that no line is hidden below another's band.
	g.Add(shades...)
	g.Add(strokes...)
	widen(&g.X.Min, &g.X.Max, p.LogX, 0)
	widen(&g.Y.Min, &g.Y.Max, p.LogY, 0.04)
	return g
}

// widen makes room around the data; around a single value it makes enough room for an axis.
func widen(lo, hi *float64, log bool, share float64) {
	switch {
	case log && *lo == *hi:
		*lo, *hi = *lo/2, *hi*2
	case log:
		k := math.Pow(*hi / *lo, share)
		*lo, *hi = *lo/k, *hi*k
	case *lo == *hi:
		d := max(math.Abs(*lo)*0.1, 1e-3)
		if *lo == math.Trunc(*lo) && share == 0 {
			d = 1 // a single epoch is drawn between its neighbours
		}
		*lo, *hi = *lo-d, *hi+d
	default:
		d := (*hi - *lo) * share
		*lo, *hi = *lo-d, *hi+d
	}
}

func shade(pc piece, ink color.NRGBA) plot.Plotter {
	var ring plotter.XYs
	for i, pt := range pc.points {
		ring = append(ring, plotter.XY{X: pt.X, Y: pc.band[i].Low})
	}
	for i := len(pc.points) - 1; i >= 0; i-- {
		ring = append(ring, plotter.XY{X: pc.points[i].X, Y: pc.band[i].High})
	}
	poly, err := plotter.NewPolygon(ring)
	if err != nil {
		panic(fmt.Sprintf("band: %v", err)) // pieces leaves only finite numbers
	}
	poly.Color = fade(ink, 0.18)
	poly.LineStyle.Width = 0
	return poly
}

func (pc piece) xys() plotter.XYs {
	list := make(plotter.XYs, len(pc.points))
	for i, pt := range pc.points {
		list[i] = plotter.XY{X: pt.X, Y: pt.Y}
	}
	return list
}

func stroke(pc piece, dashes []float64, ink color.NRGBA) plot.Plotter {
	line, err := plotter.NewLine(pc.xys())
	if err != nil {
		panic(fmt.Sprintf("line: %v", err))
	}
	line.LineStyle = lineStyle(dashes, ink)
	return line
}

func lineStyle(dashes []float64, ink color.NRGBA) draw.LineStyle {
	sty := draw.LineStyle{Color: ink, Width: px(2)}
	for _, d := range dashes {
		sty.Dashes = append(sty.Dashes, px(d))
	}
	return sty
}

// centred writes a note in the middle of an empty plot.
type centred struct{ text string }

func (t centred) Plot(c draw.Canvas, _ *plot.Plot) {
	sty := sans(12, mutedInk)
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YCenter
	c.FillText(sty, c.Center(), said(c, t.text))
}

// legendEntry is a sample of a line with its name; x is where it starts in its row, in CSS pixels.
type legendEntry struct {
	x     float64
	text  string
	style draw.LineStyle
	mark  *marker // on the sample; nil for none
}

const (
	sampleWidth = 28
	sampleGap   = 6
	entryGap    = 22
)

// maxLegend is the largest number of names that a legend lists. It says how many there are.
const maxLegend = 40

// firstOf says that a legend has the first of n names.
func firstOf(n int) string { return fmt.Sprintf("the first %d of %d", maxLegend, n) }

// firstEntries returns the entries of names that a legend lists, and of more what [firstOf] says.
func firstEntries(entries []legendEntry) []legendEntry {
	if len(entries) <= maxLegend {
		return entries
	}
	return append(entries[:maxLegend], legendEntry{text: words.Of(firstOf(len(entries))), style: draw.LineStyle{Color: inkColor}})
}

// legendRows lays the legend out in as many rows as the width needs: names first, then splits.
func (f curves) legendRows(width float64) [][]legendEntry {
	lineNames, splits := f.keys()
	var entries []legendEntry
	if !unlabelled(lineNames) {
		for i, m := range f.marks(lineNames) {
			entries = append(entries, legendEntry{text: lineNames[i], style: lineStyle(nil, rgb(Color(i))), mark: &m})
		}
		entries = firstEntries(entries)
	}
	if !unlabelled(splits) {
		for _, s := range splits {
			if named(s) {
				entries = append(entries, legendEntry{text: f.panels[0].inWords(s), style: lineStyle(dashes(s, splits), mutedInk)})
			}
		}
	}
	return inRows(entries, width-2*margin)
}

// inRows places the entries of a legend in rows of at most limit CSS pixels.
func inRows(entries []legendEntry, limit float64) [][]legendEntry {
	sty := sans(12, inkColor)
	var rows [][]legendEntry
	x := limit
	for _, e := range entries {
		e.text = clip(e.text, sty, px(240))
		w := sampleWidth + sampleGap + sty.Width(e.text).Points()/0.75
		if len(rows) == 0 || x+w > limit {
			rows = append(rows, nil)
			x = 0
		}
		e.x = x
		x += w + entryGap
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
	}
	return rows
}

func drawLegend(c draw.Canvas, rows [][]legendEntry) {
	sty := sans(12, inkColor)
	for r, row := range rows {
		last := row[len(row)-1]
		width := px(last.x+sampleWidth+sampleGap) + sty.Width(last.text)
		left := c.Center().X - width/2
		y := c.Max.Y - px(legendHeight*(float64(r)+0.6))
		for _, e := range row {
			x := left + px(e.x)
			c.StrokeLine2(e.style, x, y, x+px(sampleWidth), y)
			if e.mark != nil {
				c.DrawGlyph(draw.GlyphStyle{Color: e.style.Color, Radius: px(3.8), Shape: *e.mark}, vg.Point{X: x + px(sampleWidth/2), Y: y})
			}
			fillMiddle(c, sty, vg.Point{X: x + px(sampleWidth+sampleGap), Y: y}, e.text)
		}
	}
}
