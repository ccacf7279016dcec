//go:build linux

package rt

import (
	"bytes"
	"container/list"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/big"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

type point struct {
	X int
	Y string
}

type page struct{}

func (page) HTML() string { return "<b>bold</b>" }

type drawing struct{}

func (drawing) SVG() string    { return "<svg/>" }
func (drawing) String() string { return "a drawing" }

type photo struct{ m *image.NRGBA }

func (p *photo) ToImage() *image.NRGBA { return p.m }

type matrix struct{ r, c int }

func (m matrix) Dims() (r, c int)    { return m.r, m.c }
func (m matrix) At(i, j int) float64 { return float64(i) + float64(j)/10 }

type plotted struct{}

func (plotted) WriterTo(w, h float64, format string) (fmt.Stringer, error) { return nil, nil }

// failing is a struct with an embedded error.
type failing struct {
	error
	Code int
}

func TestText(t *testing.T) {
	seven := 7
	u, _ := url.Parse("http://a/b")
	var entries sync.Map
	entries.Store("b", 1)
	entries.Store("a", &seven)
	var count atomic.Int64
	count.Store(5)
	var limit atomic.Value
	limit.Store("x")
	elements := list.New()
	elements.PushBack(1)
	elements.PushBack("a")
	var built strings.Builder
	built.WriteString("built")
	for _, test := range []struct {
		v    any
		want string
	}{
		{nil, "<nil>"},
		{42, "42"},
		{1.5, "1.5"},
		{"plain words", "plain words"},
		{"42", `"42"`}, {"", `""`}, {"true", `"true"`}, {" x", `" x"`}, {"1e5", `"1e5"`}, {"two\nlines", "two\nlines"},
		{[]int{1, 2}, "[1 2]"}, {[]string{"a", "b"}, "[a b]"}, {[]string{"a b", "c"}, `["a b" "c"]`}, {[]string{"", "1"}, `["" "1"]`},
		{map[string]int{"b": 1, "a": 2}, "map[a:2 b:1]"}, {map[string]string{"k": "x y"}, `map["k":"x y"]`}, {map[int]bool{10: true, 9: false}, "map[9:false 10:true]"},
		{map[float64]int{math.NaN(): 1, 2: 3}, "map[NaN:1 2:3]"}, {map[any]string{math.NaN(): "n"}, "map[NaN:n]"}, {map[[1]float64]int{{math.NaN()}: 4}, "map[[NaN]:4]"},
		{point{1, "x"}, "{X:1 Y:x}"}, {&point{1, "x"}, "&{X:1 Y:x}"}, {&seven, "&7"},
		{[]*point{{1, "x"}, nil}, "[&{X:1 Y:x} <nil>]"}, {[]*int{&seven}, "[&7]"}, {map[string]*point{"p": {1, "y"}}, "map[p:&{X:1 Y:y}]"},
		{[]any{1, "a", nil, 2.5}, "[1 a <nil> 2.5]"}, {[3]bool{true}, "[true false false]"},
		{time.Second, "1s"}, {[]time.Duration{time.Second, 0}, "[1s 0s]"}, {u, "http://a/b"}, {errors.New("broken"), "broken"},
		{&entries, "&map[a:&7 b:1]"}, {&count, "&5"}, {&limit, "&x"}, {struct{ N *atomic.Int64 }{&count}, fmt.Sprintf("{N:%p}", &count)}, {[]*atomic.Int64{&count}, "[&5]"}, {elements, "&[1 a]"}, {&built, "built"},
		{reflect.ValueOf(&built).Elem().Interface(), "built"}, {*big.NewInt(12), "12"}, {[]url.URL{*u}, "[http://a/b]"}, {[]any{&point{1, "x"}, &seven}, "[&{X:1 Y:x} &7]"}, {map[string]any{"p": &point{1, "x"}}, "map[p:&{X:1 Y:x}]"},
		{failing{}, "{error:<nil> Code:0}"}, {&failing{Code: 1}, "&{error:<nil> Code:1}"}, {[]failing{{errors.New("e"), 1}, {nil, 2}}, "[e {error:<nil> Code:2}]"},
		{image.Rect(0, 0, 2, 3), "(0,0)-(2,3)"}, {image.Pt(1, 2), "(1,2)"}, {(*point)(nil), "<nil>"}, {[]int(nil), "[]"}, {reflect.ValueOf([]point{{2, "y"}}), "[{X:2 Y:y}]"}, {reflect.Value{}, "<invalid reflect.Value>"}, {strings.ToUpper, "func(string) string"},
	} {
		if got := Text(test.v); got != test.want {
			t.Errorf("%#v: %q, want %q", test.v, got, test.want)
		}
		if got := Bundle(test.v)["text/plain"]; got == nil || got == "" {
			t.Errorf("%#v has no text in its bundle", test.v)
		}
	}
}

// TestKeys: maps are shown in the order in which fmt prints them.
func TestKeys(t *testing.T) {
	p := []int{0, 0, 0}
	for _, m := range []any{
		map[point]int{{10, "a"}: 71, {9, "b"}: 72, {9, "a"}: 73}, map[[2]int]int{{10, 0}: 71, {9, 9}: 72, {9, 10}: 73}, map[any]int{10: 71, 9: 72, 8: 73}, map[bool]int{true: 71, false: 72},
		map[complex128]int{10: 71, 9i: 72, 9: 73}, map[any]int{nil: 71, "b": 72, "a": 73}, map[*int]int{&p[2]: 71, &p[0]: 72, &p[1]: 73}, map[any]int{[1]int{10}: 71, [1]int{9}: 72}, map[any]int{1: 71, 2.5: 72, "x": 73, true: 74},
		map[fmt.Stringer]int{time.Duration(10): 71, time.Duration(9): 72}, map[struct{ a, b any }]int{{10, 1}: 71, {9, 1}: 72, {nil, 1}: 73},
	} {
		order := regexp.MustCompile(`:7\d\b`)
		if got, want := order.FindAllString(bareText(reflect.ValueOf(m)), -1), order.FindAllString(fmt.Sprint(m), -1); !slices.Equal(got, want) {
			t.Errorf("%v is shown as %v", m, bareText(reflect.ValueOf(m)))
		}
	}
}

// TestTextIsBounded: only what is shown is read, however much there is.
func TestTextIsBounded(t *testing.T) {
	deep := []any{nil}
	deep[0] = deep // in itself
	for name, v := range map[string]any{"numbers": make([]int, 100_000_000), "a struct of numbers": struct{ V []int }{make([]int, 50_000_000)},
		"a text": strings.Repeat("é", 1_000_000), "texts": []string{strings.Repeat("a", 1_000_000), "b"}, "long texts": slices.Repeat([]string{strings.Repeat("b", 100)}, 1000), "itself": deep} {
		if text := Text(v); len(text) > maxText+200 || !strings.Contains(text, "…") {
			t.Errorf("%s: %d bytes, ending in %q", name, len(text), text[max(0, len(text)-40):])
		}
	}
	if text := Text(make([]int, 1_000_000)); !strings.HasSuffix(text, " 0 … and 999000 more]") {
		t.Errorf("the end of a long slice is %q", text[len(text)-40:])
	}
}

func TestBundle(t *testing.T) {
	small := image.NewGray(image.Rect(0, 0, 4, 3))
	for _, test := range []struct {
		name       string
		v          any
		mime, want string // want is in it
		text       string // is in text/plain
	}{
		{"HTML", page{}, "text/html", "<b>bold</b>", "{}"},
		{"SVG and String", drawing{}, "image/svg+xml", "<svg/>", "a drawing"},
		{"an image", small, "image/png", "\x89PNG", "*image.Gray 4x3"},
		{"what makes an image of itself", &photo{image.NewNRGBA(small.Rect)}, "image/png", "\x89PNG", "*rt.photo 4x3"},
		{"images", []image.Image{small, small}, "text/html", `<img `, "[]image.Image of 2: 4x3 4x3"},
		{"what make images of themselves", []*photo{{image.NewNRGBA(small.Rect)}}, "text/html", `<img `, "[]*rt.photo of 1: 4x3"},
		{"images with a nil", []image.Image{small, nil, image.White}, "text/html", `<span title="1">nil</span><img `, "[]image.Image of 3: 4x3 nil without end"},
		{"images by name", map[string]image.Image{"b": small, "a<": small}, "text/html", `title="a&lt;: 4x3"`, "map[string]image.Image of 2: 4x3 4x3"},
		{"what make images of themselves, by name", map[int]*photo{7: {image.NewNRGBA(small.Rect)}, 8: nil}, "text/html", `title="7: 4x3"`, "map[int]*rt.photo of 2: 4x3 nil"},
		{"images among others", map[string]any{"a": small, "b": 2}, "text/html", "<td ", "map[a:&{Pix:"},
		{"pointers in a map", map[string]*int{"k": new(7)}, "text/html", ">&amp;7</td>", "map[k:&7]"},
		{"a nil among images", []*photo{nil}, "text/html", "nil", "[<nil>]"},
		{"structs", []point{{1, "a<b"}, {22, "c"}}, "text/html", `<th style="text-align:right">0</th><td style="text-align:right">1</td><td style="text-align:left">a&lt;b</td>`, "[{X:1 Y:a<b} {X:22 Y:c}]"},
		{"pointers to structs", []*point{{1, "a"}, nil}, "text/html", ">a</td>", "&{X:1 Y:a}"},
		{"a map", map[string]float64{"top1": 0.5, "loss": 2}, "text/html", ">loss</th>", "map[loss:2 top1:0.5]"},
		{"a map of structs", map[string]point{"k": {1, "v"}}, "text/html", "<th>X</th>", "map[k:{X:1 Y:v}]"},
		{"numbers in rows", [][]float64{{1, 2.5}, {3}}, "text/html", ">2.5</td>", "[[1 2.5] [3]]"},
		{"texts in rows", [][]string{{"a", "b"}}, "text/html", ">a</td>", "[[a b]]"},
		{"a long table as text", []point{{1, strings.Repeat("x", 50)}, {20, strings.Repeat("y", 30)}}, "text/html", "<th>Y</th>", "    X  Y\n0   1  xxx"},
		{"a matrix", matrix{2, 3}, "text/html", ">1.2</td>", "rt.matrix 2x3\n   0    1    2\n0  0  0.1  0.2\n1"},
		{"JSON", json.RawMessage(`{"a":[1,2]}`), "text/plain", "{\n  \"a\": [\n    1,", ""},
		{"JSON in the order of its keys", []byte(`{"b":1e400,"a":"\u00e9\u003c\\u0041"}`), "text/plain", "{\n  \"b\": 1e400,\n  \"a\": \"é<\\\\u0041\"\n}", ""},
		{"JSON of Marshal", []byte(`{"b":"<x>","n":12345678901234567890}`), "text/plain", "\"b\": \"<x>\",\n  \"n\": 12345678901234567890", ""},
		{"bytes", []byte("hi"), "text/plain", "[104 105]", ""},
		{"a rectangle", image.Rect(0, 0, 5, 6), "text/plain", "(0,0)-(5,6)", ""},
		{"an empty image", image.NewGray(image.Rectangle{}), "text/plain", "Pix:[]", ""},
		{"a nil image", (*image.RGBA)(nil), "text/plain", "<nil>", ""},
		{"a WriterTo of another kind", plotted{}, "text/plain", "{}", ""},
	} {
		data := Bundle(test.v)
		got := fmt.Sprint(data[test.mime])
		if b, ok := data[test.mime].([]byte); ok {
			got = string(b)
		}
		if !strings.Contains(got, test.want) || !strings.Contains(fmt.Sprint(data["text/plain"]), test.text) {
			t.Errorf("%s: %v", test.name, data)
		}
		if test.mime == "text/plain" && len(data) > 1 {
			t.Errorf("%s is more than text: %v", test.name, data)
		}
	}
}

// TestBundleIsBounded: pictures, tables and HTML end somewhere, and say so.
func TestBundleIsBounded(t *testing.T) {
	shows := func(v any) (config image.Config, text string) {
		data := Bundle(v)
		b, _ := data["image/png"].([]byte)
		config, err := png.DecodeConfig(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%T: %v in %v", v, err, data)
		}
		return config, data["text/plain"].(string)
	}
	if c, text := shows(image.White); c.Width != 64 || !strings.Contains(text, "without end") {
		t.Errorf("image.White: %dx%d, %s", c.Width, c.Height, text)
	}
	if c, text := shows(image.NewGray(image.Rect(0, 0, 8000, 4000))); c.Width*c.Height > maxPixels || c.Width != 2*c.Height && c.Width != 2*c.Height+1 || !strings.Contains(text, "8000x4000, shown as 1448x724") {
		t.Errorf("a large image: %dx%d, %s", c.Width, c.Height, text)
	}
	if c, _ := shows(endless{}); c.Width*c.Height > maxPixels {
		t.Errorf("an endless image: %dx%d", c.Width, c.Height)
	}
	many := make([]image.Image, 1000)
	for i := range many {
		many[i] = image.NewGray(image.Rect(0, 0, 200, 100))
	}
	if page := Bundle(many)["text/html"].(string); strings.Count(page, "<img ") != maxPictures || !strings.Contains(page, "and 968 more") {
		t.Errorf("%d pictures of 1000", strings.Count(page, "<img "))
	}
	rows := Bundle(make([]point, 100_000))
	if page := rows["text/html"].(string); strings.Count(page, "<tr>") != maxRows+1 || !strings.Contains(page, "and 99940 more rows") {
		t.Errorf("%d rows of a long table", strings.Count(page, "<tr>"))
	}
	if text := rows["text/plain"].(string); strings.Count(text, "\n") != maxRows+1 {
		t.Errorf("%d lines of a long table", strings.Count(text, "\n"))
	}
	if page := Bundle([][]float64{make([]float64, 5000)})["text/html"].(string); !strings.Contains(page, "4980 more columns") {
		t.Error("a wide table does not say what it leaves out")
	}
	if data := Bundle(longPage{}); data["text/html"] != nil || !strings.Contains(data["text/plain"].(string), "text/html of 2000000 bytes is too large") {
		t.Errorf("a long page is shown: %d forms", len(data))
	}
	if data := Bundle(map[int]int{}); data["text/html"] != nil {
		t.Error("an empty map is a table")
	}
}

type longPage struct{}

func (longPage) HTML() string { return strings.Repeat("x", 2_000_000) }

// endless is an image like image.Uniform, of another package.
type endless struct{}

func (endless) ColorModel() color.Model { return color.GrayModel }
func (endless) Bounds() image.Rectangle { return image.Rect(-1e9, -1e9, 1e9, 1e9) }
func (endless) At(x, y int) color.Color { return color.Gray{uint8(x)} }
