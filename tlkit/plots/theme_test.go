package plots

import (
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lightness returns the relative luminance of a colour (WCAG 2.2).
func lightness(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	f := func(v uint32) float64 {
		s := float64(v) / 0xffff
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*f(r) + 0.7152*f(g) + 0.0722*f(b)
}

// contrast returns the ratio of two luminances (WCAG 2.2).
func contrast(a, b float64) float64 {
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

// over returns c at an opacity on a ground.
func over(c, ground color.NRGBA, opacity float64) color.NRGBA {
	mix := func(a, b uint8) uint8 { return uint8(opacity*float64(a) + (1-opacity)*float64(b) + 0.5) }
	return color.NRGBA{mix(c.R, ground.R), mix(c.G, ground.G), mix(c.B, ground.B), 255}
}

// One palette and one set of opacities serve white pages and dark ones.
func TestContrast(t *testing.T) {
	if got := contrast(lightness(color.White), lightness(color.Black)); math.Abs(got-21) > 1e-9 {
		t.Fatalf("black on white has a contrast of %v, want 21 (WCAG)", got)
	}
	for _, page := range []struct{ paper, ink color.NRGBA }{
		{rgb("#ffffff"), over(rgb("#000000"), rgb("#ffffff"), 0.87)}, // JupyterLab's light theme
		{rgb("#111111"), over(rgb("#ffffff"), rgb("#111111"), 0.87)}, // and its dark one
		{rgb("#212121"), over(rgb("#ffffff"), rgb("#212121"), 0.87)},
		{rgb("#ffffff"), rgb("#262626")}, // an SVG's own colours
		{rgb("#111111"), rgb("#e6e6e6")},
	} {
		ratio := func(c color.NRGBA) float64 { return contrast(lightness(c), lightness(page.paper)) }
		for i, hex := range palette {
			if got := ratio(rgb(hex)); got < 3 {
				t.Errorf("colour %d, %s, has a contrast of %.2f on %v, want 3", i, hex, got, page.paper)
			}
		}
		if got := ratio(over(page.ink, page.paper, mutedOpacity)); got < 4.5 {
			t.Errorf("muted text has a contrast of %.2f on %v, want 4.5", got, page.paper)
		}
		if got := ratio(over(page.ink, page.paper, axisOpacity)); got < 3 {
			t.Errorf("axes have a contrast of %.2f on %v, want 3", got, page.paper)
		}
		// Text of a confusion matrix is on the shade of its share.
		for share := 0.0; share <= 1; share += 0.05 {
			ground := over(rgb(Color(0)), page.paper, fullShade*share)
			if got := contrast(lightness(page.ink), lightness(ground)); got < 4.5 {
				t.Errorf("the count of a share of %.2f has a contrast of %.2f on %v, want 4.5", share, got, page.paper)
			}
		}
	}
}

// Nothing of a chart but its data has a fixed colour.
func TestThemedSVG(t *testing.T) {
	for _, s := range gallery() {
		svg, ok := checked(t, s.figure)[MIMESVG].(string)
		if !ok {
			continue
		}
		if strings.Count(svg, themeStyle) != 1 || !strings.Contains(svg, "currentColor") {
			t.Errorf("%s: no theme's colours", s.name)
		}
		rest := strings.Replace(svg, themeStyle, "", 1)
		for _, fixed := range []string{"#262626", "#595959", "#999999", "#E5E5E5", "#FFFFFF", "<rect"} {
			if strings.Contains(rest, fixed) {
				t.Errorf("%s: %s is a colour of white pages only", s.name, fixed)
			}
		}
	}
}

// A name that looks like a colour stays a name, and a shortened one has the whole as its title.
func TestThemeNames(t *testing.T) {
	long := strings.Repeat("a very long name & more ", 5) + "fill:#262626"
	svg := checked(t, Bars(`style="fill:#262626"`, []Bar{{Name: long, Value: 1}, {Name: "蟻", Value: 1}}, BarOptions{}))[MIMESVG].(string)
	if !strings.Contains(svg, "style=&#34;fill:#262626&#34;</text>") {
		t.Error("the title was changed")
	}
	if !strings.Contains(svg, "…<title>"+strings.ReplaceAll(long, "&", "&amp;")+"</title></text>") {
		t.Error("the shortened name has no title")
	}
	i := strings.Index(svg, ">蟻</text>")
	if i < 0 || strings.Contains(svg[strings.LastIndex(svg[:i], "<text"):i], "textLength") {
		t.Error("a name in another script is missing, or has the length of this font's empty boxes")
	}
}

// Every figure of the gallery becomes a page of its own and a PNG where it has one.
func TestSaveGallery(t *testing.T) {
	dir := t.TempDir()
	for _, s := range gallery() {
		path := filepath.Join(dir, s.name+".html")
		if err := Save(s.figure, path); err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		page, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		for _, remote := range []string{"src=\"http", "href=\"http", "@import", "<script"} {
			if strings.Contains(string(page), remote) {
				t.Errorf("%s: the page has %s", s.name, remote)
			}
		}
	}
}
