package plots

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// Size of one panel's plotting area in CSS pixels: two of them with their axes fit JupyterLab's notebook column.
const (
	panelWidth  = 290
	panelHeight = 230
)

// vegaInk is the colour of text and lines that are no data: that of the page's text.
const vegaInk = "currentColor"

// vegaBase returns the parts that all specifications share. Its colours replace those of the dark theme that JupyterLab
// gives a specification, of which the background would be a card.
func vegaBase(title string) obj {
	spec := obj{
		"$schema":    "https://vega.github.io/schema/vega-lite/v5.json",
		"background": "transparent",
		"padding":    8,
		"config": obj{
			"font": "'Liberation Sans', Arial, Helvetica, sans-serif",
			"axis": obj{"labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": "normal",
				"gridColor": vegaInk, "gridOpacity": gridOpacity, "domainColor": vegaInk, "domainOpacity": axisOpacity,
				"tickColor": vegaInk, "tickOpacity": axisOpacity, "labelColor": vegaInk, "labelOpacity": mutedOpacity, "titleColor": vegaInk},
			"legend": obj{"labelFontSize": 12, "titleFontSize": 12, "symbolStrokeWidth": 2.5, "symbolSize": 150, "labelLimit": 240,
				"labelColor": vegaInk, "titleColor": vegaInk, "titleFontWeight": "normal", "layout": obj{"bottom": obj{"anchor": "middle"}}},
			"title": obj{"fontSize": 14, "fontWeight": "normal", "color": vegaInk, "subtitleColor": vegaInk, "subtitleFontSize": 11},
			"view":  obj{"stroke": vegaInk, "strokeOpacity": 2 * gridOpacity},
			"text":  obj{"color": vegaInk},
		},
		// An SVG's currentColor changes with the theme, a canvas's does not. Saving works offline; the links to the
		// online editor would not.
		"usermeta": obj{"embedOptions": obj{"renderer": "svg", "actions": obj{"export": true, "source": false, "compiled": false, "editor": false}}},
	}
	if title != "" {
		spec["title"] = obj{"text": title, "fontSize": 16, "fontWeight": "bold", "anchor": "middle", "offset": 14}
	}
	return spec
}

// vega returns the Vega-Lite specification. Its data fields: n name, s split, g number of the piece (a line is joined
// within a piece only), x, y, v the true value where y is cut, lo and hi the band. m is 1 where the line has a marker,
// cut where it leaves the chart, best where it has a star.
func (f curves) vega() obj {
	spec := vegaBase(f.title)
	lineNames, splits := f.keys()
	marks := f.marks(lineNames)
	panels := f.panels
	if len(panels) == 0 {
		panels = []Panel{{}}
	}
	var views, picked arr
	for i, p := range panels {
		view, hasData := p.view(i, lineNames, marks, splits)
		views = append(views, view)
		if hasData {
			picked = append(picked, lineLayer(i))
		}
	}
	spec["concat"] = views
	spec["columns"] = 2
	spec["spacing"] = 24
	spec["resolve"] = obj{
		"scale":  obj{"color": "shared", "strokeDash": "shared"},
		"legend": obj{"color": "shared", "strokeDash": "shared"},
	}
	if len(picked) > 0 {
		pick := obj{"name": "pick", "select": obj{"type": "point", "fields": arr{"n"}}, "views": picked}
		if !unlabelled(lineNames) {
			pick["bind"] = "legend"
		}
		spec["params"] = arr{pick}
	}
	return spec
}

// addNoData makes view an empty frame with a note that there is no data.
func addNoData(view obj, width, height int) {
	view["width"], view["height"] = width, height
	view["data"] = obj{"values": arr{obj{}}}
	view["mark"] = obj{"type": "text", "text": words.Of("no data"), "fontSize": 12}
	view["encoding"] = obj{"x": obj{"value": width / 2}, "y": obj{"value": height / 2}}
}

