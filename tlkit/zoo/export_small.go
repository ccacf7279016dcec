package zoo

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"

	onnx "github.com/gomlx/compute-onnx/support/protos"
	"google.golang.org/protobuf/proto"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/onnx/quantize"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// Precision is the form in which an exported file stores numbers.
type Precision string

const (
	// Float32 is the form in which models are trained.
	Float32 Precision = "float32"
	// Float16 stores weights in 16 bits, of which 11 are significant, up to 65504: half the size. Networks compute in
	// float32 as before.
	Float16 Precision = "float16"
	// BFloat16 stores weights in 16 bits, of which 8 are significant, with float32's range; else it is as Float16.
	BFloat16 Precision = "bfloat16"
	// Int8 stores weights in 8 bits, a quarter of the size, and computes convolutions and linear layers in
	// whole numbers where the runtime can (ONNX Runtime, OpenVINO): .onnx files only, in QDQ form. It
	// needs images for calibration.
	Int8 Precision = "int8"
)

// ExportOptions say how [Model.ExportWith] stores a model.
type ExportOptions struct {
	// Precision of the weights; "" is Float32.
	Precision Precision
	// Calibrate has images like those that the model will see, prepared by [Model.Prepare]: Int8 takes the ranges of
	// activations from them. 100 are plenty.
	Calibrate [][]uint8
	// Float lists layers, or groups of them, such as "features.0" or "fc", that stay in float32 with Int8.
	Float []string
	// FullRange lets the weights of Int8 take whole numbers from -127 to 127 instead of -64 to 64: half the rounding.
	// Processors with AVX2 or AVX-512 but without VNNI add products in 16 bits, which large weights overflow: there
	// such a file is less accurate, not more. Take it if all machines that will run the file have VNNI, or are arm64.
	FullRange bool
	// Graph marks an .onnx file as one whose graph is the network, so that a program without the network's code reads
	// it (see [Spec.BuiltIn]). It is so with Int8, and for networks that came from such a file.
	Graph bool
}

// Stored says how a file stores a model.
type Stored struct {
	// Precision of the weights.
	Precision Precision
	// Tensors is the number of weights in 16 bits, or of layers that compute in whole numbers.
	Tensors int
	// Ranges says how the ranges of activations were taken with Int8: "largest", "mean", "90 %" or "75 %". Equalized
	// says whether channels were scaled to like ranges. Error is the root of the mean squared
	// difference of the logits to the model's own, over the calibration images.
	Ranges    string
	Equalized bool
	Error     float64
}

// ExportWith is [Model.Export] with a choice of precision; the context ends the calibration. [LoadExported] reads all
// of them; a model of Int8 comes back with its rounding, computed in float32.
//
// With Int8 batch norms are folded into convolutions, weights get a scale per output channel, and activations one per
// tensor (Jacob et al. 2018, arXiv 1712.05877). Of several ways the one with the smallest Error is taken: the range of
// an activation is the largest over all images, the mean of the images' ranges, or one that 90 or 75 of 100 images stay
// within, and the channels between two convolutions are scaled to like ranges, or not (Nagel et al. 2019, arXiv
// 1906.04721).
func (m *Model) ExportWith(ctx context.Context, path string, o ExportOptions) (Stored, error) {
	path, err := fetch.ExpandHome(path)
	if err != nil {
		return Stored{}, err
	}
	s := Stored{Precision: o.Precision}
	if o.Graph && !isONNX(path) {
		return s, fmt.Errorf("zoo: exporting %q to %s: only a file that ends in .onnx has the network's graph", m.Spec.Name, path)
	}
	switch o.Precision {
	case "", Float32:
		s.Precision = Float32
		return s, m.export(path, func(metadata map[string]string) error { return m.write(path, metadata) }, o.Graph)
	case Float16, BFloat16:
		err := m.export(path, func(metadata map[string]string) (err error) {
			s.Tensors, err = m.writeHalf(path, o.Precision == BFloat16, metadata)
			return err
		}, o.Graph)
		return s, err
	case Int8:
		if !isONNX(path) {
			return s, fmt.Errorf("zoo: exporting %q to %s: int8 needs a file that ends in .onnx; .pth and .safetensors take float16 and bfloat16", m.Spec.Name, path)
		}
		if len(o.Calibrate) == 0 {
			return s, fmt.Errorf("zoo: exporting %q in int8: ExportOptions.Calibrate has no images; give 20 to 100 like those that the model will see", m.Spec.Name)
		}
		err := m.export(path, func(metadata map[string]string) error {
			made, stored, err := m.quantised(ctx, metadata, o)
			if err != nil {
				return err
			}
			s = stored
			return weights.WriteONNX(path, made, nil)
		}, true)
		return s, err
	}
	return s, fmt.Errorf("zoo: a precision of %q; expected float32, float16, bfloat16 or int8", o.Precision)
}

// writeHalf writes the model with weights of 16 bits, and returns the number of tensors stored so.
func (m *Model) writeHalf(path string, brain bool, metadata map[string]string) (int, error) {
	if isONNX(path) {
		made, err := m.complete(metadata)
		if err != nil {
			return 0, err
		}
		n := quantize.Half(made, brain)
		return n, weights.WriteONNX(path, made, nil)
	}
	entries, err := m.fileEntries()
	if err != nil {
		return 0, err
	}
	n := 0
	for i, e := range entries {
		if e.DType != weights.F32 || e.Len() < quantize.Smallest {
			continue
		}
		values, err := e.Float32()
		if err != nil {
			return 0, err
		}
		raw, ok := quantize.Halves(values, brain)
		if !ok {
			continue
		}
		dtype := weights.F16
		if brain {
			dtype = weights.BF16
		}
		if entries[i].Tensor, err = weights.TensorAt(e.Shape, dtype, bytes.NewReader(raw), 0); err != nil {
			return 0, err
		}
		n++
	}
	return n, m.writeEntries(path, entries, metadata)
}

