package plots

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTableGolden(t *testing.T) {
	goldenFigure(t, "table", Table(
		[]string{"strategy", "accuracy", "loss", "seconds", "trainable", "note"},
		[][]string{
			{"transfer", "94.1% ± 0.7", "0.18", "21.3", "2,562", "<best>"},
			{"fine-tune", "93.6% ± 1.1", "0.17", "75.0", "470,000", ""},
			{"scratch", "—", "1.2e+3", "75.2", "470,000", "diverged 猫"}},
		TableOptions{Caption: "ants & bees", Highest: []int{1}, Lowest: []int{2, 3}}))
}

func TestTableOptions(t *testing.T) {
	b := checked(t, Table([]string{"a", "b", "c"}, [][]string{{"1", "2", "x"}, {"1", "1", "y"}}, TableOptions{
		Align: "lc", Highest: []int{0, 2}, Marked: []Cell{{Row: 0, Column: 1}}}))
	html := b[MIMEHTML].(string)
	for _, want := range []string{
		`<td style="text-align: left"><strong>1</strong></td><td style="text-align: center"><strong>2</strong></td><td style="text-align: left">x</td>`,
		`<td style="text-align: left"><strong>1</strong></td><td style="text-align: center">1</td><td style="text-align: left">y</td>`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("missing %s in\n%s", want, html)
		}
	}
	checked(t, Table([]string{"a"}, nil, TableOptions{Highest: []int{0}}))
	checked(t, Table(nil, nil, TableOptions{}))
}

