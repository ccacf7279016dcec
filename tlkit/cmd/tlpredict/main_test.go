package main

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit"
)

func TestMain(m *testing.M) {
	testutil.PureGo()
	m.Run()
}

// TestRun exports the embedded network in each format and classifies images with the command.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	model := tlkit.MustLoad("resnet20.shapes")
	shapes := datasets.MustLoad("shapes")
	var images, classes []string
	for i := range 3 {
		m, err := shapes.Val.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		picture := m.ToImage()
		path := filepath.Join(dir, string(rune('a'+i))+".png")
		f, err := os.Create(path)
		if err == nil {
			err = png.Encode(f, picture)
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		want, err := model.Predict(m, 1)
		if err != nil {
			t.Fatal(err)
		}
		images, classes = append(images, path), append(classes, want[0].Class)
	}
	for _, name := range []string{"m.pth", "m.safetensors", "m.onnx"} {
		path := filepath.Join(dir, name)
		if err := tlkit.Export(model, path); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		if code := run(append([]string{"-json", "-top", "2", path}, images...), &out, &errs); code != 0 {
			t.Fatalf("%s: code %d, %s", name, code, errs.String())
		}
		dec := json.NewDecoder(&out)
		for i := range images {
			var a result
			if err := dec.Decode(&a); err != nil {
				t.Fatal(err)
			}
			if a.Image != images[i] || len(a.Predictions) != 2 || a.Predictions[0].Class != classes[i] || a.Predictions[0].Probability < a.Predictions[1].Probability {
				t.Errorf("%s: %+v, want %s first", name, a, classes[i])
			}
		}
		out.Reset()
		if code := run([]string{path, "-top", "1", images[0], "-json"}, &out, &errs); code != 0 || strings.Count(out.String(), `"class"`) != 1 {
			t.Errorf("%s, flags after the files: code %d, printed\n%s%s", name, code, &out, &errs)
		}
		out.Reset()
		if code := run([]string{path, images[0]}, &out, &errs); code != 0 || strings.Count(out.String(), "\n") != 6 || !strings.Contains(out.String(), classes[0]) {
			t.Errorf("%s: code %d, printed\n%s", name, code, out.String())
		}
	}

	torn := filepath.Join(dir, "torn.jpg")
	if err := os.WriteFile(torn, []byte("no image"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{}, 2, "usage"},
		{[]string{filepath.Join(dir, "m.pth")}, 2, "usage"},
		{[]string{"-h"}, 0, "usage"},
		{[]string{filepath.Join(dir, "none.pth"), images[0]}, 1, "none.pth"},
		{[]string{filepath.Join(dir, "m.pth"), torn, images[0]}, 1, "torn.jpg"},
	} {
		var out, errs bytes.Buffer
		if code := run(c.args, &out, &errs); code != c.code || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%v: code %d, %q; want %d and %q", c.args, code, errs.String(), c.code, c.want)
		}
		if len(c.args) == 3 && !strings.Contains(out.String(), classes[0]) {
			t.Errorf("the image after the torn one is not classified: %q", out.String())
		}
	}
}
