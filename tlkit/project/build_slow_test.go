//go:build slow

package project_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/project"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// families has a small network of each cheap family, with random weights for the classes of the built-in images.
var families = []string{"squeezenet1_1", "mobilenet_v1_025", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x0_5", "mnasnet0_5", "regnet_y_400mf",
	"efficientnet_b0", "efficientnet_lite0", "resnet18", "resnet20", "googlenet"}

// TestProjects writes, builds, tests and tries a project of each family without a network: the program's probabilities
// are those of the model here.
func TestProjects(t *testing.T) {
	shapes := datasets.MustLoad("shapes")
	models := map[string]*zoo.Model{"shapebox": load(t, "resnet20.shapes")}
	for _, name := range families {
		models[name] = load(t, name, zoo.LoadOptions{Weights: zoo.Random, Classes: shapes.Classes, Seed: 1})
	}
	imported := filepath.Join(t.TempDir(), "imported.onnx")
	if err := models["shapebox"].Export(imported); err != nil {
		t.Fatal(err)
	}
	models["imported"] = load(t, imported, zoo.LoadOptions{Preprocess: &vision.Preprocess{Resize: 32, Crop: 32}})
	for name, model := range models {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "project")
			p, err := project.Write(t.Context(), "classify", model, project.Options{Dir: dir, Data: shapes})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", *p.Measured)
			cmd := exec.Command("go", "test", "./...")
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOPROXY=off", "GOFLAGS=", "GOMLX_BACKEND=go")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
