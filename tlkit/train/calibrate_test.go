package train_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestCalibrate calibrates a run's model: Evaluate then has the figures of the fit, and so has the model that is
// exported and loaded again.
func TestCalibrate(t *testing.T) {
	zoo.Register(tinySpec())
	ds, r := paint(t), quick(t)
	r.Epochs = 1
	run := compare(t, r, "r", ds, pretrained(t), strategy.Scratch{})
	m, err := result(t, run, "scratch").Model()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	c, err := train.Calibrate(m, ds.Val, train.CalibrateOptions{Precision: 0.4})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(c)
	if m.Calibration != c.Calibration || c.Temperature == 0 || c.After.NLL > c.Before.NLL+1e-9 {
		t.Errorf("the model got %+v from %+v", m.Calibration, c)
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Export(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := zoo.LoadExported(path)
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Release()
	for name, m := range map[string]*zoo.Model{"calibrated": m, "loaded": loaded} {
		e, err := train.Evaluate(m, ds.Val)
		if err != nil {
			t.Fatal(err)
		}
		if !near(e.Loss, c.After.NLL) || !near(e.ECE, c.After.ECE) || !near(e.Brier, c.After.Brier) {
			t.Errorf("%s: NLL %g, ECE %g, Brier %g; the fit had %+v", name, e.Loss, e.ECE, e.Brier, c.After)
		}
	}
	for name, call := range map[string]func() error{
		"Precision is 2":   func() error { _, err := train.Calibrate(m, ds.Val, train.CalibrateOptions{Precision: 2}); return err },
		"model to calib":   func() error { _, err := train.Calibrate(nil, ds.Val); return err },
		"no images to cal": func() error { _, err := train.Calibrate(m, nil); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, expected one with %q", err, name)
		}
	}
}

func near(a, b float64) bool { return a-b < 1e-5 && b-a < 1e-5 }
