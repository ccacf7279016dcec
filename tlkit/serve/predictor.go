package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/gradcam"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Options set the limits of a [Predictor]. The zero value is good for a service on one machine.
type Options struct {
	// MaxBatch is the largest number of images that the network computes at once; 0: 8.
	MaxBatch int
	// BatchWait is the longest time that an image waits for others that are being decoded; 0: 2 ms, negative: none. An
	// image that is alone never waits.
	BatchWait time.Duration
	// Queue is the largest number of images that are decoded, waiting or computed at one time; more are refused with
	// ErrBusy. 0: 64.
	Queue int
	// MaxPixels is the largest number of pixels, width times height, of an image file; 0: 25 million.
	MaxPixels int
	// MaxDecode bounds the memory in bytes that all images together take while they are decoded and
	// prepared; 0: [vision.MaxDecodeBytes]. Images wait for their share, and one that alone needs more is
	// refused with [vision.ErrTooLarge]. A pixel takes 9 bytes in most JPEG files, 21 in a progressive one
	// in colour, and at most 30.
	MaxDecode int64
}

// withDefaults returns the options with defaults for what is not set.
func (o Options) withDefaults() (Options, error) {
	err := checkLimits("Options", limit{"MaxBatch", int64(o.MaxBatch)}, limit{"Queue", int64(o.Queue)},
		limit{"MaxPixels", int64(o.MaxPixels)}, limit{"MaxDecode", o.MaxDecode})
	if err != nil {
		return o, err
	}
	o.MaxBatch = cmp.Or(o.MaxBatch, 8)
	o.BatchWait = max(cmp.Or(o.BatchWait, 2*time.Millisecond), 0)
	o.Queue = cmp.Or(o.Queue, 64)
	o.MaxPixels = cmp.Or(o.MaxPixels, 25_000_000)
	o.MaxDecode = min(cmp.Or(o.MaxDecode, vision.MaxDecodeBytes), vision.MaxDecodeBytes)
	return o, nil
}

// limit is an option that must not be negative.
type limit struct {
	name  string
	value int64
}

// checkLimits returns an error that names the first limit below zero.
func checkLimits(of string, limits ...limit) error {
	for _, l := range limits {
		if l.value < 0 {
			return fmt.Errorf("serve: %s.%s is %d; expected a positive number, or 0 for the default", of, l.name, l.value)
		}
	}
	return nil
}

// Predictor classifies images for many goroutines at once. One goroutine of its own computes the network, on all cores.
type Predictor struct {
	model   *zoo.Model
	opts    Options
	network func(pix []uint8, n int) ([][]float32, error)
	maps    *gradcam.Network // nil until the first explanation; the worker's own
	noMaps  error            // why there are none
	metrics *metrics

	admitted  *semaphore.Weighted // images of the queue
	inside    atomic.Int64        // images admitted
	preparing atomic.Int64        // images admitted that are not in jobs yet
	decoders  *semaphore.Weighted // one for each core
	memory    *semaphore.Weighted // of images being decoded, in bytes
	jobs      chan *job
	perImage  atomic.Int64 // nanoseconds, moving average

	mu      sync.RWMutex // held for reading while an image is admitted
	closed  bool
	waiting sync.WaitGroup // callers whose images were admitted
	done    chan struct{}  // closed when the worker has ended
}

// job is an image that waits for the network.
type job struct {
	ctx     context.Context
	pix     []uint8
	explain bool        // a map is wanted, too
	class   int         // that the map is for; -1: the most probable one
	answer  chan answer // has room for the one answer, so the worker never waits
}

type answer struct {
	logits []float32
	values [][]float64 // of the map
	stage  string      // that the map was read at
	err    error
}

// New compiles the model's network, computes one image to see that it works, and returns a predictor, which must be
// closed. The model belongs to the predictor from then on.
func New(model *zoo.Model, opts Options) (*Predictor, error) {
	if model == nil {
		return nil, errors.New("serve: the model is nil; load one with zoo.LoadExported or zoo.ReadExported")
	}
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	size := model.ImageSize()
	started := time.Now()
	if _, err := model.LogitsOf(make([]uint8, 3*size*size), 1); err != nil {
		return nil, fmt.Errorf("serve: trying the model: %w", err)
	}
	p := start(model, o, model.LogitsOf)
	p.perImage.Store(int64(time.Since(started)))
	return p, nil
}

