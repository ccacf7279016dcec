package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSocketFolder: it is private and short, whatever others have put in its place.
func TestSocketFolder(t *testing.T) {
	for _, tmp := range []string{"/tmp", filepath.Join(t.TempDir(), strings.Repeat("long", 20))} {
		t.Setenv("TMPDIR", tmp)
		dir, err := socketFolder()
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 || len(dir) > maxSocketFolder {
			t.Errorf("TMPDIR=%s: %s, %v, %v; want a folder of mode 0700 with at most %d bytes", tmp, dir, info, err, maxSocketFolder)
		}
		again, err := socketFolder()
		if err != nil || again != dir {
			t.Errorf("again: %s, %v; want %s", again, err, dir)
		}
		os.Remove(dir)
	}
}

// TestSession: without a command there is nothing to start.
func TestSession(t *testing.T) {
	if err := Session(SessionOptions{}, nil); err == nil || !strings.Contains(err.Error(), "needs a command") {
		t.Error(err)
	}
}