func TestTableErrors(t *testing.T) {
	columns, rows := []string{"a", "b"}, [][]string{{"1", "2"}, {"1"}}
	for want, f := range map[string]Figure{
		"row 1 of the table has 1 cells, want 2, one per column (a, b)":                       Table(columns, rows, TableOptions{}),
		"column 2 of an option is not in the table, want 0 to 1":                              Table(columns, rows[:1], TableOptions{Lowest: []int{2}}),
		"cell (row 1, column 0) of an option is not in the table of 1 rows and 2 columns":     Table(columns, rows[:1], TableOptions{Marked: []Cell{{Row: 1}}}),
		"1 groups for 2 bars, want one per bar or none":                                       Bars("", []Bar{{"a", 1, 0, 0}, {"b", 1, 0, 0}}, BarOptions{Groups: []string{"x"}}),
		"confusion matrix has 1 rows for 2 classes":                                           Confusion([]string{"a", "b"}, [][]int{{1, 2}}),
		"row 1 (b) of the confusion matrix has 1 counts, want 2":                              Confusion([]string{"a", "b"}, [][]int{{1, 2}, {3}}),
		"counts -3 examples of b taken for a, want 0 or more":                                 Confusion([]string{"a", "b"}, [][]int{{1, 2}, {-3, 1}}),
		"the figure has an empty bundle":                                                      fixed{},
		"application/json is a string, want a JSON object":                                    fixed{bundle: map[string]any{"application/json": "{}"}},
		"application/json can't be written as JSON":                                           fixed{bundle: map[string]any{"application/json": map[string]any{"x": math.NaN()}}},
		"application/json: x: [1]: null where a value is needed; leave the value out instead": fixed{bundle: map[string]any{"application/json": map[string]any{"x": []any{1, nil}}}},
	} {
		if _, err := render(f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := render(nil); err == nil {
		t.Error("no error for a nil figure")
	}
}

func TestBarsGolden(t *testing.T) {
	goldenFigure(t, "bars", Bars("Accuracy by strategy", []Bar{
		{"transfer", 0.941, 0.93, 0.952}, {"fine-tune", 0.936, 0.91, 0.95},
		{"scratch \"from\" \\ zero", 0.61, 0.55, 0.66}, {"diverged", math.NaN(), 0, 0}},
		BarOptions{Label: "validation accuracy", Percent: true}))
	goldenFigure(t, "bars_groups", Bars("", []Bar{{"a.0", 0.1, 0, 0}, {"a.1", 0.2, 0, 0}, {"b.0", 0.3, 0, 0}}, BarOptions{Groups: []string{"a", "a", "b"}}))
	goldenFigure(t, "bars_negative", Bars("", []Bar{{"old", -3.8, -4.2, -3.1}, {"new", 2.3, 0, 0}}, BarOptions{Label: "points"}))
}

func TestBarsOddInput(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, bars := range map[string][]Bar{
		"none":       nil,
		"all NaN":    {{"a", nan, 0, 0}, {"b", inf, 0, 0}},
		"NaN ends":   {{"a", 1, nan, 2}, {"b", 1, 0.5, inf}},
		"zero":       {{"a", 0, 0, 0}},
		"same names": {{"a", 1, 0, 0}, {"a", 2, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) { checked(t, Bars("t", bars, BarOptions{})) })
	}
}

// A strategy has one colour in curves and bars when both name it in one order.
func TestSameColours(t *testing.T) {
	order := []string{"scratch", "transfer", "fine-tune"}
	var loss, acc []Line
	var bars []Bar
	for _, n := range order {
		loss = append(loss, series(n, "train", 1, 2))
		bars = append(bars, Bar{Name: n, Value: 1})
	}
	acc = append(acc, series("fine-tune", "val", 1, 2)) // the order of first appearance counts
	scales := map[string]bool{}
	for _, f := range []Figure{Curves("", Panel{Lines: loss}, Panel{Lines: acc}), Bars("", bars, BarOptions{})} {
		var find func(v any)
		find = func(v any) {
			switch v := v.(type) {
			case map[string]any:
				if v["field"] == "n" && v["scale"] != nil {
					scale := v["scale"].(map[string]any)
					var b strings.Builder
					for i, n := range scale["domain"].([]any) {
						if v := scale["range"].([]any)[i].(string); v[0] == '#' { // else it is a shape
							b.WriteString(n.(string) + "=" + v + " ")
						}
					}
					if b.Len() > 0 {
						scales[b.String()] = true
					}
				}
				for _, w := range v {
					find(w)
				}
			case []any:
				for _, w := range v {
					find(w)
				}
			}
		}
		find(checked(t, f)[MIMEVegaLite])
	}
	want := "scratch=" + Color(0) + " transfer=" + Color(1) + " fine-tune=" + Color(2) + " "
	if len(scales) != 1 || !scales[want] {
		t.Errorf("colour scales %v, want only %s", scales, want)
	}
	seen := map[string]bool{}
	for i := range len(palette) {
		seen[Color(i)] = true
	}
	if len(seen) != len(palette) || Color(len(palette)) != Color(0) || Color(-1) != Color(len(palette)-1) {
		t.Errorf("palette %v repeats a colour or does not start again", palette)
	}
}

func TestConfusionGolden(t *testing.T) {
	goldenFigure(t, "confusion", Confusion([]string{"ants", "bees", `a "quoted" \ <class>`}, [][]int{{60, 10, 0}, {5, 1780, 12_345}, {0, 0, 0}}))
}

func TestConfusionSizes(t *testing.T) {
	for _, n := range []int{0, 1, 10, 20, 21, 51, 200} {
		classes, m := make([]string, n), make([][]int, n)
		for i := range n {
			classes[i] = strings.Repeat("c", i%30)
			m[i] = make([]int, n)
			m[i][i] = 7
			m[i][(i+1)%n] += i
		}
		b := checked(t, Confusion(classes, m))
		if n > maxCounts {
			text := b[MIMEText].(string)
			if lines := strings.Count(text, "\n"); lines != 13 {
				t.Errorf("%d classes: %d lines of text, want a title, a header of two and the ten most frequent confusions\n%s", n, lines, text)
			}
		}
	}
}

func TestShortCount(t *testing.T) {
	for v, want := range map[int]string{0: "0", 999: "999", 1000: "1k", 1234: "1.2k", 9999: "10k", 12_345: "12k", 1_000_000: "1000k"} {
		if got := shortCount(v); got != want {
			t.Errorf("%d is %s, want %s", v, got, want)
		}
	}
}

// block returns an image of side x side pixels, red at the top left and blue elsewhere.
func block(side int) image.Image {
	img := image.NewRGBA(image.Rect(10, 10, 10+side, 10+side)) // bounds need not start at 0
	for i := range side * side {
		img.Set(10+i%side, 10+i/side, color.RGBA{B: 255, A: 255})
	}
	img.Set(10, 10, color.RGBA{R: 255, A: 255})
	return img
}

func TestImages(t *testing.T) {
	f := Images([]Captioned{
		{Image: block(32), Caption: "cat 0.93", Mark: Right},
		{Image: block(32), Caption: "a caption that needs more than one line\nactual: dog", Mark: Wrong},
		{Caption: "nothing here"},
	}, 2)
	b := checked(t, f)
	img, err := png.Decode(bytes.NewReader(b[MIMEPNG].([]byte)))
	if err != nil {
		t.Fatal(err)
	}
	w, h := f.(sized).size()
	if got := img.Bounds().Size(); got != (image.Point{w, h}) {
		t.Fatalf("PNG is %v, want %d x %d", got, w, h)
	}
	if img.At(0, 0) != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("the PNG's corner is %v, want white: its text is dark", img.At(0, 0))
	}
	// Without a mark's frame in the way: one pixel of 32 becomes 3 x 3 CSS pixels.
	path := filepath.Join(t.TempDir(), "x.png")
	if err := Save(Images([]Captioned{{Image: block(32)}}, 0), path); err != nil {
		t.Fatal(err)
	}
	saved, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err = png.Decode(bytes.NewReader(saved))
	if err != nil {
		t.Fatal(err)
	}
	red, blue := 0, 0
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			switch r, g, bl, _ := img.At(x, y).RGBA(); {
			case r == 0xffff && g == 0 && bl == 0:
				red++
			case bl == 0xffff && r == 0 && g == 0:
				blue++
			}
		}
	}
	pixel := (3 * dense) * (3 * dense)
	if red != pixel || blue != (32*32-1)*pixel {
		t.Errorf("%d red and %d blue pixels, want %d and %d: enlarged sharply to 96 x 96", red, blue, pixel, (32*32-1)*pixel)
	}
	want := "1. [32 x 32] cat 0.93 (right)\n2. [32 x 32] a caption that needs more than one line actual: dog (wrong)\n3. [no image] nothing here\n"
	if got := checked(t, f)[MIMEText]; got != want {
		t.Errorf("text\n%s want\n%s", got, want)
	}
}

