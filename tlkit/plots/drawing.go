package plots

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
)

// drawable is a figure that can be drawn on a vector canvas, the source of both its SVG and its PNG.
type drawable interface {
	// canvas returns width and height in CSS pixels.
	canvas() (width, height float64)
	// draw paints the figure. A PNG is already white, an SVG has no background.
	draw(c draw.Canvas)
	// label describes the figure for readers who can't see it.
	label() string
}

// Colours of everything that is not data, on white. An SVG has the page's colours in their place; see themeInk.
var (
	inkColor  = color.NRGBA{R: 0x26, G: 0x26, B: 0x26, A: 255}
	mutedInk  = color.NRGBA{R: 0x59, G: 0x59, B: 0x59, A: 255}
	gridColor = color.NRGBA{R: 0xE5, G: 0xE5, B: 0xE5, A: 255}
	axisColor = color.NRGBA{R: 0x99, G: 0x99, B: 0x99, A: 255}
)

const boldWeight = xfont.WeightBold

// px converts CSS pixels (1/96 inch) to the canvas's points (1/72 inch).
func px(v float64) vg.Length { return vg.Points(v * 0.75) }

// sans returns a text style of the given size in CSS pixels, aligned left and on the baseline.
func sans(size float64, c color.Color) text.Style {
	return text.Style{
		Color:   c,
		Font:    font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, px(size)),
		Handler: newAnyScript(),
	}
}

// titleStyle is that of a chart's title.
func titleStyle() text.Style {
	sty := sans(16, inkColor)
	sty.Font.Weight = boldWeight
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YTop
	return sty
}

// withTitle draws a chart's title, if there is one, and returns the room below it.
func withTitle(c draw.Canvas, title string) draw.Canvas {
	return withLine(c, title, titleStyle(), titleHeight)
}

// withLine draws a centred line of text, if there is one, and returns the room below it.
func withLine(c draw.Canvas, line string, sty text.Style, height float64) draw.Canvas {
	if line == "" {
		return c
	}
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YTop
	c.FillText(sty, vg.Point{X: c.Center().X, Y: c.Max.Y}, clip(line, sty, c.Max.X-c.Min.X))
	c.Max.Y -= px(height)
	return c
}

// withLegend draws a legend at the bottom and returns the room above it.
func withLegend(c draw.Canvas, rows [][]legendEntry) draw.Canvas {
	height := px(float64(len(rows) * legendHeight))
	drawLegend(draw.Crop(c, 0, 0, 0, -(c.Max.Y-c.Min.Y-height)), rows)
	c.Min.Y += height
	return c
}

// drawSVG renders d as an SVG document.
func drawSVG(d drawable) (svg string, err error) {
	defer guard(&err)
	w, h := d.canvas()
	c := vgsvg.New(px(w), px(h))
	d.draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", fmt.Errorf("plots: draw SVG: %w", err)
	}
	s := b.String()
	if l, ok := d.(longNamed); ok {
		s = addTitles(s, l.longNames())
	}
	s = fitTheme(fitText(s))
	s = strings.Replace(s, "<svg ", fmt.Sprintf("<svg role=\"img\" aria-label=\"%s\" ", html.EscapeString(d.label())), 1)
	// Names may hold characters that XML may not.
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return s, nil
}

// svgText matches a text element as vgsvg writes it.
var svgText = regexp.MustCompile(`(?s)<text ([^>]*font-weight:(normal|bold)[^>]*font-size:([0-9.]+)px[^>]*)>([^<]*)((?:<title>[^<]*</title>)?)</text>`)

// fitText makes the text of an SVG document independent of the reader's fonts: it names substitutes for Liberation
// Sans, of which Arial has the same metrics, and fixes the length of each text, so that with any other font nothing
// runs into its neighbour. Text of a script that Liberation Sans lacks keeps the length it has in the reader's font.
func fitText(svg string) string {
	return svgText.ReplaceAllStringFunc(svg, func(el string) string {
		m := svgText.FindStringSubmatch(el)
		size, err := strconv.ParseFloat(m[3], 64)
		if err != nil || strings.TrimSpace(m[4]) == "" {
			return el
		}
		written := html.UnescapeString(m[4])
		attrs := strings.ReplaceAll(m[1], "font-family:Liberation Sans;",
			"font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")
		if !writable(written) {
			return fmt.Sprintf(`<text %s>%s%s</text>`, attrs, m[4], m[5])
		}
		sty := sans(size/0.75, inkColor)
		if m[2] == "bold" {
			sty.Font.Weight = boldWeight
		}
		return fmt.Sprintf(`<text textLength="%.1f" lengthAdjust="spacingAndGlyphs" %s>%s%s</text>`,
			sty.Width(written).Points(), attrs, m[4], m[5])
	})
}

// drawPNG renders d as a PNG at two image pixels per CSS pixel.
func drawPNG(d drawable) (data []byte, err error) {
	defer guard(&err)
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: paint(d).Canvas}).WriteTo(&b); err != nil {
		return nil, fmt.Errorf("plots: draw PNG: %w", err)
	}
	return b.Bytes(), nil
}

