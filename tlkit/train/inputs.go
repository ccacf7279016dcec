package train

import (
	"cmp"
	"context"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// inputs are all images that a strategy is trained and evaluated on, and the features that were computed from them
// once.
type inputs struct {
	trainImages, valImages   *images
	extraImages, watchImages []*images

	// The inputs of the steps are the images, or the output of the frozen stages for them. They enter the network at
	// the stages trainFrom and evalFrom.
	train, val          source
	extra               []*drawn
	watch               []source
	trainFrom, evalFrom int

	limit int64 // bytes
}

// newInputs opens the images of a plan: those to train on, those to evaluate on, and the plan's further ones.
func newInputs(train, eval *datasets.Split, m *zoo.Model, plan Plan, r Recipe, cache *decoded) *inputs {
	d := &inputs{limit: r.MemoryLimit}
	load := func(s *datasets.Split, aug vision.Augment, seed uint64) *images {
		return newImages(s, m.Preprocess, aug, seed, m.ImageSize(), cache)
	}
	if plan.Fit != nil {
		r.Augment, r.Views = vision.Augment{}, 0 // nothing is trained: the training images are evaluated, as they are
	}
	d.trainImages = load(train, r.Augment, r.Seed)
	d.trainImages.views = r.Views
	d.valImages = load(eval, vision.Augment{}, r.Seed)
	for i, b := range plan.Extra {
		seed := extraSeed(r.Seed, i)
		s := load(b.Split, r.Augment, seed)
		s.views = r.Views
		d.extraImages = append(d.extraImages, s)
		d.extra = append(d.extra, &drawn{per: cmp.Or(b.Batch, r.BatchSize), seed: seed})
	}
	for _, w := range plan.Watch {
		d.watchImages = append(d.watchImages, load(w.Split, vision.Augment{}, r.Seed))
	}
	return d
}

// cacheFrozen sets up the sources of a phase. For images that do not change, the output of the frozen stages is
// computed once, if it fits into memory; then only the rest of the network runs in every step.
func (d *inputs) cacheFrozen(ctx context.Context, t *trainer, r Recipe, cache featureCache) error {
	fit, plan := t.plan.Fit, t.plan
	// A cache gains nothing for a model that is evaluated once and not fitted on its features.
	reuse := t.frozen > 0 && (fit == nil || fit.Params != nil || fit.Classify != nil)
	limit, trains := d.limit/8, append([]*images{d.trainImages}, d.extraImages...)
	evals := []*images{d.valImages}
	for i, w := range plan.Watch {
		if w.Model == nil {
			evals = append(evals, d.watchImages[i])
		}
	}
	if fit != nil { // the same network evaluates the training images, so that all enter it at one stage
		limit, evals = d.limit/2, append(evals, d.trainImages)
	}
	all, from, err := d.cached(ctx, t, cache, evals, limit, reuse)
	if err != nil {
		return err
	}
	d.val, d.watch, d.evalFrom = all[0], nil, from
	all = all[1:]
	for i, w := range plan.Watch {
		if w.Model != nil {
			d.watch = append(d.watch, d.watchImages[i])
			continue
		}
		d.watch, all = append(d.watch, all[0]), all[1:]
	}
	if fit != nil {
		d.train, d.trainFrom = all[0], from
		return nil
	}
	if all, from, err = d.cached(ctx, t, cache, trains, d.limit/2, reuse && (r.same() || r.Views > 0 && !r.mixes())); err != nil {
		return err
	}
	d.train, d.trainFrom = all[0], from
	for i, s := range all[1:] {
		d.extra[i].source = s
	}
	return nil
}

// cached returns the outputs of the frozen stages for all the images, and the stage that they enter. If want is false,
// or the outputs together exceed limit bytes, it returns the images themselves, and stage 0.
func (d *inputs) cached(ctx context.Context, t *trainer, cache featureCache, from []*images, limit int64, want bool) ([]source, int, error) {
	var unchanged, ready []source
	for _, s := range from {
		unchanged = append(unchanged, s)
	}
	if !want {
		return unchanged, 0, nil
	}
	values, err := t.frozenValues()
	if err != nil {
		return nil, 0, err
	}
	for _, s := range from {
		f, err := cache.outputs(ctx, t, values, s, limit)
		if err != nil {
			return nil, 0, err
		}
		if f == nil {
			return unchanged, 0, nil
		}
		limit -= int64(len(f.values)) * 4
		ready = append(ready, f)
	}
	return ready, t.frozen, nil
}
