package zoo_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestSummaryCounts: parameters and multiply-adds are those that torchvision publishes, for every model and every size
// that its weight sets were measured at. Models of over 6 million parameters
// run with -tags slow.
func TestSummaryCounts(t *testing.T) {
	for _, name := range zoo.List(zoo.Filter{}) {
		spec, err := zoo.Info(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range spec.Weights {
			if w.GFLOPs == 0 || (!slow && w.Params > 6e6) {
				continue
			}
			spec.InputSize = w.Preprocess.Crop
			m, err := zoo.New(spec, zoo.ImageNetClasses(), 1)
			if err != nil {
				t.Fatal(err)
			}
			m.Preprocess = w.Preprocess
			s, err := m.Summary()
			if err != nil {
				t.Fatal(err)
			}
			if off := math.Abs(s.GMACs()-w.GFLOPs) / w.GFLOPs; off > 0.01 && math.Abs(s.GMACs()-w.GFLOPs) > 0.001 { // published with three digits behind the point
				t.Errorf("%s.%s at %d: %.3f billion multiply-adds, torchvision says %.3f", name, w.Name, w.Preprocess.Crop, s.GMACs(), w.GFLOPs)
			}
			if total, trained := m.NumParams(); s.Params != total || s.Trainable != trained || s.Params != w.Params {
				t.Errorf("%s.%s: %d parameters, %d trained, torchvision says %d", name, w.Name, s.Params, s.Trainable, w.Params)
			}
			if !slow {
				break
			}
		}
	}
}

// TestSummary looks at one network in detail: shapes, kernels, what is frozen, and both renderings.
func TestSummary(t *testing.T) {
	spec, err := zoo.Info("resnet18")
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.New(spec, []string{"ants", "bees"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Freeze("layer3"); err != nil {
		t.Fatal(err)
	}
	s, err := m.Summary()
	if err != nil {
		t.Fatal(err)
	}
	if s.Params != 11177538 || s.Trainable != 8393728+1026 || s.Buffers != 9600 || s.ParamBytes != 4*(11177538+9600) {
		t.Errorf("parameters %d, trained %d, buffers %d", s.Params, s.Trainable, s.Buffers)
	}
	text := s.String()
	for _, want := range []string{
		"resnet18 (random), one image of 224x224",
		"stem *", "conv1", "7x7/2", "[1, 112, 112, 64]", "118.01 M",
		"layer2.0.downsample.0", "1x1/2", "BatchNorm2d",
		"layer4 *", "[1, 7, 7, 512]", "8,393,728", "head", "1,026",
		"11,177,538, of which trained 8,394,754, frozen 2,782,784; buffers 9,600", "1.814 G",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the summary lacks %q:\n%s", want, text)
			break
		}
	}
	bundle, err := s.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	if page, ok := bundle["text/html"].(string); !ok || !strings.Contains(page, "<strong>layer4</strong>") || !strings.Contains(page, "1.814 G") {
		t.Errorf("HTML: %v", bundle["text/html"])
	}
	var back zoo.Summary
	data, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(data, &back)
	}
	if err != nil || len(back.Stages) != 7 || back.Stages[4].Layers[0].Kernel != "3x3/2" || back.MACs != s.MACs {
		t.Errorf("as JSON: %v, %+v", err, back.Stages)
	}
	short, err := m.Summary(zoo.SummaryOptions{Size: 64, StagesOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if text := short.String(); strings.Contains(text, "downsample") || !strings.Contains(text, "[1, 2, 2, 512]") {
		t.Errorf("stages only at 64 pixels:\n%s", text)
	}
	squeeze, err := zoo.Load("squeezenet1_1", zoo.LoadOptions{Weights: zoo.Random})
	if err != nil {
		t.Fatal(err)
	}
	_, err = squeeze.Summary(zoo.SummaryOptions{Size: 16})
	wantError(t, err, `"squeezenet1_1"`, "16x16", "17x17")
	if !slow {
		return // the rest draws 86 million random values
	}
	vit, err := zoo.Info("vit_b_32")
	if err != nil {
		t.Fatal(err)
	}
	v, err := zoo.New(vit, []string{"a"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	v.Preprocess = vision.Preprocess{Crop: 256}
	_, err = v.Summary()
	wantError(t, err, `"vit_b_32"`, "256x256", "pos_embedding")
}
