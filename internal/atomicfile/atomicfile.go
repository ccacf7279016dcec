// Package atomicfile writes files whole or not at all, readable by all users.
package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/natefinch/atomic"
)

// mode is the mode of a new file: readable by other users of the machine, as a file made by os.Create usually is.
const mode fs.FileMode = 0o644

// Write copies r to a file at path: it writes a temporary file in the same folder, syncs it to the disk and renames it.
// On an error an existing file stays as it was. A new file is readable by everyone, an old one keeps its permissions.
// Errors keep their cause (errors.Is), such as a full disk, which atomic.WriteFile drops.
func Write(path string, r io.Reader) (err error) {
	perm := mode
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return &fs.PathError{Op: "write", Path: path, Err: syscall.EISDIR}
	} else if err == nil {
		perm = info.Mode().Perm()
	} else if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ELOOP) { // a link to itself is replaced, too
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no folder %s for %s: %w", filepath.Dir(path), filepath.Base(path), fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()           // harmless if it is closed already
			os.Remove(f.Name()) // if this fails, only a temporary file stays
		}
	}()
	if _, err = io.Copy(f, r); err != nil {
		return err
	}
	// The temporary file was private. It stays so where permissions can't be changed: on CIFS, FAT and stores of
	// objects.
	_ = chmod(f, perm)
	// A renamed file may be empty after a crash if it was not synced before.
	if err = Sync(f); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return atomic.ReplaceFile(f.Name(), path)
}

// Sync writes a file to the disk, as far as its file system knows how: mounted drives and stores of objects may not.
func Sync(f *os.File) error {
	err := syncFile(f)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// Tests put file systems in their place that know fewer calls.
var chmod, syncFile = (*os.File).Chmod, (*os.File).Sync

// WriteBytes is [Write] for data in memory.
func WriteBytes(path string, data []byte) error { return Write(path, bytes.NewReader(data)) }
