// Package atomicfile writes files whole or not at all, for all to read.
package atomicfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/natefinch/atomic"
)

// mode is that of a new file: readable by other users of the machine, as a file made by os.Create usually is.
const mode fs.FileMode = 0o644

// Write copies r to a file at path: first under a temporary name in the same folder, then, synced to the disk, under its
// own. On an error a file that was there before is as it was. A new file is readable by everyone, an old one keeps its
// permissions.
func Write(path string, r io.Reader) error {
	_, err := os.Stat(path)
	isNew := errors.Is(err, fs.ErrNotExist)
	if err := atomic.WriteFile(path, r); err != nil {
		return err
	}
	if isNew {
		// The temporary file was private.
		return os.Chmod(path, mode)
	}
	return nil
}

// WriteBytes is [Write] for data in memory.
func WriteBytes(path string, data []byte) error { return Write(path, bytes.NewReader(data)) }
