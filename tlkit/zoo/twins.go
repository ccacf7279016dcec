package zoo

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// A file of weights does not say everything about its network: networks of the zoo whose tensors have the same names
// and shapes may differ in their activations, their windows or their padding. A test compares all networks.

// paddedTwins are networks that differ in how they pad: first as PyTorch, then as TensorFlow.
var paddedTwins = [][2]string{
	{"mobilenet_v2", "tf_mobilenet_v2"}, {"mobilenetv2_050", "tf_mobilenet_v2_050"}, {"mobilenetv2_075", "tf_mobilenet_v2_075"}, {"mobilenetv2_140", "tf_mobilenet_v2_140"},
	{"mobilenet_v3_large", "tf_mobilenetv3_large_100"}, {"mobilenet_v3_small", "tf_mobilenetv3_small_100"},
	{"mobilenetv3_large_075", "tf_mobilenetv3_large_075"}, {"mobilenetv3_small_075", "tf_mobilenetv3_small_075"},
	{"efficientnet_v2_s", "tf_efficientnetv2_s"}, {"efficientnet_v2_m", "tf_efficientnetv2_m"}, {"efficientnet_v2_l", "tf_efficientnetv2_l"},
	{"timm_efficientnet_lite0", "efficientnet_lite0"}, {"timm_efficientnet_lite1", "efficientnet_lite1"}, {"timm_efficientnet_lite2", "efficientnet_lite2"},
	{"timm_efficientnet_lite3", "efficientnet_lite3"}, {"timm_efficientnet_lite4", "efficientnet_lite4"},
	{"efficientnet_b0", "tf_efficientnet_b0"}, {"efficientnet_b1", "tf_efficientnet_b1"}, {"efficientnet_b2", "tf_efficientnet_b2"}, {"efficientnet_b3", "tf_efficientnet_b3"},
	{"efficientnet_b4", "tf_efficientnet_b4"}, {"efficientnet_b5", "tf_efficientnet_b5"}, {"efficientnet_b6", "tf_efficientnet_b6"}, {"efficientnet_b7", "tf_efficientnet_b7"},
	{"efficientnet_es", "tf_efficientnet_es"}, {"efficientnet_em", "tf_efficientnet_em"}, {"efficientnet_el", "tf_efficientnet_el"},
}

// twins are the networks whose tensors have the same names and shapes, and what they differ in.
func (s Spec) twins() (names []string, differ string) {
	base := baseName(s.Name)
	switch s.Family {
	case "clip":
		pool := ""
		if rest, ok := strings.CutSuffix(base, "_mean"); ok {
			base, pool = rest, "_mean"
		}
		names, differ = []string{toggled(base, "_quickgelu") + pool}, "another activation (QuickGELU or GELU)"
	case "siglip":
		names, differ = []string{toggled(base, "_tanh")}, "another activation (GELU or its approximation by tanh)"
	case "swin":
		own := swinNamed(s.Name)
		for _, c := range swinConfigs {
			if own.v2 && c.v2 && c.name != own.name && c.channels == own.channels && c.blocks == own.blocks {
				names = append(names, c.name)
			}
		}
		differ = "other windows"
	default:
		for _, pair := range paddedTwins {
			if i := slices.Index(pair[:], base); i >= 0 {
				names, differ = []string{pair[1-i]}, "another padding"
			}
		}
	}
	for i, name := range names { // with the same epsilon
		if variant := name + strings.TrimPrefix(s.Name, baseName(s.Name)); variant != name {
			if _, ok := lookup(variant); ok {
				names[i] = variant
			}
		}
	}
	return names, differ
}

// toggled adds a suffix, or removes it.
func toggled(name, suffix string) string {
	if rest, ok := strings.CutSuffix(name, suffix); ok {
		return rest
	}
	return name + suffix
}

