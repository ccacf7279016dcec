package plots

import (
	"encoding/json"
	"fmt"
	"image"
	"math"
	"strings"
	"testing"
)

func TestScatterGolden(t *testing.T) {
	goldenFigure(t, "scatter", Scatter("Embedding", []ScatterPoint{{X: 1, Y: 2, Class: "ants", Name: "a.png", Image: block(8)}, {X: -1.5, Y: 0.25, Class: "bees", Name: "<b>"},
		{X: 4, Y: 0, Class: "ants"}, {X: math.NaN(), Y: 0, Class: "ants"}}, ScatterOptions{XLabel: "first", YLabel: "second", Note: "PCA"}))
	goldenFigure(t, "scatter_empty", Scatter("", nil, ScatterOptions{}))
	goldenFigure(t, "scatter_point", Scatter("", []ScatterPoint{{X: 1e6, Y: 1e6}}, ScatterOptions{}))
}

// The number of points and of pictures is bounded, the pixels of a picture too, and the table counts all points.
func TestScatterBounds(t *testing.T) {
	points, picture := make([]ScatterPoint, 20_000), photo(160, 120)
	for i := range points {
		points[i] = ScatterPoint{X: float64(i % 100), Y: float64(i / 100), Class: fmt.Sprint(i % 20), Name: fmt.Sprint(i)}
		if i%2 == 0 {
			points[i].Image = picture
		}
	}
	b := checked(t, Scatter("many", points, ScatterOptions{}))
	spec, err := json.Marshal(b[MIMEVegaLite])
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(spec), `"name":"`); n != maxScatter+1 { // and the parameter's
		t.Errorf("%d points, want %d", n-1, maxScatter)
	}
	if n := strings.Count(string(spec), "data:image"); n != ScatterImages {
		t.Errorf("%d pictures, want %d", n, ScatterImages)
	}
	if len(spec) > 3_000_000 {
		t.Errorf("the specification has %d bytes, want at most 3 MB", len(spec))
	}
	if text := b[MIMEText].(string); !strings.Contains(text, "5000 of 20000 points are drawn") || !strings.Contains(text, "1000") {
		t.Errorf("the text does not say so, or does not count all:\n%s", text)
	}
}

// Equal distances are equally long on both axes.
func TestScatterUnits(t *testing.T) {
	f := Scatter("", []ScatterPoint{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 0, Y: 100}}, ScatterOptions{}).(scatter)
	x, y := f.ranges()
	if a, b := (x[1]-x[0])/scatterWidth, (y[1]-y[0])/scatterHeight; math.Abs(a-b) > 1e-12 || y[0] >= 0 || y[1] <= 100 {
		t.Errorf("x %v and y %v: %g and %g units in a pixel, want equal ones with room for all points", x, y, a, b)
	}
}

func TestThumbnail(t *testing.T) {
	clear := image.NewNRGBA(image.Rect(0, 0, 4, 4))
	for want, img := range map[string]image.Image{"data:image/jpeg": photo(300, 20), "data:image/png": clear} {
		if got, err := thumbnail(img); err != nil || !strings.HasPrefix(got, want) || len(got) > 8000 {
			t.Errorf("%v: %d bytes of %.20s, want a small %s", err, len(got), got, want)
		}
	}
}
