package plots

import (
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares got with a file in testdata, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs from what is drawn now (%d bytes, want %d); look at both, then run go test -update", path, len(got), len(want))
	}
}

// goldenFigure checks all forms of a figure against their golden files.
func goldenFigure(t *testing.T, name string, f Figure) {
	t.Helper()
	b := checked(t, f)
	if spec, ok := b[MIMEVegaLite]; ok {
		data, err := json.MarshalIndent(spec, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".vl.json", append(data, '\n'))
	}
	if svg, ok := b[MIMESVG].(string); ok {
		golden(t, name+".svg", []byte(svg))
	}
	if html, ok := b[MIMEHTML].(string); ok {
		golden(t, name+".html", []byte(html))
	}
	golden(t, name+".txt", []byte(b[MIMEText].(string)))
}

// checked renders a figure and tests what must hold for every bundle.
func checked(t *testing.T, f Figure) map[string]any {
	t.Helper()
	b, err := render(f)
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := b[MIMEText].(string); s == "" {
		t.Error("bundle without text/plain")
	}
	if svg, ok := b[MIMESVG].(string); ok {
		dec := xml.NewDecoder(strings.NewReader(svg))
		for {
			_, err := dec.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("SVG is not XML: %v", err)
			}
		}
		for _, bad := range []string{"NaN", "Inf"} {
			if strings.Contains(svg, bad+",") || strings.Contains(svg, ","+bad) {
				t.Errorf("SVG has a coordinate %s", bad)
			}
		}
	}
	if v, ok := b[MIMEVegaLite]; ok {
		spec, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("Vega-Lite is a %T, want an object", v)
		}
		if got := spec["$schema"]; got != "https://vega.github.io/schema/vega-lite/v5.json" {
			t.Errorf("$schema is %v", got)
		}
		checkSpec(t, spec)
	}
	return b
}

// checkSpec tests that each parameter a specification uses is defined, that each view named by a parameter exists, and
// that encoded fields are in the data.
func checkSpec(t *testing.T, spec map[string]any) {
	t.Helper()
	defined, used, viewNames, views := map[string]bool{}, map[string]bool{}, map[string]bool{}, []string{}
	fields := map[string]bool{"actual": true, "predicted": true} // calculated in confusion matrices
	encoded := map[string]bool{}
	var walk func(key string, v any)
	walk = func(key string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if key == "data" {
				for _, row := range v["values"].([]any) {
					for k := range row.(map[string]any) {
						fields[k] = true
					}
				}
				return
			}
			if n, ok := v["name"].(string); ok && v["select"] != nil {
				defined[n] = true
				if list, ok := v["views"].([]any); ok {
					for _, w := range list {
						views = append(views, w.(string))
					}
				}
			} else if ok {
				viewNames[n] = true
			}
			if p, ok := v["param"].(string); ok {
				used[p] = true
			}
			if f, ok := v["field"].(string); ok {
				encoded[f] = true
			}
			for k, w := range v {
				walk(k, w)
			}
		case []any:
			for _, w := range v {
				walk(key, w)
			}
		case float64:
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%s is %v", key, v)
			}
		}
	}
	walk("", spec)
	for p := range used {
		if !defined[p] {
			t.Errorf("parameter %q is used but not defined", p)
		}
	}
	for _, v := range views {
		if !viewNames[v] {
			t.Errorf("a parameter names view %q, which is not there", v)
		}
	}
	for f := range encoded {
		if !fields[f] {
			t.Errorf("field %q is encoded but no data row has it", f)
		}
	}
}

// series returns y over epochs 1, 2, ...
func series(name, split string, y ...float64) Line {
	l := Line{Name: name, Split: split}
	for i, v := range y {
		l.Points = append(l.Points, Point{float64(i + 1), v})
	}
	return l
}

func withBand(l Line, d float64) Line {
	for _, p := range l.Points {
		l.Band = append(l.Band, Interval{p.Y - d, p.Y + d})
	}
	return l
}

