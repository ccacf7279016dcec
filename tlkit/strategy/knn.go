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

// KNN takes the class that most of an image's K nearest training images have, by the angle between the features of the
// frozen network (Cover and Hart 1967; on features of a network: Donahue et al. 2013, DeCAF, arXiv 1310.1531). It has
// nothing to train and no seed; training accuracy is that of each image by the others. The network itself stays
// without a head of its own: Result.Model and exports are of no use here.
type KNN struct {
	// K is the number of neighbours that vote; 0 means 5. It is at most the number of training images.
	K int `json:"k,omitempty"`
	// Label replaces the name, for a second KNN in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "knn".
func (k KNN) Name() string { return cmp.Or(k.Label, "knn") }

// Plan remembers the features of the training images.
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

// neighbours is K, or its default.
func (k KNN) neighbours() int {
	if k.K == 0 {
		return 5
	}
	return k.K
}

// neighbours are the training images' features, each of length 1.
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

// unit returns v at length 1.
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

// classify returns the logarithms of the classes' shares among the nearest; self is the image's own place among the
// training images, or -1. Of classes with as many votes the one of the nearest image wins.
func (m *neighbours) classify(features []float32, self int) []float32 {
	type neighbour struct {
		similarity float32
		i          int
	}
	v := unit(features)
	var all []neighbour
	for i, other := range m.features {
		if i == self {
			continue
		}
		var dot float32
		for j, x := range v {
			dot += x * other[j]
		}
		all = append(all, neighbour{dot, i})
	}
	slices.SortFunc(all, func(a, b neighbour) int {
		return cmp.Or(-cmp.Compare(a.similarity, b.similarity), cmp.Compare(a.i, b.i))
	})
	all = all[:min(m.k, len(all))]
	votes := make([]float64, m.classes)
	for rank, n := range all {
		votes[m.labels[n.i]] += 1 + 1e-6/float64(1+rank)
	}
	// One vote is spread over all classes, so that a class without any is improbable and not impossible.
	logs := make([]float32, m.classes)
	for c, n := range votes {
		logs[c] = float32(math.Log((n + 1/float64(m.classes)) / float64(len(all)+1)))
	}
	return logs
}

var _ train.Strategy = KNN{}
