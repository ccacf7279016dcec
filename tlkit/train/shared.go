package train

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// sharedFeatures are outputs of frozen stages that one call of Compare has computed: the next seed, and the next strategy
// that freezes as much, takes them from here.
type sharedFeatures struct {
	limit int64 // bytes
	keys  []featureKey
	kept  map[featureKey]*features
}

// featureKey says what features depend on: the images, and the stages with their values.
type featureKey struct {
	split  *datasets.Split
	frozen int
	values uint64
	// views and seed are those of the images' augmented versions, where there are such.
	views int
	seed  uint64
}

func (s *sharedFeatures) get(k featureKey) *features {
	if s == nil {
		return nil
	}
	return s.kept[k]
}

// put keeps features, and lets the oldest go where there is no room for all.
func (s *sharedFeatures) put(k featureKey, f *features) {
	if s == nil || int64(len(f.values))*4 > s.limit {
		return
	}
	if s.kept == nil {
		s.kept = map[featureKey]*features{}
	}
	s.keys = append(s.keys, k)
	s.kept[k] = f
	size := int64(0)
	for _, f := range s.kept {
		size += int64(len(f.values)) * 4
	}
	for size > s.limit {
		size -= int64(len(s.kept[s.keys[0]].values)) * 4
		delete(s.kept, s.keys[0])
		s.keys = s.keys[1:]
	}
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

// Features returns the output of all stages for the data set's training images, with their labels, without augmentation:
// what a fitted strategy works on. They are computed once for all strategies and seeds that freeze the whole network.
func (p *Preparation) Features(ctx context.Context) (*zoo.Features, error) {
	t, split := p.t, p.Task.Data.Train
	t.frozen = len(t.model.Stages()) // as the phase of a fitted plan will set it again
	values, err := t.frozenValues()
	if err != nil {
		return nil, err
	}
	key := featureKey{split: split, frozen: t.frozen, values: values}
	f := p.res.run.shared.get(key)
	if f == nil {
		s := newImages(split, t.model.Preprocess, vision.Augment{}, 0, t.model.ImageSize(), nil)
		if f, err = t.cache(ctx, s, 32, math.MaxInt64, func(done int) { p.show.features(p.res, done, s.len()) }); err != nil {
			return nil, err
		}
		p.res.run.shared.put(key, f)
	}
	return &zoo.Features{Shape: f.dims, Values: f.values, Labels: f.labels, NumClasses: len(p.Task.Classes)}, nil
}
