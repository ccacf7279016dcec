// Package infolder finds the files of a folder by a pattern.
package infolder

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
)

// Glob returns the paths of the files below dir whose place there matches a pattern of [path.Match], sorted.
// filepath.Glob takes the brackets in the name of a folder for a pattern, and then finds nothing; here only pattern is
// one. As there, what can't be read has no files.
func Glob(dir, pattern string) ([]string, error) {
	dir = cmp.Or(dir, ".")
	names, err := fs.Glob(os.DirFS(dir), pattern)
	for i, name := range names {
		names[i] = filepath.Join(dir, filepath.FromSlash(name))
	}
	return names, err
}
