package zoo

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// TestCalibrationIsExported holds that temperature and threshold come back with a model, whatever the format, and that
// predictions use them.
func TestCalibrationIsExported(t *testing.T) {
	m, err := Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	img := vision.New(32, 32)
	plain, err := m.Predict(img, 1)
	if err != nil {
		t.Fatal(err)
	}
	if plain[0].Uncertain {
		t.Errorf("without a calibration %v is uncertain", plain[0])
	}
	m.Calibration = Calibration{Temperature: 4, Threshold: 0.99, Precision: 0.95}
	soft, err := m.Predict(img, len(m.Classes))
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, p := range soft {
		sum += p.Probability
	}
	if soft[0].Class != plain[0].Class || soft[0].Probability >= plain[0].Probability || !soft[0].Uncertain || math.Abs(sum-1) > 1e-9 {
		t.Errorf("at temperature 4 %v (sum %g), before %v; expected the same class, less sure and uncertain", soft[0], sum, plain[0])
	}
	if !strings.HasSuffix(soft[0].String(), "(uncertain)") {
		t.Errorf("an uncertain prediction is written as %q", soft[0])
	}
	for _, name := range []string{"m.pth", "m.safetensors", "m.onnx"} {
		path := filepath.Join(t.TempDir(), name)
		if err := m.Export(path); err != nil {
			t.Fatal(err)
		}
		loaded, err := LoadExported(path)
		if err != nil {
			t.Fatal(err)
		}
		if loaded.Calibration != m.Calibration {
			t.Errorf("%s: the loaded model has %+v, expected %+v", name, loaded.Calibration, m.Calibration)
		}
	}
	if err := m.ReplaceHead([]string{"a", "b"}, 1); err != nil {
		t.Fatal(err)
	}
	if m.Calibration != (Calibration{}) {
		t.Errorf("a new head has the calibration %+v of the old one", m.Calibration)
	}
}

// TestCalibrationValidate has the bounds of each field.
func TestCalibrationValidate(t *testing.T) {
	for _, c := range []struct {
		c    Calibration
		want string
	}{
		{Calibration{}, ""},
		{Calibration{1.5, 0.7, 0.95}, ""},
		{Calibration{Temperature: -1}, "Temperature"},
		{Calibration{Temperature: math.NaN()}, "Temperature"},
		{Calibration{Temperature: math.Inf(1)}, "Temperature"},
		{Calibration{Threshold: 1.1}, "Threshold"},
		{Calibration{Precision: math.NaN()}, "Precision"},
	} {
		err := c.c.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, expected one with %q", c.c, err, c.want)
		}
	}
}
