package hub

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// put writes a file of a lesson.
func put(t *testing.T, dir, path, text string) {
	t.Helper()
	path = filepath.Join(dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// filesIn lists the files of a folder with their texts.
func filesIn(t *testing.T, dir string) (all []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all = append(all, rel+": "+string(text))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTeachersLessons: all that a teacher has put into a folder arrives, or is named with the reason.
func TestTeachersLessons(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "lessons")
	all := []string{"a.ipynb", "gallery/b.ipynb", "helper.go", "labels.csv", "out/c.ipynb", "photos/1.JPG", "photos/2.jpeg", "photos/3.jpg", "photos/4.tiff", "translate/x"}
	for _, name := range append(slices.Clone(all), "runs/ants/run.json", ".git/config", "photos/.DS_Store") {
		put(t, from, name, "ours")
	}
	for link, target := range map[string]string{"passwd.ipynb": "/etc/passwd", "more": "/etc"} {
		if err := os.Symlink(target, filepath.Join(from, link)); err != nil {
			t.Fatal(err)
		}
	}
	made, leftOut, err := copyLessons(from, to, anyLesson)
	if err != nil || made != len(all) {
		t.Errorf("%d copied, %v; want %d", made, err, len(all))
	}
	var want []string
	for _, name := range all {
		want = append(want, name+": ours")
	}
	if have := filesIn(t, to); !reflect.DeepEqual(have, want) {
		t.Errorf("%q, want %q", have, want)
	}
	const link = "no file; links are not followed"
	if want := `".git" (hidden), "more" (` + link + `), "passwd.ipynb" (` + link + `), "photos/.DS_Store" (hidden), "runs" (trainings of one's own)`; leftOut != want {
		t.Errorf("left out: %s\nwant: %s", leftOut, want)
	}
	if made, _, err := copyLessons(from, to, anyLesson); err != nil || made != 0 {
		t.Errorf("again: %d, %v", made, err)
	}
	for _, from := range []string{filepath.Join(from, "none"), filepath.Join(from, "a.ipynb")} {
		if _, _, err := copyLessons(from, to, anyLesson); err == nil || !strings.Contains(err.Error(), from) {
			t.Errorf("%s: %v", from, err)
		}
	}
}

// TestLessonBounds: what is too much for every user's home folder is named.
func TestLessonBounds(t *testing.T) {
	bytes, files := lessonBytes, lessonFiles
	defer func() { lessonBytes, lessonFiles = bytes, files }()
	lessonBytes, lessonFiles = 10, 3
	for name, c := range map[string]struct {
		sizes []int
		made  int
		left  string
	}{
		"within":         {[]int{5, 4, 1}, 3, ""},
		"too large":      {[]int{5, 6, 1}, 2, `"1.ipynb" (lessons have at most 0 MiB and 3 files)`},
		"too many files": {[]int{1, 1, 1, 1}, 3, `"3.ipynb" (lessons have at most 0 MiB and 3 files)`},
	} {
		from, to := t.TempDir(), t.TempDir()
		for i, size := range c.sizes {
			put(t, from, fmt.Sprint(i, ".ipynb"), strings.Repeat("x", size))
		}
		for range 2 { // what is there counts, too
			_, left, err := copyLessons(from, to, anyLesson)
			if have := filesIn(t, to); err != nil || left != c.left || len(have) != c.made {
				t.Errorf("%s: %q, left out %q, %v", name, have, left, err)
			}
		}
	}
}

// TestLessonsThatAreThere: a user's own file is never overwritten; one that was cut while it was copied is whole again.
func TestLessonsThatAreThere(t *testing.T) {
	const lesson = `{"cells": []}`
	for name, c := range map[string]struct{ file, text, want string }{
		"not there":             {"a.ipynb", "-", lesson},
		"changed":               {"a.ipynb", `{"cells": [1]}`, `{"cells": [1]}`},
		"changed and shorter":   {"a.ipynb", `{}`, `{}`},
		"cut":                   {"a.ipynb", lesson[:7], lesson},
		"empty":                 {"a.ipynb", "", lesson},
		"a table's beginning":   {"a.csv", lesson[:7], lesson[:7]},
		"an empty table":        {"a.csv", "", lesson},
		"longer than the table": {"a.csv", lesson + "more", lesson + "more"},
	} {
		from, to := t.TempDir(), t.TempDir()
		put(t, from, c.file, lesson)
		if c.text != "-" {
			put(t, to, c.file, c.text)
		}
		put(t, to, c.file+".part", "of a copy that was cut off, and longer than what is copied now")
		if _, left, err := copyLessons(from, to, anyLesson); err != nil || left != "" {
			t.Errorf("%s: %s, %v", name, left, err)
		}
		if text, err := os.ReadFile(filepath.Join(to, c.file)); string(text) != c.want {
			t.Errorf("%s: %q, %v; want %q", name, text, err, c.want)
		}
	}
}

// TestLessonsInTheWay: one lesson that can't be copied keeps no other from it.
func TestLessonsInTheWay(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	for _, name := range []string{"a/1.ipynb", "b.ipynb", "c/2.ipynb"} {
		put(t, from, name, "ours")
	}
	put(t, to, "a", "the user's file in the place of a folder")
	made, left, err := copyLessons(from, to, anyLesson)
	if err != nil || made != 2 || !strings.HasPrefix(left, `"a/1.ipynb" (`) {
		t.Errorf("%d copied, left out %s, %v", made, left, err)
	}
}

// TestFullVolume: on a full volume nothing is cut, and what has room arrives.
func TestFullVolume(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("mounting a small file system needs root on Linux")
	}
	from, to := t.TempDir(), t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tlkit-test", to).CombinedOutput(); err != nil {
		t.Skipf("a small file system can't be mounted here: %v %s", err, out)
	}
	defer func() {
		if out, err := exec.Command("umount", to).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	}()
	large := string(bytes.Repeat([]byte("x"), 100<<10))
	for name, text := range map[string]string{"a.ipynb": "ours", "b.ipynb": large, "c.ipynb": "ours"} {
		put(t, from, name, text)
	}
	made, left, err := copyLessons(from, to, anyLesson)
	if err != nil || made != 2 || !strings.Contains(left, "b.ipynb") || !strings.Contains(left, "no space left") {
		t.Errorf("%d copied, left out %s, %v", made, left, err)
	}
	if have := filesIn(t, to); !reflect.DeepEqual(have, []string{"a.ipynb: ours", "c.ipynb: ours"}) {
		t.Errorf("%.200q", have)
	}
}