// start returns a predictor at work. network computes the logits of n prepared images.
func start(model *zoo.Model, o Options, network func(pix []uint8, n int) ([][]float32, error)) *Predictor {
	p := &Predictor{model: model, opts: o, network: network, metrics: newMetrics(model.Classes),
		admitted: semaphore.NewWeighted(int64(o.Queue)),
		decoders: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))),
		memory:   semaphore.NewWeighted(o.MaxDecode),
		jobs:     make(chan *job, o.Queue), done: make(chan struct{})}
	p.metrics.waiting(func() float64 { return float64(p.inside.Load()) })
	go p.work()
	return p
}

// Model describes the model that predicts. Its methods that compute must not be called.
func (p *Predictor) Model() *zoo.Model { return p.model }

// Predict returns the top most probable classes of an image, the most probable first. It fails with ErrBusy if the
// queue is full, with ErrClosed after Close, and with the context's error when that ends first. The image must not be
// changed afterwards: it may still be read after the context's end.
func (p *Predictor) Predict(ctx context.Context, image *vision.Image, top int) ([]zoo.Prediction, error) {
	if err := image.Check(); err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	if err := p.admit(1); err != nil {
		return nil, err
	}
	return p.predict(ctx, top, func() ([]uint8, error) { return p.model.Prepare(image) }, func() {})
}

// PredictBytes is [Predictor.Predict] for an image file in memory, rotated and flipped upright by its EXIF orientation.
// An image of more pixels than Options.MaxPixels gives an error that wraps [vision.ErrTooLarge].
func (p *Predictor) PredictBytes(ctx context.Context, data []byte, top int) ([]zoo.Prediction, error) {
	if err := p.admit(1); err != nil {
		return nil, err
	}
	return p.predictBytes(ctx, data, top, func() {})
}

// predictBytes classifies an image that was admitted. It calls unused once, when data is read no longer.
func (p *Predictor) predictBytes(ctx context.Context, data []byte, top int, unused func()) ([]zoo.Prediction, error) {
	return p.predict(ctx, top, func() ([]uint8, error) { return p.decode(ctx, data, p.model.Prepare) }, unused)
}

// PredictFile is [Predictor.PredictBytes] for an image file on the disk. As many files are in memory as there are
// cores.
func (p *Predictor) PredictFile(ctx context.Context, path string, top int) ([]zoo.Prediction, error) {
	if err := p.admit(1); err != nil {
		return nil, err
	}
	return p.predictFile(ctx, path, top)
}

// predictFile classifies a file whose image was admitted.
func (p *Predictor) predictFile(ctx context.Context, path string, top int) ([]zoo.Prediction, error) {
	return p.predict(ctx, top, func() ([]uint8, error) {
		data, err := vision.ReadFile(path)
		if err != nil {
			return nil, err
		}
		pix, err := p.decode(ctx, data, p.model.Prepare)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return pix, nil
	}, func() {})
}

// admit takes n places in the queue, or fails with ErrBusy. Each is given back by leave.
func (p *Predictor) admit(n int) error {
	if !p.admitted.TryAcquire(int64(n)) {
		p.refuse(n)
		return fmt.Errorf("serve: %w (the queue holds %d); try again later", ErrBusy, p.opts.Queue)
	}
	return p.enter(n)
}

// refuse counts images that had no place in the queue or in memory.
func (p *Predictor) refuse(n int) { p.metrics.images.WithLabelValues("busy").Add(float64(n)) }

// queueUp takes a place in the queue as soon as there is one.
func (p *Predictor) queueUp(ctx context.Context) error {
	if err := p.admitted.Acquire(ctx, 1); err != nil {
		return context.Cause(ctx)
	}
	return p.enter(1)
}

// enter counts images that have their places, or gives these back if the predictor is closed.
func (p *Predictor) enter(n int) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		p.admitted.Release(int64(n))
		return ErrClosed
	}
	p.inside.Add(int64(n))
	p.waiting.Add(n)
	return nil
}

// isClosed reports whether Close was called.
func (p *Predictor) isClosed() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.closed
}

// leave gives the place of an image back.
func (p *Predictor) leave() {
	p.inside.Add(-1)
	p.admitted.Release(1)
	p.waiting.Done()
}

