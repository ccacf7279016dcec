package train

import (
	"context"
	"fmt"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// MeasureBatchNorm replaces the running statistics of every BatchNorm by those over the images of a split, varied by
// augment: each batch's mean and variance are computed as in training, and combined over the batches by the law of
// total variance.
func (p *Preparation) MeasureBatchNorm(ctx context.Context, split *datasets.Split, batch int, augment vision.Augment) error {
	m := p.Model
	var stats []*statistics
	for _, mean := range m.Params() {
		base, ok := strings.CutSuffix(mean.Key, ".running_mean")
		if !ok || !mean.Buffer {
			continue
		}
		if variance, ok := m.Param(base + ".running_var"); ok {
			n := mean.Size()
			stats = append(stats, &statistics{mean, variance, make([]float64, n), make([]float64, n), make([]float64, n)})
		}
	}
	if len(stats) == 0 {
		return fmt.Errorf("%s has no BatchNorm whose statistics could be measured", m.Spec.Name)
	}
	all := 0.0
	err := p.each(ctx, split, augment, batch, func(images, _ *Node) []*Node {
		g := images.Graph()
		// Momentum 1 replaces the running statistics by those of the batch.
		pass := &nn.Pass{Training: true, BatchStatsWhenFrozen: true, Momentum: 1, RNG: Const(g, []uint64{1, 2, 3})}
		m.ForwardFeatures(pass, images, 0, len(m.Stages()))
		return []*Node{Scalar(g, images.DType(), images.Shape().Dimensions[0])}
	}, func(out []*tensors.Tensor) error {
		n := float64(tensors.ToScalar[float32](out[0]))
		all += n
		for _, s := range stats {
			if err := s.add(m, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range stats {
		if err := s.set(m, all); err != nil {
			return err
		}
	}
	return nil
}

// statistics are sums over the batches, per channel of one BatchNorm. Each batch is weighted by its number of images.
type statistics struct {
	mean, variance nn.Param
	// sum of means, of their squares, and of variances
	sum, squares, within []float64
}

// add reads the running statistics, which are those of the last batch, and adds them to the sums.
func (s *statistics) add(m *zoo.Model, n float64) error {
	means, err := m.Values(s.mean)
	if err != nil {
		return err
	}
	variances, err := m.Values(s.variance)
	if err != nil {
		return err
	}
	for c := range means {
		v := float64(means[c])
		s.sum[c] += n * v
		s.squares[c] += n * v * v
		s.within[c] += n * float64(variances[c])
	}
	return nil
}

func (s *statistics) set(m *zoo.Model, n float64) error {
	means, variances := make([]float32, len(s.sum)), make([]float32, len(s.sum))
	for c := range means {
		mean := s.sum[c] / n
		means[c] = float32(mean)
		variances[c] = float32(s.within[c]/n + max(0, s.squares[c]/n-mean*mean))
	}
	if err := m.Variable(s.mean).SetValue(tensors.FromValue(means)); err != nil {
		return fmt.Errorf("setting %q: %w", s.mean.Key, err)
	}
	if err := m.Variable(s.variance).SetValue(tensors.FromValue(variances)); err != nil {
		return fmt.Errorf("setting %q: %w", s.variance.Key, err)
	}
	return nil
}
