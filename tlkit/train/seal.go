package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

// Every file of a run carries its own checksum: the SHA-256 of the file with zeros in place of the checksum's digits. A
// JSON file has it as a field, a history in its first line, a weight file in its metadata. The small files have a
// second copy beside them. Older runs have neither; their files count as good if they can be read.

// errDamaged is the error for a file whose content differs from the written one.
var errDamaged = errors.New("damaged")

// noSum stands in place of the checksum while it is computed.
var noSum = strings.Repeat("0", 2*sha256.Size)

// sumMark finds the checksum of a file, within its first sumReach bytes.
var sumMark = regexp.MustCompile(`checksum": ?"([0-9a-f]{64})"`)

const sumReach = 1 << 16

// copySuffix is the suffix of a small file's second copy.
const copySuffix = ".bak"

// checkSum reads a file to its end and compares it with its checksum. sealed is false if it has none.
func checkSum(r io.Reader) (sealed bool, err error) {
	want, got, _, err := sums(r)
	if err != nil || want == "" {
		return false, err
	}
	if want != got {
		return true, errDamaged
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
	copy(begin[found[2]:], noSum)
	h := sha256.New()
	h.Write(begin)
	if _, err := io.Copy(h, r); err != nil {
		return "", "", 0, err
	}
	return carried, hex.EncodeToString(h.Sum(nil)), int64(found[2]), nil
}

// sealBytes fills in the checksum of data, which has noSum in its place.
func sealBytes(data []byte) []byte {
	_, sum, at, _ := sums(bytes.NewReader(data)) // memory has no read errors
	copy(data[at:], sum)
	return data
}

// sealFile fills in the checksum of a file, which has noSum in its place.
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

// checkFile compares a weight file with its checksum; with must, a file without one counts as damaged.
func checkFile(path string, must bool) error {
	f, err := openFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sealed, err := checkSum(f)
	if err == nil && must && !sealed {
		return errDamaged
	}
	return err
}

// writeJSON writes v with its checksum, and the second copy.
func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("tlkit: encoding %s: %w", filepath.Base(path), err)
	}
	body := strings.TrimPrefix(string(data), "{\n")
	return writeSmall(path, sealBytes([]byte("{\n  \"checksum\": \""+noSum+"\",\n"+body+"\n")))
}

// writeSmall writes a file and its second copy, each atomically: a reader finds the old content or the new, and a full
// disk leaves the old.
func writeSmall(path string, data []byte) error {
	for _, p := range []string{path, path + copySuffix} {
		if err := checkPlace(p); err != nil {
			return fmt.Errorf("tlkit: %w", err)
		}
		if err := atomicfile.WriteBytes(p, data); err != nil {
			return fmt.Errorf("tlkit: writing %s: %w (what was there before is unchanged)%s", filepath.Base(path), err, whereInstead(err))
		}
	}
	return nil
}

// readSmall returns a small file, or its second copy where the file is missing or damaged. The note is "" or names the
// fault of either. fs.ErrNotExist means that there is neither, errDamaged that neither is good; an error of the system
// (see unreadable) that one can't be read and the other is not good.
func readSmall(path string, valid func([]byte) bool) (data []byte, note string, err error) {
	name := filepath.Base(path)
	data, err = readGood(path, valid)
	other, otherErr := readGood(path+copySuffix, valid)
	sealed := err == nil && sumMark.Match(data)
	switch {
	case err == nil && !sealed && otherErr == nil && sumMark.Match(other):
		return other, name + " is damaged and was read from its second copy", nil // its checksum field is lost
	case err == nil && sealed && (otherErr != nil || !sumMark.Match(other)):
		return data, name + copySuffix + " " + fault(otherErr) + "; it is only a second copy", nil
	case err == nil:
		return data, "", nil
	case otherErr == nil:
		return other, name + " " + fault(err) + " and was read from its second copy", nil
	case unreadable(err):
		return nil, "", err
	case unreadable(otherErr):
		return nil, "", otherErr
	case errors.Is(err, fs.ErrNotExist) && errors.Is(otherErr, fs.ErrNotExist):
		return nil, "", fs.ErrNotExist
	case errors.Is(err, errDamaged) || errors.Is(otherErr, errDamaged):
		return nil, "", errDamaged
	}
	return nil, "", err
}

// fault says what is wrong with a file that [readGood] could not read, no more than is known.
func fault(err error) string {
	if errno := systemError(err); unreadable(err) {
		return "can't be read (" + errno.Error() + ")"
	}
	return "is missing or damaged"
}

func readGood(path string, valid func([]byte) bool) ([]byte, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	if _, err := checkSum(bytes.NewReader(data)); err != nil || !valid(data) {
		return nil, errDamaged
	}
	return data, nil
}

// readJSON fills v from a small JSON file; see readSmall.
func readJSON(path string, v any) (note string, err error) {
	data, note, err := readSmall(path, json.Valid)
	if err != nil {
		return "", err
	}
	if json.Unmarshal(data, v) != nil {
		return "", errDamaged
	}
	return note, nil
}

// leftOver matches the temporary names of files that were being written when a program ended.
var leftOver = regexp.MustCompile(`^\.?(run\.json|result\.json|history\.jsonl|calibration\.json|graph\.onnx|(best|checkpoint|checkpoint\.previous)(\.next)?\.safetensors)(\.bak)?(\d+|\..*\.tmp)$|\.next\.safetensors$`)

// removeLeftOver deletes temporary files in a folder; call it under the run's lock.
func removeLeftOver(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Type().IsRegular() && leftOver.MatchString(e.Name()) {
			os.Remove(filepath.Join(dir, e.Name())) // a file that stays does no harm
		}
	}
}