// predict prepares an image that was admitted, hands it to the worker, waits for the answer, and leaves. It calls
// prepared once, when prepare has ended or will never begin.
func (p *Predictor) predict(ctx context.Context, top int, prepare func() ([]uint8, error), prepared func()) ([]zoo.Prediction, error) {
	a := p.do(ctx, &job{ctx: ctx}, prepare, prepared)
	if a.err != nil {
		return nil, a.err
	}
	found := p.model.Rank(a.logits, top)
	p.metrics.predicted(found[0].Class)
	return found, nil
}

// do prepares the image of a job that was admitted, hands it to the worker, waits for the answer, counts
// it, and leaves.
func (p *Predictor) do(ctx context.Context, j *job, prepare func() ([]uint8, error), prepared func()) answer {
	defer p.leave()
	a := p.answer(ctx, j, prepare, prepared)
	outcome := "ok"
	switch {
	case a.err == nil:
	case ctx.Err() != nil:
		outcome = "cancelled"
	default:
		outcome = "error"
	}
	p.metrics.images.WithLabelValues(outcome).Inc()
	return a
}

func (p *Predictor) answer(ctx context.Context, j *job, prepare func() ([]uint8, error), prepared func()) answer {
	var err error
	if j.pix, err = p.prepare(ctx, prepare, prepared); err != nil {
		return answer{err: err}
	}
	j.answer = make(chan answer, 1)
	select {
	case p.jobs <- j:
	case <-ctx.Done(): // jobs that were given up may still fill the channel
		return answer{err: context.Cause(ctx)}
	}
	select {
	case a := <-j.answer: // also after Close, which waits for this image
		return a
	case <-ctx.Done():
		return answer{err: context.Cause(ctx)}
	}
}

// prepare runs a preparation on one of as many goroutines as there are cores, and then calls prepared. When ctx ends,
// it does not wait for the preparation, since no decoder can be broken off: that keeps its core and its memory until
// its end.
func (p *Predictor) prepare(ctx context.Context, prepare func() ([]uint8, error), prepared func()) ([]uint8, error) {
	p.preparing.Add(1)
	defer p.preparing.Add(-1)
	if err := p.decoders.Acquire(ctx, 1); err != nil {
		prepared()
		return nil, context.Cause(ctx)
	}
	var pix []uint8
	var err error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer prepared()
		defer p.decoders.Release(1)
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("serve: %w: preparing the image: %v", errCompute, v)
			}
		}()
		if err = context.Cause(ctx); err == nil {
			pix, err = prepare()
		}
	}()
	select {
	case <-ended:
		return pix, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// decode reads an image file within the limits and prepares it for the network by the given function.
func (p *Predictor) decode(ctx context.Context, data []byte, prepare func(*vision.Image) ([]uint8, error)) ([]uint8, error) {
	width, height, need, err := vision.DecodeMemory(data)
	if err != nil {
		return nil, err
	}
	if width > p.opts.MaxPixels/height {
		return nil, fmt.Errorf("serve: %w: %d x %d pixels, the limit is %d million in all; send a smaller one", vision.ErrTooLarge, width, height, p.opts.MaxPixels/1_000_000)
	}
	need += 3*int64(width)*int64(height) + vision.MaxScratch // the image when it is rotated or half resized
	if need > p.opts.MaxDecode {
		return nil, fmt.Errorf("serve: %w: %d x %d pixels of this file take %d MB to decode, the limit is %d; send a smaller one", vision.ErrTooLarge, width, height, need>>20, p.opts.MaxDecode>>20)
	}
	if err := p.memory.Acquire(ctx, need); err != nil {
		return nil, context.Cause(ctx)
	}
	defer p.memory.Release(need)
	image, err := vision.DecodeBytes(data, p.model.Decoding())
	if err != nil {
		return nil, err
	}
	return prepare(image)
}

// Wait estimates the time until the images that wait now have been computed.
func (p *Predictor) Wait() time.Duration {
	return time.Duration(p.inside.Load() * p.perImage.Load())
}

// Close refuses further images, waits until those in the queue are computed or their contexts have ended, and frees the
// engine's memory. Closing twice is harmless.
func (p *Predictor) Close() error {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	p.mu.Unlock()
	if first {
		p.waiting.Wait() // nobody hands the worker images after that
		close(p.jobs)
	}
	<-p.done
	return nil
}
