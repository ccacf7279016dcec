package zoo

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// reparametrized is a tensor that a checkpoint of PyTorch holds as others, from which each forward pass computes it.
type reparametrized struct {
	how   string   // what the library calls it
	parts []string // the ends of the keys, after that of the tensor
	value func(parts [][]float32, shape []int) ([]float32, error)
	// shaped is the part that has the tensor's shape.
	shaped int
}

// reparametrizations are those of torch.nn.utils: prune, weight_norm and spectral_norm (Salimans and Kingma 2016, arXiv
// 1602.07868, equation 2; Miyato et al. 2018, arXiv 1802.05957, section 2.1), under the keys of torch.nn.utils and of
// torch.nn.utils.parametrizations.
var reparametrizations = []reparametrized{
	{"pruned", []string{"_orig", "_mask"}, masked, 0},
	{"spectrally normalised", []string{"_orig", "_u", "_v"}, spectral, 0},
	{"weight-normalised", []string{"_g", "_v"}, normalised, 1},
	{"weight-normalised", []string{".original0", ".original1"}, normalised, 1},
	{"spectrally normalised", []string{".original", ".0._u", ".0._v"}, spectral, 0},
}

// parametrizations is the module that keeps the parts of a tensor since PyTorch 1.9:
// conv.parametrizations.weight.original belongs to conv.weight.
const parametrizations = ".parametrizations."

// plainWeights computes the tensors that a file holds in parts. The notes say which; without any, it returns sd.
func plainWeights(sd *weights.StateDict) (*weights.StateDict, []string, error) {
	entries := sd.Entries()
	counts := map[string]int{}
	used := map[string]bool{}
	for i, e := range entries {
		for _, r := range reparametrizations {
			base, ok := strings.CutSuffix(e.Key, r.parts[r.shaped])
			if !ok || strings.HasPrefix(r.parts[0], ".") != strings.Contains(base, parametrizations) {
				continue
			}
			t, ok, err := r.tensor(sd, base)
			if err != nil {
				return nil, nil, fmt.Errorf("zoo: %s: %s is %s, in parts that do not fit: %w", sd.Source, base, r.how, err)
			}
			if !ok {
				continue
			}
			for _, part := range r.parts {
				used[base+part] = true
			}
			counts[r.how]++
			entries[i] = weights.Entry{Key: strings.Replace(base, parametrizations, ".", 1), Tensor: t}
			break
		}
	}
	if len(counts) == 0 {
		return sd, nil, nil
	}
	entries = slices.DeleteFunc(entries, func(e weights.Entry) bool { return used[e.Key] })
	plain, err := sd.With(entries)
	if err != nil {
		return nil, nil, fmt.Errorf("zoo: %w", err)
	}
	var notes []string
	for _, r := range reparametrizations {
		if n := counts[r.how]; n > 0 {
			notes = append(notes, fmt.Sprintf("%d of its tensors are %s, and were computed from their parts", n, r.how))
			counts[r.how] = 0
		}
	}
	return plain, notes, nil
}

// tensor computes the tensor of a key from its parts; ok is false if the file lacks one.
func (r reparametrized) tensor(sd *weights.StateDict, base string) (t weights.Tensor, ok bool, err error) {
	var shape []int
	parts := make([][]float32, len(r.parts))
	for i, end := range r.parts {
		part, ok := sd.Get(base + end)
		if !ok {
			return t, false, nil
		}
		if i == r.shaped {
			shape = part.Shape
		}
		if n := len(part.Shape); r.shaped == 1 && i == 0 && n > 1 && part.Shape[0] != part.Len() { // weight normalisation with dim=1
			return t, false, fmt.Errorf("the lengths have the shape %v; lengths along the first axis, or one for all, are expected", part.Shape)
		}
		if parts[i], err = part.Float32(); err != nil {
			return t, false, err
		}
	}
	if len(shape) == 0 || len(parts[r.shaped]) == 0 {
		return t, false, fmt.Errorf("shape %v", shape)
	}
	values, err := r.value(parts, shape)
	if err != nil {
		return t, false, err
	}
	t, err = weights.NewTensor(shape, values)
	return t, err == nil, err
}

// masked is weight_orig times weight_mask.
func masked(parts [][]float32, _ []int) ([]float32, error) {
	if len(parts[0]) != len(parts[1]) {
		return nil, fmt.Errorf("%d values and a mask of %d", len(parts[0]), len(parts[1]))
	}
	out := slices.Clone(parts[0])
	for i, m := range parts[1] {
		out[i] *= m
	}
	return out, nil
}

// normalised is g v/|v|, with one g for each index of the first axis, or one for all.
func normalised(parts [][]float32, shape []int) ([]float32, error) {
	g, out := parts[0], slices.Clone(parts[1])
	if len(g) != shape[0] && len(g) != 1 {
		return nil, fmt.Errorf("%d lengths for a tensor of shape %v; the first axis or all are expected", len(g), shape)
	}
	size := len(out) / len(g)
	for i, length := range g {
		row := out[i*size : (i+1)*size]
		sum := 0.0
		for _, v := range row {
			sum += float64(v) * float64(v)
		}
		for j := range row {
			row[j] = float32(float64(row[j]) * float64(length) / math.Sqrt(sum))
		}
	}
	return out, nil
}

// spectral is weight_orig divided by u'Wv, where W has the first axis as rows; or the second, as of transposed
// convolutions, if only that one has u's length.
func spectral(parts [][]float32, shape []int) ([]float32, error) {
	out, u, v := slices.Clone(parts[0]), parts[1], parts[2]
	second := len(shape) > 1 && len(u) != shape[0] && len(u) == shape[1]
	if len(u) != shape[0] && !second || len(u)*len(v) != len(out) {
		return nil, fmt.Errorf("vectors of %d and %d for a tensor of shape %v", len(u), len(v), shape)
	}
	sigma := 0.0
	for i, w := range out {
		row, column := i/len(v), i%len(v)
		if second {
			area := len(out) / shape[0] / shape[1]
			row, column = i/area%shape[1], i/area/shape[1]*area+i%area
		}
		sigma += float64(u[row]) * float64(w) * float64(v[column])
	}
	for i := range out {
		out[i] = float32(float64(out[i]) / sigma)
	}
	return out, nil
}