// guard converts a panic of the drawing library to an error: a figure must never end the training run that shows it.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("plots: drawing failed: %v", r)
	}
}

// newPlot returns an empty plot with this package's fonts and colours.
func newPlot(title, xlabel, ylabel string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text = title
	p.Title.TextStyle = sans(14, inkColor)
	p.Title.TextStyle.XAlign = draw.XCenter
	p.Title.TextStyle.YAlign = draw.YTop
	p.Title.Padding = px(8)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle.Color = axisColor
		a.Tick.LineStyle.Color = axisColor
		a.Tick.Length = px(4)
		a.Padding = px(2)
		a.Label.Padding = px(4)
		xa, ya := a.Tick.Label.XAlign, a.Tick.Label.YAlign
		a.Tick.Label = sans(11, mutedInk)
		a.Tick.Label.XAlign, a.Tick.Label.YAlign = xa, ya
		a.Label.TextStyle = sans(12, inkColor)
		a.Label.TextStyle.XAlign = draw.XCenter
		a.Label.TextStyle.YAlign = draw.YBottom
	}
	p.X.Label.Text, p.Y.Label.Text = xlabel, ylabel
	return p
}

// ticks places and labels an axis's ticks.
type ticks struct {
	percent bool // label 0.5 as 50 %
	integer bool // no ticks between whole numbers
	log     bool
}

// Ticks implements plot.Ticker. gonum's own ticker takes about three, too few to read a value off a curve.
func (t ticks) Ticks(lo, hi float64) []plot.Tick {
	if t.log && lo > 0 {
		if values := logTicks(lo, hi); len(values) >= 2 {
			var list []plot.Tick
			for _, v := range values {
				list = append(list, plot.Tick{Value: v, Label: t.format(v, 0)})
			}
			return list
		}
	}
	step := niceStep((hi - lo) / 8)
	if t.integer {
		step = max(step, 1)
	}
	// The digits after the point that are needed to distinguish two ticks.
	unit := step
	if t.percent {
		unit *= 100
	}
	digits := max(0, int(math.Ceil(-math.Log10(unit)-1e-9)))
	var list []plot.Tick
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+step*1e-9 && len(list) < 100; k++ {
		v := round(k*step, 10) // 0.3 instead of 0.30000000000000004
		if v == 0 {
			v = 0 // 0 instead of -0
		}
		list = append(list, plot.Tick{Value: v, Label: t.format(v, digits)})
	}
	return list
}

func (t ticks) format(v float64, digits int) string {
	switch {
	case t.percent && t.log:
		return strconv.FormatFloat(round(100*v, 8), 'g', -1, 64) + "%"
	case t.percent:
		return strconv.FormatFloat(100*v, 'f', digits, 64) + "%"
	case math.Abs(v) >= 1e6 || v != 0 && math.Abs(v) < 1e-4:
		return strconv.FormatFloat(v, 'g', 4, 64)
	case t.log:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return strconv.FormatFloat(v, 'f', digits, 64)
	}
}

// niceStep returns the smallest of 1, 2, 5, 10, ... times a power of ten that is not below v.
func niceStep(v float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*p >= v*(1-1e-9) {
			return m * p
		}
	}
	return 10 * p
}

// logTicks returns powers of ten, with 2 and 5 times these between them when there would be fewer than three.
func logTicks(lo, hi float64) []float64 {
	var values []float64
	for _, steps := range [][]float64{{1}, {1, 2, 5}} {
		values = values[:0]
		for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
			for _, s := range steps {
				if v := s * math.Pow(10, e); v >= lo*(1-1e-9) && v <= hi*(1+1e-9) {
					values = append(values, v)
				}
			}
		}
		if len(values) >= 3 {
			break
		}
	}
	return values
}

// fillMiddle writes s with its lower-case letters centred on pt.Y, where gonum would put them a little too low.
func fillMiddle(c draw.Canvas, sty text.Style, pt vg.Point, s string) {
	sty.YAlign = draw.YCenter
	pt.Y += px(1.5)
	c.FillText(sty, pt, s)
}

// round returns v with the given number of significant digits, which keeps JSON small and hides the noise of binary
// fractions.
func round(v float64, digits int) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// finite reports whether all of v are numbers that can be drawn.
func finite(v ...float64) bool {
	return !slices.ContainsFunc(v, func(x float64) bool { return !numbers.Finite(x) })
}

// clip shortens s with an ellipsis until it is at most width wide in style sty. Of a long text it measures little more
// than what fits.
func clip(s string, sty text.Style, width vg.Length) string {
	r := []rune(s)
	enough := 16
	for enough < len(r) && sty.Width(string(r[:enough])) <= width {
		enough *= 2
	}
	if enough >= len(r) && sty.Width(s) <= width {
		return s
	}
	n := sort.Search(min(enough, len(r)), func(n int) bool { return sty.Width(string(r[:n+1])+"…") > width })
	return strings.TrimRight(string(r[:n]), " ") + "…"
}
