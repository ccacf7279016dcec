package plots

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"slices"
	"strings"

	xdraw "golang.org/x/image/draw"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// Mark shows whether an image was classified correctly.
type Mark int

// The marks of an image.
const (
	Unmarked Mark = iota // no frame
	Right                // green frame with a tick
	Wrong                // vermilion frame with a cross
)

// Captioned is an image of a grid. A nil Image leaves an empty tile.
type Captioned struct {
	Image   image.Image
	Caption string // at most four lines are shown, the rest under the pointer; "\n" starts a new line
	// Title is the text under the pointer and in plain text where Caption is short for it; "" means Caption.
	Title string
	Mark  Mark // determines the frame
	// Words lists the lines (from 0) of Caption and Title that are words of the figure, not names: they are shown in
	// the language of figures.
	Words []int
}

// shown returns the image with its words in the language of figures.
func (it Captioned) shown() Captioned {
	it.Caption, it.Title = linesInWords(it.Caption, it.Words), linesInWords(it.Title, it.Words)
	return it
}

// painted is shown for a PNG: in English where this machine has no font for the translation.
func (it Captioned) painted() string {
	if caption := it.shown().Caption; paintable(caption) {
		return caption
	}
	return it.Caption
}

// paintedWords is [words.Of] for a PNG: in English where this machine has no font for the translation.
func paintedWords(english string) string {
	if s := words.Of(english); paintable(s) {
		return s
	}
	return english
}

// Images returns a grid of images in the given number of columns; 0 or less means as many as fit a notebook's width.
// Small images (both sides up to 96 pixels) are enlarged to 96 by repeating pixels, so that each stays visible; larger
// ones are shown at up to 160. Captions are text of the page, in any script. The Bundle has HTML, one PNG of the whole,
// and the captions as plain text. In the PNG, a script that the font of this package lacks is in a font of this
// machine; where there is none, the caption is a number, and the plain text lists the captions by their numbers.
func Images(items []Captioned, columns int) Figure {
	return imageGrid{items: items, columns: columns}
}

// TitledImages is [Images] with a title above the grid, in the HTML and in the PNG; it is also the name
// of a saved file.
func TitledImages(title string, items []Captioned, columns int) Figure {
	return imageGrid{title: title, items: items, columns: columns}
}

type imageGrid struct {
	title   string // above the grid, and the name of its file
	items   []Captioned
	columns int
}

// Sizes in CSS pixels. Images in HTML, and a saved PNG, have dense image pixels for each; the PNG of a bundle, which
// few readers see, has one.
const (
	dense         = 2
	smallTile     = 96
	largeTile     = 160
	tileGap       = 14
	captionSize   = 12
	captionLine   = 16
	captionLines  = 4
	notebookWidth = 840
)

func (g imageGrid) name() string { return cmp.Or(g.title, "images") }

// tile returns the side of one tile.
func (g imageGrid) tile() int {
	for _, it := range g.items {
		if it.Image != nil && max(it.Image.Bounds().Dx(), it.Image.Bounds().Dy()) > smallTile {
			return largeTile
		}
	}
	return smallTile
}

// pitch returns the distance from one column to the next: small tiles get more room, for their captions.
func (g imageGrid) pitch() int { return max(g.tile(), 112) + tileGap }

func (g imageGrid) cols() int {
	n := g.columns
	if n <= 0 {
		n = (notebookWidth - tileGap) / g.pitch()
	}
	return max(1, min(n, len(g.items)))
}

// captions returns the wrapped lines of each caption.
func (g imageGrid) captions() [][]string {
	sty := sans(captionSize, inkColor)
	list := make([][]string, len(g.items))
	for i, it := range g.items {
		caption := it.painted()
		if !paintable(caption) {
			caption = fmt.Sprintf("no. %d", i+1)
		}
		list[i] = wrap(caption, sty, px(float64(g.pitch()-tileGap/2)), captionLines)
	}
	return list
}

// unwritable is the note of a PNG in which captions are numbers.
const unwritable = "No. N: see the text form, this machine has no font for it."

// noted reports whether the PNG needs that note.
func (g imageGrid) noted() bool {
	return slices.ContainsFunc(g.items, func(it Captioned) bool { return !paintable(it.painted()) })
}