func lineLayer(panel int) string { return fmt.Sprintf("lines_%d", panel) }

// view returns panel i, and whether it has any data.
func (p Panel) view(i int, lineNames []string, marks []marker, splits []string) (obj, bool) {
	values, has := p.values(lineNames)
	view := obj{"width": panelWidth, "height": panelHeight, "data": obj{"values": values}}
	switch note := p.note(); {
	case note != "":
		view["title"] = obj{"text": p.Title, "subtitle": note}
	case p.Title != "":
		view["title"] = p.Title
	}
	if len(values) == 0 {
		addNoData(view, panelWidth, panelHeight)
		return view, false
	}
	c := p.channels(values, lineNames, marks, splits)
	layers := arr{}
	if has.band {
		layers = append(layers, c.band())
	}
	layers = append(layers, c.lines(i), c.hover(i, p.tooltip(lineNames, splits, has)))
	if has.cut {
		layers = append(layers, c.special("cut", cutMarker, obj{"size": 80}))
	}
	if has.best {
		layers = append(layers, c.special("best", bestMarker, obj{"size": 70, "stroke": vegaInk, "strokeWidth": 1}))
	}
	view["layer"] = layers
	return view, true
}

// channels holds the encodings that a panel's layers share.
type channels struct{ x, y, colour, shape, dash obj }

func (p Panel) channels(values arr, lineNames []string, marks []marker, splits []string) channels {
	xLow, xHigh, yLow, yHigh := extent(values)
	xScale, xAxis := axis(xLow, xHigh, p.LogX, ticks{integer: p.wholeX(), log: p.LogX})
	yScale, yAxis := axis(yLow, yHigh, p.LogY, ticks{percent: p.YPercent, log: p.LogY})
	xAxis["grid"] = false
	xScale["nice"], xScale["padding"] = false, 6
	shown := p.shown(splits)
	columns := legendColumns(lineNames, shown)
	return channels{
		x: obj{"field": "x", "type": "quantitative", "title": p.XLabel, "scale": xScale, "axis": xAxis},
		y: obj{"field": "y", "type": "quantitative", "title": p.YLabel, "scale": yScale, "axis": yAxis},
		colour: obj{"field": "n", "type": "nominal", "sort": false,
			"scale": obj{"domain": lineNames, "range": colorRange(lineNames)}, "legend": legend(lineNames, columns)},
		shape: obj{"field": "n", "type": "nominal", "sort": false,
			"scale": obj{"domain": lineNames, "range": shapeRange(marks)}, "legend": legend(lineNames, columns)},
		dash: obj{"field": "s", "type": "nominal", "sort": false,
			"scale": obj{"domain": shown, "range": dashRange(splits)}, "legend": dashLegend(shown)},
	}
}

// shown returns splits in the panel's language.
func (p Panel) shown(splits []string) []string {
	out := make([]string, len(splits))
	for i, s := range splits {
		out[i] = p.inWords(s)
	}
	return out
}

func colorRange(lineNames []string) arr {
	out := arr{}
	for k := range lineNames {
		out = append(out, Color(k))
	}
	return out
}

func shapeRange(marks []marker) arr {
	out := arr{}
	for _, m := range marks {
		out = append(out, m.vega)
	}
	return out
}

func dashRange(splits []string) arr {
	out := arr{}
	for _, s := range splits {
		d := arr{}
		for _, v := range dashes(s, splits) {
			d = append(d, v)
		}
		if len(d) == 0 {
			d = arr{1, 0}
		}
		out = append(out, d)
	}
	return out
}

func legend(keys []string, columns int) obj {
	if unlabelled(keys) {
		return obj{"disable": true}
	}
	l := obj{"orient": "bottom", "direction": "horizontal", "title": "", "columns": columns, "symbolOpacity": 1}
	if n := len(keys); n > maxLegend {
		l["values"], l["title"] = keys[:maxLegend], words.Of(firstOf(n))
	}
	return l
}

