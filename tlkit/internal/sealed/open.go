package sealed

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Open opens a file of a run for reading. Tests put a disk that fails in its place.
var Open = func(path string) (io.ReadCloser, error) {
	// Opening a pipe would wait for a writer.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, ErrDamaged
	}
	return os.Open(path)
}

// ReadFile reads a file of a run.
func ReadFile(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// CheckPlace returns an error if a folder is in the place of a file.
func CheckPlace(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("a folder is in the place of the file %s; move it away", path)
	}
	return nil
}

// SystemError returns the error of the operating system in err, 0 if there is none.
func SystemError(err error) (errno syscall.Errno) {
	errors.As(err, &errno)
	return errno
}

// Unreadable reports whether the system refused to read a file that is there.
func Unreadable(err error) bool {
	errno := SystemError(err)
	switch errno {
	case 0, syscall.ENOTDIR, syscall.ELOOP: // a link to itself leads to no file
		return false
	}
	return !errors.Is(err, fs.ErrNotExist)
}
