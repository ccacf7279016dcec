package plots

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// Bar is one bar with an optional error bar. If Value is NaN or infinite, the bar's place stays empty; if Low and High
// are both 0, or not finite, there is no error bar.
type Bar struct {
	Name      string // chooses the colour
	Value     float64
	Low, High float64
}

// BarOptions control the look of bars. The zero value means plain numbers without a label.
type BarOptions struct {
	Label   string // of the value axis
	Percent bool   // values are shares, 1 is 100 %
	// Groups, if not nil, has one entry per bar, which chooses its colour in place of its name.
	Groups []string
}

// Bars returns a figure of horizontal bars from zero, one row per bar in the order given, coloured by the order in
// which names first appear: bars and curves of the same strategies in the same order have the same colours. The Bundle
// has Vega-Lite, SVG and a plain text table. bars may be empty. It fails if BarOptions.Groups has another length.
func Bars(title string, bars []Bar, opts BarOptions) Figure {
	return barChart{title, bars, opts}
}

type barChart struct {
	title string
	bars  []Bar
	opts  BarOptions
}

// inLanguage returns the figure with title and label in the language of figures.
func (f barChart) inLanguage() barChart {
	f.title, f.opts.Label = words.Of(f.title), words.Of(f.opts.Label)
	return f
}

// Sizes in CSS pixels: the plotting area's width, and the height per bar.
const (
	barWidth  = 480
	barHeight = 32
)

func (f barChart) name() string  { return cmp.Or(f.title, "bars") }
func (f barChart) label() string { return described(f.title, "bars") }

func (f barChart) longNames() []string { return names(f.bars, func(b Bar) string { return b.Name }) }

func (b Bar) hasRange() bool { return finite(b.Low, b.High) && (b.Low != 0 || b.High != 0) }

func (f barChart) Bundle() (map[string]any, error) {
	if f.opts.Groups != nil && len(f.opts.Groups) != len(f.bars) {
		return nil, fmt.Errorf("plots: %d groups for %d bars, want one per bar or none", len(f.opts.Groups), len(f.bars))
	}
	shown := f.inLanguage()
	svg, err := drawSVG(shown)
	if err != nil {
		return nil, err
	}
	return map[string]any{MIMEVegaLite: shown.vega(), MIMESVG: svg, MIMEText: f.text()}, nil
}

