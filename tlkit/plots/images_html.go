package plots

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"

	xdraw "golang.org/x/image/draw"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// html returns the grid as figures with captions. All style is inline, as notebook servers strip style sheets, and no
// text has a colour: it has the page's. A page that strips the style too shows the images one below the other.
func (g imageGrid) html() (string, error) {
	var b strings.Builder
	if g.title != "" {
		fmt.Fprintf(&b, "<div style=\"margin-bottom:6px\"><strong>%s</strong></div>\n", html.EscapeString(words.Of(g.title)))
	}
	pitch := g.pitch()
	fmt.Fprintf(&b, "<div style=\"display:flex;flex-wrap:wrap;align-items:flex-start;padding:4px;gap:%dpx;max-width:%dpx\">\n", tileGap, g.cols()*(pitch+1))
	for i, it := range g.items {
		tile, err := it.shown().html(g.tile(), pitch-tileGap, i+1)
		if err != nil {
			return "", err
		}
		b.WriteString(tile)
	}
	b.WriteString("</div>\n")
	return b.String(), nil
}

// html returns one tile: the image in a square of side pixels, and its caption in a column of the given width.
func (it Captioned) html(side, width, number int) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, `<figure style="margin:0;width:%dpx;text-align:center;font-size:%dpx;line-height:%dpx">`, width, captionSize, captionLine)
	fmt.Fprintf(&b, `<div style="position:relative;height:%dpx;display:flex;align-items:center;justify-content:center">`, side)
	alt := strings.Join(strings.Fields(it.Caption), " ")
	alt = cmp.Or(alt, words.Of(fmt.Sprintf("image %d", number)))
	if it.Image == nil || it.Image.Bounds().Empty() {
		b.WriteString(`<span style="padding:8px;border:1px dashed">` + words.Of("no image") + `</span>`)
	} else {
		img, err := embed(it.Image, side, alt, it.Mark.frame())
		if err != nil {
			return "", err
		}
		b.WriteString(img)
	}
	b.WriteString(it.Mark.badge() + "</div>")
	if strings.TrimSpace(it.Caption) != "" {
		fmt.Fprintf(&b, `<figcaption title="%s" style="margin-top:4px;white-space:pre-line;overflow-wrap:anywhere;overflow:hidden;max-height:%dpx">%s</figcaption>`,
			html.EscapeString(cmp.Or(it.Title, it.Caption)), captionLines*captionLine, html.EscapeString(strings.TrimSpace(it.Caption)))
	}
	b.WriteString("</figure>\n")
	return b.String(), nil
}

// frame returns the style of an image with the mark; "" without one.
func (m Mark) frame() string {
	switch m {
	case Right:
		return "outline:3px solid #009E73;"
	case Wrong:
		return "outline:3px solid #D55E00;"
	}
	return ""
}

// badge returns the sign in a tile's corner, so that the mark does not depend on colour alone. Its colours are darker
// than the frame's: white text has a contrast of 4.5:1 on them.
func (m Mark) badge() string {
	const at = `<span role="img" aria-label="%s" title="%s" style="position:absolute;top:0;right:0;width:18px;height:18px;line-height:18px;border-radius:9px;` +
		`text-align:center;font-weight:bold;color:#ffffff;background:%s">%s</span>`
	switch m {
	case Right:
		return fmt.Sprintf(at, words.Of("right"), words.Of("right"), "#007A59", "✓")
	case Wrong:
		return fmt.Sprintf(at, words.Of("wrong"), words.Of("wrong"), "#B84C00", "✗")
	}
	return ""
}

// embed returns an <img> that holds the image, at most side CSS pixels high and wide. A small image keeps its own
// pixels, which the browser enlarges; a large one is reduced, and a JPEG if it has no transparency.
func embed(img image.Image, side int, alt, style string) (string, error) {
	b := img.Bounds()
	longest := max(b.Dx(), b.Dy())
	w, h := b.Dx()*side/longest, b.Dy()*side/longest
	if k := side / longest; k >= 1 {
		w, h = b.Dx()*k, b.Dy()*k
		style += "image-rendering:pixelated;"
	}
	w, h = max(1, w), max(1, h)
	data, kind, err := encode(img, dense*side)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`<img width="%d" height="%d" style="%smax-width:none" alt="%s" src="data:image/%s;base64,%s">`,
		w, h, style, html.EscapeString(alt), kind, base64.StdEncoding.EncodeToString(data)), nil
}

// encode returns the image as PNG or JPEG, whichever kind names, reduced to at most side pixels.
func encode(img image.Image, side int) (data []byte, kind string, err error) {
	img = pixels(img)
	b := img.Bounds()
	longest := max(b.Dx(), b.Dy())
	small := longest <= smallTile
	if longest > side {
		img = reduce(img, side)
	}
	var out bytes.Buffer
	if opaque, ok := img.(interface{ Opaque() bool }); !small && ok && opaque.Opaque() && !painted(img) {
		err = jpeg.Encode(&out, img, &jpeg.Options{Quality: 88})
		return out.Bytes(), "jpeg", err
	}
	err = png.Encode(&out, img)
	return out.Bytes(), "png", err
}

// thumbnail returns a small copy of an image as a data URL: a JPEG, or a PNG of an image with transparent pixels.
func thumbnail(img image.Image) (string, error) {
	if b := img.Bounds(); max(b.Dx(), b.Dy()) > thumbnailSide {
		img = reduce(pixels(img), thumbnailSide)
	}
	var out bytes.Buffer
	kind, err := "jpeg", error(nil)
	if opaque(img) {
		err = jpeg.Encode(&out, img, &jpeg.Options{Quality: 80})
	} else {
		kind, err = "png", png.Encode(&out, img)
	}
	return "data:image/" + kind + ";base64," + base64.StdEncoding.EncodeToString(out.Bytes()), err
}

// reduce returns the image with the given longer side.
func reduce(img image.Image, side int) *image.RGBA {
	b := img.Bounds()
	longest := max(b.Dx(), b.Dy())
	out := image.NewRGBA(image.Rect(0, 0, max(1, b.Dx()*side/longest), max(1, b.Dy()*side/longest)))
	xdraw.CatmullRom.Scale(out, out.Rect, img, b, xdraw.Src, nil)
	return out
}

// Tile returns the image with no more pixels than a grid shows, so that a figure of many photographs keeps little of
// each. The figure is the same, its text form has the size of the whole image.
func Tile(img image.Image) image.Image {
	b := img.Bounds()
	if max(b.Dx(), b.Dy()) <= dense*largeTile {
		return img
	}
	return tile{reduce(pixels(img), dense*largeTile), sizeOf(img)}
}

// tile is a reduced image, and the size of the whole one.
type tile struct {
	*image.RGBA
	whole image.Point
}

// pixels returns the image that a tile holds, whose type the libraries know.
func pixels(img image.Image) image.Image {
	if t, ok := img.(tile); ok {
		return t.RGBA
	}
	return img
}

// sizeOf returns the size of an image, or that of the one that a tile was made of.
func sizeOf(img image.Image) image.Point {
	if t, ok := img.(tile); ok {
		return t.whole
	}
	return img.Bounds().Size()
}

// painted reports whether an image has few colours, as a drawing has: a PNG of it is small and sharp.
func painted(img image.Image) bool {
	seen := map[color.Color]bool{}
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if seen[img.At(x, y)] = true; len(seen) > 256 {
				return false
			}
		}
	}
	return true
}
