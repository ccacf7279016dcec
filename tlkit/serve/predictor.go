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

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// ErrBusy is wrapped by the errors about images that exceed the queue; try again later.
var ErrBusy = errors.New("too many images are waiting")

// ErrClosed is the error of predictions after [Predictor.Close].
var ErrClosed = errors.New("serve: the predictor is closed")

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
	// MaxPixels is the largest number of pixels, width times height, of an image file; 0: 25 million. Decoding takes up
	// to 11 bytes per pixel on each core; all decoders together take at most [vision.MaxDecodeBytes].
	MaxPixels int
}

// withDefaults returns the options with defaults for what is not set.
func (o Options) withDefaults() (Options, error) {
	if o.MaxBatch < 0 || o.Queue < 0 || o.MaxPixels < 0 {
		return o, fmt.Errorf("serve: Options has MaxBatch %d, Queue %d and MaxPixels %d; expected positive numbers, or 0 for the default", o.MaxBatch, o.Queue, o.MaxPixels)
	}
	o.MaxBatch = cmp.Or(o.MaxBatch, 8)
	o.BatchWait = max(cmp.Or(o.BatchWait, 2*time.Millisecond), 0)
	o.Queue = cmp.Or(o.Queue, 64)
	o.MaxPixels = cmp.Or(o.MaxPixels, 25_000_000)
	return o, nil
}

// Predictor classifies images for many goroutines at once. One goroutine of its own computes the network, on all cores.
type Predictor struct {
	model   *zoo.Model
	opts    Options
	network func(pix []uint8, n int) ([][]float32, error)
	metrics *metrics

	admitted  *semaphore.Weighted // images of the queue
	inside    atomic.Int64        // images admitted
	preparing atomic.Int64        // images admitted that are not in jobs yet
	decoders  *semaphore.Weighted
	jobs      chan *job
	perImage  atomic.Int64 // nanoseconds, moving average

	mu     sync.RWMutex // held for reading while an image is admitted
	closed bool
	done   chan struct{} // closed when the worker has ended
}

// job is an image that waits for the network.
type job struct {
	ctx    context.Context
	pix    []uint8
	answer chan answer // has room for the one answer, so the worker never waits
}

type answer struct {
	logits []float32
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
	p := &Predictor{model: model, opts: o, network: network, metrics: newMetrics(model.Classes), admitted: semaphore.NewWeighted(int64(o.Queue)),
		decoders: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))), jobs: make(chan *job, o.Queue), done: make(chan struct{})}
	p.metrics.waiting(func() float64 { return float64(p.inside.Load()) })
	go p.work()
	return p
}

// Model describes the model that predicts. Its methods that compute must not be called.
func (p *Predictor) Model() *zoo.Model { return p.model }

// Predict returns the top most probable classes of an image, the most probable first. It fails with ErrBusy if the queue
// is full, with ErrClosed after Close, and with the context's error when that ends first.
func (p *Predictor) Predict(ctx context.Context, image *vision.Image, top int) ([]zoo.Prediction, error) {
	if image == nil {
		return nil, errors.New("serve: the image is nil; decode one with vision.DecodeFile")
	}
	release, err := p.admit(1)
	if err != nil {
		return nil, err
	}
	defer release()
	return p.predict(ctx, top, func() ([]uint8, error) { return p.model.Prepare(image) })
}

// PredictBytes is [Predictor.Predict] for an image file in memory, rotated and flipped upright by its EXIF orientation.
// An image of more pixels than Options.MaxPixels gives an error that wraps [vision.ErrTooLarge].
func (p *Predictor) PredictBytes(ctx context.Context, data []byte, top int) ([]zoo.Prediction, error) {
	release, err := p.admit(1)
	if err != nil {
		return nil, err
	}
	defer release()
	return p.predictBytes(ctx, data, top)
}

// predictBytes classifies an image that was admitted.
func (p *Predictor) predictBytes(ctx context.Context, data []byte, top int) ([]zoo.Prediction, error) {
	return p.predict(ctx, top, func() ([]uint8, error) { return p.decode(data) })
}

// admit takes n places in the queue; release gives them back.
func (p *Predictor) admit(n int) (release func(), err error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return nil, ErrClosed
	}
	if !p.admitted.TryAcquire(int64(n)) {
		p.metrics.images.WithLabelValues("busy").Add(float64(n))
		return nil, fmt.Errorf("serve: %w (the queue holds %d); try again later", ErrBusy, p.opts.Queue)
	}
	p.inside.Add(int64(n))
	return func() {
		p.inside.Add(-int64(n))
		p.admitted.Release(int64(n))
	}, nil
}

// predict prepares an image that was admitted, hands it to the worker and waits for the answer.
func (p *Predictor) predict(ctx context.Context, top int, prepare func() ([]uint8, error)) ([]zoo.Prediction, error) {
	logits, err := p.logits(ctx, prepare)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		p.metrics.images.WithLabelValues("cancelled").Inc()
		return nil, err
	default:
		p.metrics.images.WithLabelValues("error").Inc()
		return nil, err
	}
	found := p.model.Rank(logits, top)
	p.metrics.images.WithLabelValues("ok").Inc()
	p.metrics.predicted(found[0].Class)
	return found, nil
}

func (p *Predictor) logits(ctx context.Context, prepare func() ([]uint8, error)) ([]float32, error) {
	pix, err := p.prepared(ctx, prepare)
	if err != nil {
		return nil, err
	}
	j := &job{ctx: ctx, pix: pix, answer: make(chan answer, 1)}
	select {
	case p.jobs <- j:
	case <-ctx.Done(): // jobs that were given up may still fill the channel
		return nil, context.Cause(ctx)
	case <-p.done:
		return nil, ErrClosed
	}
	select {
	case a := <-j.answer:
		return a.logits, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-p.done:
		select {
		case a := <-j.answer: // both were ready
			return a.logits, a.err
		default:
			return nil, ErrClosed
		}
	}
}

// prepared runs prepare on one of as many goroutines as there are cores.
func (p *Predictor) prepared(ctx context.Context, prepare func() ([]uint8, error)) ([]uint8, error) {
	p.preparing.Add(1)
	defer p.preparing.Add(-1)
	if err := p.decoders.Acquire(ctx, 1); err != nil {
		return nil, context.Cause(ctx)
	}
	defer p.decoders.Release(1)
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	return prepare()
}

// decode reads an image file within the limits and prepares it for the network.
func (p *Predictor) decode(data []byte) ([]uint8, error) {
	width, height, _, err := vision.DecodeConfig(data)
	if err != nil {
		return nil, err
	}
	if width > p.opts.MaxPixels/height {
		return nil, fmt.Errorf("serve: %w: %d x %d pixels, the limit is %d million in all", vision.ErrTooLarge, width, height, p.opts.MaxPixels/1_000_000)
	}
	image, err := vision.DecodeBytes(data, vision.DecodeOptions{Orient: true})
	if err != nil {
		return nil, err
	}
	return p.model.Prepare(image)
}

// Wait estimates the time until the images that wait now have been computed.
func (p *Predictor) Wait() time.Duration {
	return time.Duration(p.inside.Load() * p.perImage.Load())
}

// Close refuses further images, waits until those in the queue are computed, and frees the engine's memory. Closing
// twice is harmless.
func (p *Predictor) Close() error {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	p.mu.Unlock()
	if first {
		// All places taken means that every image admitted has its answer or has given up.
		_ = p.admitted.Acquire(context.Background(), int64(p.opts.Queue)) // the context never ends
		close(p.jobs)
	}
	<-p.done
	return nil
}
