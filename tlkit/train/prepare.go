package train

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Preparation gives a strategy access to the model and the images before the first step; see [Plan.Before].
type Preparation struct {
	// Model is the strategy's model, with its starting values.
	Model *zoo.Model
	// Task is the argument of Strategy.Plan.
	Task Task

	engine compute.Backend
	heads  []Head
	// features computes what Features returns.
	features func(ctx context.Context) (*zoo.Features, error)
	// report is called with the number of images done and the total.
	report func(done, total int)
}

// Features returns the output of all stages for the data set's training images, with their labels, without
// augmentation. A fitted strategy is fitted on them. They are computed once for all strategies and seeds that freeze
// the whole network.
func (p *Preparation) Features(ctx context.Context) (*zoo.Features, error) { return p.features(ctx) }

// Each runs a graph on all images of a split in turn, in batches, without augmentation. build is called with normalised
// images [batch, height, width, 3] and their labels [batch] int32, and returns the graph's outputs. each, if not nil,
// is called with the values of these outputs for every batch.
func (p *Preparation) Each(ctx context.Context, split *datasets.Split, batchSize int, build func(images, labels *Node) []*Node, each func(out []*tensors.Tensor) error) error {
	return p.each(ctx, split, vision.Augment{}, batchSize, build, each)
}

// Head returns the output of a head of the plan for normalised images [rows, height, width, 3], in inference mode: the
// logits [rows, outputs]. "" names the model's own head. Call it in the build function of [Preparation.Each].
func (p *Preparation) Head(name string, images *Node) *Node {
	pass := &nn.Pass{}
	features := p.Model.ForwardFeatures(pass, images, 0, len(p.Model.Stages()))
	if name == "" {
		return p.Model.ForwardHead(pass, features)
	}
	return headNamed(p.heads, name).build(p.Model, pass, features)
}

// each is Each with augmentation, drawn by the task's seed.
func (p *Preparation) each(ctx context.Context, split *datasets.Split, augment vision.Augment, batchSize int, build func(images, labels *Node) []*Node, each func(out []*tensors.Tensor) error) error {
	exec, err := newExecutor(p.engine, p.Model.Store(), func(_ *model.Scope, in []*Node) []*Node {
		p.Model.Store().SetTraining(in[0].Graph(), true) // keeps the weights inputs of the graph
		return build(p.Model.Normalize(in[0]), in[1])
	})
	if err != nil {
		return fmt.Errorf("building its graph: %w", err)
	}
	defer exec.Finalize()
	s := newImages(split, p.Model.Preprocess, augment, p.Task.Seed, p.Model.ImageSize(), nil)
	done := 0
	for b := range batches(ctx, s, ascending(s.len()), batchSize, 0) {
		if b.err != nil {
			return b.err
		}
		out, err := exec.Call(b.inputs, b.labels)
		b.discard() // discard, not release: if out is not read, the computation may still be running
		if err != nil {
			return err
		}
		if each != nil {
			if err := each(out); err != nil {
				return err
			}
		}
		for _, o := range out {
			o.MustFinalizeAll()
		}
		done += b.n
		p.report(done, s.len())
	}
	return ctx.Err()
}
