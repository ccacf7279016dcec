package plots

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"math"
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
)

// drawable is a figure that can be drawn on a vector canvas, from which both
// its SVG and its PNG come.
type drawable interface {
	// canvas returns width and height in CSS pixels.
	canvas() (width, height float64)
	// draw paints the figure; the canvas is already white.
	draw(c draw.Canvas)
	// label describes the figure to readers that can't see it.
	label() string
}

// Colours of everything that is not data.
var (
	inkColor  = color.NRGBA{R: 0x26, G: 0x26, B: 0x26, A: 255}
	mutedInk  = color.NRGBA{R: 0x59, G: 0x59, B: 0x59, A: 255}
	gridColor = color.NRGBA{R: 0xE5, G: 0xE5, B: 0xE5, A: 255}
	axisColor = color.NRGBA{R: 0x99, G: 0x99, B: 0x99, A: 255}
)

const boldWeight = xfont.WeightBold

// px converts CSS pixels (1/96 inch) to the canvas's points (1/72 inch).
func px(v float64) vg.Length { return vg.Points(v * 0.75) }

// sans returns a text style of the given size in CSS pixels, aligned left and
// on the baseline.
func sans(size float64, c color.Color) text.Style {
	return text.Style{
		Color:   c,
		Font:    font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, px(size)),
		Handler: plot.DefaultTextHandler,
	}
}

// drawSVG renders d as an SVG document.
func drawSVG(d drawable) (svg string, err error) {
	defer guard(&err)
	w, h := d.canvas()
	c := vgsvg.New(px(w), px(h))
	dc := draw.New(c)
	dc.SetColor(color.White)
	dc.Fill(dc.Rectangle.Path())
	d.draw(dc)
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", fmt.Errorf("plots: draw SVG: %w", err)
	}
	// Liberation Sans has the metrics of Arial, so readers without it get the
	// same layout from one of these instead of their default serif font.
	s := strings.ReplaceAll(b.String(), "font-family:Liberation Sans;",
		"font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")
	s = strings.Replace(s, "<svg ", fmt.Sprintf("<svg role=\"img\" aria-label=\"%s\" ", html.EscapeString(d.label())), 1)
	return s, nil
}

// drawPNG renders d as a PNG at two image pixels per CSS pixel.
func drawPNG(d drawable) (data []byte, err error) {
	defer guard(&err)
	w, h := d.canvas()
	c := vgimg.NewWith(vgimg.UseWH(px(w), px(h)), vgimg.UseDPI(192), vgimg.UseBackgroundColor(color.White))
	d.draw(draw.New(c))
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: c}).WriteTo(&b); err != nil {
		return nil, fmt.Errorf("plots: draw PNG: %w", err)
	}
	return b.Bytes(), nil
}

// guard turns a panic of the drawing library into an error: a figure is never
// worth the training run that wanted to show it.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("plots: drawing failed: %v", r)
	}
}

// newPlot returns an empty plot with this package's fonts and colours.
func newPlot(title, xlabel, ylabel string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White
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

func (t ticks) Ticks(lo, hi float64) []plot.Tick {
	var list []plot.Tick
	switch {
	case t.log && lo > 0 && hi > lo:
		list = logTicks(lo, hi)
	default:
		list = plot.DefaultTicks{}.Ticks(lo, hi)
	}
	out := list[:0]
	digits := 0
	for _, k := range list {
		if k.IsMinor() || t.integer && k.Value != math.Trunc(k.Value) {
			continue
		}
		// A sum of steps such as 0.30000000000000004 is meant to be 0.3.
		k.Value = round(k.Value, 10)
		v := k.Value
		if t.percent {
			v = round(v*100, 8)
		}
		if _, frac, ok := strings.Cut(strconv.FormatFloat(v, 'f', -1, 64), "."); ok && !t.log {
			digits = max(digits, len(frac))
		}
		out = append(out, k)
	}
	for i, k := range out {
		switch {
		case t.percent:
			out[i].Label = strconv.FormatFloat(round(k.Value*100, 8), 'f', digits, 64) + "%"
		case math.Abs(k.Value) >= 1e6 || digits > 6 || t.log && k.Value < 1e-3:
			out[i].Label = strconv.FormatFloat(k.Value, 'g', 4, 64)
		case t.log:
			out[i].Label = strconv.FormatFloat(k.Value, 'f', -1, 64)
		default:
			out[i].Label = strconv.FormatFloat(k.Value, 'f', digits, 64)
		}
	}
	return out
}

// logTicks returns ticks at powers of ten, with 2 and 5 between them when there
// would be too few.
func logTicks(lo, hi float64) []plot.Tick {
	for _, steps := range [][]float64{{1}, {1, 2, 5}} {
		var list []plot.Tick
		for e := math.Floor(math.Log10(lo)); e <= math.Ceil(math.Log10(hi)); e++ {
			for _, s := range steps {
				if v := s * math.Pow(10, e); v >= lo*(1-1e-9) && v <= hi*(1+1e-9) {
					list = append(list, plot.Tick{Value: v, Label: "x"})
				}
			}
		}
		if len(list) >= 3 {
			return list
		}
	}
	return plot.DefaultTicks{}.Ticks(lo, hi)
}

// round returns v with the given number of significant digits, which keeps JSON
// small and hides the noise of binary fractions.
func round(v float64, digits int) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// finite reports whether all of v are numbers that can be drawn.
func finite(v ...float64) bool {
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// clip shortens s with an ellipsis until it is at most width wide in style sty.
func clip(s string, sty text.Style, width vg.Length) string {
	if sty.Width(s) <= width {
		return s
	}
	r := []rune(s)
	for len(r) > 0 && sty.Width(string(r)+"…") > width {
		r = r[:len(r)-1]
	}
	return strings.TrimRight(string(r), " ") + "…"
}
