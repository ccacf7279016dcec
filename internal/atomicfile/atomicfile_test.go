package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
)

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.json")
	check := func(content string, mode fs.FileMode) {
		t.Helper()
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Errorf("content %q, error %v; want %q", got, err, content)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("mode %v, error %v; want %v", info.Mode().Perm(), err, mode)
		}
		if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
			t.Errorf("%d files in the folder, error %v; want the one", len(left), err)
		}
	}
	if err := WriteBytes(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	check("one", 0o644)
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteBytes(path, []byte("two")); err != nil {
		t.Fatal(err)
	}
	check("two", 0o600)
	broken := io.MultiReader(strings.NewReader("three"), iotest.ErrReader(errors.New("gone")))
	if err := Write(path, broken); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("got %v, want the reader's error", err)
	}
	check("two", 0o600)
}

// TestFewCalls: a file system that knows no permissions, or can't sync one file, takes files all the same; a disk that
// fails is an error.
func TestFewCalls(t *testing.T) {
	c, s := chmod, syncFile
	defer func() { chmod, syncFile = c, s }()
	path := filepath.Join(t.TempDir(), "a.json")
	for _, tt := range []struct {
		chmod, sync, want error
	}{
		{syscall.EPERM, nil, nil}, {syscall.ENOTSUP, nil, nil}, {nil, syscall.EINVAL, nil}, {syscall.ENOSYS, syscall.ENOSYS, nil},
		{nil, syscall.ENOTSUP, nil}, {nil, syscall.EIO, syscall.EIO}, {nil, syscall.ENOSPC, syscall.ENOSPC},
	} {
		chmod = func(*os.File, fs.FileMode) error { return tt.chmod }
		syncFile = func(*os.File) error { return tt.sync }
		os.Remove(path)
		err := WriteBytes(path, []byte("one"))
		if !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v", tt, err)
		}
		if got, _ := os.ReadFile(path); (string(got) == "one") != (tt.want == nil) {
			t.Errorf("%+v: the file has %q", tt, got)
		}
	}
}
