package xlacache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
)

// suffix ends the names of a store's files.
const suffix = ".xla"

// Store keeps compiled programs as files in a folder, each under the hash of what it was compiled from. A file holds
// machine code that will be run: only those of this user are read, and only whole ones.
type Store struct {
	// Dir is the folder; the first [Store.Put] makes it, for this user alone.
	Dir string
	// MaxBytes bounds the files' sum; those not used for longest go first. 0: no bound.
	MaxBytes int64
}

// Key returns the name of what was compiled from all these parts.
func Key(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:", len(p))
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Get returns the program with this key, nil if there is none. An error says why a file that is there can't be used.
// One that others can write stays; one that is cut, changed or larger than MaxBytes is removed where that is allowed.
func (s Store) Get(key string) ([]byte, error) {
	path := s.path(key)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || !ownedAlone(info) {
		return nil, fmt.Errorf("%s has files that this user is not the only one to write; remove it", s.Dir)
	}
	if s.MaxBytes > 0 && info.Size() > s.MaxBytes {
		return nil, s.drop(path, fmt.Errorf("%s has %d bytes, more than all programs together may have (%d)", path, info.Size(), s.MaxBytes))
	}
	data := make([]byte, info.Size())
	if n, err := f.ReadAt(data, 0); n < len(data) {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(data) < sha256.Size {
		return nil, s.drop(path, fmt.Errorf("%s is cut", path))
	}
	want, program := data[:sha256.Size], data[sha256.Size:]
	if got := sha256.Sum256(program); !bytes.Equal(got[:], want) {
		return nil, s.drop(path, fmt.Errorf("%s was changed or cut: its checksum is wrong", path))
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // used now: the last to go; a file system without times keeps the order of writing
	return program, nil
}

// Put keeps a program under a key, and removes those not used for longest where the bound is passed.
func (s Store) Put(key string, program []byte) error {
	size := int64(sha256.Size + len(program))
	if s.MaxBytes > 0 && size > s.MaxBytes {
		return fmt.Errorf("a compiled program of %d bytes is larger than all may be together (%d bytes)", size, s.MaxBytes)
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	path := s.path(key)
	if err := s.write(path, program); err != nil {
		return err
	}
	return s.trim(path)
}

// write makes a file whole or not at all, for this user alone. It is not synced: a file that a power cut spoils has a
// wrong checksum. A part of a killed program has the suffix too, so that trim removes it in its turn.
func (s Store) write(path string, program []byte) error {
	f, err := os.CreateTemp(s.Dir, "part-*"+suffix)
	if err != nil {
		return s.unnamed(err)
	}
	sum := sha256.Sum256(program)
	_, err = f.Write(append(sum[:], program...))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // else trim removes it in its turn
		return s.unnamed(err)
	}
	return nil
}

// unnamed names the folder in place of a file with a random name, so that the same reason is told once.
func (s Store) unnamed(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return fmt.Errorf("writing to %s: %w", s.Dir, err)
}

// Drop removes a program that PJRT can't load.
func (s Store) Drop(key string) error { return s.drop(s.path(key), nil) }

func (s Store) path(key string) string { return filepath.Join(s.Dir, key+suffix) }

func (s Store) drop(path string, why error) error { return errors.Join(why, os.Remove(path)) }

// trim removes files until the bound is kept, but for the newest one.
func (s Store) trim(newest string) error {
	if s.MaxBytes <= 0 {
		return nil
	}
	paths, err := infolder.Glob(s.Dir, "*"+suffix)
	if err != nil {
		return err
	}
	type file struct {
		path string
		used time.Time
		size int64
	}
	var files []file
	var sum int64
	for _, path := range paths {
		if info, err := os.Lstat(path); err == nil {
			files = append(files, file{path, info.ModTime(), info.Size()})
			sum += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range files {
		if sum <= s.MaxBytes {
			break
		}
		if f.path == newest {
			continue
		}
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		sum -= f.size
	}
	return nil
}
