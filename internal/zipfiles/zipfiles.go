// Package zipfiles reads names and files of zip files as people have them: names in a code page or with backslashes,
// absolute paths, files that are compressed with bzip2 or can't be read.
package zipfiles

import (
	"archive/zip"
	"cmp"
	"compress/bzip2"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// LockedError is why a file of a zip file can't be read though nothing is broken.
type LockedError string

func (e LockedError) Error() string { return string(e) }

// Compression methods of zip files (APPNOTE 6.3.10, 4.4.5).
const bzip2Method = 12

var methods = map[uint16]string{9: "Deflate64", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}

// Register adds the compression methods that [Opener] reads beside those of archive/zip.
func Register(z *zip.Reader) {
	z.RegisterDecompressor(bzip2Method, func(r io.Reader) io.ReadCloser { return io.NopCloser(bzip2.NewReader(r)) })
}

// Opener returns the function that opens a file of a zip file that was registered. Its error is a [LockedError] where
// the file is encrypted, or compressed with another method.
func Opener(f *zip.File) func() (io.ReadCloser, error) {
	var locked error
	switch f.Method {
	case zip.Store, zip.Deflate, bzip2Method:
	default:
		locked = LockedError(fmt.Sprintf("compressed with %s, which is not read in a zip file; unpack that and give the folder",
			cmp.Or(methods[f.Method], fmt.Sprintf("method %d", f.Method))))
	}
	if f.Flags&1 != 0 {
		locked = LockedError("encrypted; unpack the zip file with its password and give the folder")
	}
	if locked != nil {
		return func() (io.ReadCloser, error) { return nil, locked }
	}
	return f.Open
}

// Name returns the path of a file in a zip file, with slashes and in UTF-8; that of a folder ends in one. Names of old
// programs are in a code page that the file does not tell: that of DOS is taken, and sure is false.
func Name(f *zip.File) (name string, sure bool) {
	name, sure = f.Name, true
	if text := unicodePath(f); text != "" {
		name = text
	} else if !utf8.ValidString(name) {
		if text, err := charmap.CodePage437.NewDecoder().String(name); err == nil {
			name, sure = text, false
		}
	}
	return strings.ReplaceAll(name, `\`, "/"), sure
}

// UnsureNote says that a zip file has names of which [Name] is not sure, such as name.
func UnsureNote(name string) string {
	return fmt.Sprintf("the zip file has names that are not in UTF-8 and does not say in which code page: they are read in DOS's (437), such as %q; "+
		"if that is wrong, unpack it (unzip -O CP932 for Japanese, -O GBK for Chinese names) and give the folder", name)
}

// drive fits the beginning of a path of Windows.
var drive = regexp.MustCompile(`^[A-Za-z]:/`)

// CutRoot cuts what an absolute path begins with ("/", "C:/") off a name, and "./".
func CutRoot(name string) (root, rest string) {
	root = drive.FindString(name)
	rest = name[len(root):]
	if root == "" && strings.HasPrefix(rest, "/") {
		root = "/"
	}
	for strings.HasPrefix(rest, "./") || strings.HasPrefix(rest, "/") {
		rest = strings.TrimLeft(strings.TrimPrefix(rest, "./"), "/")
	}
	return root, rest
}

// unicodePath returns the name in UTF-8 that programs put beside one in a code page, "" if there is none: Info-ZIP's
// field 0x7075 (APPNOTE 4.6.9), with a checksum of the name that it is for.
func unicodePath(f *zip.File) string {
	for extra := f.Extra; len(extra) >= 4; {
		id, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if extra = extra[4:]; n > len(extra) {
			break
		}
		if field := extra[:n]; id == 0x7075 && n > 5 && field[0] == 1 && utf8.Valid(field[5:]) &&
			binary.LittleEndian.Uint32(field[1:]) == crc32.ChecksumIEEE([]byte(f.Name)) {
			return string(field[5:])
		}
		extra = extra[n:]
	}
	return ""
}
