package train

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/gomlx/gomlx/core/tensors"
	"golang.org/x/sync/errgroup"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// source yields the inputs of a network, example by example: images, or features computed before.
type source interface {
	// len is the number of examples.
	len() int
	// label returns the class of example i.
	label(i int) int
	// newBatch returns an empty batch of n examples and a function that fills place k with example i as it looks in
	// the given epoch. The function may be called for different places at once.
	newBatch(n int) (fill func(k, i, epoch int) error, finish func() *tensors.Tensor)
}

// images is a split as the network sees it: prepared, cropped to a square, bytes [n, size, size, 3].
type images struct {
	split *datasets.Split
	pre   vision.Preprocess
	aug   vision.Augment
	seed  uint64
	size  int
	// views is the number of augmented versions of each image; 0 means a new one in every epoch.
	views int

	mu   sync.Mutex
	kept map[int]*vision.Image // prepared images, or decoded ones where they are augmented
	room int64                 // bytes that may still be kept
}

func newImages(split *datasets.Split, pre vision.Preprocess, aug vision.Augment, seed uint64, size int, room int64) *images {
	return &images{split: split, pre: pre, aug: aug, seed: seed, size: size, kept: map[int]*vision.Image{}, room: room}
}

func (s *images) len() int        { return s.split.Len() }
func (s *images) label(i int) int { return s.split.Label(i) }

func (s *images) newBatch(n int) (func(k, i, epoch int) error, func() *tensors.Tensor) {
	bytes := s.size * s.size * 3
	pix := make([]uint8, n*bytes)
	fill := func(k, i, epoch int) error {
		m, err := s.prepared(i, epoch)
		if err != nil {
			return err
		}
		if len(m.Pix) != bytes {
			return fmt.Errorf("tlkit: image %q is %dx%d after preparation, the model needs %dx%d; check the model's Preprocess",
				s.split.Name(i), m.Width, m.Height, s.size, s.size)
		}
		copy(pix[k*bytes:], m.Pix)
		return nil
	}
	return fill, func() *tensors.Tensor {
		return tensors.FromFlatDataAndDimensions(pix, n, s.size, s.size, 3)
	}
}

// prepared returns example i ready for the network.
func (s *images) prepared(i, epoch int) (*vision.Image, error) {
	m, err := s.base(i)
	if err != nil || s.aug.IsZero() {
		return m, err
	}
	if s.views > 0 {
		epoch %= s.views
	}
	return s.pre.ApplyAugmented(s.aug, vision.NewRand(s.seed, uint64(epoch), uint64(i)), m), nil
}

// base returns what is the same in every epoch: the prepared image, or the decoded one if it is to be augmented.
func (s *images) base(i int) (*vision.Image, error) {
	s.mu.Lock()
	m := s.kept[i]
	s.mu.Unlock()
	if m != nil {
		return m, nil
	}
	m, err := s.split.Image(i)
	if err != nil {
		return nil, err
	}
	if s.aug.IsZero() {
		m = s.pre.Apply(m)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := int64(len(m.Pix)); n <= s.room {
		s.room -= n
		s.kept[i] = m
	}
	return m, nil
}

// features are inputs computed once, with the shape of one example.
type features struct {
	labels []int
	dims   []int
	values []float32
	// views is the number of versions of each example, 0 for one. All examples of the first version come first.
	views int
}

func (f *features) len() int        { return len(f.labels) }
func (f *features) label(i int) int { return f.labels[i] }

// width is the number of values of one version of an example.
func (f *features) width() int { return len(f.values) / (len(f.labels) * max(1, f.views)) }

func (f *features) newBatch(n int) (func(k, i, epoch int) error, func() *tensors.Tensor) {
	per, views := f.width(), max(1, f.views)
	batch := make([]float32, n*per)
	fill := func(k, i, epoch int) error {
		at := (epoch%views*len(f.labels) + i) * per
		copy(batch[k*per:(k+1)*per], f.values[at:at+per])
		return nil
	}
	return fill, func() *tensors.Tensor {
		return tensors.FromFlatDataAndDimensions(batch, append([]int{n}, f.dims...)...)
	}
}

// batch is one step's input.
type batch struct {
	inputs, labels *tensors.Tensor
	n              int
	// examples are their places in the source.
	examples []int
	// beside are the batches drawn from further sources.
	beside []batch
	err    error
}

// release frees the batch's tensors at once; on a device they would otherwise wait for the garbage collector.
func (b batch) release() {
	b.inputs.MustFinalizeAll()
	b.labels.MustFinalizeAll()
	for _, other := range b.beside {
		other.release()
	}
}

// batches prepares the examples in the given order, in batches, on all cores and ahead of their use. The channel is
// closed after the last batch, after a batch with an error, or when ctx ends.
func batches(ctx context.Context, s source, order []int, size, epoch int) <-chan batch {
	return produce(ctx, order, size, func(examples []int) batch { return prepare(s, examples, epoch) })
}

// produce is the machinery of batches: ready makes one from its examples.
func produce(ctx context.Context, order []int, size int, ready func(examples []int) batch) <-chan batch {
	out := make(chan batch, 2)
	go func() {
		defer close(out)
		for len(order) > 0 {
			n := min(size, len(order))
			b := ready(order[:n])
			order = order[n:]
			select {
			case out <- b:
			case <-ctx.Done():
				return
			}
			if b.err != nil {
				return
			}
		}
	}()
	return out
}

func prepare(s source, examples []int, epoch int) batch {
	n := len(examples)
	fill, finish := s.newBatch(n)
	labels := make([]int32, n)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for k, i := range examples {
		labels[k] = int32(s.label(i))
		group.Go(func() error { return fill(k, i, epoch) })
	}
	if err := group.Wait(); err != nil {
		return batch{err: err}
	}
	return batch{inputs: finish(), labels: tensors.FromFlatDataAndDimensions(labels, n), n: n, examples: examples}
}

// order returns the examples of an epoch: all of them, shuffled by seed and epoch (Fisher and Yates).
func order(n int, seed uint64, epoch int) []int {
	return vision.NewRand(seed, uint64(epoch), 0x6f72646572).Perm(n)
}

// inTurn returns 0..n-1.
func inTurn(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
