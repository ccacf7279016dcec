package zoo_test

import (
	"errors"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestPredictFolder: the images of a folder are classified as Predict does, in the order of their paths; what is no
// image is left out, a broken one listed.
func TestPredictFolder(t *testing.T) {
	m, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	ds, err := datasets.Load("shapes", datasets.Options{PerClass: 1})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "b", ".hidden"), 0o777); err != nil {
		t.Fatal(err)
	}
	names := []string{"a.png", "b/1.png", "b/.hidden/x.png", "c.PNG"}
	want := map[string]zoo.Prediction{}
	for i, name := range names {
		in, err := ds.Val.Image(i * 37 % ds.Val.Len())
		if err != nil {
			t.Fatal(err)
		}
		best, err := m.Predict(in, 1)
		if err != nil {
			t.Fatal(err)
		}
		want[name] = best[0]
		out := image.NewNRGBA(image.Rect(0, 0, in.Width, in.Height))
		for k := range in.Width * in.Height {
			out.SetNRGBA(k%in.Width, k/in.Width, color.NRGBA{in.Pix[3*k], in.Pix[3*k+1], in.Pix[3*k+2], 255})
		}
		f, err := os.Create(filepath.Join(dir, name))
		if err == nil {
			err = png.Encode(f, out)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	for name, text := range map[string]string{"README.md": "no image", "broken.jpg": "no image either", "broken.pnm": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	found, err := m.PredictFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, p := range found {
		files = append(files, p.File)
		if (p.Err != nil) != (p.File == "broken.jpg" || p.File == "broken.pnm") {
			t.Errorf("%s: error %v", p.File, p.Err)
		}
		if w := want[p.File]; p.Err == nil && (p.Class != w.Class || p.Index != w.Index || p.Probability-w.Probability > 1e-4 || w.Probability-p.Probability > 1e-4) {
			t.Errorf("%s: %v, Predict says %v", p.File, p.Prediction, w)
		}
	}
	if !slices.Equal(files, []string{"a.png", "b/1.png", "broken.jpg", "broken.pnm", "c.PNG"}) {
		t.Errorf("files %v", files)
	}
	if text := found.String(); !strings.HasPrefix(text, "3 images: ") || !strings.HasSuffix(text, "; 2 could not be read") {
		t.Errorf("%q", text)
	}
	path := filepath.Join(t.TempDir(), "predictions.csv")
	if err := found.WriteCSV(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if lines := strings.Split(string(data), "\n"); err != nil || lines[0] != "file,predicted,probability,uncertain,error" || !strings.HasPrefix(lines[1], "a.png,"+want["a.png"].Class+",0.") || !strings.HasPrefix(lines[3], "broken.jpg,,,,") {
		t.Errorf("CSV %q, %v", data, err)
	}
	for _, c := range []struct{ dir, want string }{{filepath.Join(dir, "a.png"), "no folder"}, {filepath.Join(dir, "none"), "none"}, {t.TempDir(), "no images"}} {
		if _, err := m.PredictFolder(c.dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.dir, err, c.want)
		}
	}
}

// TestOddFolders: folders as people have them: linked, with names of other systems, with pipes, in the home folder.
// Each file that can't be classified is in the list or in the error. A model whose weights are NaN gives no class.
func TestOddFolders(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege on Windows, and there are no pipes in folders")
	}
	m, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	draw := func(path string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(path)
		if err == nil {
			err = errors.Join(png.Encode(f, image.NewGray(image.Rect(0, 0, 9, 7))), f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	draw(filepath.Join(home, "plain", "a.png"))
	link := func(to, from string) {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		fill func(dir string)
		want []string // the files, with ! before those with an error
	}{
		{"latin 1", func(dir string) { draw(filepath.Join(dir, "h\xf6hle", "b\xe4r.png")) }, []string{"h\xf6hle/b\xe4r.png"}},
		{"linked folder", func(dir string) { link("../plain", filepath.Join(dir, "more")) }, []string{"more/a.png"}},
		{"linked file", func(dir string) { link("../plain/a.png", filepath.Join(dir, "b.png")) }, []string{"b.png"}},
		{"loop", func(dir string) { link("..", filepath.Join(dir, "up")); link(".", filepath.Join(dir, "here")) }, []string{"up/plain/a.png"}},
		{"links to each other", func(dir string) {
			for _, a := range "abcdefgh" {
				draw(filepath.Join(dir, string(a), "1.png"))
				for _, b := range "abcdefgh" {
					link("../"+string(b), filepath.Join(dir, string(a), "to "+string(b)))
				}
			}
		}, []string{"a/1.png", "b/1.png", "c/1.png", "d/1.png", "e/1.png", "f/1.png", "g/1.png", "h/1.png"}},
		{"a second name", func(dir string) {
			draw(filepath.Join(dir, "run3", "deep", "1.png"))
			link("run3", filepath.Join(dir, "latest"))
			link("run3/deep", filepath.Join(dir, "deep"))
		}, []string{"run3/deep/1.png"}},
		{"two links", func(dir string) { link("../plain", filepath.Join(dir, "b")); link("../plain", filepath.Join(dir, "a")) }, []string{"a/a.png"}},
		{"broken links", func(dir string) {
			link("nowhere", filepath.Join(dir, "b.png"))
			link("c.png", filepath.Join(dir, "c.png"))
		}, []string{"!b.png", "!c.png"}},
		{"pipe", func(dir string) {
			if err := exec.Command("mkfifo", filepath.Join(dir, "b.png")).Run(); err != nil {
				t.Fatal(err)
			}
			draw(filepath.Join(dir, "c.png"))
		}, []string{"c.png"}},
		{"order", func(dir string) { draw(filepath.Join(dir, "a-b", "1.png")); draw(filepath.Join(dir, "a", "2.png")) }, []string{"a/2.png", "a-b/1.png"}},
	} {
		dir := filepath.Join(home, tt.name)
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		tt.fill(dir)
		found, err := m.PredictFolder("~/" + tt.name)
		var files []string
		for _, p := range found {
			if p.Err != nil {
				p.File = "!" + p.File
			}
			files = append(files, p.File)
		}
		if err != nil || !slices.Equal(files, tt.want) {
			t.Errorf("%s: %q, %v; want %q", tt.name, files, err, tt.want)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}

	found, err := m.PredictFolder("~/plain")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.PredictFile("~/plain/a.png", 1); err != nil {
		t.Error(err)
	}
	if err := found.WriteCSV("~/found.csv"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(home, "found.csv")); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]string{"~/none/x.csv": "there is no folder " + filepath.Join(home, "none"), "~/plain": "is a directory"} {
		if err := found.WriteCSV(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if _, err := m.PredictFolder(""); err == nil || !strings.Contains(err.Error(), "has no name") {
		t.Errorf("no name: %v", err)
	}

	spoil(t, m)
	_, folder := m.PredictFolder("~/plain")
	_, file := m.PredictFile("~/plain/a.png", 1)
	for _, err := range []error{folder, file} {
		if err == nil || !strings.Contains(err.Error(), "infinite or NaN") || !strings.Contains(err.Error(), m.Params()[len(m.Params())-1].Key) {
			t.Errorf("weights that are no numbers: %v", err)
		}
	}
}

// TestPredictFolderOverflow: an image whose outputs are no finite numbers is listed, and the others have their classes.
func TestPredictFolderOverflow(t *testing.T) {
	m, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	const tiny = 1e-36 // white is divided by it, black stays 0
	m.Preprocess.Mean, m.Preprocess.Std = [3]float32{}, [3]float32{tiny, tiny, tiny}
	first := m.Params()[0]
	values, err := m.Values(first)
	if err != nil {
		t.Fatal(err)
	}
	values = slices.Clone(values)
	for i := range values {
		values[i] *= 1e6
	}
	if err := m.Variable(first).SetValue(tensors.FromFlatDataAndDimensions(values, m.Variable(first).Shape().Dimensions...)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, grey := range map[string]uint8{"1.png": 0, "2.png": 255, "3.png": 0} {
		picture := image.NewGray(image.Rect(0, 0, 32, 32))
		for i := range picture.Pix {
			picture.Pix[i] = grey
		}
		f, err := os.Create(filepath.Join(dir, name))
		if err == nil {
			err = errors.Join(png.Encode(f, picture), f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	found, err := m.PredictFolder(dir)
	if err != nil || len(found) != 3 {
		t.Fatalf("%v, %v", found, err)
	}
	for _, p := range found {
		if failed := p.Err != nil && strings.Contains(p.Err.Error(), "infinite or NaN"); failed != (p.File == "2.png") || failed == (p.Class != "") {
			t.Errorf("%s: class %q, error %v", p.File, p.Class, p.Err)
		}
	}
}

// spoil puts a NaN into the weights of a model.
func spoil(t *testing.T, m *zoo.Model) {
	t.Helper()
	p := m.Params()[len(m.Params())-1]
	values, err := m.Values(p)
	if err != nil {
		t.Fatal(err)
	}
	values = slices.Clone(values)
	values[0] = float32(math.NaN())
	if err := m.Variable(p).SetValue(tensors.FromValue(values)); err != nil {
		t.Fatal(err)
	}
}

// TestWhereLooked: an error for a path at which there is nothing names the folder in which it was looked for, and one
// for weights the nearest name.
func TestWhereLooked(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	_, file := m.PredictFile("boat.png", 2)
	_, folder := m.PredictFolder("boats")
	for want, err := range map[string]error{"no boat.png in " + wd: file, "no boats in " + wd: folder} {
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	if _, err := zoo.Load("resnet20.shape"); err == nil || !strings.Contains(err.Error(), `did you mean "resnet20.SHAPES"`) {
		t.Errorf("%v, want the nearest name", err)
	}
}
