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
	if again, err := train.Calibrate(m, ds.Val, train.CalibrateOptions{Precision: 0.4}); err != nil || !near(again.Before.NLL, c.After.NLL) {
		t.Errorf("calibrated once more: %+v, %v; before it should be as after the first time, %+v", again, err, c.After)
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

// TestCalibrateResult calibrates a result: its model, its exports and its evaluation have the calibration, in an open
// run and in one opened later, until the strategy is trained anew.
func TestCalibrateResult(t *testing.T) {
	zoo.Register(tinySpec())
	ds, r := paint(t), quick(t)
	r.Epochs = 1
	run := compare(t, r, "r", ds, pretrained(t), strategy.Scratch{})
	c, err := result(t, run, "scratch").Calibrate(ds.Val, train.CalibrateOptions{Precision: 0.4})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := train.Open(r.Dir, "r")
	if err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]*train.Run{"at hand": run, "opened": opened} {
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := result(t, run, "scratch").Export(path); err != nil {
			t.Fatal(err)
		}
		m, err := zoo.LoadExported(path)
		if err != nil {
			t.Fatal(err)
		}
		if m.Calibration != c.Calibration || c.Temperature == 0 {
			t.Errorf("%s: exported %+v, want %+v", name, m.Calibration, c.Calibration)
		}
		m.Release()
		if e, err := result(t, run, "scratch").Evaluate(ds.Val); err != nil || !near(e.Loss, c.After.NLL) {
			t.Errorf("%s: evaluated %v, %v; want NLL %g", name, e, err, c.After.NLL)
		}
	}
	if b, err := c.Bundle(); err != nil || !strings.Contains(b["text/html"].(string), "<svg") && !strings.Contains(b["text/html"].(string), "<img") {
		t.Errorf("the calibration shows no diagram: %v, %v", err, b["text/html"])
	}

	r.Epochs = 2 // other weights
	m, err := result(t, compare(t, r, "r", ds, pretrained(t), strategy.Scratch{}), "scratch").Model()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Release()
	if m.Calibration != (zoo.Calibration{}) {
		t.Errorf("after another training the model still has %+v", m.Calibration)
	}
	var none *train.Result
	if _, err := none.Calibrate(ds.Val); err == nil || !strings.Contains(err.Error(), "no result") {
		t.Errorf("without a result: %v", err)
	}
}

func near(a, b float64) bool { return a-b < 1e-5 && b-a < 1e-5 }
