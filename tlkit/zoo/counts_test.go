package zoo

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/ml/model"
)

// TestParameterCounts builds every model of the registry without values and counts: the number of parameters is that
// of each published weight set, and head, stages and keys are what the verbs of transfer learning need.
func TestParameterCounts(t *testing.T) {
	for _, name := range List(Filter{}) {
		spec, err := Info(name)
		if err != nil {
			t.Fatal(err)
		}
		if spec.Family == "custom" {
			continue // registered by another test
		}
		for _, set := range spec.Weights {
			own := spec
			own.InputSize = set.Preprocess.Crop // position embeddings depend on it
			m := traced(t, own, set.Classes)
			if n, trained := m.NumParams(); n != set.Params || trained != n {
				t.Errorf("%s.%s: %d parameters, %d of them trained; published are %d", name, set.Name, n, trained, set.Params)
			}
		}
		m := traced(t, spec, []string{"a", "b", "c"})
		stages := m.Stages()
		keys := map[string]bool{}
		head := 0
		for _, p := range m.Params() {
			if keys[p.Key] {
				t.Errorf("%s: key %s comes twice", name, p.Key)
			}
			keys[p.Key] = true
			if p.Init == nil || p.Size() < 1 {
				t.Errorf("%s: %s has no start values, or shape %v", name, p.Key, p.Shape)
			}
			if m.InHead(p) {
				head++
				if !strings.HasPrefix(p.Key, m.HeadKey()+".") {
					t.Errorf("%s: %s is in the head %s", name, p.Key, m.HeadKey())
				}
			} else if !slices.Contains(stages, p.Stage) {
				t.Errorf("%s: %s is in the unknown stage %q", name, p.Key, p.Stage)
			}
		}
		if head == 0 || len(stages) < 2 || len(slices.Compact(slices.Sorted(slices.Values(stages)))) != len(stages) {
			t.Errorf("%s: %d variables in the head, stages %v", name, head, stages)
		}
	}
}

// timmParameters are the numbers of parameters of timm 1.0.31's networks for 1,000 classes, of those that torchvision
// lacks.
var timmParameters = map[string]int{
	"tf_efficientnetv2_s": 21_458_488, "tf_efficientnetv2_b0": 7_139_704, "tf_efficientnetv2_b1": 8_141_052,
	"tf_efficientnetv2_b2": 10_096_086, "tf_efficientnetv2_b3": 14_358_406, "tf_efficientnetv2_m": 54_139_356,
	"tf_efficientnetv2_l": 118_515_272, "tf_efficientnetv2_xl": 208_119_808, "efficientnetv2_rw_t": 13_649_388,
	"efficientnetv2_rw_s": 23_941_296, "efficientnetv2_rw_m": 53_236_442,
	"efficientnet_lite0": 4_652_008, "efficientnet_es": 5_438_392, "efficientnet_em": 6_899_496,
	"efficientnet_el": 10_589_712,
	"mobilenetv2_050": 1_968_680, "mobilenetv2_110d": 4_516_520, "mobilenetv2_120d": 5_831_144,
	"mobilenetv2_140":       6_108_776,
	"mobilenetv3_small_050": 1_593_224, "mobilenetv3_small_075": 2_041_872, "mobilenetv3_large_075": 3_993_528,
	"tf_mobilenetv3_large_075": 3_993_528, "tf_mobilenetv3_large_minimal_100": 3_924_288,
	"tf_mobilenetv3_small_minimal_100": 2_044_736, "tf_mobilenetv3_small_075": 2_041_872,
	"tf_mobilenetv3_large_100": 5_483_032,
	"resnet18d":                11_708_744, "resnet26d": 16_014_408, "resnet10t": 5_435_488, "resnet14t": 10_081_632,
	"resnet26t": 16_011_872, "resnet50d": 25_576_264, "resnet200d": 64_693_064, "seresnet50": 28_088_024,
	"seresnet152d": 66_841_080, "seresnext26d_32x4d": 16_809_512, "seresnext26t_32x4d": 16_806_976,
	"seresnext50_32x4d": 27_559_896, "seresnext101_32x4d": 48_955_416, "seresnext101d_32x8d": 93_588_280,
	"resnext50d_32x4d": 25_048_136, "resnext101_32x4d": 44_177_704, "resnext101_32x16d": 194_026_792,
	"regnetx_002": 2_684_792, "regnetx_004": 5_157_512, "regnetx_006": 6_196_040, "regnetx_040": 22_118_248,
	"regnetx_064": 26_209_256, "regnetx_120": 46_106_056, "regnety_002": 3_162_996, "regnety_006": 6_055_160,
	"regnety_008": 6_263_168, "regnety_040": 20_646_656, "regnety_064": 30_583_252, "regnety_080": 39_180_068,
	"regnety_120": 51_822_544, "regnety_640": 281_378_786,
}

// TestTimmParameters: also the networks that are too large for a file in testdata/timm have timm's widths and depths.
func TestTimmParameters(t *testing.T) {
	for name, want := range timmParameters {
		timm, err := timmArchitecture(name)
		if err != nil {
			t.Error(err)
			continue
		}
		spec, _ := lookup(timm.name)
		if n, _ := traced(t, spec, ImageNetClasses()).NumParams(); n != want {
			t.Errorf("%s: %d parameters, timm has %d", name, n, want)
		}
	}
}

// traced returns a model without values: the largest ones would not fit into the memory of a small machine.
func traced(t *testing.T, spec Spec, classes []string) *Model {
	t.Helper()
	m := &Model{Spec: spec, Classes: classes, arch: spec.Build(), store: model.NewStore()}
	if err := m.trace(); err != nil {
		t.Fatal(err)
	}
	return m
}
