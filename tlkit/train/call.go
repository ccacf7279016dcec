package train

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// call has the arguments of one call of Compare, as run.json will have them.
type call struct {
	name, path string
	config     Config // with the call's strategies
	strategies []wanted
	plans      []Strategy // the same, to be trained
	data       *datasets.Dataset
	model      *zoo.Model // the pretrained one
	graph      []byte     // the network of a model that was imported from an .onnx file
	lacksBits  bool       // whether the run.json of the finished run is from before the bits were kept
}

// wanted is a strategy of a call in the form of run.json.
type wanted struct {
	stored
	strategy Strategy
	raw      json.RawMessage
	sets     []*datasets.Dataset
}

// newCall completes and checks the arguments of Compare.
func newCall(name string, ds *datasets.Dataset, m *zoo.Model, r Recipe, strategies []Strategy) (*call, error) {
	r, err := r.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := checkComparison(ds, m, strategies); err != nil {
		return nil, err
	}
	path, err := Folder(r.Dir, name)
	if err != nil {
		return nil, err
	}
	digest, err := digestOf(m)
	if err != nil {
		return nil, err
	}
	onTest := EvalSplit(ds) == ds.Test
	earlier := earlierLosses(name, path)
	ds = earlier.restore(ds)
	c := &call{name: name, path: path, data: ds, model: m, graph: m.Spec.Graph, config: Config{Format: runFormat, Recipe: r, Lost: earlier.of(ds),
		Data: DataConfig{Name: ds.Name, Fingerprint: ds.Fingerprint(), Classes: ds.Classes, Train: ds.Train.Len(), Val: EvalSplit(ds).Len(), Test: onTest,
			Bits: ds.Train.Decoding().Bits},
		Model: ModelConfig{Name: m.Spec.Name, Weights: m.Weights, Digest: digest, Preprocess: m.Preprocess},
	}}
	c.config.Data.setOrigin(ds, path)
	if c.graph != nil {
		sum := sha256.Sum256(c.graph)
		c.config.Model.Graph = hex.EncodeToString(sum[:])
	}
	for _, s := range strategies {
		s = WithData(s, earlier.restore)
		if err := checkName("strategy", s.Name()); err != nil {
			return nil, err
		}
		raw, err := strategyJSON(s, r, newOwnPlan(s, m, ds, r))
		if err != nil {
			return nil, err
		}
		w := wanted{strategy: s, raw: raw, sets: DataOf(s)}
		if err := json.Unmarshal(raw, &w.stored); err != nil {
			return nil, fmt.Errorf("tlkit: strategy %q: %w", s.Name(), err)
		}
		c.strategies, c.plans = append(c.strategies, w), append(c.plans, s)
		c.config.Strategies = append(c.config.Strategies, raw)
	}
	return c, nil
}

// begin opens the run for training, or makes it. The lock keeps a second notebook out until unlock is called; unlock is
// nil if everything in the call was done before.
func (c *call) begin() (run *Run, unlock func(), err error) {
	if run := c.finished(); run != nil {
		c.keepBits()
		return run, nil, nil
	}
	before, _ := openFolder(c.name, c.path) // open reports what is wrong with it
	if err := c.check(before); err != nil {
		return nil, nil, err
	}
	if err := MakeFolder(c.path, c.name); err != nil {
		return nil, nil, err
	}
	lock, err := lockRun(c.path, c.name)
	if err != nil {
		return nil, nil, err
	}
	if run, err = c.open(); err != nil {
		lock.Close()
		return nil, nil, err
	}
	if run.lock = lock; !lock.Exclusive() {
		text := "train it in one program at a time"
		if before := lock.Before(); before != "" {
			text = fmt.Sprintf(".lock names %s: if that trains the run still, it stops at its next epoch", before)
		}
		run.warn("the file system of %s has no locks, so that nothing keeps another program from training in it; %s", run.Dir, text)
	}
	return run, func() { lock.Close() }, nil
}

// same reports whether a stored strategy is that of the call.
func (w wanted) same(s stored) bool {
	sameData(s.Config, w.Config, w.sets)
	return s.same(w.stored)
}

// repaced returns the number of epochs with which a result was begun if a recipe's makes another training of it, else
// 0; see Paced.
func (w wanted) repaced(res *Result, r Recipe) int {
	p, ok := w.strategy.(Paced)
	if !ok {
		return 0
	}
	for _, one := range res.Seeds() {
		if was := one.begunWith(); was > 0 && p.Pace(was) != p.Pace(r.Epochs) {
			return was
		}
	}
	return 0
}

// index returns the index of a strategy in a run, -1 if there is none.
func (r *Run) index(strategy string) int {
	return slices.IndexFunc(r.Results, func(res *Result) bool { return res.Strategy == strategy })
}

// strategyAt returns the i-th strategy of a run as it is stored. It can't fail: openFolder has read the same bytes
// before.
func (r *Run) strategyAt(i int) (s stored) {
	if err := json.Unmarshal(r.Config.Strategies[i], &s); err != nil {
		panic(err)
	}
	return s
}

// planned returns the plan of a strategy for a model, which it may change, if the plan can be trained.
func planned(s Strategy, m *zoo.Model, task Task) (Plan, error) {
	plan, err := s.Plan(m, task)
	if err == nil {
		err = plan.check(s.Name(), task)
	}
	return plan, err
}
