package train

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

const (
	// probeSteps is the number of training steps from which on a probe pays: it takes as long as a few.
	probeSteps = 300
	// probeBatch is the largest batch of a probe: the order of two engines does not depend on more.
	probeBatch = 4
	// probeTime is how long the probe measures an inference or a step of one engine, after the call that compiles it.
	probeTime = 200 * time.Millisecond
	// probeCalls is the most calls that it measures.
	probeCalls = 5
)

// chooseEngines returns the engines for a comparison; a test replaces it. A long one is preceded by a measurement of
// the engines that are there, where no earlier one of this network is kept. A test program measures nothing, so that
// it computes the same on a busy machine as on a quiet one.
var chooseEngines = func(m *zoo.Model, batch, steps int) (backend.Choice, error) {
	// Every test program has this flag. testing.Testing would bring package testing into each notebook.
	test := flag.Lookup("test.v") != nil
	if steps < probeSteps || test {
		return backend.Choose(probeShape(m, batch), nil)
	}
	return Engines(m, batch)
}

// Engines returns the engines that a long comparison of the model m takes, in batches of so many images: those that
// measured fastest on this machine (see [backend.Choose]). The first call for a network takes seconds; its figures are
// kept in the cache folder.
func Engines(m *zoo.Model, batch int) (backend.Choice, error) {
	return backend.Choose(probeShape(m, batch), func(e *backend.Engine) (backend.Figure, error) {
		return probeEngine(e, m, min(batch, probeBatch))
	})
}

// probeShape names a network and the size of its batches for the figures that are kept.
func probeShape(m *zoo.Model, batch int) string {
	return fmt.Sprintf("%s, %d images of %d", m.Spec.Name, min(batch, probeBatch), m.ImageSize())
}

// probeEngine measures an inference and, where the engine has gradients, a training step of all variables of a copy of
// the model on one engine.
func probeEngine(e *backend.Engine, m *zoo.Model, batch int) (f backend.Figure, err error) {
	r, err := Recipe{BatchSize: batch}.withDefaults()
	if err != nil {
		return f, err
	}
	if m, err = start(m); err != nil {
		return f, err
	}
	m.SetTrainable(func(nn.Param) bool { return true })
	s, err := newStepper(e.Backend, m, Plan{LearningRate: 1e-3}, r)
	if err != nil {
		return f, err
	}
	defer s.Close()
	size := m.ImageSize()
	if f.InferS, err = probeCall(func() error {
		out, err := s.t.evals[""].Call1(tensors.FromFlatDataAndDimensions(s.pix, batch, size, size, 3))
		if err == nil {
			out.MustFinalizeAll()
		}
		return err
	}); err == nil && s.t.evals[""].engine != e.Backend {
		f.InferS, err = 0, fmt.Errorf("%s can't compute this network", e.Config)
	}
	if err != nil || traits.Of(e.Backend).InferenceOnly {
		return f, err
	}
	f.StepS, err = probeCall(func() error {
		_, err := s.Step()
		return err
	})
	return f, err
}

// probeCall returns the seconds of the fastest of some calls, after one that compiles.
func probeCall(call func() error) (float64, error) {
	if err := call(); err != nil {
		return 0, err
	}
	began, best := time.Now(), time.Duration(0)
	for i := 0; i < probeCalls && (i == 0 || time.Since(began) < probeTime); i++ {
		from := time.Now()
		if err := call(); err != nil {
			return 0, err
		}
		if took := time.Since(from); i == 0 || took < best {
			best = took
		}
	}
	return max(best, time.Nanosecond).Seconds(), nil
}

// String returns a text such as "go for steps, onnx:cpu for evaluations".
func (e EngineConfig) String() string {
	if e.Steps == e.Forward {
		return e.Steps
	}
	return e.Steps + " for steps, " + e.Forward + " for evaluations"
}

// engines returns the engines for a run and records them in its configuration: those that it began with, so that a
// resumed training computes as an uninterrupted one, else those that are fastest for it. Where a run can't go on with
// its engines, a warning says so: figures then differ in rounding.
func (r *Run) engines(m *zoo.Model, images int) (enginePair, error) {
	before := r.Config.Engines
	if !r.anyStarted() {
		before = nil
	}
	recipe := r.Config.Recipe
	switch {
	case recipe.Devices > 1:
		return r.sharedEngines(m, before, recipe.Devices)
	case recipe.Precision == Bfloat16:
		return r.bfloat16Engines(before)
	}
	if before != nil {
		if c, ok := backend.Recorded(before.Forward, before.Steps); ok {
			return enginePair{steps: c.Step.Backend, forward: c.Infer.Backend}, nil
		}
	}
	steps := 0
	if r.Dir != "" { // a search for a learning rate has no folder, and a hundred steps
		steps = len(r.Config.Strategies) * recipe.Epochs * (images * max(1, recipe.Passes) / recipe.BatchSize)
	}
	c, err := chooseEngines(m, recipe.BatchSize, steps)
	if err != nil {
		return enginePair{}, err
	}
	if err := r.recordEngines(before, EngineConfig{Steps: c.Step.Config, Forward: c.Infer.Config}); err != nil {
		return enginePair{}, err
	}
	return enginePair{steps: c.Step.Backend, forward: c.Infer.Backend}, nil
}

// sharedEngines returns the engine for steps, n devices of it, and the same engine for everything else.
func (r *Run) sharedEngines(m *zoo.Model, before *EngineConfig, n int) (enginePair, error) {
	c, err := chooseEngines(m, r.Config.Recipe.BatchSize, 0)
	if err != nil {
		return enginePair{}, err
	}
	pair := alone(c.Step.Backend)
	if pair.devices, err = newDevices(c.Step.Backend, c.Step.Config, n); err != nil {
		return enginePair{}, err
	}
	return pair, r.recordEngines(before, EngineConfig{Steps: c.Step.Config, Forward: c.Step.Config})
}

// bfloat16Engines returns the engines of a run in bfloat16.
func (r *Run) bfloat16Engines(before *EngineConfig) (enginePair, error) {
	c, err := backend.InBfloat16()
	if err != nil {
		return enginePair{}, fmt.Errorf("%w; without Recipe.Precision the run is another one, in float32", err)
	}
	return enginePair{steps: c.Step.Backend, forward: c.Infer.Backend},
		r.recordEngines(before, EngineConfig{Steps: c.Step.Config, Forward: c.Infer.Config})
}

// anyStarted reports whether something of the run has been computed.
func (r *Run) anyStarted() bool { return slices.ContainsFunc(r.Results, (*Result).anyStarted) }

// newer reports whether one of the engines is newer than the record of engines in run.json.
func (e EngineConfig) newer() bool { return e.Steps == "onednn" || e.Forward == "openvino" }

// recordEngines writes the engines of a run, and warns if it began with others. A run without a record began with older
// engines.
func (r *Run) recordEngines(before *EngineConfig, now EngineConfig) error {
	so := ""
	switch {
	case before != nil && now != *before:
		so = before.String()
	case before == nil && r.anyStarted() && now.newer():
		so = "engines that run.json does not name"
	}
	if so != "" {
		r.warn("computed on %s so far, on %s from here on: losses may differ in rounding", so, now)
		fmt.Fprintln(os.Stderr, r.Warnings[len(r.Warnings)-1])
	}
	if r.Config.Engines = &now; r.Dir == "" {
		return nil
	}
	return writeJSON(filepath.Join(r.Dir, "run.json"), r.Config)
}