// dashLegend shows the splits by a stroke with their dashes.
func dashLegend(splits []string) obj {
	l := legend(splits, max(len(splits), 1))
	if l["disable"] == nil {
		l["symbolType"] = "stroke"
		values := arr{}
		for _, s := range splits {
			if named(s) {
				values = append(values, s)
			}
		}
		l["values"] = values
	}
	return l
}

// tooltip lists the fields that are shown for the point under the pointer.
func (p Panel) tooltip(lineNames, splits []string, has contents) arr {
	format := ".4~r"
	if p.YPercent {
		format = ".1%"
	}
	out := arr{}
	if !unlabelled(lineNames) {
		out = append(out, obj{"field": "n", "type": "nominal", "title": words.Of("name")})
	}
	if !unlabelled(splits) {
		out = append(out, obj{"field": "s", "type": "nominal", "title": words.Of("split")})
	}
	value := "y"
	if has.cut {
		value = "v"
	}
	out = append(out,
		obj{"field": "x", "type": "quantitative", "title": cmp.Or(p.XLabel, "x"), "format": ".6~r"},
		obj{"field": value, "type": "quantitative", "title": cmp.Or(p.YLabel, p.Title, "y"), "format": format})
	if has.band {
		out = append(out,
			obj{"field": "lo", "type": "quantitative", "title": words.Of("low"), "format": format},
			obj{"field": "hi", "type": "quantitative", "title": words.Of("high"), "format": format})
	}
	return out
}

// band returns the layer of the ranges around the lines.
func (c channels) band() obj {
	return obj{
		"mark":      obj{"type": "area", "tooltip": false},
		"transform": arr{obj{"filter": "isValid(datum.lo)"}},
		"encoding": obj{"x": c.x,
			"y":  obj{"field": "lo", "type": "quantitative", "title": c.y["title"], "scale": c.y["scale"], "axis": c.y["axis"]},
			"y2": obj{"field": "hi"}, "color": c.colour,
			"detail":  arr{obj{"field": "g", "type": "nominal"}, obj{"field": "s", "type": "nominal"}},
			"opacity": obj{"condition": obj{"param": "pick", "value": 0.18}, "value": 0.03}},
	}
}

// lines returns the layer of panel i's lines.
func (c channels) lines(i int) obj {
	return obj{
		"name": lineLayer(i),
		"mark": obj{"type": "line", "strokeWidth": 2, "clip": true},
		"encoding": obj{"x": c.x, "y": c.y, "color": c.colour, "strokeDash": c.dash, "detail": arr{obj{"field": "g", "type": "nominal"}},
			"opacity": obj{"condition": obj{"param": "pick", "value": 1}, "value": 0.12}},
	}
}

// hover returns the layer of one mark per point, which carries the tooltip: a thin line alone is hard to hit. A mark is
// visible under the pointer, and where the line has a marker.
func (c channels) hover(i int, tooltip arr) obj {
	name := fmt.Sprintf("hover_%d", i)
	shown := arr{obj{"param": name, "empty": false, "value": 1},
		obj{"test": obj{"and": arr{obj{"param": "pick"}, "datum.m === 1"}}, "value": 1},
		obj{"test": "datum.m === 1", "value": 0.12}}
	return obj{
		"params":   arr{obj{"name": name, "select": obj{"type": "point", "on": "pointerover", "clear": "pointerout", "nearest": true}}},
		"mark":     obj{"type": "point", "filled": true, "size": 40},
		"encoding": obj{"x": c.x, "y": c.y, "color": c.colour, "shape": c.shape, "tooltip": tooltip, "opacity": obj{"condition": shown, "value": 0}},
	}
}

