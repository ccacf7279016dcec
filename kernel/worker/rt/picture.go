//go:build linux

package rt

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"reflect"
	"strings"
)

// A picture of more than maxPixels is scaled down to fewPixels. Of several pictures, maxPictures are shown, none with a
// side longer than thumbnail, in pixels.
const (
	maxPixels   = 4 << 20
	fewPixels   = 1 << 20
	thumbnail   = 128
	maxPictures = 32
)

// convertible is what makes an image of itself.
type convertible interface{ ToImage() *image.NRGBA }

// imageOf returns v if it is an image, the image that v makes of itself, or nil. A rectangle has the methods of an
// image too, but is not meant as pixels.
func imageOf(v any) image.Image {
	switch x := v.(type) {
	case image.Rectangle, *image.Rectangle:
		return nil
	case image.Image:
		return x
	case convertible:
		return x.ToImage()
	}
	return nil
}

// pictureOf returns the bundle of an image; nil if v is none.
func pictureOf(v any) map[string]any {
	m := imageOf(v)
	if m == nil || isNil(m) || m.Bounds().Empty() {
		return nil
	}
	shown, b := m, m.Bounds()
	text := fmt.Sprintf("%T %dx%d", v, b.Dx(), b.Dy())
	if float64(b.Dx())*float64(b.Dy()) > maxPixels {
		w, h := fit(b, fewPixels, 0)
		if _, endless := m.(*image.Uniform); endless {
			w, h = 64, 64
			text = fmt.Sprintf("%T of %v, without end", v, m.At(0, 0))
		}
		shown = scaled(m, w, h)
		text += fmt.Sprintf(", shown as %dx%d", w, h)
	}
	var buf bytes.Buffer
	if png.Encode(&buf, shown) != nil {
		return nil
	}
	return map[string]any{"image/png": buf.Bytes(), "text/plain": text}
}

// fit returns the size of b, reduced in proportion to at most the given number of pixels and, unless side is 0, to
// sides no longer than side.
func fit(b image.Rectangle, pixels, side int) (w, h int) {
	w, h = b.Dx(), b.Dy()
	x, y := float64(w), float64(h)
	by := 1.0
	if x*y > float64(pixels) {
		by = math.Sqrt(float64(pixels) / (x * y))
	}
	if side > 0 && max(x, y)*by > float64(side) {
		by = float64(side) / max(x, y)
	}
	if by == 1 {
		return w, h
	}
	return min(pixels, max(1, int(x*by))), min(pixels, max(1, int(y*by)))
}

// scaled makes an image smaller: each pixel is the mean of 3 x 3 samples of the original.
func scaled(m image.Image, w, h int) image.Image {
	b := m.Bounds()
	out := image.NewNRGBA64(image.Rect(0, 0, w, h))
	at := func(i, n, size int) int { return int((float64(i) + 0.5) / float64(n) * float64(size)) }
	for y := range h {
		for x := range w {
			const n = 3
			var sum [4]uint64
			for j := range n {
				for i := range n {
					r, g, b, a := m.At(b.Min.X+at(n*x+i, n*w, b.Dx()), b.Min.Y+at(n*y+j, n*h, b.Dy())).RGBA()
					sum[0], sum[1], sum[2], sum[3] = sum[0]+uint64(r), sum[1]+uint64(g), sum[2]+uint64(b), sum[3]+uint64(a)
				}
			}
			mean := func(i int) uint16 { return uint16(sum[i] / (n * n)) }
			out.Set(x, y, color.RGBA64{mean(0), mean(1), mean(2), mean(3)})
		}
	}
	return out
}

// picturesOf returns the bundle of a slice or map of images, shown as small pictures side by side; nil if v is none. A
// nil among them has no picture.
func picturesOf(v any) map[string]any {
	labels, elems, n := firstPictures(reflect.ValueOf(v))
	var page strings.Builder
	var text []string
	pictures := 0
	for i, e := range elems {
		if !e.CanInterface() {
			return nil
		}
		if isNil(e.Interface()) {
			fmt.Fprintf(&page, `<span title="%s">nil</span>`, escape(labels[i]))
			text = append(text, "nil")
			continue
		}
		size, data := thumbnailOf(e.Interface())
		if size == "" {
			return nil
		}
		pictures++
		fmt.Fprintf(&page, `<img style="display:inline-block;margin:2px" title="%s: %s" src="data:image/png;base64,%s">`, escape(labels[i]), size, base64.StdEncoding.EncodeToString(data))
		text = append(text, size)
	}
	if pictures == 0 {
		return nil
	}
	if more := n - len(text); more > 0 {
		fmt.Fprintf(&page, "<p>and %d more</p>", more)
		text = append(text, fmt.Sprintf("and %d more", more))
	}
	return map[string]any{"text/html": page.String(), "text/plain": fmt.Sprintf("%T of %d: %s", v, n, strings.Join(text, " "))}
}

// firstPictures returns the first maxPictures elements of a slice or map, with their indices or keys, and the number of
// all.
func firstPictures(r reflect.Value) (labels []string, elems []reflect.Value, n int) {
	switch r.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range min(r.Len(), maxPictures) {
			labels, elems = append(labels, fmt.Sprint(i)), append(elems, r.Index(i))
		}
	case reflect.Map:
		t := r.Type().Elem()
		if t.Kind() != reflect.Interface && !t.Implements(reflect.TypeFor[image.Image]()) && !t.Implements(reflect.TypeFor[convertible]()) {
			return nil, nil, 0 // all keys of a large map would be sorted for nothing
		}
		for _, e := range sortedEntries(r)[:min(r.Len(), maxPictures)] {
			labels, elems = append(labels, cellText(e.key)), append(elems, e.elem(r))
		}
	default:
		return nil, nil, 0
	}
	return labels, elems, r.Len()
}

// thumbnailOf returns the size of an image and a small PNG of it; "" if v is no image, or one without pixels.
func thumbnailOf(v any) (size string, data []byte) {
	m := imageOf(v)
	if m == nil || isNil(m) || m.Bounds().Empty() {
		return "", nil
	}
	b := m.Bounds()
	size = fmt.Sprintf("%dx%d", b.Dx(), b.Dy())
	if _, endless := m.(*image.Uniform); endless {
		size = "without end"
	}
	if w, h := fit(b, thumbnail*thumbnail, thumbnail); w != b.Dx() || h != b.Dy() {
		m = scaled(m, w, h)
	}
	var buf bytes.Buffer
	if png.Encode(&buf, m) != nil {
		return "", nil
	}
	return size, buf.Bytes()
}
