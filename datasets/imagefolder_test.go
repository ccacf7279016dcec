package datasets

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
)

// picture encodes a small image whose colour depends on n.
func picture(t testing.TB, format string, n int) []byte {
	t.Helper()
	m := image.NewPaletted(image.Rect(0, 0, 9, 7), color.Palette{color.RGBA{uint8(40 * n), 100, 50, 255}, color.White})
	m.SetColorIndex(3, 3, 1)
	for i := range 15 { // n as a bar code
		m.SetColorIndex(i%8, 5+i/8, uint8(n>>i&1))
	}
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, m)
	case "jpg":
		err = jpeg.Encode(&b, m, nil)
	case "gif":
		err = gif.Encode(&b, m, nil)
	case "bmp":
		err = bmp.Encode(&b, m)
	default:
		t.Fatalf("format %q", format)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// files is a tree to be written: content by path.
type files map[string][]byte

func (f files) dir(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	for name, data := range f {
		p := filepath.Join(root, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(p, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func (f files) zip(t testing.TB) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "data.zip")
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, data := range f {
		e, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// add puts n images of the class folder into f, no two with the same bytes.
func (f files) add(t testing.TB, folder string, n int) {
	for i := range n {
		format := []string{"png", "jpg", "gif", "bmp"}[i%4]
		f[fmt.Sprintf("%s/%02d.%s", folder, i, format)] = picture(t, format, int(crc32.ChecksumIEEE([]byte(folder))%300)*100+i)
	}
}

func withCache(t testing.TB) string {
	dir := t.TempDir()
	switch t := t.(type) {
	case *testing.T:
		t.Setenv("TLKIT_CACHE", dir)
		t.Setenv("TLKIT_DATA", "")
		t.Setenv("TLKIT_OFFLINE", "1")
	case *testing.F:
		t.Setenv("TLKIT_CACHE", dir)
	}
	return dir
}

func allNames(s *Split) (out []string) {
	for i := range s.Len() {
		out = append(out, s.Name(i))
	}
	return out
}

// readAll decodes every image of every split.
func readAll(t *testing.T, d *Dataset) {
	t.Helper()
	for _, s := range []*Split{d.Train, d.Val, d.Test} {
		if s == nil {
			continue
		}
		for i := range s.Len() {
			m, err := s.Image(i)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Pix) != 3*m.Width*m.Height || m.Width == 0 {
				t.Fatalf("%s: %d x %d pixels, %d bytes", s.Name(i), m.Width, m.Height, len(m.Pix))
			}
		}
	}
}

func TestImageFolderLayouts(t *testing.T) {
	withCache(t)
	for _, tt := range []struct {
		name             string
		folders          map[string]int
		opts             Options
		train, val, test []int // counts; nil test: none
		warnings         int
	}{
		{"train and val", map[string]int{"train/b": 5, "train/a": 3, "val/a": 2, "val/b": 1}, Options{}, []int{3, 5}, []int{2, 1}, nil, 0},
		{"all three, one folder around", map[string]int{"x/train/b": 5, "x/train/a": 3, "x/valid/a": 2, "x/valid/b": 1, "x/test/a": 1, "x/test/b": 4}, Options{}, []int{3, 5}, []int{2, 1}, []int{1, 4}, 0},
		{"two folders around", map[string]int{"x/y/Train/b": 5, "x/y/Train/a": 3, "x/y/Validation/a": 2, "x/y/Validation/b": 1}, Options{}, []int{3, 5}, []int{2, 1}, nil, 0},
		{"classes only", map[string]int{"a": 10, "b": 20}, Options{}, []int{8, 16}, []int{2, 4}, nil, 0},
		{"classes only, half", map[string]int{"a": 10, "b": 20}, Options{ValFraction: 0.5}, []int{5, 10}, []int{5, 10}, nil, 0},
		{"classes in one folder", map[string]int{"x/a": 10, "x/b": 5}, Options{}, []int{8, 4}, []int{2, 1}, nil, 0},
		{"train and test", map[string]int{"train/a": 10, "train/b": 10, "test/a": 3, "test/b": 4}, Options{}, []int{8, 8}, []int{2, 2}, []int{3, 4}, 0},
		{"train and test, no split", map[string]int{"train/a": 10, "train/b": 10, "test/a": 3, "test/b": 4}, Options{ValFraction: -1, PerClass: 4}, []int{4, 4}, []int{3, 4}, []int{3, 4}, 0},
		{"train only, no split", map[string]int{"train/a": 4, "train/b": 4}, Options{ValFraction: -1}, []int{4, 4}, []int{0, 0}, nil, 0},
		{"test only", map[string]int{"test/a": 3, "test/b": 4}, Options{}, []int{0, 0}, []int{3, 4}, []int{3, 4}, 2},
		{"val only", map[string]int{"val/a": 3, "val/b": 4}, Options{}, []int{0, 0}, []int{3, 4}, nil, 2},
		{"limit", map[string]int{"a": 10, "b": 20}, Options{PerClass: 3}, []int{3, 3}, []int{2, 4}, nil, 0},
		{"class missing in val", map[string]int{"train/a": 3, "train/b": 3, "val/a": 3}, Options{}, []int{3, 3}, []int{3, 0}, nil, 1},
		{"one image per class", map[string]int{"a": 1, "b": 1}, Options{}, []int{1, 1}, []int{0, 0}, nil, 1},
		{"folders within a class", map[string]int{"a/x": 5, "a/y": 5, "b": 5}, Options{}, []int{8, 4}, []int{2, 1}, nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := files{}
			for folder, n := range tt.folders {
				f.add(t, folder, n)
			}
			prints := map[string]bool{}
			for _, p := range []string{f.dir(t), f.zip(t)} {
				d, err := ImageFolder(p, tt.opts)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(d.Classes, []string{"a", "b"}) || d.NumClasses() != 2 {
					t.Errorf("classes %v", d.Classes)
				}
				if got := d.Train.Counts(); !slices.Equal(got, tt.train) {
					t.Errorf("train %v, want %v", got, tt.train)
				}
				if got := d.Val.Counts(); !slices.Equal(got, tt.val) {
					t.Errorf("val %v, want %v", got, tt.val)
				}
				if (d.Test == nil) != (tt.test == nil) || d.Test != nil && !slices.Equal(d.Test.Counts(), tt.test) {
					t.Errorf("test %v, want %v", d.Test, tt.test)
				}
				if len(d.Warnings) != tt.warnings {
					t.Errorf("warnings %q, want %d", d.Warnings, tt.warnings)
				}
				for _, n := range allNames(d.Train) {
					if slices.Contains(allNames(d.Val), n) {
						t.Errorf("%s is in both splits", n)
					}
				}
				readAll(t, d)
				prints[d.Fingerprint()] = true
			}
			if len(prints) != 1 {
				t.Errorf("folder and zip file have different fingerprints: %v", prints)
			}
		})
	}
}

func TestSeededSplit(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "a", 40)
	f.add(t, "b", 40)
	load := func(f files, seed uint64) *Dataset {
		d, err := ImageFolder(f.dir(t), Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := load(f, 1)
	if load(f, 1).Fingerprint() != d.Fingerprint() {
		t.Error("the same seed gives another split")
	}
	if load(f, 2).Fingerprint() == d.Fingerprint() {
		t.Error("another seed gives the same split")
	}
	if !slices.IsSorted(allNames(d.Train)) || !slices.IsSorted(allNames(d.Val)) {
		t.Error("images are not sorted by name")
	}
	f["a/99.png"] = picture(t, "png", 1)
	moved := 0
	before := allNames(d.Val)
	for _, n := range allNames(load(f, 1).Val) {
		if !slices.Contains(before, n) {
			moved++
		}
	}
	if moved > 1 {
		t.Errorf("one more file moved %d others into validation", moved)
	}
}

func TestSkippedFiles(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "train/a", 4)
	f.add(t, "train/b", 4)
	f.add(t, "val/a", 2)
	f.add(t, "val/b", 2)
	good := picture(t, "jpg", 1)
	f["train/a/cut.jpg"] = good[:len(good)-20]
	f["train/a/empty.png"] = nil
	f["train/b/notes.txt"] = []byte("hello")
	f["train/b/ImageNotFound.gif"] = picture(t, "gif", 1)
	f["train/b/wrong name.txt"] = picture(t, "png", 2) // an image by its content
	f["readme.md"] = []byte("hello")
	f["train/stray.png"] = picture(t, "png", 2)
	f["train/.DS_Store"] = []byte("x")
	f["__MACOSX/train/a/._00.png"] = []byte("x")
	f["train/a/Thumbs.db"] = []byte("x")
	cache := withCache(t)
	for _, p := range []string{f.dir(t), f.zip(t)} {
		for round := range 2 { // the second time from the stored verdicts
			d, err := ImageFolder(p)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Train.Counts(); !slices.Equal(got, []int{4, 5}) {
				t.Errorf("round %d: train %v, want [4 5]", round, got)
			}
			if len(d.Warnings) != 1 {
				t.Fatalf("warnings %q, want one", d.Warnings)
			}
			for _, want := range []string{"6 files were left out", "train/a/cut.jpg (broken", "empty.png (broken", "readme.md (not an image)", "and 1 more"} {
				if !strings.Contains(d.Warnings[0], want) {
					t.Errorf("warning %q lacks %q", d.Warnings[0], want)
				}
			}
			readAll(t, d)
		}
	}
	stored, err := filepath.Glob(filepath.Join(cache, "checked", "*.json"))
	if err != nil || len(stored) != 2 {
		t.Errorf("%d stored verdicts, error %v; want 2", len(stored), err)
	}
}

func TestChangedFileIsCheckedAgain(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "a", 4)
	f.add(t, "b", 4)
	dir := f.dir(t)
	if d, err := ImageFolder(dir); err != nil || len(d.Warnings) != 0 {
		t.Fatalf("%v %v", d, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "00.png"), []byte("garbage"), 0o644); err != nil {
		t.Fatal(err)
	}
	if d, err := ImageFolder(dir); err != nil || len(d.Warnings) != 1 {
		t.Errorf("got %v with %v; want a warning about the changed file", err, d)
	}
}

func TestSkipCheckFindsBrokenImageLater(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "a", 4)
	f.add(t, "b", 4)
	good := picture(t, "jpg", 1)
	f["a/zz.jpg"] = good[:len(good)-20]
	d, err := ImageFolder(f.dir(t), Options{SkipCheck: true, ValFraction: -1})
	if err != nil || d.Train.Len() != 9 {
		t.Fatalf("%v %v", d, err)
	}
	i := slices.Index(allNames(d.Train), "a/zz.jpg")
	_, err = d.Train.Image(i)
	var broken *BrokenImageError
	if !errors.As(err, &broken) || broken.Name != "a/zz.jpg" || !strings.Contains(err.Error(), "a/zz.jpg") {
		t.Errorf("got %v, want a BrokenImageError for a/zz.jpg", err)
	}
}

