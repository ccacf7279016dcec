package vision

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// foreign lists formats that people have among their images and that are not read, recognised by their first bytes.
var foreign = []struct {
	name   string
	is     func(data []byte) bool
	advice string
}{
	{"AVIF", brand("avif", "avis"), "convert it to PNG or JPEG first, such as with: avifdec photo.avif photo.png"},
	{"HEIC", brand("heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs", "mif1", "msf1"),
		"convert it to JPEG first, such as with: heif-convert photo.heic photo.jpg"},
	{"JPEG 2000", begins("\x00\x00\x00\x0cjP  \r\n\x87\n", "\xff\x4f\xff\x51"),
		"convert it to PNG first, such as with: opj_decompress -i photo.jp2 -o photo.png"},
	{"JPEG XL", begins("\xff\x0a", "\x00\x00\x00\x0cJXL \r\n\x87\n"),
		"convert it to PNG or JPEG first, such as with: djxl photo.jxl photo.png"},
	{"SVG", isSVG, "it is a drawing without pixels; draw it first, such as with: rsvg-convert -o drawing.png drawing.svg"},
	{"PDF", begins("%PDF-"), "make images of its pages first, such as with: pdftoppm -png document.pdf page"},
	{"PostScript", begins("%!PS", "\xc5\xd0\xd3\xc6"), "make an image of it first, such as with: gs -sDEVICE=png16m -r150 -o page.png drawing.eps"},
	{"Photoshop (PSD)", begins("8BPS"), convert},
	{"GIMP image (XCF)", begins("gimp xcf "), convert},
	{"Windows icon", isIcon, convert},
	{"Apple icon", begins("icns"), convert},
	{"Windows metafile", func(data []byte) bool {
		return begins("\xd7\xcd\xc6\x9a")(data) || begins("\x01\x00\x00\x00")(data) && len(data) >= 44 && string(data[40:44]) == " EMF"
	}, "it is a drawing without pixels; draw it first, and save that as PNG"},
	{"DjVu", begins("AT&TFORM"), "make images of its pages first, such as with: ddjvu -format=tiff document.djvu pages.tiff"},
	{"JPEG XR", begins("II\xbc\x01", "WMPHOTO"), "convert it to PNG first, such as with: JxrDecApp -i photo.jxr -o photo.bmp"},
	{"OpenEXR", begins("v/1\x01"), convert},
	{"Radiance HDR", begins("#?RADIANCE", "#?RGBE"), convert},
	{"DirectDraw surface (DDS)", begins("DDS "), convert},
	{"QOI", begins("qoif"), convert},
	{"XBM", func(data []byte) bool { // a declaration in C
		return begins("#define ")(data) && bytes.Contains(data[:min(len(data), 1024)], []byte("_width "))
	}, convert},
	{"XPM", begins("/* XPM */"), convert},
	{"MSP", begins("DanM", "LinS"), convert},
	{"BLP", begins("BLP1", "BLP2"), convert},
	{"RAS (Sun)", begins("\x59\xa6\x6a\x95"), convert},
	{"Farbfeld", begins("farbfeld"), convert},
	{"BPG", begins("BPG\xfb"), convert},
	{"FLIF", begins("FLIF"), convert},
	{"KTX", begins("\xabKTX "), convert},
	{"PAM or PFM", begins("P7\n", "Pf\n", "PF\n", "PF ", "Pf "), convert},
	{"BigTIFF", begins("II+\x00", "MM\x00+"), convert},
	{"camera raw file", func(data []byte) bool {
		return begins("FUJIFILMCCD-RAW", "IIRO", "IIRS", "MMOR", "IIU\x00", "II\x1a\x00\x00\x00HEAPCCDR", "\x00MRM", "FOVb")(data) || brand("crx ")(data)
	}, developed},
	{"FITS", begins("SIMPLE  ="), scientific},
	{"DICOM", func(data []byte) bool { return len(data) >= 132 && string(data[128:132]) == "DICM" },
		"write its pixels as PNG first, such as with: dcmj2pnm --write-png scan.dcm scan.png"},
	{"NIfTI volume", isNIfTI, "it is a volume; " + scientific},
	{"NRRD volume", begins("NRRD000"), "it is a volume; " + scientific},
	{"HDF5", begins("\x89HDF\r\n\x1a\n"), scientific},
	{"NumPy array", begins("\x93NUMPY"), scientific},
	{"Git LFS pointer", begins("version https://git-lfs"), "the image is not here yet; get it with: git lfs pull"},
	{"video file", func(data []byte) bool {
		return begins("\x1aE\xdf\xa3")(data) || brand("isom", "iso2", "mp41", "mp42", "avc1", "qt  ", "M4V ")(data) ||
			len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "AVI "
	}, "take images out of it first, such as with: ffmpeg -i film.mp4 -r 1 frame%04d.png"},
	{"gzip file", begins("\x1f\x8b"), "unpack it first, such as with: gunzip file.gz"},
	{"zip file", begins("PK\x03\x04"), "unpack it first, such as with: unzip file.zip"},
	{"HTML page", func(data []byte) bool { return hasPrefixFold(data, "<!doctype html") || hasPrefixFold(data, "<html") },
		errorPage},
	{"XML document", func(data []byte) bool { // of S3 and Google's storage
		return begins("<?xml")(data) && bytes.Contains(data[:min(len(data), 1024)], []byte("<Error>"))
	}, errorPage},
	{"AppleDouble file", begins("\x00\x05\x16\x07"), "macOS keeps its notes about another file in it; remove it"},
	// These have no bytes of their own at the beginning, so several fields of their headers are checked;
	// they come last.
	{"SGI image", isSGI, convert},
	{"PCX", isPCX, convert},
	{"Targa (TGA)", isTarga, convert},
}

