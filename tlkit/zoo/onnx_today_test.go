package zoo_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// today unpacks the small networks that today's PyTorch exported (bench/fixtures/onnx_small.py), and returns the folder
// and the logits that PyTorch computed for three images.
func today(t *testing.T) (dir string, goldens map[string][][]float64) {
	t.Helper()
	return unpackNetworks(t, "today.zip", 18)
}

// unpackNetworks unpacks an archive of .onnx files with goldens.json: their logits for three images of the formula.
func unpackNetworks(t *testing.T, name string, least int) (dir string, goldens map[string][][]float64) {
	t.Helper()
	dir = t.TempDir()
	archive, err := zip.OpenReader(filepath.Join(onnxFixtures, name))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if err := os.CopyFS(dir, archive); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "goldens.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &goldens); err != nil || len(goldens) < least {
		t.Fatalf("%d goldens, %v", len(goldens), err)
	}
	return dir, goldens
}

// formulaImages are the images "input 0", "input 1", ... [count, size, size, 3].
func formulaImages(count, size int) *tensors.Tensor {
	var pixels []float32
	for i := range count {
		for _, v := range zootest.Uniform(fmt.Sprint("input ", i), 3*size*size) {
			pixels = append(pixels, float32(v))
		}
	}
	return channelsLast(pixels, count, size)
}

// TestONNXToday holds small networks, exported by today's PyTorch in each of its ways, against PyTorch: for one image
// and for three, whatever batch the file was exported with.
func TestONNXToday(t *testing.T) {
	dir, goldens := today(t)
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range goldens {
		t.Run(name, func(t *testing.T) {
			m, err := zoo.Load(filepath.Join(dir, name+".onnx"), onnxPreprocess)
			if err != nil {
				t.Fatal(err)
			}
			for _, batch := range []int{1, 3} {
				got, err := zootest.Logits(engine.Backend, m, formulaImages(batch, 32))
				if err != nil {
					t.Fatal(err)
				}
				if len(got) != batch*len(want[0]) {
					t.Fatalf("%d logits for %d images of %d classes", len(got), batch, len(want[0]))
				}
				for i := range got {
					if w := want[i/len(want[0])][i%len(want[0])]; !(math.Abs(float64(got[i])-w) < 2e-5) {
						t.Errorf("batch %d: logit %d is %g, PyTorch's %g", batch, i, got[i], w)
					}
				}
			}
			sameFromGraph(t, name, m)
			if err := m.ReplaceHead([]string{"a", "b"}, 1); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestJoinedHeads: the output layers of a network with two become one on the features of both; a new head gets all of
// them, and trains.
func TestJoinedHeads(t *testing.T) {
	dir, _ := today(t)
	for name, want := range map[string]int{"timm_deit": 2 * 16, "timm_levit": 2 * 24, "timm_crossvit": 8 + 16, "two_heads": 16} {
		m, err := zoo.Load(filepath.Join(dir, name+".onnx"), onnxPreprocess)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, classes := range []int{5, 2} {
			if classes == 2 {
				if err := m.ReplaceHead([]string{"a", "b"}, 1); err != nil {
					t.Fatal(err)
				}
			}
			if p, ok := m.Param(m.Spec.Build().Head.Key + ".weight"); !ok || !slices.Equal(p.Shape, []int{classes, want}) {
				t.Errorf("%s: the output layer's weights are of shape %v, want [%d %d]", name, p.Shape, classes, want)
			}
		}
	}
}
