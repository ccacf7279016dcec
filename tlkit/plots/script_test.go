package plots

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/font/gofont/goregular"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

// fontsIn makes the machine's fonts those of a folder for the time of a test; an empty name stands for no fonts.
func fontsIn(t *testing.T, dir string) {
	t.Helper()
	before := systemFonts
	t.Cleanup(func() { systemFonts = before })
	systemFonts = &fontSearch{folders: func() []string { return []string{dir} }}
}

// onlyInGo is a character that Go's font has and the font of drawings lacks.
const onlyInGo = "₊"

func TestSystemFonts(t *testing.T) {
	if writable(onlyInGo) {
		t.Fatalf("the font of drawings has %s; the test needs a character that it lacks", onlyInGo)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"a/Broken.ttf": []byte("no font"), "b/Go-Regular.ttf": goregular.TTF, "b/readme.txt": goregular.TTF} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fontsIn(t, dir)
	for range 2 { // the second time, without the files
		for s, found := range map[string]bool{onlyInGo: true, "a " + onlyInGo: true, "猫": false, "猫" + onlyInGo: false} {
			if got := systemFonts.find(s); (got != nil) != found {
				t.Errorf("%q: a font was found is %v, want %v", s, got != nil, found)
			}
		}
	}
	if p := paint(Bars("", []Bar{{Name: onlyInGo, Value: 1}}, BarOptions{}).(drawable)); len(p.numbers) > 0 {
		t.Errorf("numbers stand for %q, of which the font has all", p.numbers)
	}
}

func TestFontFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"NotoSerif.ttf", "Noto-BoldItalic.otf", "Noto-Regular.ttc", "MicrosoftSansSerif.ttf", "x.pcf"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, f := range fontFiles([]string{dir, filepath.Join(dir, "absent")}) {
		names = append(names, filepath.Base(f))
	}
	if want := []string{"MicrosoftSansSerif.ttf", "Noto-Regular.ttc", "NotoSerif.ttf", "Noto-BoldItalic.otf"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

// Where no font has a text, a PNG has the same number wherever the text stands, and a note.
func TestNumbers(t *testing.T) {
	fontsIn(t, "")
	d := Confusion([]string{"蟻", "bees", "蜂"}, [][]int{{3, 0, 0}, {0, 3, 0}, {0, 0, 3}}).(drawable)
	p := paint(d)
	if !slices.Equal(p.numbers, []string{"蟻", "蜂"}) {
		t.Errorf("numbers stand for %q, want 蟻 and 蜂", p.numbers)
	}
	_, high := p.Size()
	if _, h := d.canvas(); high.Points()/0.75 < h+captionLine-1 {
		t.Errorf("the picture is %v high; there is no room for the note below a chart of %v", high.Points()/0.75, h)
	}
}

// Text that the font lacks is as wide as its characters are, and ends where it should.
func TestWideText(t *testing.T) {
	sty := sans(12, inkColor)
	em := sty.Font.Size
	for s, want := range map[string]vg.Length{"猫": em, "スズメバチ": 5 * em, "猫 a": em + sty.Width(" a"), "a": sty.Width("a"), "": 0} {
		if got := sty.Width(s); got != want {
			t.Errorf("%q is %v wide, want %v", s, got, want)
		}
	}
	var c recorder.Canvas
	sty.XAlign = draw.XRight
	sty.Handler.Draw(&c, "ab\n猫", sty, vg.Point{X: 100})
	var at []vg.Length
	for _, a := range c.Actions {
		if f, ok := a.(*recorder.FillString); ok {
			at = append(at, f.Point.X)
		}
	}
	if want := []vg.Length{100 - sty.Width("ab"), 100 - em}; !slices.Equal(at, want) {
		t.Errorf("the lines begin at %v, want %v", at, want)
	}
}

func TestPieces(t *testing.T) {
	for word, want := range map[string]string{
		"": "", "ants": "ants", "蟻と蜂": "蟻|と|蜂", "蟻、蜂": "蟻、|蜂", "蟻ants": "蟻|ants", "スーツ": "スー|ツ",
	} {
		if got := strings.Join(pieces(word), "|"); got != want {
			t.Errorf("%q becomes %q, want %q", word, got, want)
		}
	}
	sty := sans(captionSize, inkColor)
	for _, l := range wrap(strings.Repeat("雀蜂", 20), sty, px(100), 9) {
		if sty.Width(l) > px(100) || strings.Contains(l, "…") {
			t.Errorf("the line %q is cut or too wide", l)
		}
	}
}

// counting is a text handler that counts the characters that it measures.
type counting struct {
	text.Handler
	measured *int
}

func (c counting) Box(s string, f font.Font) (width, height, depth vg.Length) {
	*c.measured += len([]rune(s))
	return c.Handler.Box(s, f)
}

// TestClip: a text is cut where it stops fitting, and of a long one little more is measured than what fits.
func TestClip(t *testing.T) {
	sty, measured := sans(12, inkColor), 0
	sty.Handler = counting{sty.Handler, &measured}
	for s, width := range map[string]vg.Length{
		"ants": px(100), "ants and bees": px(40), "": px(1), "a": 0, strings.Repeat("W", 3000): px(100), strings.Repeat("蟻", 3000): px(240),
		strings.Repeat("ab ", 5): px(35), strings.Repeat("i", 16): sty.Width(strings.Repeat("i", 16)), strings.Repeat("i", 17): sty.Width(strings.Repeat("i", 16)),
	} {
		want := s
		for r := []rune(s); sty.Width(want) > width && len(r) > 0; { // one character less each time
			r = r[:len(r)-1]
			want = strings.TrimRight(string(r), " ") + "…"
			if len(r) > 200 {
				r = r[:200]
			}
		}
		measured = 0
		got := clip(s, sty, width)
		if got != want {
			t.Errorf("%.20q within %v is %q, want %q", s, width, got, want)
		}
		if most := 20 * (len([]rune(got)) + 16); measured > most {
			t.Errorf("%.20q within %v: %d characters are measured, want at most %d", s, width, measured, most)
		}
	}
}
