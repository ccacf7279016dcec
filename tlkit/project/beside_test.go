package project_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/project"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestBeside holds that the program reads the model from a file beside itself, or from the one that MODEL_FILE names,
// that the deployment files bring that file along, and that a project can change between the two ways.
func TestBeside(t *testing.T) {
	model := load(t, "resnet20.shapes")
	dir := filepath.Join(t.TempDir(), "shapebox")
	write := func(o project.Options) *project.Project {
		t.Helper()
		o.Dir, o.Overwrite, o.SkipBuild, o.Data = dir, true, true, datasets.MustLoad("shapes")
		p, err := project.Write(t.Context(), "shapebox", model, o)
		if err != nil {
			t.Fatal(err)
		}
		vet(t, dir)
		return p
	}
	embedded := write(project.Options{})
	if p := write(project.Options{Beside: true, Precision: zoo.Int8}); !slices.Contains(p.Files, "classifier/shapebox.onnx") {
		t.Errorf("files %q", p.Files)
	}
	p := write(project.Options{Beside: true})
	for _, f := range []string{"classifier/beside.go", "classifier/beside_js.go", "classifier/shapebox.safetensors"} {
		if !slices.Contains(p.Files, f) || slices.Contains(embedded.Files, f) {
			t.Errorf("%s: the files are %q, embedded %q", f, p.Files, embedded.Files)
		}
	}
	for file, want := range map[string]string{"Containerfile": "COPY classifier/shapebox.safetensors /shapebox.safetensors\nENV MODEL_FILE=/shapebox.safetensors\n", ".containerignore": "!classifier/shapebox.safetensors",
		"deploy/shapebox.service": "Environment=MODEL_FILE=/usr/local/share/shapebox/shapebox.safetensors", "README.md": "`shapebox.safetensors` beside itself"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %q (%v):\n%s", file, want, err, text)
		}
	}
	run := func(env, name string, args ...string) (string, error) {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOPROXY=off", "GOFLAGS=", env)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("", "go", "test", "./..."); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	program := filepath.Join(dir, "shapebox")
	if out, err := run("", "go", "build", "-o", program, "./cmd/shapebox"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if info, err := os.Stat(program); err != nil || info.Size() > 60_000_000 {
		t.Errorf("the program: %v, %v", info, err)
	}
	const image = "classifier/testdata/sample1.png"
	here, err := run("", program, "predict", image)
	if err != nil {
		t.Errorf("in the project: %v, %s", err, here)
	}
	moved := filepath.Join(t.TempDir(), "bin", "shapebox")
	if err := os.MkdirAll(filepath.Dir(moved), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(program, moved); err != nil {
		t.Fatal(err)
	}
	if out, err := run("", moved, "predict", image); err == nil || !strings.Contains(out, "copy it there, or name it in MODEL_FILE") {
		t.Errorf("without the file: %v, %s", err, out)
	}
	file := filepath.Join(dir, "classifier", "shapebox.safetensors")
	if out, err := run("MODEL_FILE="+file, moved, "predict", image); err != nil || out != here {
		t.Errorf("named: %v, %s; want %s", err, out, here)
	}
	link := filepath.Join(t.TempDir(), "linked")
	if err := os.Symlink(moved, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file, filepath.Join(filepath.Dir(moved), "shapebox.safetensors")); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{moved, link} {
		if out, err := run("", program, "predict", image); err != nil || out != here {
			t.Errorf("beside %s: %v, %s; want %s", program, err, out, here)
		}
	}
	if p := write(project.Options{}); slices.Contains(p.Files, "classifier/beside.go") {
		t.Errorf("files %q", p.Files)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "classifier", "*")); err != nil || len(left) != 4 { // two Go files, the model, testdata
		t.Errorf("%q, %v: files of a project with the model beside it are left", left, err)
	}
}
