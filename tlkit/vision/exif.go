package vision

import (
	"bytes"
	"encoding/binary"
)

// orientation returns the EXIF orientation of a file, 1 (upright) to 8; 1 when it has none or it is damaged.
func orientation(format string, data []byte) int {
	exif := []byte("Exif\x00\x00")
	switch format {
	case "jpeg":
		begins := func(content []byte) bool { return bytes.HasPrefix(content, exif) }
		return tiffOrientation(bytes.TrimPrefix(jpegSegment(data, jpegAPP1, begins), exif))
	case "png":
		return tiffOrientation(pngChunk(data, "eXIf"))
	case "webp":
		return tiffOrientation(bytes.TrimPrefix(webpChunk(data, "EXIF"), exif))
	case "tiff":
		return tiffOrientation(data)
	}
	return 1
}

// pngChunk returns the content of the first chunk of that name, nil when there is none.
func pngChunk(data []byte, name string) []byte {
	for at := 8; at+12 <= len(data); {
		size := uint64(binary.BigEndian.Uint32(data[at:]))
		if size > uint64(len(data)-at-12) {
			return nil
		}
		if string(data[at+4:at+8]) == name {
			return data[at+8:][:size]
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
	tagOrientation = 274
	tagTileWidth   = 322
	tagTileLength  = 323
	tagDNGVersion  = 50706 // Adobe's raw format

	typeShort = 3
	typeLong  = 4

	compressionFax3     = 3
	compressionFax4     = 4
	photometricBlackIs0 = 1
)

// tiffTag returns the single whole number of a tag of the first directory; 0 for a tag of another content.
func tiffTag(data []byte, tag uint16) (value int, ok bool) {
	if len(data) < 8 {
		return 0, false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	at := uint64(order.Uint32(data[4:]))
	if at+2 > uint64(len(data)) {
		return 0, false
	}
	entries := data[at+2:]
	for range order.Uint16(data[at:]) {
		if len(entries) < 12 {
			return 0, false
		}
		if order.Uint16(entries) == tag {
			switch kind, count := order.Uint16(entries[2:]), order.Uint32(entries[4:]); {
			case kind == typeShort && count == 1:
				return int(order.Uint16(entries[8:])), true
			case kind == typeLong && count == 1:
				return int(order.Uint32(entries[8:])), true
			}
			return 0, true
		}
		entries = entries[12:]
	}
	return 0, false
}

func tiffOrientation(data []byte) int {
	if v, ok := tiffTag(data, tagOrientation); ok && v >= 1 && v <= 8 {
		return v
	}
	return 1
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
