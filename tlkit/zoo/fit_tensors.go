package zoo

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// entries returns the file's tensors under the network's keys. Parts are joined; a tensor gets the network's shape if
// its values are in the network's order; a first kernel for one channel is spread over three.
func (f *fit) entries(m *Model, sd *weights.StateDict) ([]weights.Entry, error) {
	var out []weights.Entry
	f.lacking = map[string]string{}
	for _, p := range m.params {
		t, ok, err := f.tensor(m, p, sd)
		if err != nil {
			return nil, fmt.Errorf("zoo: %s: %w", sd.Source, err)
		}
		if !ok {
			continue
		}
		if t.DType == weights.C64 || t.DType == weights.C128 {
			return nil, fmt.Errorf("zoo: %s: %s has complex numbers (%v), expected floats; no network here computes with them", sd.Source, p.Key, t.DType)
		}
		if !t.DType.IsFloat() && !bookkeeping(p.Key) {
			return nil, fmt.Errorf("zoo: %s: %s has whole numbers (%v), expected floats; quantised weights have to be converted in Python", sd.Source, p.Key, t.DType)
		}
		if len(p.Shape) != len(t.Shape) && sameOrder(p, t.Shape) {
			t.Shape = slices.Clone(p.Shape)
		}
		if isFirstKernel(m, p) && oneChannel(t.Shape, p.Shape) {
			if t, err = threeChannels(t); err != nil {
				return nil, fmt.Errorf("zoo: %s: %w", sd.Source, err)
			}
			f.notes = append(f.notes, fmt.Sprintf("%s is for images of one channel; each of the three channels got a third of its values, which gives grey images the same features", f.from[p.Key]))
		}
		out = append(out, weights.Entry{Key: p.Key, Tensor: t})
	}
	return out, nil
}

// sameOrder reports whether a tensor of a file has its values in the order of the variable p, in another shape: the two
// differ in axes of length 1, or the file has a convolution as large as its map where the network flattens the map for
// a linear layer (timm's VGG).
func sameOrder(p nn.Param, shape []int) bool {
	if p.Layout == nn.LinearWeight && len(shape) == 4 {
		return p.Shape[0] == shape[0] && p.Shape[1] == shape[1]*shape[2]*shape[3]
	}
	return slices.Equal(longAxes(p.Shape), longAxes(shape))
}

// longAxes returns the axes of a shape that are longer than 1.
func longAxes(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(d int) bool { return d == 1 })
}

// attentionParts are the parts of a tensor, see layout.rename.
var attentionParts = [3]string{"queries", "keys", "values"}

// tensor returns a variable's tensor from the file, joined from its parts if it has some.
func (f *fit) tensor(m *Model, p nn.Param, sd *weights.StateDict) (weights.Tensor, bool, error) {
	if key, ok := f.from[p.Key]; ok {
		t, err := f.shared(p, key, sd)
		return t, true, err
	}
	if t, ok, err := f.mean(p, sd); ok || err != nil {
		return t, ok, err
	}
	var parts [3]weights.Tensor
	var lacking []string
	found := false
	for i, name := range attentionParts {
		if key, ok := f.from[p.Key+"#"+strconv.Itoa(i)]; ok {
			parts[i], _ = sd.Get(key)
			found = true
		} else if !(name == "keys" && strings.HasSuffix(p.Key, ".bias") && m.Spec.unbiasedKeys()) {
			lacking = append(lacking, name)
		}
	}
	if !found {
		return weights.Tensor{}, false, nil
	}
	if len(lacking) > 0 {
		f.lacking[p.Key] = " (" + strings.Join(lacking, ", ") + ")"
		return weights.Tensor{}, false, nil
	}
	t, err := joined(parts[:])
	if err != nil {
		return weights.Tensor{}, false, fmt.Errorf("the parts of %q: %w", p.Key, err)
	}
	return t, true, nil
}

// shared returns a tensor of the file, or the rows of it that are the variable's, if the layout says that it holds more
// than one of the network's.
func (f *fit) shared(p nn.Param, key string, sd *weights.StateDict) (weights.Tensor, error) {
	t, _ := sd.Get(key)
	before, _, several := strings.Cut(f.layout.rename(strings.TrimPrefix(key, f.prefix)), "|")
	if !several || len(t.Shape) == 0 || len(p.Shape) == 0 || t.Shape[0] <= p.Shape[0] {
		return t, nil
	}
	values, err := t.Float32()
	if err != nil {
		return t, err
	}
	n := len(values) / t.Shape[0] * p.Shape[0]
	if values = values[:n:n]; p.Key != before {
		all, _ := t.Float32()
		values = all[len(all)-n:]
	}
	shape := slices.Clone(t.Shape)
	shape[0] = p.Shape[0]
	return weights.NewTensor(shape, values)
}

// meanParts are the parts of a layer that is the mean of two, see layout.rename.
var meanParts = [2]string{"#first", "#second"}