// rows returns the top of each row and, as the last element, the height of the whole.
func (g imageGrid) rows(captions [][]string) []int {
	tops := []int{tileGap}
	if g.title != "" {
		tops[0] += captionLine + 4
	}
	for i := 0; i < len(captions); i += g.cols() {
		lines := 0
		for _, c := range captions[i:min(i+g.cols(), len(captions))] {
			lines = max(lines, len(c))
		}
		h := g.tile() + tileGap
		if lines > 0 {
			h += lines*captionLine + 6
		}
		tops = append(tops, tops[len(tops)-1]+h)
	}
	return tops
}

func (g imageGrid) size() (width, height int) {
	tops := g.rows(g.captions())
	height = tops[len(tops)-1]
	if g.noted() {
		height += captionLine
	}
	return g.cols()*g.pitch() + tileGap, height
}

func (g imageGrid) Bundle() (map[string]any, error) {
	if len(g.items) == 0 {
		return empty(g.title, "no images").Bundle()
	}
	data, err := g.png(1)
	if err != nil {
		return nil, err
	}
	page, err := g.html()
	if err != nil {
		return nil, err
	}
	return map[string]any{MIMEHTML: page, MIMEPNG: data, MIMEText: g.text()}, nil
}

func (g imageGrid) text() string {
	var b strings.Builder
	if g.title != "" {
		b.WriteString(g.title + "\n")
	}
	for i, it := range g.items {
		caption := strings.Join(strings.Fields(cmp.Or(it.Title, it.Caption)), " ")
		mark := map[Mark]string{Right: " (right)", Wrong: " (wrong)"}[it.Mark]
		switch {
		case it.Image == nil:
			fmt.Fprintf(&b, "%d. [no image] %s%s\n", i+1, caption, mark)
		default:
			size := sizeOf(it.Image)
			fmt.Fprintf(&b, "%d. [%d x %d] %s%s\n", i+1, size.X, size.Y, caption, mark)
		}
	}
	return b.String()
}