// special returns the layer of the points whose field is 1, with a marker of their own.
func (c channels) special(field string, m marker, look obj) obj {
	mark := obj{"type": "point", "filled": true, "shape": m.vega, "opacity": 1, "tooltip": false}
	maps.Copy(mark, look)
	return obj{"mark": mark, "transform": arr{obj{"filter": "datum." + field + " === 1"}},
		"encoding": obj{"x": c.x, "y": c.y, "color": c.colour}}
}

// legendColumns returns the number of names that fit in a row of the legend beside the splits. Vega-Lite gives each
// column the width of the widest name.
func legendColumns(lineNames, splits []string) int {
	sty := sans(12, inkColor)
	room := 2*panelWidth + 80.0
	width := func(s string) float64 {
		// A tenth more for fonts wider than the one measured.
		return min(1.1*sty.Width(s).Points()/0.75, 240) + sampleWidth + entryGap
	}
	if !unlabelled(splits) {
		for _, s := range splits {
			room -= width(s)
		}
	}
	widest := 1.0
	for _, n := range lineNames {
		widest = max(widest, width(n))
	}
	return max(1, min(len(lineNames), int(room/widest)))
}

// extent returns the ranges of x and of y and the bands.
func extent(rows arr) (xLow, xHigh, yLow, yHigh float64) {
	xLow, xHigh, yLow, yHigh = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, r := range rows {
		row := r.(obj)
		for field, v := range row {
			switch v, _ := v.(float64); field {
			case "x":
				xLow, xHigh = min(xLow, v), max(xHigh, v)
			case "y", "lo", "hi":
				yLow, yHigh = min(yLow, v), max(yHigh, v)
			}
		}
	}
	return xLow, xHigh, yLow, yHigh
}

// axis returns the scale and axis for values from lo to hi. Vega-Lite's own choice is good except in three cases: a
// single value, which gets no range; epochs, which get ticks at halves; and logarithmic axes, which are filled with
// lines.
func axis(lo, hi float64, log bool, t ticks) (scale, ax obj) {
	ax = obj{"tickCount": 6}
	scale = obj{"zero": false, "nice": true}
	if t.percent {
		ax["format"] = "~%"
	}
	if log {
		scale = obj{"type": "log", "nice": false}
		if !t.percent {
			ax["format"] = "~g"
		}
	}
	single := lo == hi
	if single {
		widen(&lo, &hi, log, 0)
		scale["domain"] = arr{lo, hi}
	}
	if t.integer && !log {
		ax["format"] = ",d"
	}
	if log || single || t.integer {
		values := arr{}
		for _, k := range t.Ticks(lo, hi) {
			values = append(values, k.Value)
		}
		ax["values"] = values
	}
	return scale, ax
}

// contents says what the rows of a panel have.
type contents struct{ band, cut, best bool }

// values returns the data rows.
func (p Panel) values(lineNames []string) (rows arr, has contents) {
	rows = arr{}
	group := 0
	flag := func(row obj, field string, on bool) bool {
		if on {
			row[field] = 1
		}
		return on
	}
	for _, l := range p.Lines {
		for _, pc := range p.pieces(l, slices.Index(lineNames, l.Name), len(lineNames)) {
			group++
			for i, pt := range pc.points {
				row := obj{"n": l.Name, "s": p.inWords(l.Split), "g": group, "x": round(pt.X, 7), "y": round(pt.Y, 5)}
				if len(pc.band) > 0 {
					has.band = true
					row["lo"], row["hi"] = round(pc.band[i].Low, 5), round(pc.band[i].High, 5)
				}
				flag(row, "m", pc.marked[i] || len(pc.points) == 1 && !pc.cut[0])
				has.cut = flag(row, "cut", pc.cut[i]) || has.cut
				has.best = flag(row, "best", pc.best[i]) || has.best
				row["v"] = round(pc.values[i], 5)
				rows = append(rows, row)
			}
		}
	}
	if !has.cut {
		for _, r := range rows {
			delete(r.(obj), "v")
		}
	}
	return rows, has
}
