package serve

import (
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
)

// work computes batches until the predictor is closed.
func (p *Predictor) work() {
	defer close(p.done)
	defer p.model.Release()
	defer p.releaseMaps()
	for first := range p.jobs {
		p.compute(p.gather(first))
	}
}

// gather returns a batch that begins with first: images that wait, and for BatchWait at most those that are being
// decoded.
func (p *Predictor) gather(first *job) []*job {
	batch := []*job{first}
	var late <-chan time.Time
	for len(batch) < p.opts.MaxBatch {
		select {
		case j, ok := <-p.jobs:
			if !ok {
				return batch
			}
			batch = append(batch, j)
			continue
		default:
		}
		if p.preparing.Load() == 0 || p.opts.BatchWait == 0 {
			return batch
		}
		if late == nil {
			late = time.After(p.opts.BatchWait)
		}
		select {
		case j, ok := <-p.jobs:
			if !ok {
				return batch
			}
			batch = append(batch, j)
		case <-late:
			return batch
		}
	}
	return batch
}

// compute answers the jobs of a batch. It computes them in groups of 1, 2, 4, 8... images, so that the network is
// compiled for few sizes and no image is computed in vain, and then those whose maps are wanted, one by one.
func (p *Predictor) compute(batch []*job) {
	batch = slices.DeleteFunc(batch, func(j *job) bool { return j.ctx.Err() != nil })
	var explained []*job
	batch = slices.DeleteFunc(batch, func(j *job) bool {
		if j.explain {
			explained = append(explained, j)
		}
		return j.explain
	})
	for len(batch) > 0 {
		n := 1 << (bits.Len(uint(len(batch))) - 1)
		p.computeGroup(batch[:n])
		batch = batch[n:]
	}
	for _, j := range explained {
		j.answer <- p.explained(j)
	}
}

func (p *Predictor) computeGroup(group []*job) {
	started := time.Now()
	logits, err := p.run(group)
	took := time.Since(started)
	p.metrics.batch.Observe(float64(len(group)))
	p.metrics.compute.Observe(took.Seconds())
	each := int64(took) / int64(len(group))
	p.perImage.Store((7*p.perImage.Load() + each) / 8)
	for i, j := range group {
		if err != nil {
			j.answer <- answer{err: err}
			continue
		}
		j.answer <- check(logits[i])
	}
}

// run computes the network. A panic of the engine becomes an error, so that one image can't end the service.
func (p *Predictor) run(group []*job) (logits [][]float32, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("serve: %w: %v", errCompute, v)
		}
	}()
	pix := make([]uint8, 0, len(group)*len(group[0].pix))
	for _, j := range group {
		pix = append(pix, j.pix...)
	}
	if logits, err = p.network(pix, len(group)); err != nil {
		err = fmt.Errorf("serve: %w: %w", errCompute, err)
	}
	return logits, err
}

// check returns an error in place of logits that give no probabilities.
func check(logits []float32) answer {
	if slices.ContainsFunc(logits, func(v float32) bool { return !numbers.Finite(float64(v)) }) {
		return answer{err: fmt.Errorf("serve: %w: its outputs are infinite or NaN; its weights are damaged, or it diverged in training", errCompute)}
	}
	return answer{logits: logits}
}
