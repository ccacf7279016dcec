package zoo_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// away hides all places where weights of this machine may lie.
func away(t testing.TB) (cache string) {
	cache = t.(*testing.T).TempDir()
	t.(*testing.T).Setenv("TLKIT_CACHE", cache)
	t.(*testing.T).Setenv("TORCH_HOME", cache)
	t.(*testing.T).Setenv("TLKIT_DATA", "")
	t.(*testing.T).Setenv("TLKIT_MIRROR", "")
	t.(*testing.T).Setenv("TLKIT_OFFLINE", "1")
	return cache
}

func TestLoadErrors(t *testing.T) {
	away(t)
	dir := t.TempDir()
	file := func(name string, m *zoo.Model) string {
		entries, err := m.StateDict()
		if err == nil {
			err = weights.WriteSafetensors(filepath.Join(dir, name), entries, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	two := file("two.safetensors", small(t, []string{"a", "b"}, 1))
	text := filepath.Join(dir, "text.pth")
	if err := os.WriteFile(text, []byte("these are no weights"), 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		model string
		opts  []zoo.LoadOptions
		want  []string
	}{
		{"unknown model", "resnet999", nil, []string{`"resnet999"`, "did you mean"}},
		{"unknown set", "resnet18.IMAGENET", nil, []string{`"resnet18"`, `"IMAGENET"`, "IMAGENET1K_V1"}},
		{"no set", "mobilenet_v1_05", nil, []string{"comes without weights", `"mobilenet_v1_05"`}},
		{"two options", "resnet20", []zoo.LoadOptions{{}, {}}, []string{"at most one", "2"}},
		{"missing file", "resnet20", []zoo.LoadOptions{{Weights: filepath.Join(dir, "none.pth")}}, []string{"none.pth"}},
		{"no weight file", "resnet20", []zoo.LoadOptions{{Weights: text}}, []string{"text.pth"}},
		{"wrong classes", "resnet20", []zoo.LoadOptions{{Weights: two, Classes: []string{"a", "b", "c"}}}, []string{"two.safetensors", "2 classes", "names 3"}},
		{"another model", "resnet32", []zoo.LoadOptions{{Weights: two, Classes: []string{"a", "b"}}}, []string{`"resnet32"`, "layer1.3.conv1.weight", "missing"}},
		{"bare file", two, nil, []string{"two.safetensors", "Model.Export", "LoadOptions{Weights"}},
		{"bare file with options", two, []zoo.LoadOptions{{Classes: []string{"a", "b"}}}, []string{"two.safetensors", "LoadOptions{Weights"}},
		{"no such file", filepath.Join(dir, "none.pth"), nil, []string{"none.pth"}},
		{"offline", "resnet18", nil, []string{"resnet18-f37072fd.pth", "TLKIT_OFFLINE", "https://download.pytorch.org/models/resnet18-f37072fd.pth"}},
		{"no address", "mobilenet_v1_025", nil, []string{"mobilenetV1X0.25_pretrain.tar", "put the file", "weights", "Pytorch_Retinaface"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := zoo.Load(tt.model, tt.opts...)
			wantError(t, err, tt.want...)
		})
	}

	m, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: two, Classes: []string{"x", "y"}})
	if err != nil || m.Weights != "two.safetensors" || m.Classes[1] != "y" {
		t.Errorf("a file with classes of its own: %+v, %v", m, err)
	}
	m, err = zoo.Load("resnet20", zoo.LoadOptions{Weights: zoo.Random, Seed: 4})
	if err != nil || m.Weights != "random" || len(m.Classes) != 10 {
		t.Errorf("random: %+v, %v", m, err)
	}
}

// TestDataFolder: weights are looked up in TLKIT_DATA by the name of their file, and a file of that name with other
// content is refused.
func TestDataFolder(t *testing.T) {
	away(t)
	dir := t.TempDir()
	t.Setenv("TLKIT_DATA", dir)
	if err := os.WriteFile(filepath.Join(dir, "resnet20-12fca82f.th"), []byte("something else"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := zoo.Load("resnet20.CIFAR10")
	wantError(t, err, "resnet20-12fca82f.th", "12fca82f")

	t.Setenv("TLKIT_DATA", filepath.Dir(testutil.Shared(t, "data/resnet20-12fca82f.th")))
	m, err := zoo.Load("resnet20.CIFAR10")
	if err != nil {
		t.Fatal(err)
	}
	if m.Weights != "resnet20.CIFAR10" || m.Classes[3] != "cat" || m.Preprocess.Crop != 32 {
		t.Errorf("loaded %s for %v, preprocessing %+v", m.Weights, m.Classes, m.Preprocess)
	}
}

// TestPublishedFiles loads the published files of the reference data by path.
func TestPublishedFiles(t *testing.T) {
	tests := []struct {
		model, file string
		params      int
	}{
		{"resnet20", "resnet20-12fca82f.th", 269722},
		{"resnet32", "resnet32-d509ac18.th", 464154},
		{"mobilenet_v1_025", "mobilenetV1X0.25_pretrain.tar", 470072},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			m, err := zoo.Load(tt.model, zoo.LoadOptions{Weights: testutil.Shared(t, "data/"+tt.file)})
			if err != nil {
				t.Fatal(err)
			}
			if n, trained := m.NumParams(); n != tt.params || trained != n || m.Weights != tt.file {
				t.Errorf("%d parameters, %d of them trained, want %d; weights %s", n, trained, tt.params, m.Weights)
			}
		})
	}
}

// TestEmbedded: the embedded weights load with no network, cache or data folder, and know the images and classes that
// they were trained on.
func TestEmbedded(t *testing.T) {
	away(t)
	m, err := zoo.Load("resnet20.SHAPES")
	if err != nil {
		t.Fatal(err)
	}
	shapes, err := datasets.Load("shapes")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Classes, shapes.Classes) || m.Weights != "resnet20.SHAPES" {
		t.Errorf("%s is for %v, the data set has %v", m.Weights, m.Classes, shapes.Classes)
	}
	const n = 64
	var images []*vision.Image
	for i := range n {
		image, err := shapes.Val.Image(i * (shapes.Val.Len() / n))
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, image)
	}
	logits, err := m.Logits(images)
	if err != nil {
		t.Fatal(err)
	}
	hits := 0
	for i, l := range logits {
		if slices.Index(l, slices.Max(l)) == shapes.Val.Label(i*(shapes.Val.Len()/n)) {
			hits++
		}
	}
	// 0.839 on all 1,024 images; four standard deviations of a sample of 64 below that is 0.65.
	if float64(hits)/n < 0.65 {
		t.Errorf("%d of %d validation images are recognised, want about 54", hits, n)
	}
}
