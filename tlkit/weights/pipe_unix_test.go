//go:build unix

package weights

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestPipe: a pipe is refused; opening one would wait for ever for what writes to it.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.pth")
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "this is a pipe") {
		t.Errorf("error %v", err)
	}
}