func TestCurvesGolden(t *testing.T) {
	goldenFigure(t, "curves", Curves("ants-vs-bees",
		Panel{Title: "Loss", XLabel: "epoch", YLabel: "cross-entropy", Lines: []Line{
			series("transfer", "train", 0.66, 0.41, 0.33, 0.30), series("transfer", "val", 0.52, 0.36, 0.31, 0.29),
			series("fine-tune", "train", 0.7, 0.5, math.NaN(), 0.2), series("fine-tune", "val", 0.6, 0.45, 0.4, 0.38)}},
		Panel{Title: "Accuracy", XLabel: "epoch", YLabel: "accuracy", YPercent: true, Lines: []Line{
			series("transfer", "train", 0.7, 0.85, 0.9, 0.92), withBand(series("transfer", "val", 0.8, 0.88, 0.9, 0.91), 0.02),
			series("fine-tune", "train", 0.6, 0.8, 0.9, 0.97), withBand(series("fine-tune", "val", 0.7, 0.8, 0.85, math.Inf(1)), 0.03)}}))
}

func TestCurvesOddInput(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	one := series("a", "val", 0.5)
	for name, f := range map[string]Figure{
		"no panels":         Curves(""),
		"empty panel":       Curves("t", Panel{}),
		"empty line":        Curves("t", Panel{Lines: []Line{{Name: "a", Split: "train"}}}),
		"one point":         Curves("t", Panel{Lines: []Line{one}}),
		"one point, log":    Curves("t", Panel{LogX: true, LogY: true, Lines: []Line{one}}),
		"all NaN":           Curves("t", Panel{Lines: []Line{series("a", "", nan, nan)}}),
		"infinite":          Curves("t", Panel{Lines: []Line{series("a", "", inf, 1, -inf, 2, 3)}}),
		"NaN x":             Curves("t", Panel{Lines: []Line{{Points: []Point{{nan, 1}, {1, 2}, {inf, 3}}}}}),
		"NaN band":          Curves("t", Panel{Lines: []Line{{Points: []Point{{1, 1}, {2, 2}}, Band: []Interval{{nan, 1}, {1, inf}}}}}),
		"log of 0 and less": Curves("t", Panel{LogX: true, LogY: true, Lines: []Line{series("a", "val", 0, -1, 1e-3, 10)}}),
		"log, nothing left": Curves("t", Panel{LogY: true, Lines: []Line{series("a", "val", 0, -1)}}),
		"constant":          Curves("t", Panel{YPercent: true, Lines: []Line{series("a", "val", 0, 0, 0)}}),
		"huge and tiny":     Curves("t", Panel{Lines: []Line{series("a", "val", 1e300, -1e300, 1e-300)}}),
		"largest":           Curves("t", Panel{Lines: []Line{series("a", "val", math.MaxFloat64, -math.MaxFloat64)}}),
		"empty beside full": Curves("t", Panel{Lines: []Line{one}}, Panel{}, Panel{Lines: []Line{one}}),
		"names":             Curves("<&\"'\x00\xff 猫", Panel{Title: "</svg>", XLabel: "\n", Lines: []Line{series("<b>\"&\x01猫🐜", "test", 1, 2)}}),
	} {
		t.Run(name, func(t *testing.T) {
			b := checked(t, f)
			if _, err := json.Marshal(b[MIMEVegaLite]); err != nil {
				t.Error(err)
			}
			if err := Save(f, filepath.Join(t.TempDir(), "x.png")); err != nil {
				t.Error(err)
			}
		})
	}
}

// A NaN in the middle has to break the line in both drawings, and a point alone between two gaps has to be seen.
func TestCurvesGap(t *testing.T) {
	p := Panel{Lines: []Line{series("a", "val", 1, 2, math.NaN(), 4, math.NaN(), 6, 7)}}
	got := p.pieces(p.Lines[0], 0, 1)
	if len(got) != 3 || len(got[0].points) != 2 || len(got[1].points) != 1 || len(got[2].points) != 2 {
		t.Fatalf("pieces %v, want 2, 1 and 2 points", got)
	}
	rows, _ := p.values([]string{"a"})
	groups, alone := map[any]int{}, 0
	for _, r := range rows {
		groups[r.(obj)["g"]]++
		if r.(obj)["x"] == 4.0 && r.(obj)["m"] == 1 {
			alone++
		}
	}
	if len(groups) != 3 || alone != 1 {
		t.Errorf("%d groups with %d single points, want 3 and 1", len(groups), alone)
	}
}

