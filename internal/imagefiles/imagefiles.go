// Package imagefiles lists the files below a folder, and tells by their names which are images.
package imagefiles

import (
	"cmp"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Unread is a folder that can't be read.
type Unread struct {
	// Path of the folder, as that of a file.
	Path string
	// Err is the reason.
	Err error
}

// Below lists the files below a folder by their paths within it, with slashes, linked ones too, and the folders that
// can't be read. It leaves out hidden files and folders, pipes and devices. It visits each folder once, though several
// links lead to it, and under its own name where that is below dir, too.
func Below(dir string) (files []string, unread []Unread) {
	// Paths may be no valid UTF-8, as zips of other systems leave them: package fs can't open those.
	type folder struct{ below, real string }
	linked, seen := []folder{{"", realPath(dir)}}, map[string]bool{}
	var walk func(f folder)
	walk = func(f folder) {
		if seen[f.real] {
			return
		}
		seen[f.real] = true
		at := filepath.Join(dir, filepath.FromSlash(f.below))
		entries, err := os.ReadDir(at)
		if err != nil {
			unread = append(unread, Unread{cmp.Or(f.below, "."), err})
		}
		for _, e := range entries {
			if e.Name()[0] == '.' {
				continue
			}
			name, mode := path.Join(f.below, e.Name()), e.Type()
			link := mode&fs.ModeSymlink != 0
			if link {
				if info, err := os.Stat(filepath.Join(at, e.Name())); err == nil {
					mode = info.Mode()
				}
			}
			switch {
			case mode.IsDir() && link:
				linked = append(linked, folder{name, realPath(filepath.Join(at, e.Name()))})
			case mode.IsDir():
				walk(folder{name, filepath.Join(f.real, e.Name())})
			case mode.IsRegular(), mode&fs.ModeSymlink != 0: // pipes and devices are no images
				files = append(files, name)
			}
		}
	}
	for ; len(linked) > 0; linked = linked[1:] {
		walk(linked[0])
	}
	return files, unread
}

// realPath returns the absolute path of a folder without links, or what is known of it.
func realPath(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real
	}
	return dir
}

// Compare orders paths by the names of folders and files in them.
func Compare(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) }

// read are the endings of the names of images in the formats that package vision reads, unread those of a few others.
var (
	read   = []string{".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}
	unread = []string{".heic", ".heif", ".avif", ".jp2"}
)

// NamedAsRead reports whether a file has the name of an image in a format that is read.
func NamedAsRead(file string) bool { return slices.Contains(read, ending(file)) }

// Named reports whether a file has the name of an image, perhaps in a format that is not read.
func Named(file string) bool { return NamedAsRead(file) || slices.Contains(unread, ending(file)) }

func ending(file string) string { return strings.ToLower(filepath.Ext(file)) }
