package datasets

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// file is one file of a tree that may hold images.
type file struct {
	path string // from the root of the tree, with slashes
	size int64  // as announced: a zip file may lie
	mod  int64  // time of the last change in nanoseconds; 0 in a zip file
	open func() (io.ReadCloser, error)
}

// read returns the content, at most vision.MaxFileBytes.
func (f *file) read() ([]byte, error) {
	if f.size > vision.MaxFileBytes {
		return nil, fmt.Errorf("%w: the file has %d MB, the limit is %d", vision.ErrTooLarge, f.size>>20, vision.MaxFileBytes>>20)
	}
	r, err := f.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	// Not sized by f.size in advance: a small file may claim to be large.
	data, err := io.ReadAll(io.LimitReader(r, vision.MaxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > vision.MaxFileBytes {
		return nil, fmt.Errorf("%w: more than %d MB", vision.ErrTooLarge, vision.MaxFileBytes>>20)
	}
	return data, nil
}

// tree is a folder or a zip file, listed.
type tree struct {
	source string // its path
	files  []file // sorted by path
	dirs   map[string]bool
	key    string // changes when a file is added, removed or changed
}

// openTree lists the folder or zip file at p.
func openTree(p string) (*tree, error) {
	info, err := os.Stat(p)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w; expected a folder or a zip file", err)
	}
	abs, err := filepath.Abs(p)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	t := &tree{source: p, dirs: map[string]bool{}}
	h := sha256.New()
	fmt.Fprintf(h, "%q\n", abs)
	if info.IsDir() {
		if err := t.walk(p, "", 0); err != nil {
			return nil, err
		}
	} else {
		fmt.Fprintf(h, "%d %d\n", info.Size(), info.ModTime().UnixNano())
		if err := t.readZip(p); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(t.files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	// Twice the same name in a zip file: the first entry counts.
	t.files = slices.CompactFunc(t.files, func(a, b file) bool { return a.path == b.path })
	for _, f := range t.files {
		if f.mod != 0 {
			fmt.Fprintf(h, "%q %d %d\n", f.path, f.size, f.mod)
		}
	}
	t.key = hex.EncodeToString(h.Sum(nil)[:16])
	return t, nil
}

// hidden reports files that operating systems and editors leave: they are passed over without a warning.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || name == "__MACOSX" || strings.EqualFold(name, "Thumbs.db") || strings.EqualFold(name, "desktop.ini")
}

// walk lists the folder rel below root. Links are followed, as torchvision does, unless they lead back up.
func (t *tree) walk(root, rel string, depth int) error {
	if depth > 16 {
		return nil
	}
	dir := filepath.Join(root, filepath.FromSlash(rel))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("datasets: listing a folder: %w", err)
	}
	for _, e := range entries {
		if hidden(e.Name()) {
			continue
		}
		name := path.Join(rel, e.Name())
		full := filepath.Join(dir, e.Name())
		info, err := os.Stat(full)
		switch {
		case err != nil: // a link to nowhere, a file that has just gone
			t.files = append(t.files, file{path: name, open: func() (io.ReadCloser, error) { return os.Open(full) }})
		case info.IsDir():
			if e.Type()&fs.ModeSymlink != 0 && leadsUp(dir, full) {
				continue
			}
			t.dirs[name] = true
			if err := t.walk(root, name, depth+1); err != nil {
				return err
			}
		case info.Mode().IsRegular(): // opening a pipe would wait for ever
			t.files = append(t.files, file{path: name, size: info.Size(), mod: info.ModTime().UnixNano(), open: func() (io.ReadCloser, error) { return os.Open(full) }})
		}
	}
	return nil
}

// leadsUp reports whether link points to dir or a folder above it.
func leadsUp(dir, link string) bool {
	target, err1 := filepath.EvalSymlinks(link)
	here, err2 := filepath.EvalSymlinks(dir)
	if err1 != nil || err2 != nil {
		return true
	}
	rel, err := filepath.Rel(target, here)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// readZip lists a zip file. Nothing is unpacked: images are read from it, and it stays open for the life of the process.
func (t *tree) readZip(p string) error {
	z, err := zip.OpenReader(p)
	// Names with ".." or a leading slash do no harm here; they are left out below.
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return fmt.Errorf("datasets: %s: %w; expected a folder or a zip file", p, err)
	}
	for _, f := range z.File {
		name := strings.TrimSuffix(strings.ReplaceAll(f.Name, `\`, "/"), "/")
		if !fs.ValidPath(name) || slices.ContainsFunc(strings.Split(name, "/"), hidden) {
			continue
		}
		for d := path.Dir(name); d != "."; d = path.Dir(d) {
			t.dirs[d] = true
		}
		switch {
		case f.FileInfo().IsDir():
			t.dirs[name] = true
		case f.Mode().IsRegular():
			t.files = append(t.files, file{path: name, size: int64(min(f.UncompressedSize64, 1<<62)), open: f.Open})
		}
	}
	return nil
}

// children returns the folders directly in dir ("" is the root), sorted, and whether there are files too.
func (t *tree) children(dir string) (dirs []string, files bool) {
	parent := func(p string) string {
		if d := path.Dir(p); d != "." {
			return d
		}
		return ""
	}
	for d := range t.dirs {
		if parent(d) == dir {
			dirs = append(dirs, path.Base(d))
		}
	}
	slices.Sort(dirs)
	for _, f := range t.files {
		if parent(f.path) == dir {
			return dirs, true
		}
	}
	return dirs, false
}
