package plots

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// StageState says what training does with a stage of a network.
type StageState int

// The states of a stage.
const (
	StageFrozen  StageState = iota // its values do not change
	StageTrained                   // pretrained values that are trained further
	StageNew                       // trained from random values
)

// String returns "frozen", "trained" or "new".
func (s StageState) String() string {
	return [...]string{StageFrozen: "frozen", StageTrained: "trained", StageNew: "new"}[min(max(s, 0), StageNew)]
}

// ink returns the colour of a state: grey, blue, vermilion.
func (s StageState) ink() color.NRGBA {
	return rgb(Color([...]int{StageFrozen: 6, StageTrained: 0, StageNew: 1}[min(max(s, 0), StageNew)]))
}

// NetworkStage is one box of a diagram.
type NetworkStage struct {
	Name   string     // "layer1"
	Detail string     // "56 x 56 x 64, 147,968 parameters"; may be ""
	State  StageState // decides the colour
}

// Network returns a diagram of a network's stages from the image on, top to bottom, coloured by what training does with
// them; each box also says it in a word. The Bundle has SVG and plain text. stages may be empty.
func Network(title string, stages []NetworkStage) Figure { return network{title, stages} }

type network struct {
	title  string
	stages []NetworkStage
}

// Sizes in CSS pixels.
const (
	stageWidth  = 520
	stageHeight = 30
	stageGap    = 12
)

func (f network) name() string { return cmp.Or(f.title, "network") }
func (f network) label() string {
	return described(f.title, fmt.Sprintf("network of %d stages", len(f.stages)))
}

func (f network) longNames() []string {
	all := []string{f.title}
	for _, s := range f.stages {
		all = append(all, s.Name, words.Of(s.Detail))
	}
	return all
}

func (f network) Bundle() (map[string]any, error) {
	svg, err := drawSVG(f)
	if err != nil {
		return nil, err
	}
	t := newTextTable()
	t.AppendHeader(table.Row{"stage", "", "state"})
	for _, s := range f.stages {
		t.AppendRow(table.Row{s.Name, s.Detail, s.State})
	}
	return map[string]any{MIMESVG: svg, MIMEText: strings.TrimLeft(f.title+"\n", "\n") + trimLines(t.Render())}, nil
}

func (f network) canvas() (width, height float64) {
	h := float64(max(len(f.stages), 1)*(stageHeight+stageGap) - stageGap + 2*margin)
	if f.title != "" {
		h += titleHeight
	}
	return stageWidth + 2*margin, h
}

func (f network) draw(c draw.Canvas) {
	c = draw.Crop(c, px(margin), px(-margin), px(margin), px(-margin))
	c = withTitle(c, f.title)
	if len(f.stages) == 0 {
		centred{"no stages"}.Plot(c, nil)
	}
	for i, s := range f.stages {
		top := c.Max.Y - px(float64(i*(stageHeight+stageGap)))
		if i > 0 {
			arrow(c, vg.Point{X: c.Center().X, Y: top + px(stageGap)}, vg.Point{X: c.Center().X, Y: top})
		}
		s.draw(c, top)
	}
}

// draw paints one box whose upper edge is at top.
func (s NetworkStage) draw(c draw.Canvas, top vg.Length) {
	ink, low := s.State.ink(), top-px(stageHeight)
	box := func(left, right vg.Length) []vg.Point {
		return []vg.Point{{X: left, Y: low}, {X: right, Y: low}, {X: right, Y: top}, {X: left, Y: top}}
	}
	whole := box(c.Min.X, c.Max.X)
	c.FillPolygon(fade(ink, 0.15), whole)
	c.FillPolygon(ink, box(c.Min.X, c.Min.X+px(8)))
	c.StrokeLines(draw.LineStyle{Color: ink, Width: px(1.2)}, append(whole, whole[0]))
	middle := (top + low) / 2
	name, detail, state := sans(13, inkColor), sans(11, mutedInk), sans(12, inkColor)
	name.Font.Weight = boldWeight
	fillMiddle(c, name, vg.Point{X: c.Min.X + px(18), Y: middle}, clip(s.Name, name, px(150)))
	fillMiddle(c, detail, vg.Point{X: c.Min.X + px(176), Y: middle}, clip(said(c, s.Detail), detail, px(270)))
	state.XAlign = draw.XRight
	fillMiddle(c, state, vg.Point{X: c.Max.X - px(12), Y: middle}, said(c, s.State.String()))
}

// arrow draws a short arrow.
func arrow(c draw.Canvas, from, to vg.Point) {
	c.StrokeLine2(draw.LineStyle{Color: axisColor, Width: px(1.5)}, from.X, from.Y, to.X, to.Y)
	const half = math.Pi / 6
	for _, a := range []float64{math.Pi/2 - half, math.Pi/2 + half} {
		end := vg.Point{X: to.X + px(6*math.Cos(a)), Y: to.Y + px(6*math.Sin(a))}
		c.StrokeLine2(draw.LineStyle{Color: axisColor, Width: px(1.5)}, to.X, to.Y, end.X, end.Y)
	}
}
