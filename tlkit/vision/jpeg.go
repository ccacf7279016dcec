package vision

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"slices"
	"sync"
)

// The markers of JPEG segments that matter here (ITU-T T.81, table B.1).
const (
	jpegSOF0  = 0xc0 // start of a sequential frame
	jpegSOF1  = 0xc1 // the same, with 12 bits or more tables
	jpegSOF2  = 0xc2 // start of a progressive frame
	jpegDHT   = 0xc4 // Huffman's tables
	jpegRST0  = 0xd0 // restart, the first of eight, within a scan
	jpegRST7  = 0xd7
	jpegEOI   = 0xd9 // end of the image
	jpegSOS   = 0xda // start of a scan: no header comes after it
	jpegDRI   = 0xdd // interval of restarts
	jpegAPP1  = 0xe1 // EXIF
	jpegAPP14 = 0xee // Adobe's colour transform
)

// jpegSegment returns the content of the first segment with the given marker for which accept returns true, from the
// header of a JPEG file.
func jpegSegment(data []byte, marker byte, accept func(content []byte) bool) []byte {
	for at := 2; at+4 <= len(data) && data[at] == 0xff; {
		m := data[at+1]
		if m == 0xff { // a fill byte
			at++
			continue
		}
		size := int(binary.BigEndian.Uint16(data[at+2:]))
		end := at + 2 + size
		if size < 2 || end > len(data) {
			return nil
		}
		if content := data[at+4 : end]; m == marker && accept(content) {
			return content
		}
		if m == jpegSOS {
			return nil
		}
		at = end
	}
	return nil
}

func anyContent([]byte) bool { return true }

// maxJPEGScans is the largest number of scans of a file that is read. Encoders write about ten. Each scan goes over all
// blocks of the image, even if it has a few bytes, so that a small file with thousands would take minutes.
const maxJPEGScans = 100

// jpegScans counts the scans of a JPEG file up to its end marker: what cameras append after that is not the image's.
// restarts reports whether it has intervals of restarts.
func jpegScans(data []byte) (scans int, restarts bool) {
	for at := 2; ; {
		next := bytes.IndexByte(data[min(at, len(data)):], 0xff)
		if next < 0 || at+next+4 > len(data) {
			return scans, restarts
		}
		at += next + 1
		switch m := data[at]; {
		case m == 0xff: // a fill byte
		case m == 0, m >= jpegRST0 && m <= jpegRST7: // within a scan
			at++
		case m == jpegEOI:
			return scans, restarts
		default:
			switch {
			case m == jpegSOS:
				scans++
			case m == jpegDRI && at+5 <= len(data):
				restarts = restarts || binary.BigEndian.Uint16(data[at+3:]) > 0
			}
			at += 1 + int(binary.BigEndian.Uint16(data[at+1:]))
		}
	}
}

// jpegHeader also counts the memory of a progressive file's coefficients, 4 bytes per value, which stay until the last
// scan.
func jpegHeader(data []byte) (header, error) {
	c, err := jpeg.DecodeConfig(bytes.NewReader(withAdobe(data)))
	for _, u := range unreadJPEG {
		if err != nil && slices.ContainsFunc(u.frames, func(m byte) bool { return jpegSegment(data, m, anyContent) != nil }) {
			return header{}, &UnsupportedError{Format: "jpeg", Feature: u.feature, Advice: u.advice}
		}
	}
	if err != nil {
		return header{}, err
	}
	if scans, _ := jpegScans(data); scans > maxJPEGScans {
		return header{}, fmt.Errorf("%w: the file goes over its pixels in %d scans, and at most %d are read; save it anew", ErrTooLarge, scans, maxJPEGScans)
	}
	own := 3
	switch c.ColorModel {
	case color.GrayModel:
		own = 1
	case color.CMYKModel:
		own = 4
	}
	h := header{width: c.Width, height: c.Height, perPixel: own + 3}
	if jpegSegment(data, jpegSOF2, anyContent) != nil {
		h.perPixel += 4 * own
	}
	if own == 4 {
		h.perPixel += 4 // the RGBA image between CMYK and RGB
	}
	return h, nil
}

// unreadJPEG are the ways of coding a JPEG file that are not read, by the markers that begin their frames (ITU-T T.81,
// table B.1; T.87 for JPEG-LS).
var unreadJPEG = []struct {
	frames          []byte
	feature, advice string
}{
	{[]byte{0xc9, 0xca}, "arithmetic coding", "write it with Huffman's, without a loss: jpegtran -copy all photo.jpg > new.jpg"},
	{[]byte{0xf7}, "JPEG-LS", convert},
	{[]byte{0xc3, 0xcb}, "lossless coding", convert},
	{[]byte{0xc5, 0xc6, 0xc7, 0xcd, 0xce, 0xcf}, "hierarchical coding", convert},
}

// usualTables is the segment with Huffman's tables of ITU-T T.81, annex K.3, which the standard library writes.
var usualTables = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	if jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 1, 1)), nil) != nil {
		return nil
	}
	content := jpegSegment(b.Bytes(), jpegDHT, anyContent)
	return append(binary.BigEndian.AppendUint16([]byte{0xff, jpegDHT}, uint16(2+len(content))), content...)
})

// withTables adds the usual tables to a file without tables: a frame of a film (MJPEG), as webcams and AVI files have
// them.
func withTables(data []byte) []byte {
	if jpegSegment(data, jpegDHT, anyContent) != nil {
		return data
	}
	return slices.Concat(data[:2], usualTables(), data[2:])
}

// inOneScan reports whether the first scan of a JPEG file has all of its pixels, so that a file which lacks nothing
// behind that scan but the marker of the end, as cameras leave it out, is whole.
func inOneScan(data []byte) bool {
	scan := jpegSegment(data, jpegSOS, anyContent)
	frame := cmp.Or(string(jpegSegment(data, jpegSOF0, anyContent)), string(jpegSegment(data, jpegSOF1, anyContent)))
	return len(scan) > 0 && len(frame) > 5 && scan[0] == frame[5] // the number of components
}

func jpegPixels(data []byte, _ int) (*Image, int, error) {
	data = withTables(withAdobe(data))
	m, err := jpeg.Decode(bytes.NewReader(data))
	if errors.Is(err, io.ErrUnexpectedEOF) && inOneScan(data) {
		m, err = jpeg.Decode(bytes.NewReader(slices.Concat(data, []byte{0xff, jpegEOI})))
	}
	if err != nil {
		// In a scan of one colour, the standard library counts the interval in the blocks of all.
		var format jpeg.FormatError // the error of a cut file is another one
		if scans, restarts := jpegScans(data); restarts && scans > 1 && errors.As(err, &format) {
			return nil, 0, &UnsupportedError{Format: "jpeg", Feature: "restarts within several scans",
				Advice: "write it without them, without a loss: jpegtran -copy all -progressive photo.jpg > new.jpg"}
		}
		return nil, 0, err
	}
	return FromImage(m), 8, nil
}

// withAdobe adds Adobe's segment (transform 0: inverted CMYK) to a file of four colours that lacks it, because the
// standard library refuses such files, and Pillow reads them in this way.
func withAdobe(data []byte) []byte {
	fourColours := func(frame []byte) bool { return len(frame) > 5 && frame[5] == 4 }
	isFour := false
	for _, marker := range []byte{0xc0, 0xc1, jpegSOF2} {
		isFour = isFour || jpegSegment(data, marker, fourColours) != nil
	}
	if !isFour || jpegSegment(data, jpegAPP14, anyContent) != nil {
		return data
	}
	const adobe = "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
	return slices.Concat(data[:2], []byte(adobe), data[2:])
}
