package datasets

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/imagefiles"
)

// advice says what to do with a list of whose images none is in the tree, by the name of its first.
func (t *tree) advice(list, column, first string) string {
	files := indexFiles(t, filepath.Dir(list))
	_, reason := files.find(first)
	named := files.ends[plainName(path.Base(first))] // the files of that name, in any folder
	above := files.above(first)
	switch near, why := files.near(first); {
	case holdsPixels(column, first):
		return fmt.Sprintf("the column %q holds pixels, not names of files: write the images to files first, or give them to NewSplit", column)
	case reason == inTheList:
		return fmt.Sprintf("the column %q holds the images themselves: write them to files first, and give a column of their names", column)
	case strings.Contains(first, "://") && !strings.HasPrefix(first, "file:"):
		return "these are addresses: download the images, and give the column of their names"
	case above != "":
		return fmt.Sprintf("set Options.Dir to %q, in which the paths of the list begin", above)
	case near != "":
		return fmt.Sprintf("%s is there: %s", short(near), why)
	case reason != "" && reason != noSuchFile:
		return "give the longer paths of the images in the list"
	case strings.Contains(first, "/") && len(named) > 0:
		return fmt.Sprintf("%s is there: the list has other folders before the name; write the paths as they are from the list's folder",
			short(t.files[named[0]].path))
	case strings.ContainsAny(first, separators):
		return "if these names hold more than the images, say the separator in a line before the others (sep=;), else set Options.Dir to their folder"
	}
	text := "set Options.Dir to their folder"
	if i := slices.IndexFunc(t.files, func(f file) bool { return imagefiles.NamedAsRead(f.path) }); i >= 0 {
		text += ", or write their names as those of the files there, such as " + short(t.files[i].path)
	}
	return text
}

// holdsPixels reports whether a column holds the values of pixels: MNIST's pixel0 or 1x1, FER2013's "70 80 82 ...".
func holdsPixels(column, first string) bool {
	values := strings.Fields(first)
	for _, v := range values {
		if n, err := strconv.Atoi(v); err != nil || n < 0 || n > 255 {
			return false
		}
	}
	rows, columns, by := strings.Cut(column, "x")
	_, err1 := strconv.Atoi(rows)
	_, err2 := strconv.Atoi(columns)
	return len(values) >= 16 || len(values) == 1 && (strings.HasPrefix(strings.ToLower(column), "pixel") || by && err1 == nil && err2 == nil)
}

// maxAbove is how many folders above the list's are looked at for the one in which its paths begin.
const maxAbove = 3

// above returns the folder above the tree in which the path of an image is one of a file, "" if there is none.
func (x fileIndex) above(name string) string {
	p := filepath.FromSlash(strings.ReplaceAll(name, `\`, "/"))
	if !filepath.IsLocal(p) {
		return ""
	}
	dir := x.tree.abs
	for range maxAbove {
		dir = filepath.Dir(dir)
		if info, err := os.Stat(filepath.Join(dir, p)); err == nil && info.Mode().IsRegular() {
			return dir
		}
	}
	return ""
}

// studioCode fits a name before which Label Studio has put a code when it was uploaded; the group is the name.
var studioCode = regexp.MustCompile(`^[0-9a-f]{8}-(.+)$`)

// near returns the file that a number means which a program has written otherwise, and what to do.
func (x fileIndex) near(name string) (file, why string) {
	base := path.Base(plainName(name))
	at := func(stem string) string {
		if found := x.ends[stem]; len(found) > 0 {
			return x.tree.files[found[0]].path
		}
		return ""
	}
	if whole, ok := strings.CutSuffix(base, ".0"); ok && at(whole) != "" {
		return at(whole), "pandas has written whole numbers as fractions; write the column as whole numbers or text (astype(int), or dtype=str when it is read)"
	}
	number := strings.TrimSuffix(base, path.Ext(base))
	if n, err := strconv.Atoi(number); err == nil && n >= 0 {
		stems := make([]string, 0, 12)
		for zeros := 1; zeros <= 12; zeros++ {
			stems = append(stems, strings.Repeat("0", zeros)+number)
		}
		if i := slices.IndexFunc(stems, func(s string) bool { return at(s) != "" }); i >= 0 {
			return at(stems[i]), "the list has lost the zeros in front, as Excel drops them; write the column as text (dtype=str in pandas)"
		}
	}
	if m := studioCode.FindStringSubmatch(base); m != nil && at(m[1]) != "" {
		return at(m[1]), "Label Studio has put a code before the names when the images were uploaded; write the names without it, or use its files"
	}
	return x.longer(base), "the list has a part of the images' names; write the whole names, with a line for each image"
}

// longer returns the first file whose name has more words than the list's, before or behind it: "a000b-1.jpg" for
// "a000b". Shorter names say too little.
func (x fileIndex) longer(name string) string {
	if len(name) < 3 {
		return ""
	}
	i := slices.IndexFunc(x.tree.files, func(f file) bool {
		base := plainName(path.Base(f.path))
		stem := strings.TrimSuffix(base, path.Ext(base))
		behind, begins := strings.CutPrefix(stem, name)
		before, ends := strings.CutSuffix(stem, name)
		return imagefiles.NamedAsRead(base) &&
			(begins && strings.IndexAny(behind, joints) == 0 || ends && before != "" && strings.ContainsRune(joints, rune(before[len(before)-1])))
	})
	if i < 0 {
		return ""
	}
	return x.tree.files[i].path
}
