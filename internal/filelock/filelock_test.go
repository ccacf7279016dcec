package filelock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/gofrs/flock"
)

func TestTry(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	l, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	var held *HeldError
	if _, err := Try(path); !errors.As(err, &held) || !held.Own && runtime.GOOS != "windows" {
		t.Errorf("locked twice: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Wait(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("waited: %v", err)
	}
	if err := l.Close(); err != nil || !l.Exclusive() || l.Taken() != nil {
		t.Errorf("%v, exclusive %v, %v", err, l.Exclusive(), l.Taken())
	}
	other := flock.New(path) // a program that writes nothing
	if ok, err := other.TryLock(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, err := Try(path); !errors.As(err, &held) || held.Own || held.Owner != "" {
		t.Errorf("the holder wrote nothing: %+v, %v", held, err)
	}
	other.Close()
	if l, err = Wait(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := Try(filepath.Join(path, "x")); err == nil {
		t.Error("a file is a folder")
	}
}

// TestTaken: a program that loses its file to another one, because the file system's locks don't reach that or because
// the file was replaced, can tell. A file that is gone, empty or no text names nobody.
func TestTaken(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows keeps others from writing to a locked file")
	}
	path := filepath.Join(t.TempDir(), ".lock")
	l, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, text := range []string{"", "\n", strings.Repeat("x", 2000), l.owner + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := l.Taken(); err != nil {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if err := os.WriteFile(path, []byte(free), 0o666); err != nil || l.Taken() == nil {
		t.Errorf("another one has had it: %v, %v", err, l.Taken())
	}
	if err := os.WriteFile(path, []byte("process 7 on gpu2, since noon\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := l.Taken(); err == nil || !strings.Contains(err.Error(), "process 7 on gpu2") {
		t.Errorf("%v, want the other's name", err)
	}
	if err := os.Remove(path); err != nil || l.Taken() != nil {
		t.Errorf("%v, %v", err, l.Taken())
	}
}

// TestNoLocks: a file system without locks is no dead end, and an interrupted call is made again.
func TestNoLocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	for _, errno := range []syscall.Errno{syscall.ENOSYS, syscall.ENOLCK, syscall.ENOTSUP, syscall.EOPNOTSUPP} {
		l, err := lock(path, func(*flock.Flock) (bool, error) { return false, errno })
		if err != nil || l.Exclusive() || l.Taken() != nil || l.Before() != "" || l.Close() != nil {
			t.Errorf("%v: %v", errno, err)
		}
	}
	none := func(*flock.Flock) (bool, error) { return false, syscall.ENOSYS }
	first, err := lock(path, none)
	if err != nil {
		t.Fatal(err)
	}
	second, err := lock(path, none)
	if err != nil || second.Before() != first.owner || first.Taken() == nil || second.Taken() != nil {
		t.Errorf("%v: before %q, taken %v and %v", err, second.Before(), first.Taken(), second.Taken())
	}
	first.Close()
	if second.Taken() != nil {
		t.Errorf("the end of the first one took the file back: %v", second.Taken())
	}
	second.Close()
	tries := 0
	var l *Lock
	l, err = lock(path, func(f *flock.Flock) (bool, error) {
		if tries++; tries == 1 {
			return false, syscall.EINTR
		}
		return f.TryLock()
	})
	if err != nil || !l.Exclusive() {
		t.Errorf("interrupted: %v", err)
	}
	l.Close()
	if _, err := lock(path, func(*flock.Flock) (bool, error) { return false, syscall.EIO }); !errors.Is(err, syscall.EIO) {
		t.Errorf("a failing disk: %v", err)
	}
}