// png draws the whole grid on white, with the given number of image pixels per CSS pixel.
func (g imageGrid) png(dense int) (data []byte, err error) {
	defer guard(&err)
	captions := g.captions()
	tops := g.rows(captions)
	w, h := g.size()
	c := newPicture(float64(w), float64(h), dense)
	dc := draw.New(c)
	g.notes(dc, w, h)

	tile := g.tile()
	sty := sans(captionSize, inkColor)
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YCenter
	for i, it := range g.items {
		left := tileGap + (i%g.cols())*g.pitch() + (g.pitch()-tileGap-tile)/2
		top := tops[i/g.cols()]
		square := image.Rect(left, top, left+tile, top+tile)
		box := square
		if it.Image != nil && !it.Image.Bounds().Empty() {
			pasted := paste(c.Image(), scaleRect(square, dense), it.Image)
			box = image.Rect(pasted.Min.X/dense, pasted.Min.Y/dense, (pasted.Max.X+dense-1)/dense, (pasted.Max.Y+dense-1)/dense)
		} else {
			frame(dc, h, box, gridColor, 1)
			dc.FillText(sty, at(h, (box.Min.X+box.Max.X)/2, (box.Min.Y+box.Max.Y)/2), paintedWords("no image"))
		}
		drawMark(dc, h, box, it.Mark)
		for k, line := range captions[i] {
			dc.FillText(sty, at(h, left+tile/2, top+tile+6+captionLine*k+captionLine/2), line)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, c.Image()); err != nil {
		return nil, fmt.Errorf("plots: encode PNG: %w", err)
	}
	return b.Bytes(), nil
}

// notes writes the title, and the note of captions that are numbers, if there are.
func (g imageGrid) notes(c draw.Canvas, width, height int) {
	room := px(float64(width - 2*tileGap))
	if g.title != "" {
		sty := sans(captionSize, inkColor)
		sty.Font.Weight = boldWeight
		title := paintedWords(g.title)
		if !paintable(title) {
			title = "title: see the text form"
		}
		fillMiddle(c, sty, at(height, tileGap, tileGap+captionLine/2), clip(title, sty, room))
	}
	if g.noted() {
		sty := sans(captionSize-1, mutedInk)
		fillMiddle(c, sty, at(height, tileGap, height-captionLine/2-2), clip(unwritable, sty, room))
	}
}

// paste scales img into the square as large as it fits, keeping its shape, and returns the rectangle that it fills.
// Enlarging repeats whole pixels.
func paste(dst xdraw.Image, square image.Rectangle, img image.Image) image.Rectangle {
	img = pixels(img)
	b := img.Bounds()
	side, longest := square.Dx(), max(b.Dx(), b.Dy())
	var w, h int
	var scaler xdraw.Scaler
	if k := side / longest; k >= 1 {
		w, h, scaler = b.Dx()*k, b.Dy()*k, xdraw.NearestNeighbor
	} else {
		w, h, scaler = max(1, b.Dx()*side/longest), max(1, b.Dy()*side/longest), xdraw.CatmullRom
	}
	x, y := square.Min.X+(side-w)/2, square.Min.Y+(side-h)/2
	r := image.Rect(x, y, x+w, y+h)
	scaler.Scale(dst, r, img, b, xdraw.Over, nil)
	return r
}

func scaleRect(r image.Rectangle, k int) image.Rectangle {
	return image.Rectangle{r.Min.Mul(k), r.Max.Mul(k)}
}

// at converts CSS pixels from the top left to the canvas's points from the bottom left.
func at(height, x, y int) vg.Point {
	return vg.Point{X: px(float64(x)), Y: px(float64(height - y))}
}

func frame(c draw.Canvas, height int, r image.Rectangle, ink color.Color, width float64) {
	a, b := at(height, r.Min.X, r.Min.Y), at(height, r.Max.X, r.Max.Y)
	c.StrokeLines(draw.LineStyle{Color: ink, Width: px(width)},
		[]vg.Point{a, {X: b.X, Y: a.Y}, b, {X: a.X, Y: b.Y}, a, {X: b.X, Y: a.Y}})
}

// drawMark frames a tile and puts a badge in its corner, so that the mark does not depend on colour alone.
func drawMark(c draw.Canvas, height int, r image.Rectangle, m Mark) {
	var ink color.NRGBA
	switch m {
	case Right:
		ink = rgb("#009E73")
	case Wrong:
		ink = rgb("#D55E00")
	default:
		return
	}
	frame(c, height, r, ink, 3)
	x, y := r.Max.X-10, r.Min.Y+10
	c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: px(9), Shape: draw.CircleGlyph{}}, at(height, x, y))
	c.DrawGlyph(draw.GlyphStyle{Color: ink, Radius: px(8), Shape: draw.CircleGlyph{}}, at(height, x, y))
	pen := draw.LineStyle{Color: color.White, Width: px(2)}
	if m == Right {
		c.StrokeLines(pen, []vg.Point{at(height, x-4, y), at(height, x-1, y+3), at(height, x+4, y-3)})
		return
	}
	c.StrokeLines(pen, []vg.Point{at(height, x-3, y-3), at(height, x+3, y+3)}, []vg.Point{at(height, x-3, y+3), at(height, x+3, y-3)})
}

// wrap breaks s into at most n lines, each at most width wide.
func wrap(s string, sty text.Style, width vg.Length, n int) []string {
	var lines []string
	for para := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		line := ""
		for word := range strings.FieldsSeq(para) {
			space := " "
			for _, piece := range pieces(word) {
				switch next := strings.TrimSpace(line + space + piece); {
				case line == "" || sty.Width(next) <= width:
					line = next
				default:
					lines = append(lines, line)
					line = piece
				}
				space = ""
			}
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) > n {
		lines[n-1] += " …"
		lines = lines[:n]
	}
	for i := range lines {
		lines[i] = clip(lines[i], sty, width)
	}
	return lines
}

// imgTag embeds a PNG in HTML; width and height of 0 leave its own size.
func imgTag(data []byte, width, height int, alt string) template.HTML {
	size := ""
	if width > 0 && height > 0 {
		size = fmt.Sprintf(` width="%d" height="%d"`, width, height)
	}
	return template.HTML(fmt.Sprintf(`<img%s alt="%s" src="data:image/png;base64,%s">`,
		size, html.EscapeString(alt), base64.StdEncoding.EncodeToString(data)))
}
