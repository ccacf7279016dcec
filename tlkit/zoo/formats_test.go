//go:build slow

package zoo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// TestFormats loads networks of three libraries from each kind of file that people have them in, and logs a table of
// the logits' largest differences from PyTorch's, over the logits' standard deviation:
//
//	go test ./tlkit/zoo -run Formats -tags slow -v
func TestFormats(t *testing.T) {
	away(t)
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-13s %-28s %10s %12s %12s", "library", "network", ".pth", "safetensors", "folder")
	row := func(library, name, model string, g timmGolden, o zoo.LoadOptions, folder func(dir string)) {
		t.Run(library+"/"+name, func(t *testing.T) {
			dir := t.TempDir()
			data := g.safetensors(t)
			if err := os.WriteFile(filepath.Join(dir, "model.safetensors"), data, 0o666); err != nil {
				t.Fatal(err)
			}
			sd, err := weights.OpenBytes("model.safetensors", data)
			if err == nil {
				err = weights.WritePTH(filepath.Join(dir, "model.pth"), sd.Entries())
			}
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&table, "\n%-13s %-28s", library, name)
			for _, file := range []string{"model.pth", "model.safetensors", ""} {
				options, what := o, model
				if options.Weights = filepath.Join(dir, file); file == "" {
					if folder == nil {
						fmt.Fprintf(&table, " %12s", "-")
						continue
					}
					folder(dir)
					what, options.Weights = dir, ""
				}
				m, err := zoo.Load(what, options)
				if err != nil {
					t.Errorf("%s: %v", file, err)
					continue
				}
				worst := logitsError(t, m, g)
				fmt.Fprintf(&table, " %12.1e", worst)
				if worst > 1e-3 {
					t.Errorf("%s: the logits differ by %g of their standard deviation", file, worst)
				}
			}
		})
	}
	for _, name := range []string{"resnet18", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1", "mnasnet0_5", "regnet_y_400mf", "efficientnet_b0", "densenet121",
		"convnext_tiny", "vit_b_16", "swin_t", "swin_v2_t", "maxvit_t"} {
		f, err := zootest.Read(testutil.Shared(t, "golden/torchvision/"+name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		g := timmGolden{Input: f.Input, Logits: f.Logits, Std: f.Std}
		for _, e := range f.StateDict {
			if !slices.Contains(f.NotFilled, e.Key) {
				g.StateDict = append(g.StateDict, e)
			}
		}
		row("torchvision", name, name, g, zoo.LoadOptions{}, nil)
	}
	for name, model := range map[string]string{"resnet18": "resnet18", "mobilenetv2_100": "mobilenet_v2", "efficientnet_b0": "efficientnet_b0",
		"mnasnet_050": "mnasnet0_5", "regnety_004": "regnet_y_400mf", "convnext_tiny": "convnext_tiny", "swin_tiny_patch4_window7_224": "swin_t"} {
		g := readTimmGolden(t, filepath.Join("testdata", "timm", name+".json.gz"))
		row("timm", name, model, g, zoo.LoadOptions{}, func(dir string) {
			if err := os.WriteFile(filepath.Join(dir, "config.json"), g.Config, 0o666); err != nil {
				t.Fatal(err)
			}
		})
	}
	for _, name := range []string{"resnet18", "resnet34", "regnet_x_400mf", "regnet_y_400mf", "convnext_tiny", "vit_b_16", "swin_t", "swin_v2_t", "tf_efficientnet_b0", "tf_mobilenet_v1", "tf_mobilenet_v2"} {
		g := readTransformersGolden(t, name)
		row("transformers", name, name, g.timmGolden, zoo.LoadOptions{}, func(dir string) {
			for file, text := range map[string][]byte{"config.json": g.Config, "preprocessor_config.json": g.Processor} {
				if err := os.WriteFile(filepath.Join(dir, file), text, 0o666); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	t.Log(table.String())
}
