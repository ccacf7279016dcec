// Package compress writes models in fewer bits, and measures what that costs and brings: accuracy, size, speed.
package compress

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/internal/optional"
	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Options choose how [Compress] stores a model, and what is measured.
type Options struct {
	// Precision of the file; "" is zoo.Int8.
	Precision zoo.Precision
	// Calibrate has images for zoo.Int8 to take the ranges of activations from: the training images. Images is the
	// largest number of them, spread evenly over the split; 0 is 100.
	Calibrate *datasets.Split
	Images    int
	// Test has the images that the accuracy is measured on: validation or test images. Without it only sizes are
	// compared.
	Test *datasets.Split
	// MaxDrop is the loss of accuracy, in [0, 1], above which the report warns; 0 is 0.01, one point in a hundred.
	MaxDrop float64
	// Float lists layers, or groups of them, such as "features.0" or "fc", that stay in float32 with zoo.Int8.
	// FullRange is for files that run on processors with VNNI, or arm64, only; see [zoo.ExportOptions].
	Float     []string
	FullRange bool
}

// Report is what [Compress] wrote and measured.
type Report struct {
	// File is the path written.
	File string
	// Stored says how.
	zoo.Stored
	// Before is the model in float32, After the file.
	Before, After Measured
	// Images is the number of images of Options.Test, Agreement the share of them, in [0, 1], that both classify alike.
	Images    int
	Agreement float64
	// Engine computed the figures: "ONNX Runtime", which uses whole numbers, or another, which rounds like them in
	// float32 and tells nothing about their speed.
	Engine string
	// Warning says that accuracy fell by more than Options.MaxDrop; "" if not.
	Warning string

	first []string // layers, for the warning
}

// Measured are the figures of a model's file.
type Measured struct {
	// Bytes is the size of the file.
	Bytes int64
	// Accuracy on Options.Test, in [0, 1]; NaN without it.
	Accuracy float64
	// ImagesPerSecond in batches of 8, network only; 0 if it was not measured.
	ImagesPerSecond float64
}

// Compress writes a model to path in fewer bits, and measures the file beside the model in float32. The format is that
// which the path ends in; zoo.Int8 needs .onnx. [zoo.LoadExported] reads the file. An interrupt ends the measurement.
//
// If ONNX Runtime is installed, it runs both .onnx files as another program would. Otherwise, and for other formats,
// the engine of this process computes the logits, and no speed is measured.
func Compress(m *zoo.Model, path string, opts ...Options) (*Report, error) {
	o, err := optional.One("tlkit: Compress", opts)
	if err != nil {
		return nil, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return Write(ctx, m, path, o)
}

// Write is [Compress] until a context ends.
func Write(ctx context.Context, m *zoo.Model, path string, o Options) (*Report, error) {
	o.Precision = cmp.Or(o.Precision, zoo.Int8)
	o.MaxDrop = cmp.Or(o.MaxDrop, 0.01)
	path, err := fetch.ExpandHome(path)
	if err != nil {
		return nil, err
	}
	if err := o.check(m); err != nil {
		return nil, err
	}
	r := &Report{File: path, first: firstLayers(m)}
	calibrate, err := prepared(ctx, m, o.Calibrate, o.images())
	if err != nil {
		return nil, err
	}
	// So that other programs read the file, too.
	graph := strings.EqualFold(filepath.Ext(path), ".onnx") && !m.Spec.BuiltIn()
	r.Stored, err = m.ExportWith(ctx, path, zoo.ExportOptions{
		Precision: o.Precision, Calibrate: calibrate, Float: o.Float, FullRange: o.FullRange, Graph: graph,
	})
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tlkit-compress")
	if err != nil {
		return nil, fmt.Errorf("tlkit: Compress: %w", err)
	}
	defer os.RemoveAll(dir)
	before := filepath.Join(dir, "before"+filepath.Ext(path))
	if err := m.Export(before); err != nil {
		return nil, err
	}
	if r.Before.Bytes, err = size(before); err != nil {
		return nil, err
	}
	if r.After.Bytes, err = size(path); err != nil {
		return nil, err
	}
	return r, r.measure(ctx, m, before, o)
}

// check refuses what can't be measured.
func (o Options) check(m *zoo.Model) error {
	switch {
	case m == nil:
		return fmt.Errorf("tlkit: Compress: the model is nil; load one, or take a run's: run.Best().Model()")
	case o.Images < 0 || o.MaxDrop < 0 || o.MaxDrop > 1:
		return fmt.Errorf("tlkit: Compress: Images is %d and MaxDrop %g; expected a count, and a share in [0, 1]", o.Images, o.MaxDrop)
	case o.Precision == zoo.Int8 && (o.Calibrate == nil || o.Calibrate.Len() == 0):
		return fmt.Errorf("tlkit: Compress: int8 needs images for the ranges of activations: set Options.Calibrate to the training images, such as data.Train")
	case o.Test != nil && !slices.Equal(o.Test.Classes(), m.Classes):
		return fmt.Errorf("tlkit: Compress: Options.Test has the classes %s, the model has %s; accuracy needs the same, in the same order",
			sentence.List(o.Test.Classes(), 4), sentence.List(m.Classes, 4))
	}
	return nil
}

func (o Options) images() int {
	if o.Images == 0 {
		return 100
	}
	return o.Images
}

// prepared returns at most n images of a split, spread evenly over it, as the network takes them.
func prepared(ctx context.Context, m *zoo.Model, split *datasets.Split, n int) ([][]uint8, error) {
	if split == nil {
		return nil, nil
	}
	n = min(n, split.Len())
	out := make([][]uint8, n)
	for i := range out {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("tlkit: Compress: %w", err)
		}
		image, err := split.Image(i * split.Len() / n)
		if err != nil {
			return nil, err
		}
		if out[i], err = m.Prepare(image); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func size(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("tlkit: Compress: %w", err)
	}
	return info.Size(), nil
}

// warn sets the warning.
func (r *Report) warn(maxDrop float64) {
	drop := r.Before.Accuracy - r.After.Accuracy
	if drop <= maxDrop {
		return
	}
	r.Warning = fmt.Sprintf("accuracy fell by %.1f points, from %.1f to %.1f %%, more than %.1f", 100*drop, 100*r.Before.Accuracy, 100*r.After.Accuracy, 100*maxDrop)
	if r.Precision == zoo.Int8 {
		r.Warning += fmt.Sprintf(": keep layers in float32, the first ones to begin with (Float: %#v), calibrate with more images, or take float16", r.first)
	}
}

// firstLayers returns the names of the first two layers with a kernel: whole numbers harm these most.
func firstLayers(m *zoo.Model) []string {
	var names []string
	for _, p := range m.Params() {
		if name, ok := strings.CutSuffix(p.Key, ".weight"); ok && p.Layout == nn.ConvKernel && len(names) < 2 {
			names = append(names, name)
		}
	}
	return names
}

// right returns the share of predictions that are right, and the predicted classes.
func right(logits [][]float32, split *datasets.Split) (float64, []int) {
	n, classes := 0, make([]int, len(logits))
	for i, row := range logits {
		if classes[i] = numbers.Argmax(row); classes[i] == split.Label(i) {
			n++
		}
	}
	return float64(n) / float64(max(len(logits), 1)), classes
}