// number formats the value that is written beside its bar.
func (f barChart) number(v float64) string {
	switch {
	case !finite(v):
		return ""
	case f.opts.Percent:
		return strconv.FormatFloat(round(100*v, 3), 'f', f.percentDigits(100*v), 64) + "%"
	default:
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
}

// percentDigits returns how many decimals a share in per cent has: none if all bars are whole numbers, else those of
// three digits in all, so that 3.70 stands beside 4.75.
func (f barChart) percentDigits(percent float64) int {
	fraction := func(b Bar) bool { p := round(100*b.Value, 3); return finite(p) && p != math.Trunc(p) }
	if percent == 0 || !slices.ContainsFunc(f.bars, fraction) {
		return 0
	}
	return max(0, 2-int(math.Floor(math.Log10(math.Abs(round(percent, 3))))))
}

func (f barChart) text() string {
	t := newTextTable()
	t.AppendHeader(table.Row{"name", cmp.Or(f.opts.Label, "value"), "low", "high"})
	for _, b := range f.bars {
		row := table.Row{b.Name, f.number(b.Value), "", ""}
		if b.hasRange() {
			row[2], row[3] = f.number(b.Low), f.number(b.High)
		}
		t.AppendRow(row)
	}
	out := trimLines(t.Render())
	if f.title != "" {
		out = f.title + "\n" + out
	}
	return out
}

// reach returns the ends of the value axis.
func (f barChart) reach() (lo, hi float64) {
	for _, b := range f.bars {
		if !finite(b.Value) {
			continue
		}
		lo, hi = min(lo, b.Value), max(hi, b.Value)
		if b.hasRange() {
			lo, hi = min(lo, b.Low), max(hi, b.High)
		}
	}
	if lo == hi {
		hi = 1
	}
	// Room for the number beside the longest bar.
	span := hi - lo
	if hi > 0 {
		hi += 0.14 * span
	}
	if lo < 0 {
		lo -= 0.14 * span
	}
	return lo, hi
}

// group returns what chooses the colour of bar i.
func (f barChart) group(i int) string {
	if f.opts.Groups != nil {
		return f.opts.Groups[i]
	}
	return f.bars[i].Name
}

// groups returns the distinct groups in order of first appearance.
func (f barChart) groups() []string {
	if f.opts.Groups != nil {
		return names(f.opts.Groups, func(s string) string { return s })
	}
	return f.longNames()
}

// colours returns the colour of each bar.
func (f barChart) colours() []color.NRGBA {
	index := map[string]int{}
	for i, n := range f.groups() {
		index[n] = i
	}
	list := make([]color.NRGBA, len(f.bars))
	for i := range f.bars {
		list[i] = rgb(Color(index[f.group(i)]))
	}
	return list
}

// outer returns the end of the bar or of its error bar, where its number is written.
func (b Bar) outer() float64 {
	v := b.Value
	if !b.hasRange() {
		return v
	}
	if v < 0 {
		return min(v, b.Low)
	}
	return max(v, b.High)
}

func (f barChart) vega() obj {
	spec := vegaBase(f.title)
	if !slices.ContainsFunc(f.bars, func(b Bar) bool { return finite(b.Value) }) {
		addNoData(spec, barWidth, barHeight*max(len(f.bars), 2))
		return spec
	}
	ranged := slices.ContainsFunc(f.bars, func(b Bar) bool { return finite(b.Value) && b.hasRange() })
	y := f.rowAxis()
	layers := arr{obj{"mark": obj{"type": "bar", "height": obj{"band": 0.68}},
		"encoding": obj{"x": f.valueAxis("v"), "y": y, "color": f.colourScale(), "tooltip": f.tooltip(ranged)}}}
	if ranged {
		layers = append(layers, obj{"mark": obj{"type": "rule", "strokeWidth": 1.6, "color": vegaInk},
			"transform": arr{obj{"filter": "isValid(datum.lo)"}},
			"encoding":  obj{"x": f.valueAxis("lo"), "x2": obj{"field": "hi"}, "y": y}},
			f.bracket("lo"), f.bracket("hi"))
	}
	spec["width"] = barWidth
	spec["height"] = obj{"step": barHeight}
	spec["data"] = obj{"values": f.rows()}
	spec["layer"] = append(layers, f.numbers("datum.end >= 0", "left", 6), f.numbers("datum.end < 0", "right", -6))
	return spec
}

// rows returns the data of the specification: k row, n name, v value and t its text, end the place of the text, lo and
// hi the range.
func (f barChart) rows() arr {
	rows := arr{}
	for i, b := range f.bars {
		row := obj{"k": i, "n": b.Name}
		if f.opts.Groups != nil {
			row["c"] = f.group(i)
		}
		if finite(b.Value) {
			row["v"], row["t"], row["end"] = round(b.Value, 6), f.number(b.Value), round(b.outer(), 6)
			if b.hasRange() {
				row["lo"], row["hi"] = round(b.Low, 6), round(b.High, 6)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// rowAxis numbers the rows, so that two bars of one name both show, and writes the names.
func (f barChart) rowAxis() obj {
	labels := arr{}
	for _, b := range f.bars {
		labels = append(labels, b.Name)
	}
	return obj{"field": "k", "type": "ordinal", "title": "", "sort": obj{"field": "k"},
		"axis": obj{"labelExpr": labelExpr(labels), "labelLimit": 220, "ticks": false, "domain": false, "labelPadding": 6, "labelFontSize": 12, "labelColor": vegaInk, "labelOpacity": 1}}
}

func (f barChart) valueAxis(field string) obj {
	axis := obj{"tickCount": 6}
	if f.opts.Percent {
		axis["format"] = "~%"
	}
	lo, hi := f.reach()
	return obj{"field": field, "type": "quantitative", "title": f.opts.Label, "axis": axis,
		"scale": obj{"domain": arr{lo, hi}, "nice": false}}
}

func (f barChart) colourScale() obj {
	field := "n"
	if f.opts.Groups != nil {
		field = "c"
	}
	domain := f.groups()
	return obj{"field": field, "type": "nominal", "scale": obj{"domain": domain, "range": colorRange(domain)}, "legend": obj{"disable": true}}
}

func (f barChart) tooltip(ranged bool) arr {
	format := ".4~r"
	if f.opts.Percent {
		format = ".1%"
	}
	out := arr{
		obj{"field": "n", "type": "nominal", "title": words.Of("name")},
		obj{"field": "v", "type": "quantitative", "title": cmp.Or(f.opts.Label, words.Of("value")), "format": format}}
	if ranged {
		out = append(out,
			obj{"field": "lo", "type": "quantitative", "title": words.Of("low"), "format": format},
			obj{"field": "hi", "type": "quantitative", "title": words.Of("high"), "format": format})
	}
	return out
}

// bracket returns the layer of the strokes across one end of the error bars.
func (f barChart) bracket(field string) obj {
	return obj{"mark": obj{"type": "tick", "thickness": 1.6, "size": 10, "color": vegaInk},
		"transform": arr{obj{"filter": "isValid(datum.lo)"}}, "encoding": obj{"x": f.valueAxis(field), "y": f.rowAxis()}}
}

// numbers returns the layer of the numbers outside the ends of the bars that pass the test: to the right of the bar, or
// to the left of a negative one.
func (f barChart) numbers(test, align string, dx int) obj {
	return obj{"mark": obj{"type": "text", "fontSize": 12, "color": vegaInk, "align": align, "dx": dx},
		"transform": arr{obj{"filter": test}},
		"encoding":  obj{"x": f.valueAxis("end"), "y": f.rowAxis(), "text": obj{"field": "t", "type": "nominal"}}}
}

func (f barChart) canvas() (width, height float64) {
	h := float64(max(len(f.bars), 1)*barHeight + 70)
	if f.title != "" {
		h += titleHeight
	}
	return 640, h
}

func (f barChart) draw(c draw.Canvas) {
	c = draw.Crop(c, px(margin), px(-margin), px(margin), px(-margin))
	g := newPlot(f.title, f.opts.Label, "")
	g.Title.TextStyle = titleStyle()
	g.Y.LineStyle.Width, g.Y.Tick.Length = 0, 0
	grid := plotter.NewGrid()
	grid.Horizontal.Width = 0
	grid.Vertical.Color, grid.Vertical.Width = gridColor, px(1)
	g.Add(grid)
	g.X.Tick.Marker = ticks{percent: f.opts.Percent}
	g.X.Min, g.X.Max = f.reach()
	g.Y.Min, g.Y.Max = -0.5, math.Max(float64(len(f.bars)), 1)-0.5
	g.Y.Tick.Label.Font.Size = px(12)
	g.Y.Tick.Label.Color = inkColor
	var labels plot.ConstantTicks
	for i, b := range f.bars {
		labels = append(labels, plot.Tick{Value: float64(len(f.bars) - 1 - i), Label: clip(b.Name, g.Y.Tick.Label, px(220))})
	}
	g.Y.Tick.Marker = labels
	if len(f.bars) == 0 {
		g.Add(centred{"no data"})
	} else {
		g.Add(barPlotter{f})
	}
	g.Draw(c)
}

// barPlotter draws the bars of a chart, the first on top.
type barPlotter struct{ barChart }

func (f barPlotter) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	sty := sans(12, inkColor)
	pen := draw.LineStyle{Color: inkColor, Width: px(1.6)}
	colours := f.colours()
	for i, b := range f.bars {
		if !finite(b.Value) {
			continue
		}
		row := float64(len(f.bars) - 1 - i)
		y, lo, hi := trY(row), trY(row-0.34), trY(row+0.34)
		x0, x1 := trX(0), trX(b.Value)
		c.FillPolygon(colours[i], []vg.Point{{X: x0, Y: lo}, {X: x1, Y: lo}, {X: x1, Y: hi}, {X: x0, Y: hi}})
		if b.hasRange() {
			l, h, cap := trX(b.Low), trX(b.High), px(5)
			c.StrokeLine2(pen, l, y, h, y)
			c.StrokeLine2(pen, l, y-cap, l, y+cap)
			c.StrokeLine2(pen, h, y-cap, h, y+cap)
		}
		x, gap := trX(b.outer()), px(6)
		if b.Value < 0 {
			sty.XAlign, gap = draw.XRight, -gap
		} else {
			sty.XAlign = draw.XLeft
		}
		fillMiddle(c, sty, vg.Point{X: x + gap, Y: y}, f.number(b.Value))
	}
}
