package plots

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	prettytext "github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// The font of drawings has Latin, Greek and Cyrillic. A page shows text of any other script in the reader's fonts, so
// that only its width is to be known here. A PNG takes a font of this machine, and where there is none, numbers.

// writable reports whether the font of drawings has a glyph for every character of s.
func writable(s string) bool {
	face := font.DefaultCache.Lookup(sans(captionSize, inkColor).Font, px(captionSize))
	return covers(face.Face, s)
}

// paintable reports whether a PNG can show s.
func paintable(s string) bool { return writable(s) || systemFonts.find(s) != nil }

// covers reports whether a font has a glyph for every character of s.
func covers(f *sfnt.Font, s string) bool {
	var b sfnt.Buffer
	for _, r := range s {
		if i, err := f.GlyphIndex(&b, r); (err != nil || i == 0) && r != '\n' {
			return false
		}
	}
	return true
}

// anyScript is gonum's handler of plain text, which knows also how wide text is whose script its font lacks.
type anyScript struct{ text.Plain }

// newAnyScript returns the handler of all text of this package.
func newAnyScript() text.Handler {
	return anyScript{text.Plain{Fonts: plot.DefaultTextHandler.Cache()}}
}

// Box implements text.Handler.
func (h anyScript) Box(txt string, fnt font.Font) (width, height, depth vg.Length) {
	if writable(txt) {
		return h.Plain.Box(txt, fnt)
	}
	_, height, depth = h.Plain.Box("", fnt)
	return h.width(txt, fnt), height, depth
}

// width returns the width of text of which the font lacks some characters: a wide one, such as those of Chinese,
// Japanese and Korean, is as wide as the font is high; others are taken as half as wide.
func (h anyScript) width(txt string, fnt font.Font) (width vg.Length) {
	known := ""
	for _, r := range txt {
		if s := string(r); writable(s) {
			known += s
		} else {
			width += fnt.Size * vg.Length(prettytext.RuneWidth(r)) / 2
		}
	}
	w, _, _ := h.Plain.Box(known, fnt)
	return width + w
}

// Draw implements text.Handler.
func (h anyScript) Draw(c vg.Canvas, txt string, sty text.Style, pt vg.Point) {
	if writable(txt) {
		h.Plain.Draw(c, txt, sty, pt)
		return
	}
	face := h.Fonts.Lookup(sty.Font, sty.Font.Size)
	ascent := face.Extents().Ascent
	if p := pictureOf(c); p != nil {
		if face.Face = systemFonts.find(txt); face.Face == nil {
			h.Plain.Draw(c, p.number(txt), sty, pt)
			return
		}
	}
	// The place of the text is found as gonum does, with widths of ours.
	c.SetColor(sty.Color)
	if sty.Rotation != 0 {
		c.Push()
		defer c.Pop()
		c.Rotate(sty.Rotation)
	}
	sin, cos := math.Sincos(sty.Rotation)
	pt = vg.Point{X: pt.Y*vg.Length(sin) + pt.X*vg.Length(cos), Y: pt.Y*vg.Length(cos) - pt.X*vg.Length(sin)}
	lines := h.Lines(txt)
	pt.Y += sty.Height(txt)*vg.Length(sty.YAlign) - ascent
	for i, line := range lines {
		w, _, _ := h.Box(line, sty.Font)
		c.FillString(face, pt.Add(vg.Point{X: w * vg.Length(sty.XAlign), Y: sty.Font.Size * vg.Length(len(lines)-i)}), line)
	}
}

// picture is the canvas of a PNG, with the texts that are numbers in it, since no font of this machine
// has their script.
type picture struct {
	*vgimg.Canvas
	numbers []string
}

// pictureOf returns the picture behind a canvas, which parts of it wrap; nil if there is none.
func pictureOf(c vg.Canvas) *picture {
	for {
		switch inner := c.(type) {
		case *draw.Canvas:
			c = inner.Canvas
		case draw.Canvas:
			c = inner.Canvas
		case *picture:
			return inner
		default:
			return nil
		}
	}
}

// number returns what stands in the place of a text.
func (p *picture) number(txt string) string {
	i := slices.Index(p.numbers, txt)
	if i < 0 {
		i = len(p.numbers)
		p.numbers = append(p.numbers, txt)
	}
	return fmt.Sprintf("no. %d", i+1)
}

// numbersNote is written below a chart in which numbers stand for texts.
const numbersNote = "No. N: this machine has no font for the text. Saved as .svg, the chart has it."

// newPicture returns a white canvas for a PNG, of a size in CSS pixels, with the given number of image pixels for each.
func newPicture(width, height float64, dense int) *picture {
	return &picture{Canvas: vgimg.NewWith(vgimg.UseWH(px(width), px(height)), vgimg.UseDPI(96*dense), vgimg.UseBackgroundColor(color.White))}
}

// paint draws d, and a note below it if numbers stand for texts.
func paint(d drawable) *picture {
	w, h := d.canvas()
	p := newPicture(w, h, dense)
	d.draw(draw.New(p))
	if len(p.numbers) == 0 {
		return p
	}
	p = newPicture(w, h+captionLine, dense)
	c := draw.New(p)
	d.draw(draw.Crop(c, 0, 0, px(captionLine), 0))
	sty := sans(captionSize-1, mutedInk)
	c.FillText(sty, vg.Point{X: px(tileGap), Y: px(captionLine / 3)}, clip(numbersNote, sty, px(w-2*tileGap)))
	return p
}

// pieces splits a word where a line may end within it: around characters that are written without spaces between words.
// A mark that ends something does not begin a line.
func pieces(word string) (list []string) {
	wide := false
	for _, r := range word {
		w := prettytext.RuneWidth(r) == 2
		switch {
		case len(list) == 0, (w || wide) && !strings.ContainsRune("、。，．・：；？！）」』】〉》ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ", r):
			list = append(list, string(r))
		default:
			list[len(list)-1] += string(r)
		}
		wide = w
	}
	return list
}
