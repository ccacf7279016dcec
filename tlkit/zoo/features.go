package zoo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"golang.org/x/sync/errgroup"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/optional"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// Features are the outputs of one stage of a network for a number of images: a matrix with a row per image.
type Features struct {
	// Stage is the name of that stage.
	Stage string
	// Shape is the shape of one row: [height, width, channels], [tokens, width], or [features] if the stage, or
	// pooling, leaves no positions.
	Shape []int
	// Values are all rows, one after the other.
	Values []float32
	// Labels has the class of each row; nil for images without labels.
	Labels []int
	// NumClasses is the number of classes of the data set; 0 without labels.
	NumClasses int
}

// Len returns the number of rows.
func (f *Features) Len() int {
	if w := f.Width(); w > 0 {
		return len(f.Values) / w
	}
	return 0
}

// Width returns the number of values in a row.
func (f *Features) Width() int {
	n := 1
	for _, d := range f.Shape {
		n *= d
	}
	return n
}

// Row returns the values of one image; they are not a copy.
func (f *Features) Row(i int) []float32 {
	w := f.Width()
	return f.Values[i*w : (i+1)*w : (i+1)*w]
}

// FeatureOptions are the options for reading features. The zero value reads the stage's output unchanged, 32 images at
// a time.
type FeatureOptions struct {
	// Pool averages over positions (or tokens), so that a row is as long as the stage has channels: [n, channels].
	Pool bool
	// BatchSize is the number of images computed at once; 0 means 32.
	BatchSize int
}

// Features computes the output of the named stage for the images of a split; "" means the last stage, whose features
// the head classifies. Images are prepared with the model's Preprocess, without augmentation, and the network runs as
// in inference, so that equal calls return equal features. An interrupt ends it:
//
//	f, err := model.Features(data.Train, "") // [n, features], with labels: for k-NN, logistic regression, ...
//	f, err = model.Features(data.Val, "layer3", zoo.FeatureOptions{Pool: true})
//
// A stage in the middle of a network without Pool may be large: layer1 of resnet18 has 200,704 values per image.
func (m *Model) Features(split *datasets.Split, stage string, opts ...FeatureOptions) (*Features, error) {
	if split == nil || split.Len() == 0 {
		return nil, fmt.Errorf("zoo: the split to read features of %q from has no images", m.Spec.Name)
	}
	f, err := m.features(split.Len(), split.Image, stage, opts)
	if err != nil {
		return nil, err
	}
	f.Labels, f.NumClasses = split.Labels(), len(split.Counts())
	return f, nil
}

// ImageFeatures is [Model.Features] for images without labels.
func (m *Model) ImageFeatures(images []*vision.Image, stage string, opts ...FeatureOptions) (*Features, error) {
	if len(images) == 0 {
		return nil, errors.New("zoo: there is no image to read features from; read images with vision.DecodeFile")
	}
	return m.features(len(images), func(i int) (*vision.Image, error) { return images[i], nil }, stage, opts)
}

func (m *Model) features(n int, image func(i int) (*vision.Image, error), stage string, opts []FeatureOptions) (*Features, error) {
	o, err := optional.One("zoo: Features", opts)
	if err != nil {
		return nil, err
	}
	if o.BatchSize <= 0 {
		o.BatchSize = 32
	}
	if stages := m.Stages(); stage == "" {
		stage = stages[len(stages)-1]
	}
	exec, err := m.featureExec(stage, o.Pool)
	if err != nil {
		return nil, err
	}
	defer func() {
		if exec != nil {
			exec.Finalize()
		}
	}()
	f := &Features{Stage: stage}
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt)
	defer release()
	ready, stop := m.batches(n, o.BatchSize, image)
	defer stop()
	for b := range ready {
		if b.err != nil {
			return nil, b.err
		}
		if err := ctx.Err(); err != nil {
			b.pixels.MustFinalizeAll()
			return nil, fmt.Errorf("zoo: features of %q at stage %q: interrupted after %d of %d images: %w", m.Spec.Name, stage, f.Len(), n, err)
		}
		out, err := exec.Call1(b.pixels)
		if err != nil && m.generalise(err, b.pixels) {
			exec.Finalize()
			if exec, err = m.featureExec(stage, o.Pool); err != nil {
				return nil, err
			}
			out, err = exec.Call1(b.pixels)
		}
		if err != nil {
			return nil, fmt.Errorf("zoo: features of %q at stage %q: %w", m.Spec.Name, stage, err)
		}
		if f.Values == nil {
			f.Shape = slices.Clone(out.Shape().Dimensions[1:])
			f.Values = make([]float32, 0, n*f.Width())
		}
		f.Values = append(f.Values, tensors.MustCopyFlatData[float32](out)...)
		b.pixels.MustFinalizeAll()
		out.MustFinalizeAll()
	}
	return f, nil
}

// featureExec compiles the network from bytes to the end of the named stage.
func (m *Model) featureExec(stage string, pool bool) (*model.Exec, error) {
	to, err := m.stageAfter(stage)
	if err != nil {
		return nil, err
	}
	engine, err := m.inferenceEngine()
	if err != nil {
		return nil, err
	}
	exec, err := nn.NewModelExec(engine.Backend, m.store, func(_ *model.Scope, x *Node) *Node {
		return m.Constant(x, func() *Node {
			y := m.ForwardFeatures(&nn.Pass{}, m.Normalize(x), 0, to)
			for pool && y.Rank() > 2 {
				y = ReduceMean(y, -2)
			}
			return y
		})
	})
	if err != nil {
		return nil, fmt.Errorf("zoo: compiling %q up to stage %q: %w", m.Spec.Name, stage, err)
	}
	return exec, nil
}

// batch is a batch of prepared images, or the error in preparing it.
type batch struct {
	pixels *tensors.Tensor
	err    error
}

// batches prepares n images in batches of the given size, one batch ahead of the caller. The channel is closed after
// the last batch or an error; stop ends the work early.
func (m *Model) batches(n, size int, image func(i int) (*vision.Image, error)) (ready <-chan batch, stop func()) {
	out, done := make(chan batch, 1), make(chan struct{})
	go func() {
		defer close(out)
		for from := 0; from < n; from += size {
			pixels, err := m.pixels(from, min(from+size, n), image)
			select {
			case out <- batch{pixels, err}:
			case <-done:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return out, func() { close(done) }
}

// pixels prepares the images [from, to) as the network takes them: bytes [n, size, size, 3].
func (m *Model) pixels(from, to int, image func(i int) (*vision.Image, error)) (*tensors.Tensor, error) {
	size := m.ImageSize()
	each := size * size * 3
	pix := make([]uint8, (to-from)*each)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := from; i < to; i++ {
		group.Go(func() error {
			raw, err := image(i)
			if err != nil {
				return err
			}
			ready, err := m.prepare(i, raw)
			if err != nil {
				return err
			}
			copy(pix[(i-from)*each:], ready)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return tensors.FromFlatDataAndDimensions(pix, to-from, size, size, 3), nil
}
