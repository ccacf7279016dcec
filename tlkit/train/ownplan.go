package train

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// ownPlan is what can be known of the code of a strategy that does not come with TLKit: in a notebook people change a
// number in its Plan, or its loss, and run the cell again.
type ownPlan struct {
	LearningRate float64 `json:"learning_rate"`
	// Rest is a digest of the other fields and of the graph of the loss.
	Rest string `json:"rest"`
	// Inputs is a digest of the images and the models in it.
	Inputs string `json:"inputs,omitempty"`
}

// samePlan reports whether two strategies plan alike, as far as is known. Runs made before plans or their inputs were
// kept have none.
func (s stored) samePlan(o stored) bool {
	if s.Plan == nil || o.Plan == nil {
		return true
	}
	a, b := *s.Plan, *o.Plan
	if a.Inputs == "" || b.Inputs == "" {
		a.Inputs, b.Inputs = "", ""
	}
	return a == b
}

// planDifference says how a plan differs from that of the strategy now, which has the same fields.
func (s stored) planDifference(now stored) string {
	if was, is := s.Plan.LearningRate, now.Plan.LearningRate; was != is {
		return fmt.Sprintf("%s: the learning rate of its Plan: %g, now %g", s.Name, was, is)
	}
	if s.Plan.Rest == now.Plan.Rest {
		return s.Name + ": the images or the models in its Plan have changed"
	}
	return s.Name + ": what its Plan returns (loss, phases, rates or variables) has changed"
}

// newOwnPlan returns the plan of a strategy of one's own; nil for those of TLKit, whose fields say all, and for one
// that can't be planned, which checkPlans reports.
func newOwnPlan(s Strategy, pretrained *zoo.Model, ds *datasets.Dataset, r Recipe) *ownPlan {
	if builtIn(s) {
		return nil
	}
	m, err := start(pretrained)
	if err != nil {
		return nil
	}
	var plan Plan
	task := Task{Classes: ds.Classes, Data: ds, Seed: r.Seed, Recipe: r}
	if panicked := nn.Try(func() { plan, err = planned(s, m, task) }); panicked != nil || err != nil {
		return nil
	}
	heads, err := addHeads(m, plan.Heads, r.Seed)
	if err != nil {
		return nil
	}
	h := sha256.New()
	plan.describe(h, m, heads)
	for _, line := range plan.lossGraph(m, heads) {
		fmt.Fprintln(h, line)
	}
	inputs := sha256.New()
	if err := plan.describeInputs(inputs); err != nil {
		return nil
	}
	digest := func(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)[:8]) }
	return &ownPlan{LearningRate: plan.LearningRate, Rest: digest(h), Inputs: digest(inputs)}
}

// describeInputs writes the contents of the images and the values of the models in a plan.
func (p Plan) describeInputs(w io.Writer) error {
	var failed error
	images := func(what string, s *datasets.Split) {
		if s != nil {
			fmt.Fprintln(w, what, (&datasets.Dataset{Classes: s.Classes(), Train: s}).Fingerprint())
		}
	}
	values := func(what string, m *zoo.Model) {
		if m != nil {
			digest, err := digestOf(m)
			failed = errors.Join(failed, err)
			fmt.Fprintln(w, what, m.Spec.Name, digest)
		}
	}
	images("train", p.Train)
	for _, e := range p.Extra {
		images("extra", e.Split)
	}
	for _, h := range p.Heads {
		values("head", h.From)
	}
	values("teacher", p.Teacher)
	for _, t := range p.Watch {
		fmt.Fprintf(w, "watch %q %q\n", t.Name, t.Head)
		images("of", t.Split)
		values("by", t.Model)
	}
	return failed
}

// describe writes all of a plan but the learning rate, the graph of the loss and what describeInputs writes.
func (p Plan) describe(w io.Writer, m *zoo.Model, heads []nn.Param) {
	fmt.Fprintln(w, p.BatchStatsWhenFrozen, p.Loss != nil, p.Before != nil, p.Fit != nil, p.classify() != nil, p.Teacher != nil, p.Train != nil)
	for i, phase := range p.phases() {
		fmt.Fprintln(w, "phase", phase.Epochs, phase.LearningRate)
		for _, v := range append(m.Params(), heads...) {
			if on := m.Variable(v).Trainable; on && phase.trains(v) || p.Fit.fits(v) {
				fmt.Fprintln(w, v.Key, on, p.factor(i, v))
			}
		}
	}
	for _, e := range p.Extra {
		fmt.Fprintln(w, "extra", e.Split.Len(), e.Batch)
	}
	for _, h := range p.Heads {
		fmt.Fprintln(w, "head", h.Name, h.Classes, h.From != nil, h.Forward != nil, h.Frozen)
	}
}

// nodeNumber is the number of a node in its text, and in those of others.
var nodeNumber = regexp.MustCompile(`#\d+`)

// lossGraph returns the texts of the nodes that Plan.Loss builds, without their numbers and in alphabetical order: a
// loss may go through a map of variables. It is nil if there is no loss, if it can't be built before Plan.Before, or if
// it is another each time.
func (p Plan) lossGraph(m *zoo.Model, heads []nn.Param) []string {
	if p.Loss == nil {
		return nil
	}
	backend, err := compute.NewWithConfig("go") // only traces
	if err != nil {
		return nil
	}
	defer backend.Finalize()
	var built [2][]string
	for i := range built {
		if nn.Try(func() { built[i] = p.traceLoss(NewGraph(backend, "loss"), m, heads) }) != nil {
			return nil
		}
	}
	if !slices.Equal(built[0], built[1]) {
		return nil
	}
	return built[0]
}

// traceLoss builds the loss for batches of two images. The outputs of the network are parameters of the graph.
func (p Plan) traceLoss(g *Graph, m *zoo.Model, heads []nn.Param) []string {
	const n = 2
	float := func(name string, dims ...int) *Node { return Parameter(g, name, shapes.Make(dtypes.Float32, dims...)) }
	labels := func(name string) *Node { return Parameter(g, name, shapes.Make(dtypes.Int32, n)) }
	m.Store().SetTraining(g, true) // else the engine would take the values over as constants
	pass := &nn.Pass{Training: true, BatchStatsWhenFrozen: p.BatchStatsWhenFrozen}
	features := m.ForwardFeatures(pass, float("images", n, m.ImageSize(), m.ImageSize(), 3), 0, len(m.Stages())).Shape().Dimensions
	s := &Step{Loss: float("loss"), Labels: labels("labels"), Logits: float("logits", n, len(m.Classes)), Features: float("features", features...),
		Progress: float("progress"), model: m, heads: p.Heads, pass: pass}
	for i := range p.Extra {
		name := fmt.Sprintf("extra%d.", i)
		s.Extra = append(s.Extra, Drawn{Labels: labels(name + "labels"), Features: float(name+"features", features...), Logits: float(name+"logits", n, len(m.Classes))})
	}
	if p.Teacher != nil {
		s.Teacher = float("teacher", n, len(p.Teacher.Classes))
	}
	for _, v := range append(m.Params(), heads...) {
		if m.Variable(v).Trainable {
			s.params = append(s.params, v)
		}
	}
	before := len(g.Nodes())
	p.Loss(s).AssertScalar()
	var all []string
	for _, node := range g.Nodes()[before:] {
		text, _, _ := strings.Cut(nodeNumber.ReplaceAllString(node.String(), ""), " - mem: ")
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}
