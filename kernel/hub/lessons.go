package hub

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// lessonFiles are the endings of what belongs to the lessons.
var lessonFiles = []string{".ipynb", ".png", ".svg", ".gif", ".jpg"}

// copyLessons copies lessons and their pictures from one folder to another, and returns how many files it made. A file that
// is there already stays as it is. Hidden folders and the folders of runs are left out.
func copyLessons(from, to string) (made int, err error) {
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"runs", "out", "gallery", "translate"}, d.Name())) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || !slices.Contains(lessonFiles, filepath.Ext(path)) {
			return nil
		}
		copied, err := copyNew(path, filepath.Join(to, rel))
		if copied {
			made++
		}
		return err
	})
	if err != nil {
		return made, fmt.Errorf("hub: lessons from %s: %w", from, err)
	}
	return made, nil
}

// copyNew copies a file, unless there is one already.
func copyNew(from, to string) (copied bool, err error) {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return false, err
	}
	in, err := os.Open(from)
	if err != nil {
		return false, err
	}
	defer in.Close()
	part := to + ".part"
	out, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return false, err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		os.Remove(part)
		return false, err
	}
	return true, os.Rename(part, to)
}