// A diverged curve does not flatten the others; a star marks the best epoch.
func TestCurvesRobust(t *testing.T) {
	p := Panel{Title: "Loss", XLabel: "epoch", Robust: true, Lines: []Line{
		series("transfer", "val", 0.7, 0.5, 0.4, 0.35), series("diverged", "val", 0.8, 40, 9e5, 12, 0.6, 3e7, math.Inf(1))}}
	p.Lines[0].Best = 4
	// Starts 0.7 and 0.8, medians of the lines 0.4 and 12, lowest 0.35: the larger of 0.8 and 0.4 + 3*0.05.
	if got := p.limit(); math.Abs(got-0.8) > 1e-12 {
		t.Errorf("the limit is %v, want 0.8", got)
	}
	if got, want := p.note(), "triangles: above 0.8, up to 3e+07; star: best epoch"; got != want {
		t.Errorf("the note is %q, want %q", got, want)
	}
	pcs := p.pieces(p.Lines[1], 1, 2)
	var got []string
	for _, pc := range pcs {
		for i, pt := range pc.points {
			got = append(got, fmt.Sprintf("%g:%g:%v", pt.X, pc.values[i], pc.cut[i]))
		}
		got = append(got, "|")
	}
	if s, want := strings.Join(got, " "), "1:0.8:false 2:40:true | 4:12:true 5:0.6:false 6:3e+07:true |"; s != want {
		t.Errorf("pieces %s, want %s", s, want)
	}
	if best := p.pieces(p.Lines[0], 0, 2)[0].best; !best[3] || best[0] {
		t.Errorf("stars at %v, want at the fourth point", best)
	}
	goldenFigure(t, "curves_robust", Curves("", p))
	for name, q := range map[string]Panel{
		"not asked for":         {Lines: p.Lines},
		"logarithmic":           {Lines: p.Lines, Robust: true, LogY: true},
		"a usual loss":          {Robust: true, Lines: []Line{series("a", "", 2.3, 1, 0.5, 0.2, 0.1, 0.1, 0.1, 0.1)}},
		"few points":            {Robust: true, Lines: []Line{series("a", "", 1, 100)}},
		"no points":             {Robust: true, Lines: []Line{{Name: "a"}}, YMax: 3},
		"all below the maximum": {YMax: 5, Lines: []Line{series("a", "", 1, 2)}},
		"all above the maximum": {YMax: 0.5, Lines: []Line{series("a", "", 1, 2)}},
		"negative values":       {Robust: true, Lines: []Line{series("a", "", -5, -4, -3, -1000)}},
	} {
		if got := q.limit(); !math.IsInf(got, 1) {
			t.Errorf("%s: cut at %v, want no cut", name, got)
		}
	}
	if got := (Panel{YMax: 1.5, Lines: []Line{series("a", "", 1, 2)}}).limit(); got != 1.5 {
		t.Errorf("cut at %v, want at YMax", got)
	}
}

// Equal lines of two names have their markers at different points, and each has some.
func TestMarkers(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 12, 100, 1000} {
		l := Line{Points: make([]Point, n)}
		for names := 1; names <= 8; names++ {
			seen := make([]int, n)
			for k := range names {
				on, some := Panel{}.marked(l, k, names), 0
				for i := range n {
					if on(i) {
						seen[i]++
						some++
					}
				}
				if some == 0 || n > 1 && some > max(9, n/2+1) {
					t.Errorf("%d points, name %d of %d: %d markers", n, k, names, some)
				}
			}
			if n > 2*names && slices.Max(seen) > 1 {
				t.Errorf("%d points, %d names: a point has %d markers", n, names, slices.Max(seen))
			}
		}
	}
	if on := (Panel{Points: true}).marked(Line{Points: make([]Point, 50)}, 1, 3); !on(0) || !on(7) {
		t.Error("Points leaves points without a marker")
	}
}

