package weights

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// WriteFile writes a small file that goes with weights, such as their description, in the manner of WriteSafetensors:
// whole or not at all.
func WriteFile(path string, data []byte) error {
	return writeAtomic(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// writeAtomic lets fill write a temporary file beside path and renames it when
// it is complete and on the disk. Whatever fails, a full disk for one, an older
// file at path stays as it was and no temporary file is left behind.
func writeAtomic(path string, fill func(io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("weights: %s is a folder; give the name of a file", path)
	}
	name := fmt.Sprintf(".%s.%x.tmp", filepath.Base(path), rand.Uint64())
	tmp, err := os.OpenFile(filepath.Join(filepath.Dir(path), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) // less the umask
	if err != nil {
		return fmt.Errorf("weights: writing %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			tmp.Close() // harmless if it is closed already
			os.Remove(tmp.Name())
			err = fmt.Errorf("weights: writing %s: %w", path, err)
		}
	}()
	w := bufio.NewWriterSize(tmp, 1<<20)
	if err := fill(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil { // stay as private as the old file
		if err := tmp.Chmod(info.Mode().Perm()); err != nil {
			return err
		}
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

// syncDir makes a rename durable. Not every system can do it, and the file's
// content is safe without it, so an error counts for nothing.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}
