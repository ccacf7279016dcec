package train

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// A file that the system does not let us read is not damaged: the user may lack the permission, a disk may fail for a
// moment, a network folder may be gone. Nothing is trained over such a file.

// openFile opens a file of a run for reading. Tests put a disk that fails in its place.
var openFile = func(path string) (io.ReadCloser, error) {
	// Opening a pipe would wait for a writer.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, errDamaged
	}
	return os.Open(path)
}

// readFile reads a file of a run.
func readFile(path string) ([]byte, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// checkPlace returns an error if a folder is in the place of a file.
func checkPlace(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("a folder is in the place of the file %s; move it away", path)
	}
	return nil
}

// systemError returns the error of the operating system in err, 0 if there is none.
func systemError(err error) (errno syscall.Errno) {
	errors.As(err, &errno)
	return errno
}

// unreadable reports whether the system refused to read a file that is there.
func unreadable(err error) bool {
	errno := systemError(err)
	switch errno {
	case 0, syscall.ENOTDIR, syscall.ELOOP: // a link to itself leads to no file
		return false
	}
	return !errors.Is(err, fs.ErrNotExist)
}

// Unreadable returns the next step for an error of reading a file of a run that the operating system made, such as one
// without permission or of a failing disk; "" for other errors.
func Unreadable(err error) string {
	if !unreadable(err) {
		return ""
	}
	next := "call this again when the disk, or the network folder, gives the file again"
	switch errno := systemError(err); {
	case errors.Is(err, fs.ErrPermission):
		next = "make the file readable for this user"
	case errno == syscall.EISDIR:
		next = "a folder is in the place of the file; move it away"
	case errno == syscall.ESTALE:
		next = "the network folder was replaced; mount it again, and call this again"
	}
	return "nothing was changed: " + next + ", or " + elsewhere
}