func TestImagesGolden(t *testing.T) {
	goldenFigure(t, "images", Images([]Captioned{{Image: block(4), Caption: "ants 0.93", Mark: Right}, {Image: block(2), Caption: "猫 <b>", Mark: Wrong}, {Caption: "none"}}, 2))
}

// Captions are text of the page in any script, whole in the title; a PNG on a machine without fonts has numbers.
func TestImagesCaptions(t *testing.T) {
	fontsIn(t, "")
	long := "蟻 <b>" + strings.Repeat(" a long name", 30)
	f := Images([]Captioned{{Image: block(32), Caption: long, Mark: Wrong}, {Image: photo(300, 200)}}, 0)
	b := checked(t, f)
	page := b[MIMEHTML].(string)
	escaped := "蟻 &lt;b&gt;" + strings.Repeat(" a long name", 30)
	for _, want := range []string{`<figcaption title="` + escaped + `"`, ">" + escaped + "</figcaption>", "data:image/png;base64,", "data:image/jpeg;base64,",
		`alt="image 2"`, `aria-label="wrong"`, `width="160" height="106"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%.2000s", want, page)
		}
	}
	g := f.(imageGrid)
	if lines := g.captions()[0]; len(lines) != 1 || lines[0] != "no. 1" || !g.noted() {
		t.Errorf("the PNG's caption is %q, noted %v; want no. 1 and a note", lines, g.noted())
	}
	if text := b[MIMEText].(string); !strings.Contains(text, "1. [32 x 32] 蟻 <b> a long name") {
		t.Errorf("the text form lacks the caption: %s", text)
	}
	if plain := (imageGrid{items: []Captioned{{Caption: "Café Ωмир"}}}); plain.noted() {
		t.Error("the font has Latin, Greek and Cyrillic")
	}
}

func TestImagesSizes(t *testing.T) {
	for name, c := range map[string]struct {
		img     image.Image
		columns int
	}{
		"one pixel": {image.NewGray(image.Rect(0, 0, 1, 1)), 1},
		"empty":     {image.NewGray(image.Rect(0, 0, 0, 0)), 3},
		"tall":      {image.NewRGBA(image.Rect(0, 0, 3, 2000)), -1},
		"wide":      {image.NewPaletted(image.Rect(0, 0, 500, 2), color.Palette{color.White}), 100},
	} {
		t.Run(name, func(t *testing.T) {
			if b := checked(t, Images([]Captioned{{Image: c.img, Caption: name}}, c.columns)); b[MIMEPNG] == nil {
				t.Error("no PNG")
			}
		})
	}
	if b := checked(t, Images(nil, 0)); b[MIMEText] != "no images\n" {
		t.Errorf("no images give %q", b[MIMEText])
	}
}

func TestWrap(t *testing.T) {
	sty := sans(captionSize, inkColor)
	lines := wrap("one two three four five six seven eight nine ten\nend", sty, px(70), 3)
	if len(lines) != 3 || !strings.HasSuffix(lines[2], "…") {
		t.Errorf("got %q, want three lines, the last with an ellipsis", lines)
	}
	for _, l := range append(lines, wrap("incomprehensibilities", sty, px(70), 3)...) {
		if sty.Width(l) > px(70) {
			t.Errorf("%q is wider than its tile", l)
		}
	}
	if got := wrap("a\nb", sty, px(70), 3); len(got) != 2 {
		t.Errorf("got %q, want two lines", got)
	}
	if got := wrap("  ", sty, px(70), 3); len(got) != 0 {
		t.Errorf("got %q, want nothing", got)
	}
}

// TestThousandClasses: figures of 1,000 names are drawn, and a legend lists the first 40 and says so.
func TestThousandClasses(t *testing.T) {
	const n = 1000
	classes, matrix := make([]string, n), make([][]int, n)
	var bars []Bar
	var points []ScatterPoint
	var lines []Line
	for i := range n {
		classes[i], matrix[i] = fmt.Sprint("class number ", i), make([]int, n)
		matrix[i][i], matrix[i][(7*i+1)%n] = 30, 20
		bars = append(bars, Bar{Name: classes[i], Value: float64(i)})
		points = append(points, ScatterPoint{X: float64(i % 31), Y: float64(i), Class: classes[i]})
		lines = append(lines, series(classes[i], "val", 1, 2, float64(i)))
	}
	for name, f := range map[string]Figure{"confusion": Confusion(classes, matrix), "per class": PerClass(classes, matrix), "bars": Bars("", bars, BarOptions{}),
		"scatter": Scatter("", points, ScatterOptions{}), "curves": Curves("", Panel{Lines: lines})} {
		b := checked(t, f)
		svg, _ := b[MIMESVG].(string)
		if legend := name == "scatter" || name == "curves"; legend != strings.Contains(svg, ">the first 40 of 1000</text>") || legend && strings.Contains(svg, ">class number 40</text>") {
			t.Errorf("%s: the legend has not the first 40 names", name)
		}
		if d, ok := f.(drawable); ok && name != "bars" {
			if _, height := d.canvas(); height > 2500 {
				t.Errorf("%s is %.0f pixels high", name, height)
			}
		}
	}
}
