package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
)

// nameRule is what names of runs and strategies are made of. They are names of folders, so other scripts are left out:
// macOS writes "é" as two characters, and the copy of a folder would have another name.
var nameRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// maxName leaves room for what is written beside: file systems take names of 255 bytes.
const maxName = 100

// checkName returns an error for a name that is no name of a folder everywhere, with one that is. what is the thing
// that has the name.
func checkName(what, name string) error {
	if nameRule.MatchString(name) {
		return nil
	}
	return fmt.Errorf("tlkit: %s name %q; a name is made of letters (a to z), digits, dots, dashes and underscores, such as %q", what, name, cleaned(name))
}

// cleaned returns a usable name that resembles the given one.
func cleaned(name string) string {
	name = strings.Map(func(r rune) rune { // letters without their accents
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(name))
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.')
	}), "-")
	if name = strings.Trim(name[:min(len(name), maxName)], "-._"); name == "" || reserved(name) {
		return "ants-vs-bees"
	}
	return name
}

// checkNewName is checkName for a run that has no folder yet. Its stricter rules don't apply to the folders that
// earlier versions made.
func checkNewName(what, name string) error {
	switch err := checkName(what, name); {
	case err != nil:
		return err
	case len(name) > maxName:
		return fmt.Errorf("tlkit: the %s name %.30q... has %d characters; at most %d are possible", what, name, len(name), maxName)
	case strings.HasSuffix(name, "."), reserved(name):
		return fmt.Errorf("tlkit: %s name %q; Windows has no folder of this name, so choose another, such as %q", what, name, "my-"+strings.TrimRight(name, "."))
	case what == "strategy" && slices.Contains([]string{graphFile, "run.json", "run.json" + sealed.CopySuffix}, strings.ToLower(name)):
		return fmt.Errorf("tlkit: strategy name %q; a file of the run has this name, so choose another, such as %q", name, "my-"+name)
	}
	return nil
}

// reserved reports whether Windows keeps a name for a device.
func reserved(name string) bool {
	name, _, _ = strings.Cut(strings.ToLower(name), ".")
	if len(name) == 4 && (strings.HasPrefix(name, "com") || strings.HasPrefix(name, "lpt")) {
		return name[3] >= '1' && name[3] <= '9'
	}
	return slices.Contains([]string{"con", "prn", "aux", "nul"}, name)
}

// otherCase returns the first of names that differs from name in upper and lower case only, "" if there is none.
func otherCase(name string, names []string) string {
	i := slices.IndexFunc(names, func(other string) bool { return other != name && strings.EqualFold(other, name) })
	if i < 0 {
		return ""
	}
	return names[i]
}

// elsewhere is the advice for folders that can't be written to.
const elsewhere = "set TLKIT_RUNS, or Recipe.Dir, to a folder in which you may write"

// takeAlong is added to elsewhere where the run has a folder already.
const takeAlong = ", with a copy of the run's folder to go on from it"

// whereInstead returns "; " and the next step for an error of writing that the operating system made, else "".
func whereInstead(err error) string {
	switch errno := sealed.SystemError(err); {
	case errors.Is(err, fs.ErrNotExist):
		return "; it went away during the training: if the run's folder was moved or deleted, put it back, and the same call goes on from the last checkpoint"
	case errno == syscall.ENOSPC, errno == syscall.EDQUOT:
		return "; make room on the disk and call this again, or " + elsewhere + takeAlong
	case errors.Is(err, fs.ErrPermission), errno == syscall.EROFS:
		return "; " + elsewhere + takeAlong
	case errno == 0:
		return ""
	}
	return "; the same call goes on from the last checkpoint when the disk, or the network folder, can be written to again; or " + elsewhere + takeAlong
}

// withAdvice returns an error of writing with the next step, nil for nil.
func withAdvice(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w%s", err, whereInstead(err))
}

// writeJSON writes a small file of a run; see [sealed.WriteJSON].
func writeJSON(path string, v any) error { return withAdvice(sealed.WriteJSON(path, v)) }

// aFile returns an error if a file is at the place of a run's folder, or of a folder above it.
func aFile(name, path, at string) error {
	if info, err := os.Stat(at); err != nil || info.IsDir() {
		return nil
	}
	return fmt.Errorf("tlkit: run %q has the folder %s, and %s is a file: move it away, or choose another name or another folder (TLKIT_RUNS, Recipe.Dir)", name, path, at)
}

// MakeFolder makes the folder of a new run at a path (see [Folder]), unless it is there. The error says which names are
// no folders everywhere, or differ from another run's by case only.
func MakeFolder(path, name string) error {
	if isRun(path) {
		return nil
	}
	if err := checkNewName("run", name); err != nil {
		return err
	}
	found, _ := List(filepath.Dir(path))
	if other := otherCase(name, found); other != "" {
		return fmt.Errorf("tlkit: run %q: there is a run %q in %s, which is the same folder on macOS and Windows; call it %q, or choose another name",
			name, other, filepath.Dir(path), other)
	}
	for at := path; ; at = filepath.Dir(at) {
		info, err := os.Lstat(at)
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			if _, err := os.Stat(at); err != nil {
				return fmt.Errorf("tlkit: run %q: %s is a link to a folder that is not there (%w); remove the link, or make the folder", name, at, err)
			}
		}
		if err := aFile(name, path, at); err != nil {
			return err
		}
		if err == nil || at == filepath.Dir(at) {
			break
		}
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return fmt.Errorf("tlkit: the folder of run %q can't be made: %w; %s", name, err, elsewhere)
	}
	return nil
}