const (
	convert    = "convert it to PNG or JPEG first"
	developed  = "develop it to TIFF or JPEG first, such as with: dcraw -T photo.cr2"
	errorPage  = "perhaps a site's error page in place of the image; download the image again"
	scientific = "write its values as PNG or TIFF images first"
)

// UnsupportedError reports a file that may well be sound, but whose format or feature is not supported.
type UnsupportedError struct {
	Format  string // such as "HEIC"
	Feature string // the unsupported part of a format that is otherwise read; "" if the whole format is not read
	Advice  string // what to do
}

func (e *UnsupportedError) Error() string {
	if e.Feature != "" {
		return fmt.Sprintf("vision: %s image with a feature that is not read (%s); %s", e.Format, e.Feature, e.Advice)
	}
	return fmt.Sprintf("vision: %s is not read; %s", e.Format, e.Advice)
}

func begins(magic ...string) func([]byte) bool {
	return func(data []byte) bool {
		return slices.ContainsFunc(magic, func(m string) bool { return bytes.HasPrefix(data, []byte(m)) })
	}
}

// brand returns a test for files of ISO base media format whose major brand or a compatible one is among names.
func brand(names ...string) func([]byte) bool {
	return func(data []byte) bool {
		if len(data) < 12 || string(data[4:8]) != "ftyp" {
			return false
		}
		size := min(int(data[2])<<8|int(data[3]), len(data))
		for at := 8; at+4 <= max(size, 12); at += 4 {
			if slices.Contains(names, string(data[at:at+4])) {
				return true
			}
		}
		return false
	}
}

// isSVG reports whether data looks like XML with an svg element near the beginning.
func isSVG(data []byte) bool {
	if hasPrefixFold(data, "<svg") {
		return true
	}
	return (hasPrefixFold(data, "<?xml") || hasPrefixFold(data, "<!DOCTYPE svg") || hasPrefixFold(data, "<!--")) &&
		bytes.Contains(data[:min(len(data), 4096)], []byte("<svg"))
}

