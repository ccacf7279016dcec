package zoo_test

import (
	"errors"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestPredictFolder: the images of a folder are classified as Predict does, in the order of their paths; what is no image is
// left out, a broken one listed.
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
	for name, text := range map[string]string{"README.md": "no image", "broken.jpg": "no image either"} {
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
		if (p.Err != nil) != (p.File == "broken.jpg") {
			t.Errorf("%s: error %v", p.File, p.Err)
		}
		if w := want[p.File]; p.Err == nil && (p.Class != w.Class || p.Index != w.Index || p.Probability-w.Probability > 1e-4 || w.Probability-p.Probability > 1e-4) {
			t.Errorf("%s: %v, Predict says %v", p.File, p.Prediction, w)
		}
	}
	if !slices.Equal(files, []string{"a.png", "b/1.png", "broken.jpg", "c.PNG"}) {
		t.Errorf("files %v", files)
	}
	if text := found.String(); !strings.HasPrefix(text, "3 images: ") || !strings.HasSuffix(text, "; 1 could not be read") {
		t.Errorf("%q", text)
	}
	path := filepath.Join(t.TempDir(), "predictions.csv")
	if err := found.WriteCSV(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if lines := strings.Split(string(data), "\n"); err != nil || lines[0] != "file,predicted,probability,error" || !strings.HasPrefix(lines[1], "a.png,"+want["a.png"].Class+",0.") || !strings.HasPrefix(lines[3], "broken.jpg,,,") {
		t.Errorf("CSV %q, %v", data, err)
	}
	for _, c := range []struct{ dir, want string }{{filepath.Join(dir, "a.png"), "no folder"}, {filepath.Join(dir, "none"), "none"}, {t.TempDir(), "no images"}} {
		if _, err := m.PredictFolder(c.dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.dir, err, c.want)
		}
	}
}

// TestWhereLooked: an error for a path at which there is nothing names the folder in which it was looked for, and one for
// weights the nearest name.
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
