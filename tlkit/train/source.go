package train

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"golang.org/x/sync/errgroup"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// source yields the inputs of a network, example by example: images, or features computed before. Several goroutines
// may call batch at once.
type source interface {
	// len is the number of examples.
	len() int
	// label returns the class of example i.
	label(i int) int
	// batch returns the inputs of the examples in the given epoch. Examples from len on are those of a further pass of
	// the epoch, modulo len; with augmentation they are other versions.
	batch(examples []int, epoch int) (*tensors.Tensor, error)
	// recycle takes back a tensor that batch returned, to be filled again.
	recycle(t *tensors.Tensor)
}

// images is a split prepared for the network: resized, cropped to a square, bytes [n, size, size, 3]. Once all images
// are decoded, preparing one allocates nothing.
type images struct {
	split *datasets.Split
	pre   vision.Preprocess
	aug   vision.Augment
	seed  uint64
	size  int
	// views is the number of augmented versions of each image; 0 means a new one in every epoch.
	views int

	cache *decoded // may be nil
	kept  []atomic.Pointer[vision.Image]
	spares
	scratches
}

func newImages(split *datasets.Split, pre vision.Preprocess, aug vision.Augment, seed uint64, size int, cache *decoded) *images {
	s := &images{split: split, pre: pre, aug: aug, seed: seed, size: size, cache: cache}
	key := decodedKey{split: split}
	if s.readyOnce() {
		key.ready, key.pre = true, pre
	}
	s.kept = cache.list(key)
	return s
}

// readyOnce reports whether images are resized and cropped in the same way in every epoch.
func (s *images) readyOnce() bool { return !s.aug.ResizedCrop }

// view returns which version of the images an epoch has, and whether other epochs may have the same one.
func (s *images) view(epoch int) (view int, again bool) {
	switch {
	case s.aug.IsZero():
		return 0, true
	case s.views > 0:
		return epoch % s.views, true
	}
	return epoch, false
}

func (s *images) len() int        { return s.split.Len() }
func (s *images) label(i int) int { return s.split.Label(i) }

func (s *images) batch(examples []int, epoch int) (*tensors.Tensor, error) {
	t := s.take(shapes.Make(dtypes.Uint8, len(examples), s.size, s.size, 3))
	var pix []uint8
	tensors.MustMutableFlatData(t, func(flat []uint8) { pix = flat })
	bytes := s.size * s.size * 3
	workers := min(runtime.GOMAXPROCS(0), len(examples))
	var group errgroup.Group
	var next, filled atomic.Int64
	for range workers {
		group.Go(func() error {
			w := s.scratch()
			defer s.done(w)
			for {
				k := int(next.Add(1)) - 1
				if k >= len(examples) {
					return nil
				}
				if err := s.fill(w, pix[k*bytes:(k+1)*bytes], examples[k], epoch); err != nil {
					next.Store(int64(len(examples))) // the others need not go on
					return err
				}
				filled.Add(1)
			}
		})
	}
	err := group.Wait()
	if err == nil && filled.Load() < int64(len(examples)) {
		err = errGoexit
	}
	return t, err
}

// errGoexit reports a batch that is not complete because the function of an image ended its goroutine. In a notebook,
// a function written in a cell does so when the cell is stopped.
var errGoexit = errors.New("tlkit: a function that returns an image called runtime.Goexit; expected an image or an error")

// fill writes example i, prepared for the network, to pix.
func (s *images) fill(w *vision.Scratch, pix []uint8, i, epoch int) error {
	if s.cache != nil {
		s.cache.using.RLock()
		defer s.cache.using.RUnlock()
	}
	of := i % s.len()
	m, err := s.base(w, of)
	if err != nil {
		return err
	}
	if s.views > 0 {
		i = of // all passes of an epoch have the same version
	}
	epoch, _ = s.view(epoch)
	switch {
	case s.aug.IsZero():
	case s.readyOnce():
		m = w.Augment(s.aug, w.Rand(s.seed, uint64(epoch), uint64(i)), m, 0, s.pre.Interpolation)
	default:
		m = w.ApplyAugmented(s.pre, s.aug, w.Rand(s.seed, uint64(epoch), uint64(i)), m)
	}
	if m.Width != s.size || m.Height != s.size {
		return fmt.Errorf("tlkit: image %q is %dx%d after preparation, the model needs %dx%d; check the model's Preprocess",
			s.split.Name(of), m.Width, m.Height, s.size, s.size)
	}
	copy(pix, m.Pix)
	return nil
}

