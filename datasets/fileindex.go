package datasets

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/tlkit-go/tlkit-notebooks/internal/imagefiles"
)

// fileIndex finds the files of a tree by the ends of their paths. Case counts only where files differ in it alone, and
// so do the code points of one letter: names that macOS has written have é as e and an accent (Unicode NFD).
type fileIndex struct {
	exact map[string]int
	ends  map[string][]int // by file name as plainName has it, with and without the extension
	tree  *tree
	flat  bool   // all images lie in one folder
	list  string // the folder of the list
}

func indexFiles(t *tree, list string) fileIndex {
	x := fileIndex{exact: map[string]int{}, ends: map[string][]int{}, tree: t, list: list}
	folders := map[string]bool{}
	for i, f := range t.files {
		x.exact[f.path] = i
		if imagefiles.NamedAsRead(f.path) {
			folders[path.Dir(f.path)] = true
		}
		x.flat = len(folders) <= 1
		base := plainName(path.Base(f.path))
		x.ends[base] = append(x.ends[base], i)
		if imagefiles.NamedAsRead(base) {
			stem := strings.TrimSuffix(base, path.Ext(base))
			x.ends[stem] = append(x.ends[stem], i)
		}
	}
	return x
}

// plainName returns a path in lower case, in Unicode NFC, without invisible characters, as a copied text may have them.
func plainName(p string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, strings.ToLower(norm.NFC.String(p)))
}

const (
	noSuchFile = "there is no such file"
	anAddress  = "an address on the network, which is not read; download the images, and list the files"
	inTheList  = "an image written into the list itself, which is not read; write the images to files, and list the files"
)

// isImageText reports whether a field holds an image as text: base64, perhaps as an address ("data:image/png;base64,").
func isImageText(words string) bool {
	const shortest = 100 // longer than names are, and shorter than images
	return strings.HasPrefix(words, "data:image/") ||
		len(words) > shortest && (strings.HasPrefix(words, "/9j/") || strings.HasPrefix(words, "iVBORw0KGgo") || strings.HasPrefix(words, "UklGR"))
}

// findMoved is find for an absolute path, a path that leads upwards ("../images/1.png"), an address of a file
// and a path with %20 for a blank. A path that names a file of this machine, seen from the list's folder, means
// that file alone. Of others the longest end that names one file counts, and moved is set. The name alone counts
// only for an absolute path, and only if the images lie in one folder: else it may be another image's, in a
// folder of another class. An address on the network (gs://bucket/cats/1.jpg) is like an absolute path: its
// files may have been downloaded.
func (x fileIndex) findMoved(words string) (i int, moved bool, reason string) {
	address := addressPath(words)
	p := cmp.Or(address, strings.ReplaceAll(strings.TrimPrefix(words, "file://"), `\`, "/"))
	if plain, err := url.PathUnescape(p); err == nil {
		p = plain
	}
	if p != words {
		if i, reason := x.find(p); reason == "" {
			return i, false, ""
		}
	}
	upwards := strings.HasPrefix(path.Clean(p), "../")
	absolute := strings.HasPrefix(p, "/") || len(p) > 2 && p[1] == ':'
	if !upwards && !absolute {
		return 0, false, noSuchFile
	}
	if address == "" {
		if i, reason := x.findHere(p); reason != noSuchFile {
			return i, false, reason
		}
	}
	for p, found := path.Clean(p), true; found; {
		_, p, found = strings.Cut(p, "/")
		if !strings.Contains(p, "/") && (upwards || !x.flat) {
			break
		}
		if i, reason := x.find(p); found && reason != noSuchFile {
			return i, true, reason
		}
	}
	return 0, false, noSuchFile
}

// schemeLetters are those of the schemes of addresses: https, s3, azureml.
const schemeLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// addressPath returns the path in an address on the network, with a leading slash and without a query; "" for other
// names.
func addressPath(words string) string {
	scheme, rest, ok := strings.Cut(words, "://")
	if !ok || scheme == "file" || strings.Trim(scheme, schemeLetters) != "" {
		return ""
	}
	rest, _, _ = strings.Cut(rest, "?")
	_, p, _ := strings.Cut(rest, "/") // the host, or the bucket
	return "/" + p
}

// findHere returns the index of the file at a path of this machine, absolute or from the list's folder.
func (x fileIndex) findHere(p string) (int, string) {
	if !filepath.IsAbs(p) {
		p = filepath.Join(x.list, p)
	}
	named, err := os.Stat(p)
	if err != nil || !named.Mode().IsRegular() {
		return 0, noSuchFile
	}
	for _, i := range x.ends[plainName(filepath.Base(p))] {
		if f, err := os.Stat(filepath.Join(x.tree.abs, x.tree.files[i].path)); err == nil && os.SameFile(f, named) {
			return i, ""
		}
	}
	return 0, fmt.Sprintf("it lies outside of %s, the folder of the images", short(x.tree.source))
}

// find returns the index of the one file that words name, or the reason why there is none.
func (x fileIndex) find(words string) (int, string) {
	p := path.Clean(strings.ReplaceAll(words, `\`, "/"))
	if rel, err := filepath.Rel(x.tree.abs, words); err == nil && filepath.IsAbs(words) {
		p = filepath.ToSlash(rel)
	}
	if words == "" {
		return 0, "no image is named"
	}
	if i, ok := x.exact[p]; ok {
		return i, ""
	}
	if isImageText(words) {
		return 0, inTheList
	}
	p = plainName(p)
	var found, beside []int
	for _, i := range x.ends[path.Base(p)] {
		whole := plainName(x.tree.files[i].path)
		stem := strings.TrimSuffix(whole, path.Ext(whole))
		switch {
		case stem == p, whole == p:
			beside = append(beside, i)
		case strings.HasSuffix("/"+whole, "/"+p), strings.HasSuffix("/"+stem, "/"+p):
			found = append(found, i)
		}
	}
	if len(beside) > 0 {
		found = beside // the path of the list, except for the extension
	}
	switch len(found) {
	case 0:
		if addressPath(words) != "" {
			return 0, anAddress
		}
		return 0, noSuchFile
	case 1:
		return found[0], ""
	}
	fits := map[string]bool{}
	for _, i := range found {
		fits[x.tree.files[i].path] = true
	}
	return 0, "several files fit: " + list(slices.Sorted(maps.Keys(fits)))
}
