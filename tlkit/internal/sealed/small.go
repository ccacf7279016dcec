package sealed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

// CopySuffix is the suffix of a small file's second copy.
const CopySuffix = ".bak"

// JSON returns v as JSON with its checksum.
func JSON(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	body := strings.TrimPrefix(string(data), "{\n")
	return sealBytes([]byte("{\n  \"checksum\": \"" + NoSum + "\",\n" + body + "\n")), nil
}

// Unmarshal fills v from what JSON returned. A text without a checksum is an older version's, and counts as good.
func Unmarshal(data []byte, v any) error {
	if _, err := checkSum(bytes.NewReader(data)); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// WriteJSON writes v with its checksum, and the second copy.
func WriteJSON(path string, v any) error {
	data, err := JSON(v)
	if err != nil {
		return fmt.Errorf("tlkit: encoding %s: %w", filepath.Base(path), err)
	}
	return write(path, data)
}

// Write fills in the checksum of data, which has NoSum in its place, and writes the file and its second copy.
func Write(path string, data []byte) error { return write(path, sealBytes(data)) }

// write writes a file and its second copy, each atomically: a reader finds the old content or the new, and a full disk
// leaves the old.
func write(path string, data []byte) error {
	for _, p := range []string{path, path + CopySuffix} {
		if err := CheckPlace(p); err != nil {
			return fmt.Errorf("tlkit: %w", err)
		}
		if err := atomicfile.WriteBytes(p, data); err != nil {
			return fmt.Errorf("tlkit: writing %s: %w (what was there before is unchanged)", filepath.Base(path), err)
		}
	}
	return nil
}

// Read returns a small file, or its second copy where the file is missing or damaged. The note is "" or names the
// fault of either. fs.ErrNotExist means that there is neither, ErrDamaged that neither is good; an error of the system
// (see Unreadable) that one can't be read and the other is not good.
func Read(path string, valid func([]byte) bool) (data []byte, note string, err error) {
	name := filepath.Base(path)
	data, err = readGood(path, valid)
	other, otherErr := readGood(path+CopySuffix, valid)
	sealed := err == nil && HasSum(data)
	switch {
	case err == nil && !sealed && otherErr == nil && HasSum(other):
		return other, name + " is damaged and was read from its second copy", nil // its checksum field is lost
	case err == nil && sealed && (otherErr != nil || !HasSum(other)):
		return data, name + CopySuffix + " " + fault(otherErr) + "; it is only a second copy", nil
	case err == nil:
		return data, "", nil
	case otherErr == nil:
		return other, name + " " + fault(err) + " and was read from its second copy", nil
	case Unreadable(err):
		return nil, "", err
	case Unreadable(otherErr):
		return nil, "", otherErr
	case errors.Is(err, fs.ErrNotExist) && errors.Is(otherErr, fs.ErrNotExist):
		return nil, "", fs.ErrNotExist
	case errors.Is(err, ErrDamaged) || errors.Is(otherErr, ErrDamaged):
		return nil, "", ErrDamaged
	}
	return nil, "", err
}

// fault says what is wrong with a file that [readGood] could not read, no more than is known.
func fault(err error) string {
	if errno := SystemError(err); Unreadable(err) {
		return "can't be read (" + errno.Error() + ")"
	}
	if errors.Is(err, fs.ErrNotExist) { // a program that is killed between the two writes leaves no second copy
		return "is missing"
	}
	return "is damaged"
}

func readGood(path string, valid func([]byte) bool) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	if _, err := checkSum(bytes.NewReader(data)); err != nil || !valid(data) {
		return nil, ErrDamaged
	}
	return data, nil
}

// ReadJSON fills v from a small JSON file; see Read.
func ReadJSON(path string, v any) (note string, err error) {
	data, note, err := Read(path, json.Valid)
	if err != nil {
		return "", err
	}
	if json.Unmarshal(data, v) != nil {
		return "", ErrDamaged
	}
	return note, nil
}
