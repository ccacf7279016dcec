package vision

import (
	"bytes"
	"slices"
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
	{"Windows icon", begins("\x00\x00\x01\x00", "\x00\x00\x02\x00"), convert},
	{"OpenEXR", begins("v/1\x01"), convert},
	{"Radiance HDR", begins("#?RADIANCE", "#?RGBE"), convert},
	{"DirectDraw surface (DDS)", begins("DDS "), convert},
	{"QOI", begins("qoif"), convert},
	{"PAM or PFM", begins("P7\n", "Pf\n", "PF\n", "PF ", "Pf "), convert},
	{"BigTIFF", begins("II+\x00", "MM\x00+"), convert},
	{"camera raw file", begins("FUJIFILMCCD-RAW", "IIRO", "IIRS", "MMOR", "IIU\x00"), developed},
	{"FITS", begins("SIMPLE  ="), scientific},
	{"DICOM", func(data []byte) bool { return len(data) >= 132 && string(data[128:132]) == "DICM" },
		"write its pixels as PNG first, such as with: dcmj2pnm --write-png scan.dcm scan.png"},
	{"HDF5", begins("\x89HDF\r\n\x1a\n"), scientific},
	{"NumPy array", begins("\x93NUMPY"), scientific},
	{"Git LFS pointer", begins("version https://git-lfs"), "the image is not here yet; get it with: git lfs pull"},
	{"HTML page", func(data []byte) bool { return hasPrefixFold(data, "<!doctype html") || hasPrefixFold(data, "<html") },
		"perhaps a site's error page in place of the image; download the image again"},
}

const (
	convert    = "convert it to PNG or JPEG first"
	developed  = "develop it to TIFF or JPEG first, such as with: dcraw -T photo.cr2"
	scientific = "write its values as PNG or TIFF images first"
)

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
