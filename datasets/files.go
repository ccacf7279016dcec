package datasets

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/zipfiles"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// file is one file of a tree that may hold images.
type file struct {
	path string // from the root of the tree, with slashes
	size int64  // as announced: a zip file's directory may be wrong
	// changed is the time of the last change in nanoseconds; 0 in a zip file.
	changed int64
	// zipped is set if the file is in a zip file, whose directory holds its CRC-32.
	zipped bool
	crc    uint32
	open   func() (io.ReadCloser, error)
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
	// Not sized by f.size in advance: the announced size of a small file may be large.
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
	abs    string // the same, absolute
	stamp  string // of a zip file: changes when the file changes
	files  []file // sorted by path
	dirs   map[string]bool
	left   []LeftOut // skipped while listing
	note   string    // a warning about the listing, "" for none
	verdicts
}

// openTree lists the folder or zip file at p.
func openTree(p string) (*tree, error) {
	info, err := os.Stat(p)
	switch {
	case p == "":
		return nil, errors.New("datasets: the path is empty; expected that of a folder or a zip file")
	case err != nil && strings.Contains(p, "://"):
		return nil, fmt.Errorf("datasets: %s is an address on the network, which is not read; download it and give its path", p)
	}
	if wd, e := os.Getwd(); e == nil && errors.Is(err, fs.ErrNotExist) && !filepath.IsAbs(p) {
		return nil, fmt.Errorf("datasets: there is no %s in %s: %w; expected a folder or a zip file, by its path from there or from /", p, wd, err)
	}
	if err != nil {
		return nil, fmt.Errorf("datasets: %w; expected a folder or a zip file", err)
	}
	if special(info) {
		return nil, fmt.Errorf("datasets: %s is %s; expected a folder or a zip file", p, noFileReason)
	}
	abs, err := filepath.Abs(p)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	t := &tree{source: p, abs: abs, dirs: map[string]bool{}}
	if info.IsDir() {
		err = t.walk(folder{path: p, above: []fs.FileInfo{info}})
	} else {
		t.stamp = fmt.Sprintf("%d %d", info.Size(), changed(info))
		err = t.readZip(p)
	}
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(t.files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	t.dropReplaced()
	return t, nil
}

// dropReplaced leaves out all but the last file of each name: a program that adds a file to a zip file anew writes it
// behind the others, and what unpacks it takes the last.
func (t *tree) dropReplaced() {
	kept := t.files[:0]
	for i, f := range t.files {
		if i+1 < len(t.files) && t.files[i+1].path == f.path {
			t.left = append(t.left, LeftOut{f.path, "replaced by a later file of this name in the zip file"})
			continue
		}
		kept = append(kept, f)
	}
	t.files = kept
}

// hidden reports whether operating systems or editors leave files of this name behind; these are skipped without a
// warning.
func hidden(name string) bool {
	switch strings.ToLower(name) {
	case "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found":
		return true // of macOS, Windows, Synology's thumbnails and waste bins, file systems
	}
	return strings.HasPrefix(name, ".")
}

const (
	// Folders below more than maxDepth nested folders, or behind more than maxLinks nested links, are left out.
	// maxLinks keeps folders that all link to each other from being listed in every order.
	maxDepth = 16
	maxLinks = 3

	hiddenReason = "hidden, or left by an operating system"
	noFileReason = "neither a file nor a folder"
)

// folder is a folder to be listed.
type folder struct {
	path  string        // where it is
	rel   string        // from the tree's root, with slashes
	above []fs.FileInfo // itself and the folders above it, as they were reached
	links int           // how many of them were reached by a link
}

// walk lists a folder. Links are followed, as torchvision does, unless they lead to a folder above.
func (t *tree) walk(dir folder) error {
	entries, err := os.ReadDir(dir.path)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("datasets: listing a folder: %w; give yourself the right to read it (chmod -R u+rX), or move it out of the data", err)
	}
	if err != nil {
		return fmt.Errorf("datasets: listing a folder: %w", err)
	}
	for _, e := range entries {
		name := path.Join(dir.rel, e.Name())
		full := filepath.Join(dir.path, e.Name())
		if hidden(e.Name()) {
			t.left = append(t.left, LeftOut{name, hiddenReason})
			continue
		}
		info, err := os.Stat(full)
		switch {
		case err != nil: // a link to nowhere or to itself, or a file that was just removed
			t.files = append(t.files, file{path: name, open: opener(full)})
		case info.IsDir():
			below := folder{path: full, rel: name, above: append(slices.Clip(dir.above), info), links: dir.links}
			if e.Type()&fs.ModeSymlink != 0 {
				below.links++
			}
			if err := t.descend(below); err != nil {
				return err
			}
		case info.Mode().IsRegular():
			t.files = append(t.files, file{path: name, size: info.Size(), changed: changed(info),
				open: opener(full)})
		default:
			t.left = append(t.left, LeftOut{name, noFileReason})
		}
	}
	return nil
}

