package vision

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"io"
	"regexp"
	"strings"
)

// orientation returns the orientation of a file, 1 (upright) to 8; 1 when it has none or it is damaged. As in Pillow,
// XMP counts where EXIF has none.
func orientation(format string, data []byte) int {
	exif := exifOf(format, data)
	if exif == nil {
		exif = exifText(format, data)
	}
	v, found := tiffTag(exif, tagOrientation)
	if !found {
		if m := xmpOrientation.FindSubmatch(xmpOf(format, data)); m != nil {
			v = int(m[1][0] - '0')
		}
	}
	return usualOrientation(v)
}

func usualOrientation(v int) int {
	if v < 1 || v > 8 {
		return 1
	}
	return v
}

// plainOrientation is the orientation in a file's own part for EXIF alone, as earlier versions read it.
func plainOrientation(format string, data []byte) int {
	v, _ := tiffTag(exifOf(format, data), tagOrientation)
	return usualOrientation(v)
}

// xmpOrientation fits the orientation in XMP, as an attribute or an element.
var xmpOrientation = regexp.MustCompile(`tiff:Orientation(?:="|>)([0-9])`)

const exifMark = "Exif\x00\x00"

// exifOf returns a file's EXIF, without its mark; nil if it has none.
func exifOf(format string, data []byte) (exif []byte) {
	switch format {
	case "jpeg":
		exif = jpegSegment(data, jpegAPP1, func(content []byte) bool { return bytes.HasPrefix(content, []byte(exifMark)) })
	case "png":
		exif = pngChunk(data, "eXIf", anyContent)
	case "webp":
		exif = webpChunk(data, "EXIF")
	case "tiff":
		exif = data
	}
	return bytes.TrimPrefix(exif, []byte(exifMark))
}

// exifText returns the EXIF that earlier ImageMagick wrote into a text of a PNG file, in hexadecimal digits behind
// three lines; nil if there is none.
func exifText(format string, data []byte) []byte {
	if format != "png" {
		return nil
	}
	lines := strings.SplitN(string(pngText(data, "Raw profile type exif")), "\n", 4)
	exif, err := hex.DecodeString(strings.Join(strings.Fields(lines[len(lines)-1]), ""))
	if err != nil || len(lines) < 4 {
		return nil
	}
	return bytes.TrimPrefix(exif, []byte(exifMark))
}

// xmpOf returns the XMP of a JPEG, PNG or WebP file, nil if it has none.
func xmpOf(format string, data []byte) []byte {
	switch format {
	case "jpeg":
		const mark = "http://ns.adobe.com/xap/1.0/\x00"
		return jpegSegment(data, jpegAPP1, func(content []byte) bool { return bytes.HasPrefix(content, []byte(mark)) })
	case "png":
		return pngText(data, "XML:com.adobe.xmp")
	case "webp":
		return webpChunk(data, "XMP ")
	}
	return nil
}

// pngText returns the text of that keyword in a PNG file, at most 1 MB, nil if there is none (PNG, 11.3.3).
func pngText(data []byte, keyword string) []byte {
	begins := func(content []byte) bool { return bytes.HasPrefix(content, append([]byte(keyword), 0)) }
	for _, kind := range []string{"tEXt", "zTXt", "iTXt"} {
		content := pngChunk(data, kind, begins)
		if content == nil {
			continue
		}
		text, packed := content[len(keyword)+1:], kind == "zTXt"
		switch {
		case kind == "zTXt" && len(text) > 0:
			text = text[1:] // the method
		case kind == "iTXt" && len(text) > 1:
			packed = text[0] == 1
			if parts := bytes.SplitN(text[2:], []byte{0}, 3); len(parts) == 3 { // behind the language and the keyword in it
				text = parts[2]
			}
		}
		if !packed {
			return text
		}
		const most = 1 << 20
		if r, err := zlib.NewReader(bytes.NewReader(text)); err == nil {
			text, _ = io.ReadAll(io.LimitReader(r, most)) // a text that is cut short may have the orientation
			return text
		}
	}
	return nil
}

// pngChunk returns the content of the first chunk of that name that accept takes, nil when there is none.
func pngChunk(data []byte, name string, accept func(content []byte) bool) []byte {
	for at := 8; at+12 <= len(data); {
		size := uint64(binary.BigEndian.Uint32(data[at:]))
		if size > uint64(len(data)-at-12) {
			return nil
		}
		if content := data[at+8:][:size]; string(data[at+4:at+8]) == name && accept(content) {
			return content
		}
		at += 12 + int(size)
	}
	return nil
}

// The tags, types and values of TIFF directories (TIFF 6.0, sections 2, 3, 8 and 11; CIPA DC-008 for EXIF).
const (
	tagSubfileType = 254 // bit 0: a reduced version of another image of the file
	tagCompression = 259
	tagPhotometric = 262
	tagFillOrder   = 266
	tagOrientation = 274
	tagSamples     = 277 // per pixel
	tagPlanar      = 284 // 2: the planes of the colours one after the other
	tagTileWidth   = 322
	tagTileLength  = 323
	tagExtra       = 338   // what samples beyond the colours are
	tagDNGVersion  = 50706 // Adobe's raw format

	typeShort = 3
	typeLong  = 4

	compressionFax3     = 3
	compressionFax4     = 4
	photometricBlackIs0 = 1
	photometricRGB      = 2
)

// tiffTag returns the single whole number of a tag of the first directory; 0 for a tag of another content.
func tiffTag(data []byte, tag uint16) (value int, ok bool) {
	entry, order := tiffEntry(data, tag)
	if entry == nil {
		return 0, false
	}
	switch kind, count := order.Uint16(entry[2:]), order.Uint32(entry[4:]); {
	case kind == typeShort && count == 1:
		return int(order.Uint16(entry[8:])), true
	case kind == typeLong && count == 1:
		return int(order.Uint32(entry[8:])), true
	}
	return 0, true
}

// tiffEntry returns the entry of a tag in the first directory, a part of data that begins with its 12 bytes; nil if
// there is none.
func tiffEntry(data []byte, tag uint16) ([]byte, binary.ByteOrder) {
	var order binary.ByteOrder = binary.LittleEndian
	if len(data) < 8 {
		return nil, order
	}
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	at := uint64(order.Uint32(data[4:]))
	if at+2 > uint64(len(data)) {
		return nil, order
	}
	entries := data[at+2:]
	for range order.Uint16(data[at:]) {
		if len(entries) < 12 {
			return nil, order
		}
		if order.Uint16(entries) == tag {
			return entries, order
		}
		entries = entries[12:]
	}
	return nil, order
}

// oriented returns m rotated and flipped upright (CIPA DC-008, 4.6.4 A, Orientation): the orientation gives the true
// place of the stored first row and column.
func oriented(m *Image, orientation int) *Image {
	if orientation == 1 {
		return m
	}
	w, h := m.Width, m.Height
	swapped := orientation >= 5
	out := New(w, h)
	if swapped {
		out = New(h, w)
	}
	for y := range out.Height {
		for x := range out.Width {
			u, v := x, y // the stored place of the pixel seen at x, y
			if swapped {
				u, v = y, x
			}
			switch orientation {
			case 2, 8:
				u = w - 1 - u
			case 3, 7:
				u, v = w-1-u, h-1-v
			case 4, 6:
				v = h - 1 - v
			}
			copy(out.Pix[3*(y*out.Width+x):][:3], m.Pix[3*(v*w+u):][:3])
		}
	}
	return out
}
