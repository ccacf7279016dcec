package train

import (
	"github.com/tlkit-go/tlkit-notebooks/datasets"
)

// sharedFeatures are outputs of frozen stages that one call of Compare has computed. The next seed, and the next
// strategy that freezes the same stages, reuse them.
type sharedFeatures struct {
	limit int64 // bytes
	keys  []featureKey
	kept  map[featureKey]*features
}

// featureKey identifies features by all that they depend on: the images, and the stages with their values.
type featureKey struct {
	split  *datasets.Split
	frozen int
	values uint64
	// views and seed are those of the images' augmented versions; both are 0 without augmentation.
	views int
	seed  uint64
}

func (s *sharedFeatures) get(k featureKey) *features {
	if s == nil {
		return nil
	}
	return s.kept[k]
}

// put keeps features, and drops the oldest ones if there is no room for all.
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
