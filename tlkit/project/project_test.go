package project_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/project"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/serve"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

func TestMain(m *testing.M) {
	testutil.PureGo()
	m.Run()
}

func load(t testing.TB, name string, opts ...zoo.LoadOptions) *zoo.Model {
	t.Helper()
	m, err := zoo.Load(name, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// vet type-checks a project's program and its tests.
func vet(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.Command("go", "vet", "./...")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOPROXY=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

// TestModelCard: the card speaks of the accuracy on validation images only if it has one, and names no split for a
// calibration, which may be fitted on any.
func TestModelCard(t *testing.T) {
	model := load(t, "resnet20.shapes")
	model.Calibration = zoo.Calibration{Temperature: 1.5}
	for _, c := range []struct {
		facts      []project.Fact
		want, none string
	}{
		{nil, "No accuracy of its training was known", "accuracy above"},
		{[]project.Fact{{Name: "accuracy", Value: "93 % of the validation images", Limits: "The accuracy above was measured on the validation images."}}, "The accuracy above was measured on the validation images", "No accuracy"},
	} {
		dir := filepath.Join(t.TempDir(), "shapebox")
		if _, err := project.Write(t.Context(), "shapebox", model, project.Options{Dir: dir, SkipBuild: true}, c.facts...); err != nil {
			t.Fatal(err)
		}
		card, err := os.ReadFile(filepath.Join(dir, "MODEL_CARD.md"))
		text := string(card)
		if err != nil || !strings.Contains(text, "\n\n- "+c.want) || strings.Contains(text, c.none) || !strings.Contains(text, "calibrated (temperature 1.5") || strings.Contains(text, "calibrated on the validation") {
			t.Errorf("facts %v: %v, the card is\n%s", c.facts, err, text)
		}
	}
}

// TestWrite holds which files a project has, that its Go code is formatted, and that nothing of a template is left.
func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shapebox")
	p, err := project.Write(t.Context(), "shapebox", load(t, "resnet20.shapes"), project.Options{Dir: dir, Data: datasets.MustLoad("shapes"), SkipBuild: true},
		project.Fact{Name: "strategy", Value: "none | <b>"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".containerignore", ".gitignore", "Containerfile", "MODEL_CARD.md", "README.md", "classifier/classifier.go", "classifier/classifier_test.go",
		"classifier/model.safetensors", "classifier/testdata/notebook.json", "classifier/testdata/sample1.png", "classifier/testdata/sample2.png",
		"classifier/testdata/sample3.png", "cmd/shapebox/batch.go", "cmd/shapebox/main.go", "cmd/shapebox/main_test.go", "cmd/shapebox/predict.go",
		"cmd/shapebox/serve.go", "deploy/kubernetes.yaml", "deploy/shapebox.service", "go.mod", "go.sum", "page/page.go", "page/page_js.go"}
	if !slices.Equal(p.Files, want) {
		t.Errorf("files %q\nwant %q", p.Files, want)
	}
	for _, f := range p.Files {
		text, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f, ".go") {
			if formatted, err := format.Source(text); err != nil || string(formatted) != string(text) {
				t.Errorf("%s is not formatted (%v)", f, err)
			}
		}
		if !strings.HasPrefix(f, "classifier/model") && (strings.Contains(string(text), "{{") || strings.Contains(string(text), "<no value>") || strings.Contains(string(text), "<b>")) {
			t.Errorf("%s has a piece of a template, or markup from outside:\n%s", f, text)
		}
	}
	vet(t, dir)
	var samples []struct{ Probabilities map[string]float64 }
	text, err := os.ReadFile(filepath.Join(dir, "classifier/testdata/notebook.json"))
	if err == nil {
		err = json.Unmarshal(text, &samples)
	}
	if err != nil || len(samples) != 3 || len(samples[0].Probabilities) != 5 {
		t.Errorf("notebook.json: %v, %s", err, text)
	}
	if _, err := project.Write(t.Context(), "shapebox", load(t, "resnet20.shapes"), project.Options{Dir: dir, SkipBuild: true}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a second time: %v, want an error about the folder", err)
	}
	if p, err = project.Write(t.Context(), "shapebox", load(t, "resnet20.shapes"), project.Options{Dir: dir, SkipBuild: true, Overwrite: true, Version: "7.0.0"}); err != nil || len(p.Notes) != 1 {
		t.Errorf("overwriting: %v, notes %q, want one about the test", err, p)
	}
	vet(t, dir) // without images the tests are others
	if main, _ := os.ReadFile(filepath.Join(dir, "cmd/shapebox/main.go")); !strings.Contains(string(main), `"7.0.0"`) {
		t.Error("the project was not overwritten")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".shapebox-*")); len(left) > 0 {
		t.Errorf("temporary folders are left: %q", left)
	}
}

// TestNothingThatTrainsIsLinked holds that the program links no training code, no strategies, nothing that draws
// figures, and no engines in C.
func TestNothingThatTrainsIsLinked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shapebox")
	if _, err := project.Write(t.Context(), "shapebox", load(t, "resnet20.shapes"), project.Options{Dir: dir, SkipBuild: true}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-deps", "./cmd/shapebox")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOPROXY=off", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 100 || !slices.Contains(deps, "github.com/tlkit-go/tlkit-notebooks/tlkit/serve") {
		t.Fatalf("%d packages, without the service: %s", len(deps), out)
	}
	for _, d := range deps {
		room, ours := strings.CutPrefix(d, "github.com/tlkit-go/tlkit-notebooks/")
		if ours && (slices.Contains([]string{"tlkit", "tlkit/train", "tlkit/strategy", "tlkit/detect", "tlkit/insight", "tlkit/plots", "tlkit/project"}, room) || strings.HasPrefix(room, "kernel")) ||
			d == "runtime/cgo" || strings.HasPrefix(d, "gonum.org/v1/plot") || strings.Contains(d, "go-xla") || d == "github.com/gomlx/compute-onnx" {
			t.Errorf("the program links %s", d)
		}
	}
}

// TestMisuse holds what wrong arguments give, and that they leave nothing behind.
func TestMisuse(t *testing.T) {
	dir := t.TempDir()
	model := load(t, "resnet20.shapes")
	for _, c := range []struct {
		name  string
		model *zoo.Model
		opts  project.Options
		want  string
	}{
		{"Ants", model, project.Options{}, "lower-case"},
		{"../ants", model, project.Options{}, "lower-case"},
		{"", model, project.Options{}, "lower-case"},
		{"ants-", model, project.Options{}, "ends with a letter"},
		{"classifier", model, project.Options{}, "a folder in every project"},
		{"cmd", model, project.Options{}, "a folder in every project"},
		{"deploy", model, project.Options{}, "a folder in every project"},
		{"page", model, project.Options{}, "a folder in every project"},
		{"go", model, project.Options{}, "Go's own"},
		{"vendor", model, project.Options{}, "Go's own"},
		{"testdata", model, project.Options{}, "Go's own"},
		{"con", model, project.Options{}, "Windows"},
		{"ants", model, project.Options{Module: "go"}, "another meaning"},
		{"ants", model, project.Options{Module: "my ants"}, "module path"},
		{"ants", model, project.Options{Version: "1.0 beta"}, "Options.Version is \"1.0 beta\""},
		{"ants", model, project.Options{Version: "v1+b"}, "tag of an image"},
		{"ants", model, project.Options{Version: "1.0\""}, "tag of an image"},
		{"ants", nil, project.Options{}, "nil"},
		{"ants", model, project.Options{Source: dir}, "no checkout"},
	} {
		c.opts.Dir = filepath.Join(dir, "out")
		if _, err := project.Write(t.Context(), c.name, c.model, c.opts); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want an error with %q", c.name, err, c.want)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestFolder holds that what is in the way of a project stays: a file, a folder behind a link, a project of another
// name.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	model := load(t, "resnet20.shapes")
	write := func(name string, o project.Options) error {
		o.SkipBuild = true
		_, err := project.Write(t.Context(), name, model, o)
		return err
	}
	file := filepath.Join(dir, "antbee")
	if err := os.WriteFile(file, []byte("a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, overwrite := range []bool{false, true} {
		if err := write("antbee", project.Options{Dir: file, Overwrite: overwrite}); err == nil || !strings.Contains(err.Error(), "is a file") {
			t.Errorf("over a file: %v", err)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "a program" {
		t.Errorf("the file has %q (%v)", text, err)
	}
	full, link, nowhere := filepath.Join(dir, "full[1]"), filepath.Join(dir, "link"), filepath.Join(dir, "nowhere")
	if err := errors.Join(os.Mkdir(full, 0o755), os.WriteFile(filepath.Join(full, "mine"), nil, 0o644), os.Symlink(full, link),
		os.Symlink(filepath.Join(dir, "gone"), nowhere)); err != nil {
		t.Fatal(err)
	}
	if err := write("antbee", project.Options{Dir: link}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over a link to a full folder: %v", err)
	}
	if err := write("antbee", project.Options{Dir: nowhere, Overwrite: true}); err == nil || !strings.Contains(err.Error(), "link to nothing") {
		t.Errorf("over a link to nothing: %v", err)
	}
	readme := filepath.Join(full, "README.md")
	if err := os.WriteFile(readme, []byte("of another program"), 0o644); err != nil {
		t.Fatal(err)
	}
	// Without sources nothing is made: the error comes before any work.
	if err := write("antbee", project.Options{Dir: link, Overwrite: true, Source: filepath.Join(dir, "none")}); err == nil || !strings.Contains(err.Error(), "README.md") {
		t.Errorf("over the files of another program: %v", err)
	}
	if text, err := os.ReadFile(readme); err != nil || string(text) != "of another program" {
		t.Errorf("the other program's README.md has %q (%v)", text, err)
	}
	if left, err := os.ReadDir(full); err != nil || len(left) != 2 {
		t.Errorf("the folder of another program has %v, %v; want two files", left, err)
	}
	if err := os.Remove(readme); err != nil {
		t.Fatal(err)
	}
	if err := write("antbee", project.Options{Dir: link, Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link became something else: %v, %v", info, err)
	}
	for _, f := range []string{"mine", "go.mod"} {
		if _, err := os.Stat(filepath.Join(full, f)); err != nil {
			t.Error(err)
		}
	}
	page := filepath.Join(full, "antbee.html") // with the model of before
	if err := os.WriteFile(page, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := write("other", project.Options{Dir: full, Overwrite: true}); err == nil || !strings.Contains(err.Error(), `the project "antbee"`) {
		t.Errorf("over a project of another name: %v", err)
	}
	if err := write("antbee", project.Options{Dir: full, Overwrite: true}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(page); !os.IsNotExist(err) {
		t.Errorf("the page of the former model: %v, want it gone", err)
	}
}

// TestOwnNetwork holds that the program reads a network of one's own, whose code it does not have, from the file's
// graph.
func TestOwnNetwork(t *testing.T) {
	shapes := datasets.MustLoad("shapes")
	spec := zoo.Custom("mine", 32, func(scope *model.Scope, x *graph.Node) *graph.Node {
		return layers.Dense(scope.In("d"), graph.ReduceMean(x, 1, 2), true, 4)
	})
	zoo.Register(spec)
	mine, err := zoo.New(spec, shapes.Classes, 1)
	if err != nil {
		t.Fatal(err)
	}
	mine.Preprocess = vision.Preprocess{Resize: 32, Crop: 32}
	for _, precision := range []zoo.Precision{zoo.Float32, zoo.Float16} {
		dir := filepath.Join(t.TempDir(), "project")
		if _, err := project.Write(t.Context(), "mine-app", mine, project.Options{Dir: dir, Data: shapes, SkipBuild: true, Precision: precision}); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("go", "test", "./classifier") // with the notebook's probabilities
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOPROXY=off", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", precision, err, out)
		}
	}
}

// TestSixteenBits holds that the program reads 16-bit images with the bits of the training images, not with those that
// each image needs: a dark one stays dark.
func TestSixteenBits(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, most int) string {
		t.Helper()
		m := image.NewGray16(image.Rect(0, 0, 32, 32))
		for i := range 32 * 32 {
			m.SetGray16(i%32, i/32, color.Gray16{Y: uint16(i * most / 1023)})
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		var b bytes.Buffer
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), png.Encode(&b, m), os.WriteFile(path, b.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for i := range 6 {
		write(fmt.Sprintf("cells/a/%d.png", i), 4095-i)
		write(fmt.Sprintf("cells/b/%d.png", i), 2000-i)
	}
	cells, err := datasets.Load(filepath.Join(dir, "cells"))
	if err != nil {
		t.Fatal(err)
	}
	dark := write("dark.png", 900)
	model := load(t, "resnet20", zoo.LoadOptions{Weights: zoo.Random, Classes: cells.Classes, Preprocess: &vision.Preprocess{Resize: 32, Crop: 32}})
	asTrained, err := vision.DecodeFile(dark, vision.DecodeOptions{Bits: 12})
	if err != nil {
		t.Fatal(err)
	}
	want, err := model.Predict(asTrained, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, precision := range []zoo.Precision{zoo.Float32, zoo.Int8} {
		out := filepath.Join(t.TempDir(), "project")
		p, err := project.Write(t.Context(), "cells", model, project.Options{Dir: out, Data: cells, SkipBuild: true, Precision: precision})
		if err != nil {
			t.Fatal(err)
		}
		stored, err := filepath.Glob(filepath.Join(out, "classifier", "model.*"))
		if err != nil || len(stored) != 1 {
			t.Fatalf("%q, %v, of %q", stored, err, p.Files)
		}
		back, err := zoo.LoadExported(stored[0])
		if err != nil || back.Bits != 12 {
			t.Fatalf("%s: %d bits (%v), want 12", precision, back.Bits, err)
		}
		if precision == zoo.Float32 {
			found, err := back.PredictFile(dark, 1)
			if err != nil || found[0].Class != want[0].Class || math.Abs(found[0].Probability-want[0].Probability) > 1e-6 {
				t.Errorf("a dark image: %v (%v), want %v", found, err, want)
			}
			predictor, err := serve.New(back, serve.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer predictor.Close()
			if found, err := predictor.PredictFile(t.Context(), dark, 1); err != nil || math.Abs(found[0].Probability-want[0].Probability) > 1e-5 {
				t.Errorf("a dark image in the service: %v (%v), want %v", found, err, want)
			}
		}
		if card, err := os.ReadFile(filepath.Join(out, "MODEL_CARD.md")); err != nil || !strings.Contains(string(card), "12-bit ones, as in training") || !strings.Contains(string(card), "in training they were taken as stored") {
			t.Errorf("%s: the card has (%v)\n%s", precision, err, card)
		}
	}
	if model.Bits != 0 {
		t.Error("the caller's model was changed")
	}
}

// TestMemory holds that the limits of the deployment files have room for the bounds that the program is started with.
func TestMemory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "project")
	if _, err := project.Write(t.Context(), "antbee", load(t, "resnet20.shapes"), project.Options{Dir: dir, SkipBuild: true}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, bounds, goLimit, limit string }{
		{"deploy/kubernetes.yaml", `"-decode", "(\d+)", "-uploads", "(\d+)"`, `value: (\d+)MiB`, `limits:\s+memory: (\d+)Mi\b`},
		{"deploy/antbee.service", `-decode (\d+) -uploads (\d+)`, `GOMEMLIMIT=(\d+)MiB`, `MemoryMax=(\d+)M\b`},
	} {
		text, err := os.ReadFile(filepath.Join(dir, c.file))
		if err != nil {
			t.Fatal(err)
		}
		number := func(pattern string, group int) int {
			found := regexp.MustCompile(pattern).FindSubmatch(text)
			if found == nil {
				t.Fatalf("%s has no %s:\n%s", c.file, pattern, text)
			}
			n, err := strconv.Atoi(string(found[group]))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		decode, uploads, goLimit, limit := number(c.bounds, 1), number(c.bounds, 2), number(c.goLimit, 1), number(c.limit, 1)
		if sum := decode + uploads*3/2; decode < 256 || uploads < 64 || goLimit < sum+64 || limit <= goLimit {
			t.Errorf("%s: %d MiB for images and %d for requests, with GOMEMLIMIT %d MiB and a limit of %d", c.file, decode, uploads, goLimit, limit)
		}
	}
}

// TestPrecision holds what the model card says of a model in fewer bits, and that the sizes are those of the files.
func TestPrecision(t *testing.T) {
	shapes := datasets.MustLoad("shapes")
	model := load(t, "resnet20.shapes")
	for _, test := range []struct {
		precision zoo.Precision
		file      string
		share     float64 // of the file in float32, at most
	}{{zoo.Float32, "model.safetensors", 1}, {zoo.Float16, "model.safetensors", 0.55}, {zoo.BFloat16, "model.safetensors", 0.55}, {zoo.Int8, "model.onnx", 0.4}} {
		dir := filepath.Join(t.TempDir(), "small")
		p, err := project.Write(t.Context(), "small", model, project.Options{Dir: dir, Data: shapes, SkipBuild: true, Precision: test.precision})
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, "classifier", test.file))
		if err != nil {
			t.Fatal(err)
		}
		if most := test.share * 4 * 275_000; float64(info.Size()) > most+60_000 { // names and shapes of tensors beside them
			t.Errorf("%s: %s has %d bytes, want at most %.0f", test.precision, test.file, info.Size(), most)
		}
		if back, err := zoo.LoadExported(filepath.Join(dir, "classifier", test.file)); err != nil || back.Spec.Name != model.Spec.Name || back.Weights != model.Weights {
			t.Errorf("%s: the program has the model %v (%v), want %s with %s", test.precision, back, err, model.Spec.Name, model.Weights)
		}
		card, err := os.ReadFile(filepath.Join(dir, "MODEL_CARD.md"))
		if err != nil {
			t.Fatal(err)
		}
		small := test.precision != zoo.Float32
		if strings.Contains(string(card), "| stored in | "+string(test.precision)) != small || strings.Contains(string(card), "| accuracy as stored | ") != small {
			t.Errorf("%s: the model card\n%s", test.precision, card)
		}
		if len(p.Notes) != 0 {
			t.Errorf("%s: notes %q", test.precision, p.Notes)
		}
		if stray, _ := filepath.Glob(filepath.Join(dir, "classifier", "*.json")); len(stray) != 0 {
			t.Errorf("%s: left over: %q", test.precision, stray)
		}
	}
	dir := filepath.Join(t.TempDir(), "again")
	for _, precision := range []zoo.Precision{zoo.Float16, zoo.Int8, ""} {
		if _, err := project.Write(t.Context(), "again", model, project.Options{Dir: dir, Data: shapes, SkipBuild: true, Overwrite: true, Precision: precision}); err != nil {
			t.Fatal(err)
		}
		if found, _ := filepath.Glob(filepath.Join(dir, "classifier", "model.*")); len(found) != 1 {
			t.Errorf("with %q over another precision there are %q, want one model", precision, found)
		}
	}
	for want, o := range map[string]project.Options{
		"ProjectOptions.Data":  {Precision: zoo.Int8},
		"\"int4\"":             {Precision: "int4", Data: shapes},
		"Data has the classes": {Precision: zoo.Float16, Data: datasets.MustLoad("sketches")},
		"Float is [\"fc\"]":    {Precision: zoo.Float16, Float: []string{"fc"}},
	} {
		o.Dir, o.SkipBuild = filepath.Join(t.TempDir(), "no"), true
		if _, err := project.Write(t.Context(), "no", model, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error that names %s", o.Precision, err, want)
		}
		if _, err := os.Stat(o.Dir); err == nil {
			t.Errorf("%q: an error left %s", o.Precision, o.Dir)
		}
	}
}
