package plots

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tlkit-go/tlkit-notebooks/internal/classnames"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// Confusion returns a figure of a confusion matrix: matrix[i][j] counts the examples of class i that were predicted as
// class j. Shades are shares of the row, so that rare classes are as legible as frequent ones; numbers are counts, left
// out above 20 classes. The Bundle has Vega-Lite, SVG and plain text (above 20 classes the plain text lists the ten
// most frequent confusions). It fails if the matrix is not square with one row per class, or has a negative count.
func Confusion(classes []string, matrix [][]int) Figure {
	return newConfusion(classes, matrix)
}

func newConfusion(names []string, matrix [][]int) confusion {
	return confusion{classnames.Distinct(names), matrix, "predicted", "actual"}
}

type confusion struct {
	classes []string
	matrix  [][]int
	// columns and rows are the titles of the axes.
	columns, rows string
}

// maxCounts is the largest number of classes with which a matrix shows its counts.
const maxCounts = 20

func (f confusion) name() string { return "confusion" }
func (f confusion) label() string {
	return described("", fmt.Sprintf("confusion matrix of %d classes", len(f.classes)))
}

func (f confusion) longNames() []string { return f.classes }

// check returns an error unless there is one row per class, with one count of 0 or more per class.
func (f confusion) check() error {
	n := len(f.classes)
	if len(f.matrix) != n {
		return fmt.Errorf("plots: confusion matrix has %d rows for %d classes, want one row per class", len(f.matrix), n)
	}
	for i, row := range f.matrix {
		if len(row) != n {
			return fmt.Errorf("plots: row %d (%s) of the confusion matrix has %d counts, want %d, one per class", i, f.classes[i], len(row), n)
		}
		for j, v := range row {
			if v < 0 {
				return fmt.Errorf("plots: confusion matrix counts %d examples of %s taken for %s, want 0 or more", v, f.classes[i], f.classes[j])
			}
		}
	}
	return nil
}

func (f confusion) Bundle() (map[string]any, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if len(f.classes) == 0 {
		return Sentence("confusion matrix: no classes\n").Bundle()
	}
	f.columns, f.rows = words.Of(f.columns), words.Of(f.rows)
	svg, err := drawSVG(f)
	if err != nil {
		return nil, err
	}
	return map[string]any{MIMEVegaLite: f.vega(), MIMESVG: svg, MIMEText: f.text()}, nil
}

// share returns matrix[i][j] as a share of its row, 0 for an empty row.
func (f confusion) share(i, j int) float64 {
	sum := 0
	for _, v := range f.matrix[i] {
		sum += v
	}
	if sum == 0 {
		return 0
	}
	return float64(f.matrix[i][j]) / float64(sum)
}

// cell returns the side of one field in CSS pixels.
func (f confusion) cell() int {
	switch n := len(f.classes); {
	case n <= 10:
		return 46
	case n <= maxCounts:
		return 32
	case n <= 50:
		return 14
	default:
		return max(2, 640/n)
	}
}

// labelled reports whether there is room for class names at each field.
func (f confusion) labelled() bool { return f.cell() >= 12 }

func (f confusion) text() string {
	n := len(f.classes)
	t := newTextTable()
	if n <= maxCounts {
		header := table.Row{"actual \\ predicted"}
		for _, c := range f.classes {
			header = append(header, c)
		}
		t.AppendHeader(header)
		for i, row := range f.matrix {
			cells := table.Row{f.classes[i]}
			for _, v := range row {
				cells = append(cells, v)
			}
			t.AppendRow(cells)
		}
		return "confusion matrix\n" + trimLines(t.Render())
	}
	t.AppendHeader(table.Row{"actual", "predicted", "count", "share"})
	used := map[[2]int]bool{}
	for range 10 {
		best := [2]int{-1, -1}
		for i, row := range f.matrix {
			for j, v := range row {
				if i != j && v > 0 && !used[[2]int{i, j}] && (best[0] < 0 || v > f.matrix[best[0]][best[1]]) {
					best = [2]int{i, j}
				}
			}
		}
		if best[0] < 0 {
			break
		}
		used[best] = true
		i, j := best[0], best[1]
		t.AppendRow(table.Row{f.classes[i], f.classes[j], f.matrix[i][j], fmt.Sprintf("%.1f%%", 100*f.share(i, j))})
	}
	return fmt.Sprintf("confusion matrix of %d classes, most frequent confusions\n", n) + trimLines(t.Render())
}

