package zoo_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

func TestList(t *testing.T) {
	tests := []struct {
		name string
		f    zoo.Filter
		want []string
	}{
		{"family", zoo.Filter{Family: "cifar_resnet"}, []string{"resnet110", "resnet20", "resnet32", "resnet44", "resnet56"}},
		{"part of the name", zoo.Filter{Contains: "wide_resnet"}, []string{"wide_resnet101_2", "wide_resnet50_2"}},
		{"both", zoo.Filter{Family: "mobilenet_v1", Contains: "025"}, []string{"mobilenet_v1_025", "tf_mobilenet_v1_025"}},
		{"size", zoo.Filter{Family: "cifar_resnet", MaxParams: 500_000}, []string{"resnet20", "resnet32"}},
		{"none", zoo.Filter{Family: "rnn"}, nil},
	}
	for _, tt := range tests {
		if got := zoo.List(tt.f); !slices.Equal(got, tt.want) {
			t.Errorf("%s: List(%+v) = %v, want %v", tt.name, tt.f, got, tt.want)
		}
	}
	all := zoo.List(zoo.Filter{})
	if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) || len(all) < 19 {
		t.Errorf("List is not sorted, has doubles, or lacks models: %v", all)
	}
}

// TestSpecs holds what every entry of the registry must say; models that other tests have registered are their own.
func TestSpecs(t *testing.T) {
	for _, name := range zoo.List(zoo.Filter{}) {
		s, err := zoo.Info(name)
		if err != nil {
			t.Fatal(err)
		}
		if s.Family == "custom" {
			continue
		}
		if s.Name != name || s.Family == "" || !strings.Contains(s.Paper, "arXiv") || s.Build == nil || s.MinSize < 1 || s.InputSize < s.MinSize {
			t.Errorf("%s: incomplete entry %+v", name, s)
		}
		if strings.ToLower(name) != name || strings.ContainsAny(name, ". /") {
			t.Errorf("%s: a name is lower case, without dots", name)
		}
		defaults := 0
		seen := map[string]bool{}
		for _, w := range s.Weights {
			if seen[w.Name] {
				t.Errorf("%s: two weight sets are named %s", name, w.Name)
			}
			seen[w.Name] = true
			if w.Default {
				defaults++
			}
			if w.Params <= 0 || w.Source == "" || len(w.Classes) < 2 || w.Preprocess.Crop < s.MinSize || (w.URL == "") == (w.File == "") {
				w.Classes = nil // too long to print
				t.Errorf("%s: incomplete weight set %+v", name, w)
			}
			if err := w.Preprocess.Validate(); err != nil {
				t.Errorf("%s.%s: %v", name, w.Name, err)
			}
		}
		if len(s.Weights) > 0 && defaults != 1 {
			t.Errorf("%s: %d weight sets are the default, want 1", name, defaults)
		}
	}
	if c := zoo.ImageNetClasses(); len(c) != 1000 || c[0] != "tench" || c[999] != "toilet tissue" {
		t.Errorf("ImageNet has %d classes here, from %q to %q", len(c), c[0], c[len(c)-1])
	}
}

func TestInfo(t *testing.T) {
	for _, name := range []string{"resnet50", "ResNet50", "resnet50.IMAGENET1K_V1"} {
		if s, err := zoo.Info(name); err != nil || s.Name != "resnet50" {
			t.Errorf("Info(%q) = %s, %v", name, s.Name, err)
		}
	}
	for name, near := range map[string]string{"resnet19": "resnet1", "resnet_50": "resnet50", "mobilnet_v1": "mobilenet_v1", "resnext50": "resnext50_32x4d"} {
		_, err := zoo.Info(name)
		var unknown *zoo.UnknownModelError
		if !errors.As(err, &unknown) || unknown.Name != name || !strings.HasPrefix(unknown.Near, near) || !strings.Contains(err.Error(), unknown.Near) {
			t.Errorf("Info(%q): error %v, want one that suggests %q", name, err, near)
		}
	}
	if _, err := zoo.Info("mobilenetv2_100"); err == nil || !strings.Contains(err.Error(), `timm's name of "mobilenet_v2"`) {
		t.Errorf("a name of timm: error %v", err)
	}
}

func TestWeightSet(t *testing.T) {
	resnet50, err := zoo.Info("resnet50")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		spec zoo.Spec
		name string
		want string   // name of the set
		err  []string // parts of the error
	}{
		{resnet50, "", "IMAGENET1K_V2", nil},
		{resnet50, "default", "IMAGENET1K_V2", nil},
		{resnet50, "imagenet1k_v1", "IMAGENET1K_V1", nil},
		{resnet50, "IMAGENET22K", "", []string{`"resnet50"`, `"IMAGENET22K"`, "IMAGENET1K_V1, IMAGENET1K_V2"}},
		{zoo.Spec{Name: "own"}, "", "", []string{"comes without weights", `"own"`, "hf://OWNER/NAME", "file", "random"}},
		{zoo.Spec{Name: "own", Weights: []zoo.WeightSet{{Name: "A"}, {Name: "B"}}}, "", "", []string{"no default", "A, B"}},
	}
	for _, tt := range tests {
		w, err := tt.spec.WeightSet(tt.name)
		if w.Name != tt.want {
			t.Errorf("WeightSet(%q) of %s = %q, want %q", tt.name, tt.spec.Name, w.Name, tt.want)
		}
		wantError(t, err, tt.err...)
	}
}

// wantError checks that an error says all parts, or that there is none if no parts are given.
func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	if (err != nil) != (len(parts) > 0) {
		t.Errorf("error %v, want one with %q", err, parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}

// TestWeightSetFacts: what zoo.Info promises is there for every weight set of torchvision.
func TestWeightSetFacts(t *testing.T) {
	sets := 0
	for _, name := range zoo.List(zoo.Filter{}) {
		spec, err := zoo.Info(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range spec.Weights {
			if w.Licence == "" && w.Source != "" && w.URL != "" {
				t.Errorf("%s.%s has no licence", name, w.Name)
			}
			if w.Source != "torchvision" {
				continue
			}
			sets++
			p := w.Preprocess
			head := w.Name == "IMAGENET1K_FEATURES"
			if w.Params < 1e6 || w.GFLOPs <= 0 || w.URL == "" || p.Crop < 128 || p.Resize < p.Crop || p.Mean[0] == 0 && !head || p.Std[0] == 0 && !head ||
				p.Validate() != nil || len(w.Classes) != 1000 {
				t.Errorf("%s.%s: %d parameters, %g GFLOPs, URL %q, preprocessing %v", name, w.Name, w.Params, w.GFLOPs, w.URL, p)
			}
			if !head && !(w.Top1 > 40 && w.Top1 < w.Top5 && w.Top5 <= 100) {
				t.Errorf("%s.%s: top-1 %g, top-5 %g", name, w.Name, w.Top1, w.Top5)
			}
			if want := map[bool]string{true: "CC-BY-NC-4.0", false: "BSD-3-Clause"}[strings.Contains(w.Name, "SWAG")]; w.Licence != want {
				t.Errorf("%s.%s: licence %q, want %q", name, w.Name, w.Licence, want)
			}
		}
	}
	if sets < 100 {
		t.Errorf("%d weight sets of torchvision, expected more than 100", sets)
	}
}