// twinNotes name the networks that a file fits as well. Where the file has more than its weights to tell them apart, as
// an exported file has its description, an error names the right one.
func (m *Model) twinNotes(f *fit, sd *weights.StateDict) ([]string, error) {
	if err := m.pooledOtherwise(f, sd); err != nil {
		return nil, err
	}
	names, differ := m.Spec.twins()
	switch of := exportedFrom(sd); {
	case of == "" || len(names) == 0:
	case baseName(of) == baseName(m.Spec.Name):
		return nil, nil
	case slices.ContainsFunc(names, func(twin string) bool { return baseName(twin) == baseName(of) }):
		return nil, fmt.Errorf("zoo: %s is an exported file of %s, and %s takes the same tensors but has %s; name %s", sd.Source, of, m.Spec.Name, differ, of)
	}
	switch own := f.layout.name == "" || strings.HasPrefix(f.layout.name, "fastai"); {
	case m.Spec.Family == "swin":
		var err error
		if names, err = m.otherWindows(names, sd); err != nil {
			return nil, err
		}
	case differ == "another padding" && (!own || len(m.Spec.Weights) > 0):
		return nil, nil // a note of timmLayouts, or the network whose publisher writes such files
	}
	if len(names) == 0 {
		return nil, nil
	}
	of := names[0] + timmNames(names[0])
	if len(names) > 1 {
		of = strings.Join(names, ", ")
	}
	return []string{fmt.Sprintf("the file does not say which of several networks it is of: %s takes the same tensors and has %s; if the file is of that one, name it in place of %s",
		of, differ, m.Spec.Name)}, nil
}

// exportedFrom returns the network that the description of an exported file names, "" for other files.
func exportedFrom(sd *weights.StateDict) string {
	about, err := describe(sd.Source, sd)
	if err != nil {
		return ""
	}
	return about.Model
}

// otherWindows leaves the networks whose windows the file's tables allow. It is an error if they are not those of m.
func (m *Model) otherWindows(names []string, sd *weights.StateDict) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	window, scaled := 0, false
	for _, e := range sd.Entries() {
		n := 1.
		for _, d := range e.Shape {
			n *= float64(d)
		}
		switch {
		case strings.HasSuffix(e.Key, "relative_position_index"): // of each two places in a window
			window = max(window, int(math.Round(math.Sqrt(math.Sqrt(n)))))
		case strings.HasSuffix(e.Key, "relative_coords_table") && len(e.Shape) == 4:
			window, scaled = max(window, (e.Shape[1]+1)/2), true
		}
	}
	if window == 0 {
		return names, nil
	}
	same := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return swinNamed(name).window != window })
	switch own := swinNamed(m.Spec.Name).window; {
	case own != window && len(same) == 0:
		return nil, fmt.Errorf("zoo: %s has tables for windows of %dx%d, and %s has windows of %d; no network of the zoo has those. Export it to ONNX, and load that file",
			sd.Source, window, window, m.Spec.Name, own)
	case own != window:
		return nil, fmt.Errorf("zoo: %s has tables for windows of %dx%d, and %s has windows of %d; name %s", sd.Source, window, window, m.Spec.Name, own, strings.Join(same, " or "))
	case scaled: // the scale is in the table, which is loaded
		return nil, nil
	}
	return same, nil
}

// pooledOtherwise returns an error for a classifier of transformers on the mean of the patches, in place of which m has
// other features.
func (m *Model) pooledOtherwise(f *fit, sd *weights.StateDict) error {
	base, mark := baseName(m.Spec.Name), map[string]string{"clip": "_mean", "siglip": "_gap"}[m.Spec.Family]
	if _, classifier := sd.Get(f.prefix + "classifier.weight"); mark == "" || f.layout.name != "transformers" || !classifier || strings.Contains(base+"_", mark+"_") {
		return nil
	}
	right := base + mark
	if rest, ok := strings.CutSuffix(base, "_tanh"); ok {
		right = rest + mark + "_tanh"
	}
	return fmt.Errorf("zoo: %s has transformers' classifier on the mean of the patches, and %s has other features; name %s", sd.Source, m.Spec.Name,
		right+strings.TrimPrefix(m.Spec.Name, base))
}