// isIcon recognises icons and cursors of Windows: their number, and a first image that lies behind the list of all.
func isIcon(data []byte) bool {
	if !begins("\x00\x00\x01\x00", "\x00\x00\x02\x00")(data) || len(data) < 22 {
		return false
	}
	images := uint32(binary.LittleEndian.Uint16(data[4:]))
	return images > 0 && binary.LittleEndian.Uint32(data[18:]) >= 6+16*images
}

// isNIfTI recognises volumes of NIfTI-1 and 2 by the size of their header, in either order of bytes, and their mark.
func isNIfTI(data []byte) bool {
	const header1, header2 = 348, 540
	size := func(n uint32) bool {
		return len(data) >= 4 && (binary.LittleEndian.Uint32(data) == n || binary.BigEndian.Uint32(data) == n)
	}
	return size(header1) && len(data) >= header1 && (string(data[344:347]) == "n+1" || string(data[344:347]) == "ni1") ||
		size(header2) && len(data) >= 8 && (string(data[4:7]) == "n+2" || string(data[4:7]) == "ni2")
}

// isSGI checks magic number, compression, bytes per channel and dimensions (the SGI image file format, version 1.00).
func isSGI(data []byte) bool {
	return len(data) >= 12 && data[0] == 0x01 && data[1] == 0xda && data[2] <= 1 && (data[3] == 1 || data[3] == 2) && data[4] == 0 && data[5] >= 1 && data[5] <= 3
}

// isPCX checks version, encoding, bits per pixel, corners and planes.
func isPCX(data []byte) bool {
	if len(data) < 128 || data[0] != 0x0a || data[1] > 5 || data[1] == 1 || data[2] > 1 || !slices.Contains([]byte{1, 2, 4, 8}, data[3]) {
		return false
	}
	corner := func(at int) uint16 { return binary.LittleEndian.Uint16(data[at:]) }
	return corner(4) <= corner(8) && corner(6) <= corner(10) && data[65] >= 1 && data[65] <= 4
}

// isTarga checks the header (Truevision TGA 2.0): colour map, type, size and bits per pixel must fit each other.
func isTarga(data []byte) bool {
	if len(data) < 18 || data[1] > 1 || data[17]&0xc0 != 0 {
		return false
	}
	mapped := data[2] == 1 || data[2] == 9
	if !mapped && !slices.Contains([]byte{2, 3, 10, 11}, data[2]) || mapped != (data[1] == 1) {
		return false
	}
	width, height, bits := binary.LittleEndian.Uint16(data[12:]), binary.LittleEndian.Uint16(data[14:]), data[16]
	return width > 0 && height > 0 && (bits == 8 || data[2] == 3 && bits == 1 || !mapped && slices.Contains([]byte{15, 16, 24, 32}, bits))
}

// foreignFormat returns an *UnsupportedError for a known format, nil for others.
func foreignFormat(data []byte) error {
	for _, f := range foreign {
		if f.is(data) {
			return &UnsupportedError{Format: f.name, Advice: f.advice}
		}
	}
	return nil
}

// cameraRaw returns an error for the raw files of cameras that look like TIFF files: it recognises Canon's and Adobe's
// by their marks, others by a first image that is a reduced version of another.
func cameraRaw(data []byte) error {
	_, dng := tiffTag(data, tagDNGVersion)
	subfile, _ := tiffTag(data, tagSubfileType)
	if dng || subfile&1 == 1 || len(data) > 10 && string(data[8:10]) == "CR" {
		return &UnsupportedError{Format: "camera raw file", Advice: developed}
	}
	return nil
}

// hasPrefixFold is strings.HasPrefix for text in any case; it skips blanks and a byte order mark before the text.
func hasPrefixFold(data []byte, prefix string) bool {
	data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n")
	return len(data) >= len(prefix) && strings.EqualFold(string(data[:len(prefix)]), prefix)
}
