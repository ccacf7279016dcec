//go:build unix

package datasets

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestPipe: a pipe in place of a zip file is refused; opening one would wait for ever for what writes to it.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.zip")
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ImageFolder(path); err == nil || !strings.Contains(err.Error(), "data.zip is neither a file nor a folder; expected a folder or a zip file") {
		t.Errorf("error %v", err)
	}
}