// complete returns the network as an ONNX model that holds its weights.
func (m *Model) complete(metadata map[string]string) (*onnx.ModelProto, error) {
	made, values, err := m.graphAndWeights(metadata)
	if err != nil {
		return nil, err
	}
	for _, e := range values {
		raw, err := e.Bytes() // of float32: StateDict has no other values
		if err != nil {
			return nil, fmt.Errorf("zoo: tensor %q: %w", e.Key, err)
		}
		t := &onnx.TensorProto{Name: e.Key, DataType: int32(onnx.TensorProto_FLOAT), RawData: raw}
		for _, d := range e.Shape {
			t.Dims = append(t.Dims, int64(d))
		}
		made.Graph.Initializer = append(made.Graph.Initializer, t)
	}
	return made, nil
}

// calibrationBatch is the number of images whose ranges are found at once.
const calibrationBatch = 8

// quantised returns the network in int8.
func (m *Model) quantised(ctx context.Context, metadata map[string]string, o ExportOptions) (*onnx.ModelProto, Stored, error) {
	plain, err := m.complete(metadata)
	if err != nil {
		return nil, Stored{}, err
	}
	if _, err := quantize.FoldBatchNorm(plain); err != nil {
		return nil, Stored{}, err
	}
	quantize.FuseLeakyReLU(plain)
	best, stored, want, err := m.int8(ctx, plain, nil, o)
	if err != nil {
		return nil, Stored{}, err
	}
	most, err := m.largest(ctx, plain, quantize.Channels(plain), o.Calibrate)
	if err != nil || len(most) == 0 {
		return best, stored, err
	}
	quantize.Equalize(plain, most)
	equal, other, _, err := m.int8(ctx, plain, want, o)
	if err != nil || other.Error >= stored.Error {
		return best, stored, err
	}
	other.Equalized = true
	return equal, other, nil
}

// rangesOf are the ways to make one range of those of the images: the wider it is, the fewer values are cut off, and
// the larger the steps are.
var rangesOf = []struct {
	name string
	of   func([]quantize.Range) quantize.Range
}{
	{"largest", quantize.Largest}, {"mean", quantize.Mean},
	{"90 %", func(of []quantize.Range) quantize.Range { return quantize.Quantile(of, 0.9) }},
	{"75 %", func(of []quantize.Range) quantize.Range { return quantize.Quantile(of, 0.75) }},
}

// int8 returns a folded network in int8, with the ranges of activations that give the smaller error to the wanted
// logits, or to the network's own, which it returns.
func (m *Model) int8(ctx context.Context, folded *onnx.ModelProto, want [][]float32, o ExportOptions) (best *onnx.ModelProto, stored Stored, _ [][]float32, err error) {
	names := quantize.Activations(folded, o.Float)
	perImage, own, err := m.activations(ctx, folded, names, o.Calibrate)
	if err != nil {
		return nil, Stored{}, nil, err
	}
	if want == nil {
		want = own
	}
	for _, way := range rangesOf {
		ranges := map[string]quantize.Range{}
		for _, name := range names {
			ranges[name] = way.of(perImage[name])
		}
		made := proto.CloneOf(folded)
		layers, err := quantize.Int8(made, ranges, quantize.Options{Float: o.Float, FullRange: o.FullRange})
		if err != nil {
			return nil, Stored{}, nil, err
		}
		if layers == 0 {
			return nil, Stored{}, nil, fmt.Errorf("zoo: exporting %q in int8: no layer of it can compute in whole numbers", m.Spec.Name)
		}
		got, err := m.quantisedLogits(ctx, made, o.Calibrate)
		if err != nil {
			return nil, Stored{}, nil, err
		}
		if e := rms(got, want); best == nil || e < stored.Error {
			best, stored = made, Stored{Precision: Int8, Tensors: layers, Ranges: way.name, Error: e}
		}
	}
	return best, stored, want, nil
}

// rms is the root of the mean squared difference.
func rms(a, b [][]float32) float64 {
	sum, n := 0.0, 0
	for i := range a {
		for j := range a[i] {
			d := float64(a[i][j] - b[i][j])
			sum += d * d
			n++
		}
	}
	return math.Sqrt(sum / float64(max(n, 1)))
}

// quantisedLogits returns the logits of a model that is not written yet.
func (m *Model) quantisedLogits(ctx context.Context, made *onnx.ModelProto, images [][]uint8) ([][]float32, error) {
	q, _, err := m.readBack(made)
	if err != nil {
		return nil, err
	}
	defer q.Release()
	var all [][]float32
	for batch := range slices.Chunk(images, calibrationBatch) {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("zoo: exporting %q in int8: %w", m.Spec.Name, err)
		}
		logits, err := q.LogitsOf(slices.Concat(batch...), len(batch))
		if err != nil {
			return nil, err
		}
		all = append(all, logits...)
	}
	return all, nil
}
