package compress

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// batch is the number of images that are classified at once.
const batch = 8

// network computes the logits of prepared images [n, size, size, 3], one after the other.
type network interface {
	logits(pix []uint8, n int) ([][]float32, error)
	close()
}

// measure fills the figures of both files.
func (r *Report) measure(ctx context.Context, m *zoo.Model, before string, o Options) error {
	r.Before.Accuracy, r.After.Accuracy = math.NaN(), math.NaN()
	nets, err := r.open(m, before)
	if err != nil {
		return err
	}
	defer func() {
		for _, n := range nets {
			n.close()
		}
	}()
	if o.Test != nil {
		if err := r.accuracies(ctx, m, nets, o); err != nil {
			return err
		}
	}
	if r.Engine != onnxRuntime {
		return nil
	}
	return r.speeds(ctx, nets, m.ImageSize())
}

const onnxRuntime = "ONNX Runtime"

// open opens both files: with ONNX Runtime if it is there.
func (r *Report) open(m *zoo.Model, before string) (nets [2]network, err error) {
	files := [2]string{before, r.File}
	if strings.HasSuffix(strings.ToLower(r.File), ".onnx") {
		if engine, err := backend.Open("onnx:cpu"); err == nil {
			r.Engine = onnxRuntime
			for i, path := range files {
				if nets[i], err = openRuntime(engine.Backend, path, m); err != nil {
					return nets, fmt.Errorf("tlkit: Compress: ONNX Runtime does not take %s: %w", path, err)
				}
			}
			return nets, nil
		}
	}
	engine, err := backend.Default()
	if err != nil {
		return nets, err
	}
	r.Engine = engine.Backend.Name()
	nets[0] = here{m}
	loaded, err := zoo.LoadExported(r.File)
	if err != nil {
		return nets, err
	}
	nets[1] = here{loaded}
	return nets, nil
}

// accuracies classifies the test images with both.
func (r *Report) accuracies(ctx context.Context, m *zoo.Model, nets [2]network, o Options) error {
	var all [2][][]float32
	for from := 0; from < o.Test.Len(); from += batch {
		n := min(batch, o.Test.Len()-from)
		var pix []uint8
		for i := range n {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("tlkit: Compress: %w", err)
			}
			image, err := o.Test.Image(from + i)
			if err != nil {
				return err
			}
			one, err := m.Prepare(image)
			if err != nil {
				return err
			}
			pix = append(pix, one...)
		}
		for k, net := range nets {
			logits, err := net.logits(pix, n)
			if err != nil {
				return err
			}
			all[k] = append(all[k], logits...)
		}
	}
	var classes [2][]int
	r.Before.Accuracy, classes[0] = right(all[0], o.Test)
	r.After.Accuracy, classes[1] = right(all[1], o.Test)
	same := 0
	for i := range classes[0] {
		if classes[0][i] == classes[1][i] {
			same++
		}
	}
	r.Images, r.Agreement = len(classes[0]), float64(same)/float64(max(len(classes[0]), 1))
	r.warn(o.MaxDrop)
	return nil
}

// speeds times both in turn, on noise: the values don't matter to the time.
func (r *Report) speeds(ctx context.Context, nets [2]network, size int) error {
	pix := make([]uint8, batch*size*size*3)
	for i := range pix {
		pix[i] = byte(i * 7919 >> 3)
	}
	var times [2][]time.Duration
	for begin := time.Now(); len(times[0]) < 5 || len(times[0]) < 200 && time.Since(begin) < 2*time.Second; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("tlkit: Compress: %w", err)
		}
		for k, net := range nets {
			start := time.Now()
			if _, err := net.logits(pix, batch); err != nil {
				return err
			}
			times[k] = append(times[k], time.Since(start))
		}
	}
	for k, into := range []*Measured{&r.Before, &r.After} {
		slices.Sort(times[k])
		into.ImagesPerSecond = batch / times[k][len(times[k])/2].Seconds()
	}
	return nil
}

// here is a model on the engine of this process.
type here struct{ *zoo.Model }

func (h here) logits(pix []uint8, n int) ([][]float32, error) { return h.LogitsOf(pix, n) }
func (h here) close()                                         { h.Release() }