// special reports whether there is neither a file nor a folder, but such as a pipe: opening that would block for ever.
func special(info fs.FileInfo) bool { return !info.IsDir() && !info.Mode().IsRegular() }

// opener returns the function that opens the file at p, which may have become something else since it was listed.
func opener(p string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		if info, err := os.Stat(p); err == nil && special(info) {
			return nil, &fs.PathError{Op: "open", Path: p, Err: errors.New(noFileReason)}
		}
		return os.Open(p)
	}
}

// descend lists a folder inside another, unless it is a link to a folder above it or lies too deep.
func (t *tree) descend(dir folder) error {
	self := dir.above[len(dir.above)-1]
	switch {
	case slices.ContainsFunc(dir.above[:len(dir.above)-1], func(up fs.FileInfo) bool { return os.SameFile(up, self) }):
		t.left = append(t.left, LeftOut{dir.rel, "a link to a folder above it"})
		return nil
	case len(dir.above) > maxDepth:
		t.left = append(t.left, LeftOut{dir.rel, fmt.Sprintf("more than %d folders deep", maxDepth)})
		return nil
	case dir.links > maxLinks:
		t.left = append(t.left, LeftOut{dir.rel, fmt.Sprintf("behind more than %d links", maxLinks)})
		return nil
	}
	t.dirs[dir.rel] = true
	return t.walk(dir)
}

// readZip lists a zip file. Nothing is unpacked: images are read from it, and it stays open for the life
// of the process.
func (t *tree) readZip(p string) error {
	z, err := zip.OpenReader(p)
	// Names with ".." or a leading slash do no harm here; they are left out below.
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		if advice := notZip(p); advice != "" {
			return fmt.Errorf("datasets: %s is %s; expected a folder or a zip file", p, advice)
		}
		return fmt.Errorf("datasets: %s: %w; expected a folder or a zip file", p, err)
	}
	zipfiles.Register(&z.Reader)
	foreign, roots := "", map[string]string{}
	for _, f := range z.File {
		whole, sure := zipfiles.Name(f)
		if !sure {
			foreign = whole
		}
		root, name := zipfiles.CutRoot(whole)
		if t.addZipped(f, name) {
			roots[root] = whole
		}
	}
	if foreign != "" {
		t.note = zipfiles.UnsureNote(foreign)
	}
	if len(roots) > 1 {
		t.note = joinNotes(t.note, fmt.Sprintf("the zip file has paths from several roots, such as %s: they are read as if from one; "+
			"if their folders are none of the data, unpack it, move the files and give the folder", list(slices.Sorted(maps.Values(roots)))))
	}
	return nil
}

// addZipped lists an entry of a zip file under its name and reports whether that may be an image.
func (t *tree) addZipped(f *zip.File, name string) bool {
	name, folder := strings.CutSuffix(name, "/")
	folder = folder || f.FileInfo().IsDir()
	switch {
	case !fs.ValidPath(name):
		t.left = append(t.left, LeftOut{f.Name, "a name that leads out of the zip file"})
		return false
	case slices.ContainsFunc(strings.Split(name, "/"), hidden):
		if !folder {
			t.left = append(t.left, LeftOut{name, hiddenReason})
		}
		return false
	}
	for d := path.Dir(name); d != "."; d = path.Dir(d) {
		t.dirs[d] = true
	}
	switch {
	case folder:
		t.dirs[name] = true
	case f.Mode().IsRegular():
		size := int64(min(f.UncompressedSize64, 1<<62))
		t.files = append(t.files, file{path: name, size: size, zipped: true, crc: f.CRC32, open: zipfiles.Opener(f)})
		return true
	case f.Mode()&fs.ModeSymlink != 0:
		t.left = append(t.left, LeftOut{name, "a link, which is not followed in a zip file; unpack that and give the folder"})
	default:
		t.left = append(t.left, LeftOut{name, noFileReason})
	}
	return false
}

// joinNotes returns two warnings as one, either of which may be "".
func joinNotes(a, b string) string { return strings.TrimPrefix(a+"; "+b, "; ") }

// parent returns the folder of a path, "" for the root.
func parent(p string) string {
	if d := path.Dir(p); d != "." {
		return d
	}
	return ""
}
