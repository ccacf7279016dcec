//go:build slow

package project_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/project"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// smallest returns the network with the fewest parameters of each family, by its family.
func smallest(t *testing.T) map[string]string {
	// The smallest of these have no weight set that tells their size.
	least := map[string]string{"beit": "beit_b_16", "clip": "clip_xs_16", "deit": "deit_ti_16_class", "eva02": "eva02_ti_14", "mobilevit": "mobilevit_xxs", "siglip": "siglip_b_16_gap",
		"convnext": "convnext_atto", "convnextv2": "convnextv2_atto", "dinov2": "dinov2_vits14",
		"mobilenet_v1": "mobilenet_v1_025"}
	known := maps.Clone(least)
	params := map[string]int{}
	for _, name := range zoo.List(zoo.Filter{}) {
		spec, err := zoo.Info(name)
		if err != nil {
			t.Fatal(err)
		}
		if known[spec.Family] != "" {
			continue
		}
		w, err := spec.WeightSet("")
		if err != nil {
			if least[spec.Family] == "" {
				t.Errorf("no weight set tells the size of %s, and its family has no row here: %v", name, err)
			}
			continue
		}
		if n, ok := params[spec.Family]; !ok || w.Params < n {
			least[spec.Family], params[spec.Family] = name, w.Params
		}
	}
	return least
}

// TestProjects writes, builds, tests and tries a project of the smallest network of each family, with random weights
// for the classes of the built-in images, of a trained one, also in fewer bits, and of an ONNX file, all without a
// network: the program's probabilities are those of the model here.
func TestProjects(t *testing.T) {
	shapes := datasets.MustLoad("shapes")
	random := func(name string) func() *zoo.Model {
		return func() *zoo.Model {
			return load(t, name, zoo.LoadOptions{Weights: zoo.Random, Classes: shapes.Classes, Seed: 1})
		}
	}
	models := map[string]func() *zoo.Model{
		"trained": func() *zoo.Model { return load(t, "resnet20.shapes") },
		"imported": func() *zoo.Model {
			path := filepath.Join(t.TempDir(), "imported.onnx")
			if err := load(t, "resnet20.shapes").Export(path); err != nil {
				t.Fatal(err)
			}
			return load(t, path, zoo.LoadOptions{Preprocess: &vision.Preprocess{Resize: 32, Crop: 32}})
		},
	}
	for family, name := range smallest(t) {
		models[family] = random(name)
	}
	precisions := map[string]zoo.Precision{"int8": zoo.Int8, "float16": zoo.Float16, "imported bfloat16": zoo.BFloat16}
	models["int8"], models["float16"], models["imported bfloat16"] = models["trained"], models["trained"], models["imported"]
	for name, open := range models {
		t.Run(name, func(t *testing.T) {
			model := open()
			defer model.Release()
			dir := filepath.Join(t.TempDir(), "project")
			p, err := project.Write(t.Context(), "classify", model, project.Options{Dir: dir, Data: shapes, Precision: precisions[name]})
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
