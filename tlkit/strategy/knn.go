package strategy

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// KNN predicts the most frequent class among an image's K nearest training images. The distance is the angle between
// the features of the frozen network (Cover and Hart 1967; on features of a network: Donahue et al. 2013, DeCAF, arXiv
// 1310.1531). It trains nothing and uses no random numbers. For the training accuracy, each image is classified by the
// others. The network has no fitted head: Result.Model and Export are
// refused.
type KNN struct {
	// K is the number of neighbours that vote; 0 means 5. It is at most the number of training images.
	K int `json:"k,omitempty"`
	// Label replaces the name, for a second KNN in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "knn".
func (k KNN) Name() string { return cmp.Or(k.Label, "knn") }

// Plan stores the features of the training images before the evaluation.
func (k KNN) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	if k.K < 0 {
		return train.Plan{}, fmt.Errorf("tlkit: KNN.K is %d; give the number of neighbours, or 0 for 5", k.K)
	}
	if err := m.ReplaceHead(task.Classes, task.Seed); err != nil {
		return train.Plan{}, err
	}
	memory := &neighbours{k: k.neighbours(), classes: len(task.Classes)}
	return train.Plan{Fit: &train.Fit{Classify: memory.classify}, Before: func(ctx context.Context, p *train.Preparation) error {
		f, err := p.Features(ctx)
		if err != nil {
			return err
		}
		memory.learn(f)
		return nil
	}}, nil
}

// neighbours returns K, or its default.
func (k KNN) neighbours() int {
	if k.K == 0 {
		return 5
	}
	return k.K
}

// neighbours has the training images' features, each scaled to length 1.
type neighbours struct {
	k, classes int
	features   [][]float32
	labels     []int
}

func (m *neighbours) learn(f *zoo.Features) {
	m.features, m.labels = make([][]float32, f.Len()), f.Labels
	for i := range m.features {
		m.features[i] = unit(f.Row(i))
	}
}

// unit returns v scaled to length 1.
func unit(v []float32) []float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	out := make([]float32, len(v))
	scale := float32(1 / math.Max(math.Sqrt(sum), 1e-12))
	for i, x := range v {
		out[i] = x * scale
	}
	return out
}

// classify returns the logarithms of the classes' shares of the votes of the nearest images; self is the image's own
// index among the training images, or -1. Among classes with equally many votes, the class of the nearest image wins.
func (m *neighbours) classify(features []float32, self int) []float32 {
	all := m.nearest(unit(features), self)
	votes := make([]float64, m.classes)
	for rank, i := range all {
		votes[m.labels[i]] += 1 + 1e-6/float64(1+rank)
	}
	// One vote is divided evenly among all classes, so that no class has probability 0.
	logs := make([]float32, m.classes)
	for c, n := range votes {
		logs[c] = float32(math.Log((n + 1/float64(m.classes)) / float64(len(all)+1)))
	}
	return logs
}

// nearest returns the indices of the k training images with the most similar features, the most similar first, and the
// earlier one of two that are equally similar. Images with features that are no numbers come last.
func (m *neighbours) nearest(v []float32, self int) []int {
	type neighbour struct {
		similarity float32
		i          int
	}
	k := min(m.k, len(m.features))
	best := make([]neighbour, 0, k+1) // never more than the k best so far: to sort all takes far longer
	for i, other := range m.features {
		if i == self {
			continue
		}
		var dot float32
		for j, x := range v {
			dot += x * other[j]
		}
		if dot != dot { // NaN compares with nothing, so that it would keep nearer images out
			dot = float32(math.Inf(-1))
		}
		if len(best) == k && dot <= best[k-1].similarity {
			continue
		}
		at := len(best)
		for at > 0 && best[at-1].similarity < dot {
			at--
		}
		best = slices.Insert(best, at, neighbour{dot, i})
		best = best[:min(k, len(best))]
	}
	indices := make([]int, len(best))
	for rank, n := range best {
		indices[rank] = n.i
	}
	return indices
}

var _ train.Strategy = KNN{}