func (f confusion) vega() obj {
	spec := vegaBase("")
	n := len(f.classes)
	rows := arr{}
	for i := range n {
		for j := range n {
			// A field without data looks as one with a count of 0.
			if f.matrix[i][j] > 0 || n <= maxCounts {
				rows = append(rows, obj{"a": i, "p": j, "c": f.matrix[i][j], "r": round(f.share(i, j), 4)})
			}
		}
	}
	labels, index := arr{}, arr{}
	for i, c := range f.classes {
		labels, index = append(labels, c), append(index, i)
	}
	axis := func(title string) obj {
		a := obj{"labelExpr": labelExpr(labels), "labelLimit": 160, "title": title, "ticks": false, "domain": false, "labelPadding": 6, "labelOverlap": false}
		if !f.labelled() {
			a["labels"] = false
		}
		return a
	}
	xAxis := axis(f.columns)
	xAxis["labelAngle"] = -45
	scale := obj{"domain": index, "paddingInner": 0, "paddingOuter": 0}
	x := obj{"field": "p", "type": "ordinal", "scale": scale, "axis": xAxis}
	y := obj{"field": "a", "type": "ordinal", "scale": scale, "axis": axis(f.rows)}
	names := string(mustJSON(labels))
	spec["width"], spec["height"] = n*f.cell(), n*f.cell()
	spec["data"] = obj{"values": rows}
	spec["transform"] = arr{
		obj{"calculate": names + "[datum.a]", "as": "actual"},
		obj{"calculate": names + "[datum.p]", "as": "predicted"},
	}
	rect := obj{"type": "rect", "stroke": vegaInk, "strokeOpacity": 2 * gridOpacity, "strokeWidth": 0.5}
	layers := arr{obj{
		"mark": rect,
		"encoding": obj{"x": x, "y": y,
			"color": obj{"field": "r", "type": "quantitative", "title": words.Of("share of row"),
				"scale":  obj{"domain": arr{0, 1}, "range": arr{shadeOf(0), shadeOf(1)}, "interpolate": "rgb"},
				"legend": obj{"format": "~%", "gradientLength": max(80, min(200, n*f.cell()))}},
			"tooltip": arr{
				obj{"field": "actual", "type": "nominal", "title": f.rows}, obj{"field": "predicted", "type": "nominal", "title": f.columns},
				obj{"field": "c", "type": "quantitative", "title": words.Of("count")},
				obj{"field": "r", "type": "quantitative", "title": words.Of("share of row"), "format": ".1%"}}},
	}}
	if n <= maxCounts {
		layers = append(layers, obj{
			"mark":     obj{"type": "text", "fontSize": 11},
			"encoding": obj{"x": x, "y": y, "text": obj{"field": "c", "type": "quantitative", "format": ".3~s"}}})
	}
	spec["layer"] = layers
	if len(rows) > manyMarks {
		spec["usermeta"].(obj)["embedOptions"].(obj)["renderer"] = "canvas"
	}
	return spec
}

// manyMarks is the number of marks above which a browser is slow with a chart in SVG.
const manyMarks = 4000

// fullShade is the opacity of the field of a whole row: the page's text is legible on it, in a light page and in a dark
// one.
const fullShade = 0.75

// shadeOf returns the colour of a share of a row, from 0 to 1, as Vega writes it. The page shows through.
func shadeOf(share float64) string {
	c := rgb(Color(0))
	return fmt.Sprintf("rgba(%d,%d,%d,%g)", c.R, c.G, c.B, round(fullShade*share, 4))
}

