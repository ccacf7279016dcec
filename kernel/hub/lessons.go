package hub

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
)

// Bounds of what is copied: each user gets it, at the first login.
var lessonBytes, lessonFiles = int64(1 << 30), 5000

// lessonRule returns why a file or folder is no lesson; "" if it is one. rel is its path in the folder of the lessons.
type lessonRule func(rel string, d fs.DirEntry) (why string)

// anyLesson takes all that a teacher has put into a folder, and can be copied.
func anyLesson(_ string, d fs.DirEntry) string {
	switch {
	case strings.HasPrefix(d.Name(), "."):
		return "hidden"
	case d.IsDir() && d.Name() == "runs":
		return "trainings of one's own"
	case !d.IsDir() && !d.Type().IsRegular():
		return "no file; links are not followed"
	}
	return ""
}

// ownLesson takes the notebooks and pictures of a checkout of TLKit, where programs stand beside them.
func ownLesson(rel string, d fs.DirEntry) string {
	switch why := anyLesson(rel, d); {
	case why != "":
		return why
	case d.IsDir() && slices.Contains([]string{"out", "gallery", "translate"}, d.Name()),
		!d.IsDir() && !slices.Contains([]string{".ipynb", ".png", ".svg", ".gif", ".jpg"}, filepath.Ext(rel)):
		return "no lesson"
	}
	return ""
}

// lessonCopy is a copy of lessons under way.
type lessonCopy struct {
	from, to string
	rule     lessonRule
	bytes    int64 // of all files so far, also of those that were there
	files    int
	made     int      // the new ones
	left     []string // what was left out, and why
}

// GiveLessons copies lessons into a home folder, and prints what keeps it from that: the user can still work.
func GiveLessons(from, to string) {
	_, leftOut, err := copyLessons(from, to, anyLesson)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tlkernel:", err)
	} else if leftOut != "" {
		fmt.Fprintln(os.Stderr, "tlkernel: lessons that were not copied:", leftOut)
	}
}

// copyLessons copies what is in a folder to another one: the files that the rule takes, within bounds. A file that is
// there already stays as it is, and one that can't be copied keeps no other from it. It returns how many files it made,
// and names those that it left out, with the reasons.
func copyLessons(from, to string, rule lessonRule) (made int, leftOut string, err error) {
	if info, err := os.Stat(from); err != nil {
		return 0, "", fmt.Errorf("hub: lessons: %w", err)
	} else if !info.IsDir() {
		return 0, "", fmt.Errorf("hub: lessons: %s is no folder", from)
	}
	from, err = filepath.EvalSymlinks(from) // WalkDir does not follow a root that is a link
	if err != nil {
		return 0, "", fmt.Errorf("hub: lessons: %w", err)
	}
	c := &lessonCopy{from: from, to: to, rule: rule}
	if err := filepath.WalkDir(from, c.visit); err != nil {
		return c.made, "", fmt.Errorf("hub: lessons from %s: %w", from, err)
	}
	return c.made, c.leftOut(), nil
}

// visit copies a file; it is an fs.WalkDirFunc.
func (c *lessonCopy) visit(path string, d fs.DirEntry, err error) error {
	rel, relErr := filepath.Rel(c.from, path)
	if relErr != nil {
		return relErr
	}
	why := ""
	switch {
	case err != nil:
		why = err.Error()
	case rel != ".":
		why = c.rule(rel, d)
	}
	if why == "" && !d.IsDir() {
		why = c.copy(rel, d)
	}
	if why == "" {
		return nil
	}
	c.left = append(c.left, fmt.Sprintf("%q (%s)", rel, why))
	if d != nil && d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// copy copies a file, if it is not there and within the bounds, or returns why it does not.
func (c *lessonCopy) copy(rel string, d fs.DirEntry) (why string) {
	info, err := d.Info()
	if err != nil {
		return err.Error()
	}
	if c.bytes+info.Size() > lessonBytes || c.files == lessonFiles {
		return fmt.Sprintf("lessons have at most %d MiB and %d files", lessonBytes>>20, lessonFiles)
	}
	c.bytes, c.files = c.bytes+info.Size(), c.files+1
	isNew, err := copyNew(filepath.Join(c.from, rel), filepath.Join(c.to, rel))
	if err != nil {
		return err.Error()
	}
	if isNew {
		c.made++
	}
	return ""
}

// leftOut names what was left out, the first of many.
func (c *lessonCopy) leftOut() string {
	return sentence.List(c.left, 16)
}

// copyNew copies a file, unless there is one already.
func copyNew(from, to string) (copied bool, err error) {
	if there, err := os.Lstat(to); err == nil && !cut(from, to, there) {
		return false, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
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
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(part, to)
	}
	if err != nil {
		os.Remove(part)
		return false, err
	}
	return true, nil
}

// cut reports whether a file is a beginning of the lesson that it should be a copy of: one of an image's earlier entry
// points that was ended in the middle, or of a machine that lost its power. Of other files than notebooks a user may
// have left a beginning, but hardly nothing.
func cut(from, to string, there fs.FileInfo) bool {
	lesson, err := os.Stat(from)
	if err != nil || !there.Mode().IsRegular() || there.Size() >= lesson.Size() {
		return false
	}
	if there.Size() == 0 {
		return true
	}
	if filepath.Ext(from) != ".ipynb" {
		return false
	}
	whole, err := os.ReadFile(from)
	part, partErr := os.ReadFile(to)
	return err == nil && partErr == nil && bytes.HasPrefix(whole, part)
}
