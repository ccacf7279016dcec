package hub

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

// openPrivate opens a file that only its owner may read. A link or a special file in its place is an error: another
// user may have put it there, to have root read or write elsewhere.
func openPrivate(path string, flag int) (*os.File, error) {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("hub: %s is a link or a special file; expected a file of the hub's own: look who made it, remove it, and start again", path)
	}
	f, err := os.OpenFile(path, flag|noFollow, 0o600) // a link that was made meanwhile is not followed either
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	return f, nil
}

// readPrivate reads a file that writePrivate has written.
func readPrivate(path string) ([]byte, error) {
	f, err := openPrivate(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	return data, nil
}

// writePrivate writes a file that only its owner can read.
func writePrivate(path string, data []byte) error {
	f, err := openPrivate(path, os.O_CREATE|os.O_WRONLY) // atomicfile keeps the permissions of a file that exists
	if err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	return atomicfile.WriteBytes(path, data)
}
