package train

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// cache computes the output of the frozen stages for every example, if the values fit into limit bytes; otherwise
// it returns nil.
func (t *trainer) cache(ctx context.Context, s source, batchSize int, limit int64, progress func(done int)) (*features, error) {
	if err := t.readyFeature(); err != nil {
		return nil, err
	}
	f := &features{}
	if im, ok := s.(*images); ok && !im.aug.IsZero() {
		f.views = im.views
	}
	views := max(1, f.views)
	for view := range views {
		if err := t.cacheView(ctx, f, s, view, batchSize, limit/int64(views), progress); err != nil {
			return nil, err
		}
		if f.values == nil {
			return nil, nil
		}
	}
	return f, nil
}

// cacheView appends the output of the frozen stages for one version of every example to f; values that do not fit into
// limit bytes leave f empty.
func (t *trainer) cacheView(ctx context.Context, f *features, s source, view, batchSize int, limit int64, progress func(done int)) error {
	done := 0
	for b := range batches(ctx, s, ascending(s.len()), batchSize, view) {
		if b.err != nil {
			return b.err
		}
		out, err := t.feature.Call1(b.inputs)
		if err != nil {
			return err
		}
		dims := out.Shape().Dimensions
		f.dims = slices.Clone(dims[1:])
		if int64(out.Shape().Size()/dims[0])*int64(s.len())*4 > limit {
			f.values = nil
			return nil
		}
		f.values = append(f.values, tensors.MustCopyFlatData[float32](out)...)
		out.MustFinalizeAll()
		b.release()
		for range b.n {
			if view == 0 {
				f.labels = append(f.labels, s.label(done))
			}
			done++
		}
		progress(done)
	}
	return ctx.Err()
}

// frozenValues hashes the values of the frozen stages, running statistics too.
func (t *trainer) frozenValues() (uint64, error) {
	h := fnv.New64a()
	fmt.Fprint(h, t.model.Spec.Name, t.model.Preprocess)
	for _, p := range t.model.Params() {
		if i := slices.Index(t.model.Stages(), p.Stage); i < 0 || i >= t.frozen {
			continue
		}
		value, err := t.model.Variable(p).Value()
		if err != nil {
			return 0, fmt.Errorf("tlkit: reading %q: %w", p.Key, err)
		}
		if err := value.ConstBytes(func(b []byte) { h.Write(b) }); err != nil {
			return 0, fmt.Errorf("tlkit: reading %q: %w", p.Key, err)
		}
	}
	return h.Sum64(), nil
}

// featureCache looks up the outputs of frozen stages, and computes and keeps those that are missing.
type featureCache struct {
	shared *sharedFeatures
	batch  int // images per forward pass
	report func(done, total int)
}

// outputs returns the outputs of the frozen stages for images, computed or from the cache; nil if they need more than
// limit bytes.
func (c featureCache) outputs(ctx context.Context, t *trainer, values uint64, s *images, limit int64) (*features, error) {
	key := featureKey{split: s.split, frozen: t.frozen, values: values}
	if s.views > 0 && !s.aug.IsZero() {
		key.views, key.seed = s.views, s.seed
	}
	if f := c.shared.get(key); f != nil {
		return f, nil
	}
	f, err := t.cache(ctx, s, c.batch, limit, func(done int) { c.report(done, s.len()) })
	if f != nil {
		c.shared.put(key, f)
	}
	return f, err
}

// trainingFeatures returns the output of all stages, frozen, for a split, without augmentation.
func (c featureCache) trainingFeatures(ctx context.Context, t *trainer, split *datasets.Split) (*zoo.Features, error) {
	t.frozen = len(t.model.Stages()) // as the phase of a fitted plan will set it again
	values, err := t.frozenValues()
	if err != nil {
		return nil, err
	}
	s := newImages(split, t.model.Preprocess, vision.Augment{}, 0, t.model.ImageSize(), nil)
	f, err := c.outputs(ctx, t, values, s, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	for i, v := range f.values {
		if !numbers.Finite(float64(v)) {
			return nil, fmt.Errorf("the features of image %s are no finite numbers; %s", split.Name(i/f.width()), whyNotFinite(notFinite(t.model)))
		}
	}
	return &zoo.Features{Shape: f.dims, Values: f.values, Labels: f.labels, NumClasses: len(split.Counts())}, nil
}
