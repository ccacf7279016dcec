package vision

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"iter"
	"slices"

	"golang.org/x/image/webp"
)

// The container format is described at https://developers.google.com/speed/webp/docs/riff_container.

// riffChunks yields the chunks of a WebP file, or of a frame in one, up to the first that is cut off.
func riffChunks(data []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for len(data) >= 8 {
			id, size := string(data[:4]), uint64(binary.LittleEndian.Uint32(data[4:]))
			data = data[8:]
			if size > uint64(len(data)) || !yield(id, data[:size]) {
				return
			}
			data = data[min(size+size%2, uint64(len(data))):] // chunks begin at even places
		}
	}
}

// webpChunk returns the content of the first chunk of that name, nil when there is none.
func webpChunk(data []byte, name string) []byte {
	if len(data) < 12 {
		return nil
	}
	for id, content := range riffChunks(data[12:]) {
		if id == name {
			return content
		}
	}
	return nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// webpFrame is the first frame of an animation.
type webpFrame struct {
	file             []byte // the frame as a WebP file of its own
	at               image.Point
	canvasW, canvasH int
	blend            bool // its transparent pixels show the canvas, which is black
	width, height    int
}

var errWebPFrame = errors.New("the animation's first frame is damaged")

// firstFrame returns the first frame of an animated file, nil for a still one.
func firstFrame(data []byte) (*webpFrame, error) {
	vp8x := webpChunk(data, "VP8X")
	if len(vp8x) < 10 || vp8x[0]&0x02 == 0 {
		return nil, nil
	}
	frame := webpChunk(data, "ANMF")
	if len(frame) < 16 {
		return nil, errWebPFrame
	}
	f := &webpFrame{
		at:      image.Pt(2*uint24(frame), 2*uint24(frame[3:])),
		width:   1 + uint24(frame[6:]),
		height:  1 + uint24(frame[9:]),
		canvasW: 1 + uint24(vp8x[4:]),
		canvasH: 1 + uint24(vp8x[7:]),
		blend:   frame[15]&0x02 == 0,
	}
	var body []byte
	for id, content := range riffChunks(frame[16:]) {
		switch id {
		case "ALPH": // only the extended form may hold it: the header says "with alpha" and the size
			ext := slices.Concat([]byte{0x10, 0, 0, 0}, frame[6:12])
			body = slices.Concat(body, riffChunk("VP8X", ext), riffChunk(id, content))
		case "VP8 ", "VP8L":
			body = append(body, riffChunk(id, content)...)
			f.file = riffChunk("RIFF", slices.Concat([]byte("WEBP"), body))
			return f, nil
		}
	}
	return nil, errWebPFrame
}

func riffChunk(id string, content []byte) []byte {
	out := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(content)))
	out = append(out, content...)
	if len(content)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

// webpHeader counts as memory the decoder's image (up to 4 bytes per pixel), as much again for its transparency, and
// the RGB image.
func webpHeader(data []byte) (header, error) {
	const perPixel = 4 + 4 + 3
	f, err := firstFrame(data)
	if err != nil {
		return header{}, err
	}
	if f == nil {
		c, err := webp.DecodeConfig(bytes.NewReader(data))
		return header{width: c.Width, height: c.Height, perPixel: perPixel}, err
	}
	c, err := webp.DecodeConfig(bytes.NewReader(f.file))
	if err != nil {
		return header{}, err
	}
	if c.Width != f.width || c.Height != f.height || f.at.X+f.width > f.canvasW || f.at.Y+f.height > f.canvasH {
		return header{}, errWebPFrame
	}
	return header{width: f.canvasW, height: f.canvasH, perPixel: perPixel + 3}, nil
}

func webpPixels(data []byte, _ int) (*Image, int, error) {
	f, err := firstFrame(data)
	if err != nil {
		return nil, 0, err
	}
	if f == nil {
		m, err := webp.Decode(bytes.NewReader(data))
		if err != nil {
			return nil, 0, err
		}
		return fromWebP(m), 8, nil
	}
	m, err := webp.Decode(bytes.NewReader(f.file))
	if err != nil {
		return nil, 0, err
	}
	out := fromWebP(m)
	if f.blend {
		blacken(out, m)
	}
	if f.at != (image.Point{}) || out.Width != f.canvasW || out.Height != f.canvasH {
		out = place(out, f.at, f.canvasW, f.canvasH, [3]byte{})
	}
	return out, 8, nil
}

// fromWebP is FromImage for WebP files: they hold studio-range luminance (16 to 235), which image.YCbCr cannot express.
func fromWebP(m image.Image) *Image {
	y, ok := m.(*image.YCbCr)
	if a, alpha := m.(*image.NYCbCrA); alpha {
		y, ok = &a.YCbCr, true
	}
	if !ok {
		return FromImage(m)
	}
	out := New(y.Rect.Dx(), y.Rect.Dy())
	convertYCbCr(out, y, studio)
	return out
}

// blacken makes those pixels of out black that are fully transparent in m.
func blacken(out *Image, m image.Image) {
	o, ok := m.(interface{ Opaque() bool })
	if !ok || o.Opaque() {
		return
	}
	b := m.Bounds()
	for y := range out.Height {
		for x := range out.Width {
			if _, _, _, a := m.At(b.Min.X+x, b.Min.Y+y).RGBA(); a == 0 {
				clear(out.Pix[3*(y*out.Width+x):][:3])
			}
		}
	}
}