func TestImageFolderErrors(t *testing.T) {
	withCache(t)
	img := picture(t, "png", 1)
	for _, tt := range []struct {
		name string
		tree files
		opts []Options
		want string
	}{
		{"empty", files{}, nil, "is empty; expected one folder of images per class"},
		{"empty folders", files{"a/": nil, "b/": nil}, nil, "no usable image"},
		{"images without folders", files{"x.png": img}, nil, "has files but no folders"},
		{"one class", files{"a/1.png": img, "a/2.png": img}, nil, `only one class, "a"`},
		{"one class below train", files{"train/a/1.png": img, "val/a/2.png": img}, nil, `only one class, "a"`},
		{"one class and a foreign one", files{"a/1.png": img, "b/1.txt": []byte("x")}, nil, `folder "b" has no usable image`},
		{"class without training images", files{"train/a/1.png": img, "train/b/1.png": img, "val/a/1.png": img, "val/c/1.png": img}, nil, "class c has images for validation or test and none for training"},
		{"two names for a split", files{"val/a/1.png": img, "valid/a/1.png": img, "train/a/1.png": img}, nil, "has both val/ and valid/"},
		{"fraction", files{"a/1.png": img}, []Options{{ValFraction: 1}}, "ValFraction is 1"},
		{"limit", files{"a/1.png": img}, []Options{{PerClass: -1}}, "PerClass is -1"},
		{"two options", files{"a/1.png": img}, []Options{{}, {}}, "2 Options given"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d, err := ImageFolder(tt.tree.dir(t), tt.opts...); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, error %v; want an error with %q", d, err, tt.want)
			}
		})
	}
	if _, err := ImageFolder(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
	file := filepath.Join(t.TempDir(), "x.zip")
	if err := os.WriteFile(file, []byte("no zip"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ImageFolder(file); !errors.Is(err, zip.ErrFormat) || !strings.Contains(err.Error(), file) {
		t.Errorf("no zip file: %v", err)
	}
}

func TestSymbolicLinks(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "a", 4)
	real := files{}
	real.add(t, "photos", 4)
	dir := f.dir(t)
	for link, target := range map[string]string{"b": filepath.Join(real.dir(t), "photos"), "a/loop": dir, "a/gone.jpg": filepath.Join(dir, "nowhere")} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	d, err := ImageFolder(dir, Options{ValFraction: -1})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Train.Counts(); !slices.Equal(got, []int{4, 4}) {
		t.Errorf("counts %v", got)
	}
	if len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "a/gone.jpg") {
		t.Errorf("warnings %q", d.Warnings)
	}
}

