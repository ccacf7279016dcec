package sealed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

// ErrDamaged is the error for a file whose content differs from the written one.
var ErrDamaged = errors.New("damaged")

// NoSum stands in place of a file's checksum while it is computed, in a field "checksum".
var NoSum = strings.Repeat("0", 2*sha256.Size)

// sumMark finds the checksum of a file, within its first sumReach bytes.
var sumMark = regexp.MustCompile(`checksum": ?"([0-9a-f]{64})"`)

const sumReach = 1 << 16

// HasSum reports whether a text has a checksum.
func HasSum(text []byte) bool { return sumMark.Match(text) }

// checkSum reads a file to its end and compares it with its checksum. sealed is false if it has none.
func checkSum(r io.Reader) (sealed bool, err error) {
	want, got, _, err := sums(r)
	if err != nil || want == "" {
		return false, err
	}
	if want != got {
		return true, ErrDamaged
	}
	return true, nil
}

// sums returns the checksum that a file carries ("" for none), the one that it should carry, and its position in the
// file.
func sums(r io.Reader) (carried, computed string, at int64, err error) {
	begin := make([]byte, sumReach)
	n, err := io.ReadFull(r, begin)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", "", 0, err
	}
	begin = begin[:n]
	found := sumMark.FindSubmatchIndex(begin)
	if found == nil {
		return "", "", 0, nil
	}
	carried = string(begin[found[2]:found[3]])
	copy(begin[found[2]:], NoSum)
	h := sha256.New()
	h.Write(begin)
	if _, err := io.Copy(h, r); err != nil {
		return "", "", 0, err
	}
	return carried, hex.EncodeToString(h.Sum(nil)), int64(found[2]), nil
}

// sealBytes fills in the checksum of data, which has NoSum in its place.
func sealBytes(data []byte) []byte {
	_, sum, at, _ := sums(bytes.NewReader(data)) // memory has no read errors
	copy(data[at:], sum)
	return data
}

// sealFile fills in the checksum of a file, which has NoSum in its place.
func sealFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, sum, at, err := sums(f)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt([]byte(sum), at); err != nil {
		return err
	}
	return atomicfile.Sync(f)
}