func TestCurvesBandLength(t *testing.T) {
	l := series("fine-tune", "val", 1, 2)
	l.Band = []Interval{{0, 1}}
	_, err := Curves("t", Panel{Title: "Loss", Lines: []Line{l}}).Bundle()
	if err == nil || !strings.Contains(err.Error(), `line "fine-tune" (val) of panel "Loss" has 1 band intervals for 2 points`) {
		t.Errorf("got %v", err)
	}
}

// TestThinKeepsBest: the best point keeps its star, wherever it is among many.
func TestThinKeepsBest(t *testing.T) {
	l := series("a", "val")
	for i := range 5000 {
		l.Points = append(l.Points, Point{float64(i + 1), 1 + math.Mod(float64(i)*0.618, 1)})
	}
	for best := 1; best <= len(l.Points); best += 97 {
		l.Best = best
		stars := 0
		for _, pc := range (Panel{Lines: []Line{l}}).pieces(l, 0, 1) {
			stars += len(pc.chosen(pc.best))
		}
		if stars != 1 {
			t.Errorf("best %d of %d points: %d stars, want 1", best, len(l.Points), stars)
		}
	}
}

func TestThin(t *testing.T) {
	var l Line
	for i := range 50_000 {
		l.Points = append(l.Points, Point{float64(i), math.Sin(float64(i) / 1000)})
		l.Band = append(l.Band, Interval{float64(i), float64(i)})
	}
	l.Points[12_345].Y = 99
	l.Points[23_456].Y = -99
	l.Points[34_567].Y = math.NaN()
	pts, band := thin(l)
	if len(pts) > maxPoints+10 || len(pts) < maxPoints/2 || len(band) != len(pts) {
		t.Fatalf("%d points and %d intervals left of 50000", len(pts), len(band))
	}
	found := map[float64]bool{}
	gaps := 0
	for i, p := range pts {
		if i > 0 && p.X <= pts[i-1].X {
			t.Fatalf("order lost at %d", i)
		}
		if band[i].Low != p.X {
			t.Fatalf("interval %v does not belong to x = %v", band[i], p.X)
		}
		if math.IsNaN(p.Y) {
			gaps++
			continue
		}
		found[p.Y] = true
	}
	if !found[99] || !found[-99] || gaps != 1 || pts[0].X != 0 || pts[len(pts)-1].X != 49_999 {
		t.Errorf("a spike, the gap or an end is gone: %v %v %d %v %v", found[99], found[-99], gaps, pts[0], pts[len(pts)-1])
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		t      ticks
		lo, hi float64
		want   string
	}{
		{ticks{}, 0.05, 1.15, "0.2 0.4 0.6 0.8 1.0"},
		{ticks{percent: true}, 0.38, 1, "40% 50% 60% 70% 80% 90% 100%"},
		{ticks{percent: true}, 0.94, 0.951, "94.0% 94.2% 94.4% 94.6% 94.8% 95.0%"},
		{ticks{integer: true}, 1, 3, "1 2 3"},
		{ticks{integer: true}, 1, 25, "5 10 15 20 25"},
		{ticks{}, -1, 1, "-1.0 -0.5 0.0 0.5 1.0"},
		{ticks{log: true}, 1, 2000, "1 10 100 1000"},
		{ticks{log: true}, 0.5, 3, "0.5 1 2"},
		{ticks{}, 0, 5e6, "0 1e+06 2e+06 3e+06 4e+06 5e+06"},
	} {
		var got []string
		for _, k := range c.t.Ticks(c.lo, c.hi) {
			got = append(got, k.Label)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%+v from %v to %v: %s, want %s", c.t, c.lo, c.hi, s, c.want)
		}
	}
}
