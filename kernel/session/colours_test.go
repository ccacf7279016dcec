//go:build linux

package session

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

type rgb struct{ r, g, b float64 }

// theme is a theme of JupyterLab 4: colour of text, and the background of an error's output.
type theme struct {
	name             string
	text, background rgb
}

// over is a colour of some opacity on another one.
func over(top rgb, alpha float64, under rgb) rgb {
	mix := func(a, b float64) float64 { return alpha*a + (1-alpha)*b }
	return rgb{mix(top.r, under.r), mix(top.g, under.g), mix(top.b, under.b)}
}

// themes are from variables.css of @jupyterlab/theme-light-extension and -dark-: --jp-content-font-color1 on
// --jp-rendermime-error-background on --jp-layout-color0.
func themes() []theme {
	light, dark := rgb{0xff, 0xdd, 0xdd}, over(rgb{244, 67, 54}, .28, rgb{0x11, 0x11, 0x11})
	return []theme{{"light", over(rgb{0, 0, 0}, .87, light), light}, {"dark", rgb{255, 255, 255}, dark}}
}

// classic are the colours that JupyterLab gives SGR 30 to 37.
var classic = []rgb{{0x3e, 0x42, 0x4d}, {0xe7, 0x5c, 0x58}, {0x00, 0xa2, 0x50}, {0xdd, 0xb6, 0x2b}, {0x20, 0x8f, 0xfb}, {0xd1, 0x60, 0xc4}, {0x60, 0xc6, 0xc8}, {0xc5, 0xc1, 0xb4}}

// contrast is WCAG 2's ratio: https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio
func contrast(a, b rgb) float64 {
	luminance := func(c rgb) float64 {
		linear := func(v float64) float64 {
			if v /= 255; v <= .04045 {
				return v / 12.92
			}
			return math.Pow((v+.055)/1.055, 2.4)
		}
		return .2126*linear(c.r) + .7152*linear(c.g) + .0722*linear(c.b)
	}
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + .05) / (min(la, lb) + .05)
}

var sgr = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// worstContrast is the lowest contrast of text with ANSI colours in a theme.
func worstContrast(t *testing.T, text string, th theme) float64 {
	worst, fg, bg := math.Inf(1), th.text, th.background
	for _, m := range sgr.FindAllStringSubmatch(text, -1) {
		var n int
		var c rgb
		rest := m[1]
		for rest != "" {
			switch {
			case scan(rest, "38;2;%g;%g;%g", &c.r, &c.g, &c.b) == 3:
				fg, rest = c, after(rest, 5)
			case scan(rest, "48;2;%g;%g;%g", &c.r, &c.g, &c.b) == 3:
				bg, rest = c, after(rest, 5)
			case scan(rest, "%d", &n) == 1 && n == 0:
				fg, bg, rest = th.text, th.background, after(rest, 1)
			case n == 1:
				rest = after(rest, 1)
			case n >= 30 && n <= 37:
				fg, rest = classic[n-30], after(rest, 1)
			default:
				t.Fatalf("%q: not known", m[0])
			}
		}
		worst = min(worst, contrast(fg, bg))
	}
	return worst
}

func scan(text, format string, to ...any) int {
	n, _ := fmt.Sscanf(text, format, to...)
	return n
}

// after is a list of numbers without the first n.
func after(list string, n int) string {
	for range n {
		_, list, _ = strings.Cut(list, ";")
	}
	return list
}

// TestContrast: what errors show can be read in both themes of JupyterLab.
func TestContrast(t *testing.T) {
	if got := contrast(rgb{0, 0, 0}, rgb{255, 255, 255}); math.Abs(got-21) > 1e-9 {
		t.Fatalf("black on white has %g, want 21", got)
	}
	src := &source{count: 1, text: "x := 1\npanic(x)"}
	s := &Session{names: &names{}}
	errs := []*Error{
		compileError([]cellError{{1, 1, src, "undefined: x"}}),
		s.cellFailed(&rt.Failure{Kind: "panic", Message: "1", Frames: []rt.Frame{{Func: "nb/r1.Run", File: cellPosition + "1", Line: 2}}}, src),
		s.cellFailed(&rt.Failure{Kind: "error", Message: "no"}, src),
		s.cellFailed(&rt.Failure{Kind: "exit", Message: "exit status 1"}, src),
		s.cellFailed(&rt.Failure{Kind: "interrupted", Message: "all wait", Frames: []rt.Frame{{File: cellPosition + "1", Line: 2}}}, src),
		magicError("%%none: no such magic"),
	}
	for _, e := range errs {
		text := strings.Join(e.Traceback, "\n")
		for _, th := range themes() {
			if got := worstContrast(t, text, th); got < 4.5 {
				t.Errorf("%s in the %s theme: contrast %.2f, want 4.5 at least\n%q", e.Name, th.name, got, text)
			}
		}
	}
}
