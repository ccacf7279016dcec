package train

import (
	"context"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// inputs are all images that a strategy trains and is judged on, and what of them was computed once.
type inputs struct {
	trainImages, valImages   *images
	extraImages, watchImages []*images

	// What the network takes: the images, or the output of the frozen stages for them; from tells which stage it enters.
	train, val          source
	extra               []*drawn
	watch               []source
	trainFrom, evalFrom int

	limit int64 // bytes
}

func newInputs(ds *datasets.Dataset, m *zoo.Model, plan Plan, r Recipe, cache *decoded) *inputs {
	d := &inputs{limit: r.MemoryLimit}
	load := func(s *datasets.Split, aug vision.Augment, seed uint64) *images {
		return newImages(s, m.Preprocess, aug, seed, m.ImageSize(), cache)
	}
	split := ds.Train
	if plan.Train != nil {
		split = plan.Train
	}
	d.trainImages = load(split, r.Augment, r.Seed)
	d.trainImages.views = r.Views
	d.valImages = load(EvalSplit(ds), vision.Augment{}, r.Seed)
	for i, b := range plan.Extra {
		seed := extraSeed(r.Seed, i)
		s := load(b.Split, r.Augment, seed)
		s.views = r.Views
		d.extraImages = append(d.extraImages, s)
		batch := b.Batch
		if batch == 0 {
			batch = r.BatchSize
		}
		d.extra = append(d.extra, &drawn{per: batch, seed: seed})
	}
	for _, w := range plan.Watch {
		d.watchImages = append(d.watchImages, load(w.Split, vision.Augment{}, r.Seed))
	}
	return d
}

// cacheFrozen sets the sources of a phase up. Stages that stay frozen are computed once for the images that do not
// change, if their output fits into memory; then only the rest of the network runs in every step.
func (d *inputs) cacheFrozen(ctx context.Context, l *loop) error {
	fit := l.t.plan.Fit
	// A model that is evaluated once, and not fitted on its features, gains nothing.
	reuse := l.t.frozen > 0 && (fit == nil || fit.Params != nil || fit.Classify != nil)
	evals := []*images{d.valImages}
	for i, w := range l.t.plan.Watch {
		if w.Model == nil {
			evals = append(evals, d.watchImages[i])
		}
	}
	all, from, err := d.cached(ctx, l, evals, d.limit/8, reuse)
	if err != nil {
		return err
	}
	d.val, d.watch, d.evalFrom = all[0], nil, from
	all = all[1:]
	for i, w := range l.t.plan.Watch {
		if w.Model != nil {
			d.watch = append(d.watch, d.watchImages[i])
			continue
		}
		d.watch, all = append(d.watch, all[0]), all[1:]
	}

	trains := append([]*images{d.trainImages}, d.extraImages...)
	if all, from, err = d.cached(ctx, l, trains, d.limit/2, reuse && (l.recipe.same() || l.recipe.Views > 0 && !l.recipe.mixes())); err != nil {
		return err
	}
	d.train, d.trainFrom = all[0], from
	for i, s := range all[1:] {
		d.extra[i].source = s
	}
	return nil
}

// cached returns the outputs of the frozen stages for all the images if wanted and if they fit into limit bytes
// together, else the images themselves, and the stage at which what is returned enters the network.
func (d *inputs) cached(ctx context.Context, l *loop, from []*images, limit int64, want bool) ([]source, int, error) {
	var plain, ready []source
	for _, s := range from {
		plain = append(plain, s)
	}
	if !want {
		return plain, 0, nil
	}
	values, err := l.t.frozenValues()
	if err != nil {
		return nil, 0, err
	}
	for _, s := range from {
		key := featureKey{split: s.split, frozen: l.t.frozen, values: values}
		if s.views > 0 && !s.aug.IsZero() {
			key.views, key.seed = s.views, s.seed
		}
		if f := l.run.shared.get(key); f != nil {
			limit -= int64(len(f.values)) * 4
			ready = append(ready, f)
			continue
		}
		f, err := l.t.cache(ctx, s, l.evalBatch(), limit, func(done int) { l.show.features(l.res, done, s.len()) })
		if err != nil {
			return nil, 0, err
		}
		if f == nil {
			return plain, 0, nil
		}
		limit -= int64(len(f.values)) * 4
		ready = append(ready, f)
		l.run.shared.put(key, f)
	}
	return ready, l.t.frozen, nil
}