// labelExpr returns a Vega expression that names the i-th entry. JSON strings are Vega strings too, so quotes and
// backslashes in names are safe.
func labelExpr(labels arr) string { return string(mustJSON(labels)) + "[datum.value]" }

func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // the callers only pass lists of strings
	}
	return data
}

// labels returns the class names as they are drawn, and the widest in CSS pixels.
func (f confusion) labels() (list []string, widest float64) {
	sty := sans(11, mutedInk)
	for _, c := range f.classes {
		s := clip(c, sty, px(160))
		list = append(list, s)
		widest = max(widest, sty.Width(s).Points()/0.75)
	}
	if !f.labelled() {
		widest = 0
	}
	return list, widest
}

// Room for an axis title, and beside the matrix, in CSS pixels.
const axisRoom = 26

func (f confusion) canvas() (width, height float64) {
	_, widest := f.labels()
	side := float64(len(f.classes) * f.cell())
	return 2*margin + axisRoom + widest + side, 2*margin + axisRoom + f.slant(widest) + side
}

// slant returns the height of class names written at 45 degrees.
func (f confusion) slant(widest float64) float64 { return widest*math.Sqrt2/2 + 10 }

func (f confusion) draw(c draw.Canvas) {
	list, widest := f.labels()
	n, cell := len(f.classes), px(float64(f.cell()))
	left := c.Min.X + px(margin+axisRoom+widest)
	top := c.Max.Y - px(margin)
	side := cell * vg.Length(n)

	blue := rgb(Color(0))
	for i := range n {
		for j := range n {
			share := f.share(i, j)
			x, y := left+cell*vg.Length(j), top-cell*vg.Length(i+1)
			box := []vg.Point{{X: x, Y: y}, {X: x + cell, Y: y}, {X: x + cell, Y: y + cell}, {X: x, Y: y + cell}}
			if share > 0 {
				c.FillPolygon(fade(blue, fullShade*share), box)
			}
			if n <= maxCounts {
				c.StrokeLines(draw.LineStyle{Color: gridColor, Width: px(0.5)}, append(box, box[0]))
				sty := sans(11, inkColor)
				sty.XAlign = draw.XCenter
				fillMiddle(c, sty, vg.Point{X: x + cell/2, Y: y + cell/2}, shortCount(f.matrix[i][j]))
			}
		}
	}
	c.StrokeLines(draw.LineStyle{Color: axisColor, Width: px(1)}, []vg.Point{
		{X: left, Y: top}, {X: left + side, Y: top}, {X: left + side, Y: top - side}, {X: left, Y: top - side}, {X: left, Y: top}})

	if f.labelled() {
		row := sans(11, mutedInk)
		row.XAlign, row.YAlign = draw.XRight, draw.YCenter
		column := row
		column.Rotation = math.Pi / 4
		for i, s := range list {
			mid := cell * (vg.Length(i) + 0.5)
			c.FillText(row, vg.Point{X: left - px(5), Y: top - mid}, s)
			c.FillText(column, vg.Point{X: left + mid + px(3), Y: top - side - px(5)}, s)
		}
	}
	title := sans(12, inkColor)
	title.XAlign, title.YAlign = draw.XCenter, draw.YBottom
	c.FillText(title, vg.Point{X: left + side/2, Y: c.Min.Y + px(margin)}, f.columns)
	title.Rotation = math.Pi / 2
	title.YAlign = draw.YTop
	c.FillText(title, vg.Point{X: c.Min.X + px(margin), Y: top - side/2}, f.rows)
}

// shortCount writes counts so that they fit a field: 950, 1.2k, 34k.
func shortCount(v int) string {
	if v < 1000 {
		return strconv.Itoa(v)
	}
	s := fmt.Sprintf("%.2g", float64(v)/1000)
	if v >= 10000 {
		s = strconv.Itoa((v + 500) / 1000)
	}
	return strings.TrimSuffix(s, ".0") + "k"
}