// mean returns a variable's tensor from the two in the file whose mean it is: matrices side by side, and vectors added,
// all halved.
func (f *fit) mean(p nn.Param, sd *weights.StateDict) (weights.Tensor, bool, error) {
	var halves [2][]float32
	var shape []int
	for i, part := range meanParts {
		key, ok := f.from[p.Key+part]
		if !ok {
			return weights.Tensor{}, false, nil
		}
		t, _ := sd.Get(key)
		values, err := t.Float32()
		if err != nil || i > 0 && !slices.Equal(t.Shape, shape) {
			return t, false, cmp.Or(err, fmt.Errorf("the parts of %q have shapes %v and %v, expected the same", p.Key, shape, t.Shape))
		}
		halves[i], shape = values, t.Shape
	}
	if len(shape) == 1 {
		sum := slices.Clone(halves[0])
		for i, v := range halves[1] {
			sum[i] = (sum[i] + v) / 2
		}
		t, err := weights.NewTensor(shape, sum)
		return t, err == nil, err
	}
	if len(shape) != 2 {
		return weights.Tensor{}, false, fmt.Errorf("the parts of %q have shape %v, expected a matrix or a vector", p.Key, shape)
	}
	rows, n := shape[0], shape[1]
	joined := make([]float32, 0, 2*rows*n)
	for row := range rows {
		for _, half := range halves {
			for _, v := range half[row*n : (row+1)*n] {
				joined = append(joined, v/2)
			}
		}
	}
	t, err := weights.NewTensor([]int{rows, 2 * n}, joined)
	return t, err == nil, err
}

// joined concatenates tensors of equal shape along the first axis; one without a shape is zero.
func joined(parts []weights.Tensor) (weights.Tensor, error) {
	first := parts[slices.IndexFunc(parts, func(t weights.Tensor) bool { return t.Shape != nil })]
	if len(first.Shape) == 0 {
		return weights.Tensor{}, errors.New("a single number, expected a vector or a matrix")
	}
	n := first.Len()
	values := make([]float32, len(parts)*n)
	for i, t := range parts {
		if t.Shape == nil {
			continue
		}
		if !slices.Equal(t.Shape, first.Shape) {
			return weights.Tensor{}, fmt.Errorf("shapes %v and %v, expected the same", first.Shape, t.Shape)
		}
		if err := t.ReadFloat32(values[i*n : (i+1)*n]); err != nil {
			return weights.Tensor{}, err
		}
	}
	shape := slices.Clone(first.Shape)
	shape[0] *= len(parts)
	return weights.NewTensor(shape, values)
}

// isFirstKernel reports whether p is the first convolution kernel, whose input is the image.
func isFirstKernel(m *Model, p nn.Param) bool {
	i := slices.IndexFunc(m.params, func(p nn.Param) bool { return p.Layout == nn.ConvKernel })
	return i >= 0 && m.params[i].Key == p.Key
}

// flip turns the first kernel of a network that takes blue, green and red around, so that it takes red, green and blue.
func (f *fit) flip(m *Model, entries []weights.Entry) error {
	for i, e := range entries {
		p, ok := m.Param(e.Key)
		if !ok || !isFirstKernel(m, p) || len(e.Shape) != 4 || e.Shape[1] != 3 {
			continue
		}
		values, err := e.Float32()
		if err != nil {
			return err
		}
		area := e.Shape[2] * e.Shape[3]
		flipped := make([]float32, 0, len(values))
		for kernel := range slices.Chunk(values, 3*area) {
			for c := 2; c >= 0; c-- {
				flipped = append(flipped, kernel[c*area:(c+1)*area]...)
			}
		}
		if entries[i].Tensor, err = weights.NewTensor(e.Shape, flipped); err != nil {
			return err
		}
		f.notes = append(f.notes, fmt.Sprintf("the network takes blue, green and red (do_flip_channel_order): the channels of %s are turned around, so that it takes red, green and blue", f.from[e.Key]))
	}
	return nil
}

// oneChannel reports whether a file's kernel has the network's shape, but one input channel in place of three.
func oneChannel(file, model []int) bool {
	return len(file) == 4 && len(model) == 4 && file[1] == 1 && model[1] == 3 &&
		file[0] == model[0] && file[2] == model[2] && file[3] == model[3]
}

// threeChannels spreads a kernel for one channel evenly over three. It is the inverse of what timm does to load a
// kernel for three channels into a network for one, which sums them (timm.models.adapt_input_conv).
func threeChannels(t weights.Tensor) (weights.Tensor, error) {
	grey := make([]float32, t.Len())
	if err := t.ReadFloat32(grey); err != nil {
		return weights.Tensor{}, err
	}
	area := t.Shape[2] * t.Shape[3]
	values := make([]float32, 0, 3*len(grey))
	for kernel := range slices.Chunk(grey, area) {
		for range 3 {
			for _, v := range kernel {
				values = append(values, v/3)
			}
		}
	}
	return weights.NewTensor([]int{t.Shape[0], 3, t.Shape[2], t.Shape[3]}, values)
}