// base returns the form of an image that is the same in every epoch: the prepared image, or the whole decoded one if
// random parts are cropped from it.
func (s *images) base(w *vision.Scratch, i int) (*vision.Image, error) {
	if s.kept != nil {
		if m := s.kept[i].Load(); m != nil {
			return m, nil
		}
	}
	whole, err := s.split.Image(i)
	if err != nil {
		return nil, err
	}
	m := whole
	if s.readyOnce() {
		m = w.Apply(s.pre, m)
	}
	if s.kept != nil {
		s.cache.keep(&s.kept[i], m, m == whole, !s.aug.IsZero())
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

	spares
}

func (f *features) len() int        { return len(f.labels) }
func (f *features) label(i int) int { return f.labels[i] }

// width is the number of values of one version of an example.
func (f *features) width() int { return len(f.values) / (len(f.labels) * max(1, f.views)) }

func (f *features) batch(examples []int, epoch int) (*tensors.Tensor, error) {
	t := f.take(shapes.Make(dtypes.Float32, append([]int{len(examples)}, f.dims...)...))
	per, views := f.width(), max(1, f.views)
	tensors.MustMutableFlatData(t, func(flat []float32) {
		for k, i := range examples {
			at := (epoch%views*len(f.labels) + i%len(f.labels)) * per
			copy(flat[k*per:(k+1)*per], f.values[at:at+per])
		}
	})
	return t, nil
}

// spares are tensors that are filled again and again.
type spares struct {
	spareMu sync.Mutex
	spare   []*tensors.Tensor
}

// take returns a tensor of the shape, with arbitrary values.
func (s *spares) take(shape shapes.Shape) *tensors.Tensor {
	s.spareMu.Lock()
	defer s.spareMu.Unlock()
	for i, t := range s.spare {
		if t.Shape().Equal(shape) {
			s.spare = slices.Delete(s.spare, i, i+1)
			return t
		}
	}
	return tensors.FromShape(shape)
}

// recycle keeps t on the host, and frees its copy on a device at once.
func (s *spares) recycle(t *tensors.Tensor) {
	if t.InvalidateOnDevice() != nil {
		return
	}
	s.spareMu.Lock()
	defer s.spareMu.Unlock()
	s.spare = append(s.spare, t)
}

// scratches are buffers for the goroutines that prepare images.
type scratches struct {
	scratchMu sync.Mutex
	free      []*vision.Scratch
}

func (s *scratches) scratch() *vision.Scratch {
	s.scratchMu.Lock()
	defer s.scratchMu.Unlock()
	if n := len(s.free); n > 0 {
		w := s.free[n-1]
		s.free = s.free[:n-1]
		return w
	}
	return new(vision.Scratch)
}

func (s *scratches) done(w *vision.Scratch) {
	s.scratchMu.Lock()
	defer s.scratchMu.Unlock()
	s.free = append(s.free, w)
}

// batch is one step's input.
type batch struct {
	inputs, labels *tensors.Tensor
	n              int
	// examples are the indices of the examples in the source.
	examples []int
	// extra are the batches drawn from further sources.
	extra []batch
	err   error

	// source takes the inputs back, if it is not nil.
	source source
}

// release gives the batch's tensors back. Call it only when no running computation reads them, that is after its
// results have been read.
func (b batch) release() {
	if b.source != nil {
		b.source.recycle(b.inputs)
	} else {
		b.inputs.MustFinalizeAll()
	}
	b.labels.MustFinalizeAll()
	for _, other := range b.extra {
		other.release()
	}
}

// discard frees the batch's tensors as soon as the computations that read them have ended.
func (b batch) discard() {
	b.inputs.MustFinalizeAll()
	b.labels.MustFinalizeAll()
}

// batches prepares the examples in the given order, in batches, on all cores and ahead of their use (prefetch). The
// channel is closed after the last batch, after a batch with an error, or when ctx ends.
func batches(ctx context.Context, s source, order []int, size, epoch int) <-chan batch {
	return produce(ctx, order, size, func(_ int, examples []int) batch {
		b := prepare(s, examples, epoch)
		if errors.Is(b.err, errGoexit) {
			select { // a cell that is stopped cancels ctx too, a moment later
			case <-ctx.Done():
				b.err = ctx.Err()
			case <-time.After(time.Second):
			}
		}
		return b
	})
}

// produce sends batches, in order, on the returned channel. ready makes the k-th batch, counted from 0, from its
// examples. Small batches are made several at a time, so that all cores are busy. Up to two finished batches wait.
func produce(ctx context.Context, order []int, size int, ready func(k int, examples []int) batch) <-chan batch {
	size = min(size, max(1, len(order)))
	atOnce := make(chan struct{}, (runtime.GOMAXPROCS(0)+size-1)/size)
	ctx, stop := context.WithCancel(ctx)
	queue := make(chan chan batch, cap(atOnce)+1)
	go func() {
		defer close(queue)
		for k := 0; len(order) > 0; k++ {
			examples := order[:min(size, len(order))]
			order = order[len(examples):]
			one := make(chan batch, 1)
			select {
			case queue <- one:
			case <-ctx.Done():
				return
			}
			atOnce <- struct{}{}
			go func() {
				defer func() { <-atOnce }()
				one <- ready(k, examples)
			}()
		}
	}()
	out := make(chan batch)
	go func() {
		defer close(out)
		defer stop()
		for one := range queue {
			b := <-one
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
	inputs, err := s.batch(examples, epoch)
	if err != nil {
		return batch{err: err}
	}
	labels := make([]int32, len(examples))
	for k, i := range examples {
		labels[k] = int32(s.label(i % s.len()))
	}
	return batch{inputs: inputs, labels: tensors.FromFlatDataAndDimensions(labels, len(labels)), n: len(labels), examples: examples, source: s}
}

// order returns the examples of an epoch: all of them, shuffled by seed and epoch (Fisher and Yates).
func order(n int, seed uint64, epoch int) []int {
	return vision.NewRand(seed, uint64(epoch), 0x6f72646572).Perm(n)
}

// orderOf is the order of the examples in all passes of an epoch; see source.batch.
func (r Recipe) orderOf(n, epoch int) []int {
	passes := max(1, r.Passes)
	all := make([]int, 0, passes*n)
	for pass := range passes {
		for _, i := range order(n, r.Seed, epoch*passes+pass) {
			all = append(all, pass*n+i)
		}
	}
	return all
}

// ascending returns 0..n-1.
func ascending(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
