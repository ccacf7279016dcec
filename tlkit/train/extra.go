package train

import (
	"context"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// drawn is a source from which every step draws some examples in addition to the training images.
type drawn struct {
	source
	per  int // step
	seed uint64
}

// at returns the examples of a step, counted from 0 over the whole training: places step*per to (step+1)*per-1 in an
// endless sequence of shuffled passes over the source. They depend on nothing but the seed and the step, so that a
// resumed training draws the same as an uninterrupted one.
func (d *drawn) at(step int) (examples []int, epoch int) {
	n := d.len()
	epoch = step * d.per / n
	perm := order(n, d.seed, epoch)
	for i, at := 0, step*d.per; i < d.per; i, at = i+1, at+1 {
		if i > 0 && at%n == 0 {
			perm = order(n, d.seed, at/n)
		}
		examples = append(examples, perm[at%n])
	}
	return examples, epoch
}

// feed prepares the steps of an epoch: batches of the training images in the given order, each with its extra batches.
// step counts the steps taken before.
func feed(ctx context.Context, s source, extra []*drawn, order []int, size, epoch, step int) <-chan batch {
	return produce(ctx, order, size, func(k int, examples []int) batch {
		b := prepare(s, examples, epoch)
		for _, d := range extra {
			if b.err != nil {
				break
			}
			examples, epoch := d.at(step + k)
			more := prepare(d, examples, epoch)
			if b.extra = append(b.extra, more); more.err != nil {
				b.err = more.err
			}
		}
		return b
	})
}

// extraSeed returns a seed for the i-th extra source, so that each has an order of its own.
func extraSeed(seed uint64, i int) uint64 {
	return vision.NewRand(seed, uint64(i), 0x626573696465).Uint64()
}
