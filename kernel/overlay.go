package kernel

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// An overlay is a folder of the user that shows the content of a read-only folder by symbolic links, and receives what
// is written. With overlays, Go's caches and the compiled workers of another user's installation serve everyone,
// without a copy of a gigabyte and without compiling everything again.

// overlayKind decides how an overlay shows an entry of the read-only folder.
type overlayKind func(rel string, d fs.DirEntry) overlayAction

type overlayAction int

const (
	linked  overlayAction = iota // a link to it
	entered                      // a folder of the user's own, whose entries are decided one by one
	copied                       // the user's own copy, because it is written in place
	left                         // not shown
)

// buildCache shows Go's build cache: GOCACHE/xx/HASH-d are outputs, HASH-a the small entries that refer to them, which
// the go command overwrites.
func buildCache(rel string, d fs.DirEntry) overlayAction {
	switch {
	case d.IsDir():
		return entered
	case strings.HasSuffix(rel, "-a"):
		return copied
	case rel == "trim.txt" || rel == "testexpire.txt":
		return left
	}
	return linked
}

// moduleCache shows GOMODCACHE: modules are folders named PATH@VERSION; the folder cache holds downloads and lock
// files.
func moduleCache(rel string, d fs.DirEntry) overlayAction {
	downloads := rel == "cache" || strings.HasPrefix(rel, "cache/")
	switch {
	case d.IsDir() && downloads:
		if d.Name() == "sumdb" || d.Name() == "vcs" {
			return left
		}
		return entered
	case d.IsDir():
		if strings.Contains(d.Name(), "@") {
			return linked
		}
		return entered
	case downloads && (strings.HasSuffix(rel, "lock") || d.Name() == "list"):
		return left
	}
	return linked
}

// workerCache shows the folder of the live kernel's compiled workers. Each is a folder that nothing changes.
func workerCache(rel string, d fs.DirEntry) overlayAction {
	if d.Name() == "lock" {
		return left
	}
	return linked
}

// overlayFresh is how long an overlay counts as complete, unless the folder below is installed again.
const overlayFresh = 12 * time.Hour

// overlay makes dst show the content of src, which was filled at the time installed. It is cheap when that was done
// within overlayFresh.
func overlay(dst, src string, kind overlayKind, installed time.Time) error {
	stamp := dst + ".stamp"
	done, err := os.Stat(stamp)
	if err == nil && time.Since(done.ModTime()) < overlayFresh && installed.Before(done.ModTime()) {
		return nil
	}
	if err := os.MkdirAll(dst, 0o755); err != nil {
		return err
	}
	if err := dropDangling(dst); err != nil {
		return err
	}
	err = filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == src {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		return overlayEntry(filepath.Join(dst, rel), path, d, kind(filepath.ToSlash(rel), d))
	})
	if err != nil {
		return err
	}
	// Go's cache removes daily the entries that were not used for days. A link has its target's age, which can't be
	// renewed.
	if _, err := os.Lstat(filepath.Join(dst, "README")); err == nil {
		if err := os.WriteFile(filepath.Join(dst, "trim.txt"), []byte(strconv.FormatInt(time.Now().Unix(), 10)), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(stamp, nil, 0o644)
}

func overlayEntry(to, from string, d fs.DirEntry, action overlayAction) error {
	switch action {
	case entered:
		return os.MkdirAll(to, 0o755)
	case copied:
		return copyNew(to, from)
	case linked:
		if err := os.Symlink(from, to); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// copyNew copies a small file, unless there is one already.
func copyNew(to, from string) error {
	if _, err := os.Lstat(to); err == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// dropDangling removes links whose target is gone.
func dropDangling(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 {
			return err
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) { // another kernel that starts may have removed it
			return err
		}
		return nil
	})
}