// A zip file that claims a small image to be small and holds a giant of zeros must cost neither the
// memory nor the load.
func TestZipWithLies(t *testing.T) {
	withCache(t)
	f := files{"a/1.png": picture(t, "png", 1), "a/2.png": picture(t, "png", 2), "b/1.png": picture(t, "png", 3), "b/2.png": picture(t, "png", 4)}
	p := f.zip(t)
	data, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	// In the central directory (signature PK 1 2) the size stands at offset 24; claim 4 GB for the first entry.
	at := bytes.Index(data, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(data[at+24:], 0xfffffff0)
	if err := os.WriteFile(p, data, 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := ImageFolder(p, Options{ValFraction: -1})
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 3 || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "too large") {
		t.Errorf("%d images, warnings %q", d.Train.Len(), d.Warnings)
	}
	// A name that leads out of the folder is no image of it.
	f["../evil.png"] = picture(t, "png", 1)
	f["/evil.png"] = picture(t, "png", 1)
	if d, err := ImageFolder(f.zip(t)); err != nil || d.Train.Len()+d.Val.Len() != 4 {
		t.Errorf("got %v, %v", d, err)
	}
}

func TestUnwritableCacheIsNoError(t *testing.T) {
	withCache(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TLKIT_CACHE", file)
	f := files{}
	f.add(t, "a", 2)
	f.add(t, "b", 2)
	if _, err := ImageFolder(f.dir(t)); err != nil {
		t.Error(err)
	}
}

// FuzzZip feeds damaged zip files: an error or a consistent data set, and no panic.
func FuzzZip(f *testing.F) {
	withCache(f)
	seed := files{"a/1.png": picture(f, "png", 1), "a/2.png": picture(f, "png", 2), "b/1.png": picture(f, "png", 3), "b/2.gif": picture(f, "gif", 4)}
	data, err := os.ReadFile(seed.zip(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		p := filepath.Join(t.TempDir(), "x.zip")
		if err := os.WriteFile(p, data, 0o644); err != nil {
			t.Fatal(err)
		}
		d, err := ImageFolder(p)
		if err != nil {
			return
		}
		if len(d.Classes) < 2 || d.Train == nil || d.Val == nil {
			t.Fatalf("inconsistent: %v", d)
		}
		for i := range d.Train.Len() {
			if _, err := d.Train.Image(i); err != nil {
				t.Fatalf("checked image fails: %v", err)
			}
		}
	})
}

// TestNoFolder: the error for a folder that is not there names the folder in which it was looked for.
func TestNoFolder(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ImageFolder("my pictures"); err == nil || !strings.Contains(err.Error(), "no my pictures in "+wd) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want the folder %s in it", err, wd)
	}
}
