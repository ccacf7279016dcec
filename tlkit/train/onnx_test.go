package train_test

import (
	"archive/zip"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestImportedONNX trains a network from an .onnx file as any other: transfer leaves all but the head as it is to the
// bit, fine-tuning changes all, an interrupted run goes on, and a finished one is opened without the file.
func TestImportedONNX(t *testing.T) {
	// hf_convnext is as today's PyTorch exports it, for batches of one.
	for _, name := range []string{"resnet_bn", "vit", "today.zip/hf_convnext"} {
		t.Run(name, func(t *testing.T) {
			fixtures := os.DirFS(filepath.Join("..", "internal", "onnx", "read", "testdata"))
			if archive, entry, ok := strings.Cut(name, "/"); ok {
				z, err := zip.OpenReader(filepath.Join("..", "internal", "onnx", "read", "testdata", archive))
				if err != nil {
					t.Fatal(err)
				}
				defer z.Close()
				fixtures, name = z, entry
			}
			data, err := fs.ReadFile(fixtures, name+".onnx")
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), name+".onnx")
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := zoo.Load(file, zoo.LoadOptions{Preprocess: &vision.Preprocess{Resize: 32, Crop: 32, Mean: vision.ImageNetMean, Std: vision.ImageNetStd}})
			if err != nil {
				t.Fatal(err)
			}
			before := map[string][]float32{}
			for _, p := range m.Params() {
				if before[p.Key], err = m.Values(p); err != nil {
					t.Fatal(err)
				}
			}
			r := train.Recipe{Epochs: 2, BatchSize: 4, Dir: t.TempDir(), Quiet: true, DiskLimit: -1}
			ctx, cancel := context.WithCancel(t.Context())
			ds := paint(t)
			ds.Train = painted(t, 1, 5, (&counter{when: 15 + 5, at: cancel}).asked)
			r.MemoryLimit = 1 // every use of an image is heard of
			strategies := []train.Strategy{strategy.Transfer{}, strategy.FineTune{}}
			_, err = r.Compare(ctx, "imported", ds, m, strategies...)
			var stopped *train.InterruptedError
			if !errors.As(err, &stopped) {
				t.Fatalf("error %v, want an interruption", err)
			}
			run := compare(t, r, "imported", paint(t), m, strategies...)
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			again, err := train.Open(r.Dir, "imported")
			if err != nil {
				t.Fatal(err)
			}
			for i, res := range again.Results {
				if !res.Done || !reflect.DeepEqual(res.Predictions, run.Results[i].Predictions) {
					t.Errorf("%s: done %v, or other predictions after opening", res.Strategy, res.Done)
				}
				trained, err := res.Model()
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(trained.Stages(), m.Stages()) || !slices.Equal(trained.Classes, colours) {
					t.Errorf("%s: stages %q, classes %q", res.Strategy, trained.Stages(), trained.Classes)
				}
				changed := 0
				for _, p := range trained.Params() {
					values, err := trained.Values(p)
					if err != nil {
						t.Fatal(err)
					}
					same := slices.Equal(values, before[p.Key])
					if res.Strategy == "transfer" && !same && !trained.InHead(p) {
						t.Errorf("transfer changed %s", p.Key)
					}
					if !same {
						changed++
					} else if res.Strategy == "finetune" && p.Layout != nn.Plain {
						t.Errorf("fine-tuning left %s as it was", p.Key)
					}
				}
				if changed == 0 {
					t.Errorf("%s changed nothing", res.Strategy)
				}
				image, err := ds.Val.Image(0)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := trained.Predict(image, 1); err != nil {
					t.Error(err)
				}
			}
			// A damaged network is never used, and the same call writes it anew, though all is trained.
			graph := filepath.Join(run.Dir, "graph.onnx")
			good, err := os.ReadFile(graph)
			if err != nil {
				t.Fatal(err)
			}
			for how, damage := range damages {
				if bad := damage(good); bad == nil {
					err = os.Remove(graph)
				} else {
					err = os.WriteFile(graph, bad, 0o666)
				}
				if err != nil {
					t.Fatal(err)
				}
				_, err = again.Results[0].Model()
				wantError(t, err, "graph.onnx is", "writes it anew")
				healed := compare(t, r, "imported", paint(t), m, strategies...)
				if len(healed.Warnings) != 1 || !strings.Contains(healed.Warnings[0], "graph.onnx is missing or damaged; it was written anew") {
					t.Errorf("%s: said %q", how, healed.Warnings)
				}
				if _, err := healed.Results[0].Model(); err != nil {
					t.Errorf("%s: %v", how, err)
				}
			}
		})
	}
}
