package train

import (
	"github.com/tlkit-go/tlkit-notebooks/datasets"
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
