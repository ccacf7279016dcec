package xlacache

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestStore(t *testing.T) {
	s := Store{Dir: filepath.Join(t.TempDir(), "xla"), MaxBytes: 1000}
	key := Key([]byte("program"), []byte("options"))
	if data, err := s.Get(key); data != nil || err != nil {
		t.Fatalf("Get of an empty store = %q, %v", data, err)
	}
	want := []byte("machine code")
	if err := s.Put(key, want); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(key); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("Get = %q, %v, want %q", got, err, want)
	}
	if info, err := os.Stat(s.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has the permissions %v, %v, want 0700", info.Mode(), err)
	}
	if Key([]byte("ab"), []byte("c")) == Key([]byte("a"), []byte("bc")) {
		t.Error("parts that are cut elsewhere have the same key")
	}
}

// TestSpoilt: no file is used that is not whole and this user's alone.
func TestSpoilt(t *testing.T) {
	program := bytes.Repeat([]byte("code "), 20)
	for name, spoil := range map[string]func(path string, data []byte) error{
		"a flipped bit":                 func(path string, data []byte) error { data[50] ^= 1; return os.WriteFile(path, data, 0o600) },
		"cut":                           func(path string, data []byte) error { return os.Truncate(path, 60) },
		"cut to a part of the checksum": func(path string, data []byte) error { return os.Truncate(path, 7) },
		"empty":                         func(path string, data []byte) error { return os.Truncate(path, 0) },
		"too large":                     func(path string, data []byte) error { return os.Truncate(path, 2000) },
		"others write":                  func(path string, data []byte) error { return os.Chmod(path, 0o622) },
		"a folder":                      func(path string, data []byte) error { return os.Remove(path) },
	} {
		t.Run(name, func(t *testing.T) {
			s := Store{Dir: t.TempDir(), MaxBytes: 1000}
			if err := s.Put("k", program); err != nil {
				t.Fatal(err)
			}
			path := s.path("k")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := spoil(path, data); err != nil {
				t.Fatal(err)
			}
			if name == "a folder" {
				if err := os.Mkdir(path, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := s.Get("k"); got != nil || err == nil || !strings.Contains(err.Error(), s.Dir) {
				t.Errorf("Get = %q, %v, want nothing and an error that names %s", got, err, s.Dir)
			}
		})
	}
}

// TestTrim: those not used for longest go, parts of killed programs too.
func TestTrim(t *testing.T) {
	s := Store{Dir: filepath.Join(t.TempDir(), "xla[1]"), MaxBytes: 3 * (32 + 100)} // a bracket is no pattern
	program := make([]byte, 100)
	old := time.Now().Add(-time.Hour)
	for i, name := range []string{"part-1", "a", "b"} {
		if err := s.Put(name, program); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(s.path(name), old, old.Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Get("a"); err != nil { // used now
		t.Fatal(err)
	}
	for _, name := range []string{"c", "d"} {
		if err := s.Put(name, program); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]bool{"part-1": false, "a": true, "b": false, "c": true, "d": true} {
		if _, err := os.Stat(s.path(name)); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", name, err == nil, want)
		}
	}
	if err := s.Put("e", make([]byte, 1000)); err == nil {
		t.Error("a program larger than the store was kept")
	}
}

// TestNotWritable: the same reason has the same text, so that it is told once.
func TestNotWritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := Store{Dir: file}
	first, second := s.write(s.path("a"), nil), s.write(s.path("b"), nil)
	if first == nil || second == nil || first.Error() != second.Error() || !strings.Contains(first.Error(), file) {
		t.Errorf("writing to a file as a folder: %v, then %v, want the same error, which names it", first, second)
	}
}
