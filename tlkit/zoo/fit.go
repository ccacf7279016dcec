package zoo

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// layout is a library's way to name and split the tensors of a network that torchvision also has.
type layout struct {
	// name is the library, for messages.
	name string
	// rename converts a key to torchvision's and leaves unknown keys unchanged. "KEY#0", "KEY#1" and "KEY#2" are the
	// parts of the tensor KEY for queries, keys and values, one after the other along the first axis; "KEY#first" and
	// "KEY#second" are linear layers on the halves of the features, whose mean is the layer; "KEY|KEY2" are two
	// tensors, one after the other along the first axis.
	rename func(key string) string
	// flipped: the library's network usually takes blue, green and red in this order.
	flipped bool
	// note, if set, is for Model.Notes.
	note string
}

// fit maps the tensors of a file to those of a network, by a prefix of the file's keys and a layout.
type fit struct {
	prefix string
	layout layout
	// from maps the network's keys to the file's.
	from map[string]string
	// over lists the file's keys that are not the network's, in the file's order.
	over []string
	// fresh lists the network's keys between backbone and output layer that the file lacks, or has in another shape.
	fresh []string
	// lacking says, by the network's key, which parts of a tensor the file lacks while it has others.
	lacking map[string]string
	// rejected says why a layer of the output layer's place and shape is not taken for it.
	rejected string
	// notes list the changes to the tensors, and twins the networks that the file may be of instead.
	notes, twins []string
}

// underHead reports whether a key is in the module of the output layer without being of it, such as mobilenet_v3's
// classifier.0 and VGG's classifier.3: files of a backbone without a head lack these layers, too, and a head of people's own
// replaces them.
func (m *Model) underHead(key string) bool {
	return module(key) == module(m.HeadKey()) && !strings.HasPrefix(key, m.HeadKey()+".")
}

// wrappers are the names that wrappers of PyTorch put into keys, at any depth: DataParallel and AveragedModel,
// torch.compile, FSDP and activation checkpoints.
var wrappers = []string{"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}

// unwrapped removes the names of wrappers from all keys; it returns sd unchanged if two keys would become equal.
func unwrapped(sd *weights.StateDict) *weights.StateDict {
	entries := sd.Entries()
	for i, e := range entries {
		names := strings.Split(e.Key, ".")
		kept := slices.DeleteFunc(names, func(name string) bool { return slices.Contains(wrappers, name) })
		if len(kept) > 0 {
			entries[i].Key = strings.Join(kept, ".")
		}
	}
	if out, err := sd.With(entries); err == nil {
		return out
	}
	return sd
}

// bestFit finds the prefix and the layout under which most keys of the file are the network's; if prefix is set, only
// those that begin with it are tried. It is an error if two parts of the file fit equally well, such as a student and its
// teacher.
func (m *Model) bestFit(sd *weights.StateDict, layouts []layout, prefix string) (*fit, error) {
	if prefix != "" && !slices.ContainsFunc(sd.Keys(), func(key string) bool { return strings.HasPrefix(key, prefix) }) {
		return nil, fmt.Errorf("zoo: no key of %s begins with LoadOptions.Prefix, %q; they begin with %s", sd.Source, prefix, beginnings(sd))
	}
	best := m.fits(sd, layouts, prefix, ".")
	half := func(best []*fit) bool { return len(best) > 0 && 2*len(best[0].from) >= len(m.params) }
	if !half(best) {
		if others := m.fits(sd, layouts, prefix, separators); half(others) { // "net_conv1.weight"
			best = others
		}
	}
	f := &fit{prefix: prefix, layout: layouts[0]}
	if half(best) || len(best) > 0 && best[0].prefix == "" { // a few equal keys are chance
		f = best[0]
		if err := f.ambiguous(sd, best[1:]); err != nil {
			return nil, err
		}
	}
	used := map[string]bool{}
	for _, key := range f.from {
		used[key] = true
	}
	f.over = slices.DeleteFunc(sd.Keys(), func(key string) bool { return used[key] || bookkeeping(key) })
	return f, nil
}

// separators are what a prefix may end in where no dot stands behind it.
const separators = "./_:|->\\ "

// fits returns the prefixes and the layouts under which keys of the file are the network's, those with most keys first.
// A prefix begins with the one given and ends in one of some separators.
func (m *Model) fits(sd *weights.StateDict, layouts []layout, prefix, separators string) []*fit {
	var best []*fit
	known := map[string]bool{}
	for _, p := range m.params {
		known[p.Key] = true
	}
	for _, l := range layouts {
		found := map[string]*fit{}
		for _, key := range sd.Keys() {
			for _, p := range prefixes(key, prefix, separators) {
				for name := range strings.SplitSeq(l.rename(key[len(p):]), "|") {
					if whole, _, _ := strings.Cut(name, "#"); !known[whole] {
						continue
					}
					if found[p] == nil {
						found[p] = &fit{prefix: p, layout: l, from: map[string]string{}}
					}
					found[p].from[name] = key
				}
			}
		}
		best = append(best, slices.Collect(maps.Values(found))...)
	}
	slices.SortStableFunc(best, func(a, b *fit) int {
		return cmp.Or(len(b.from)-len(a.from), len(a.prefix)-len(b.prefix), strings.Compare(a.prefix, b.prefix))
	})
	return best
}

// skipConstants removes the keys from f.over that are constants of the network. The file must have their values, except
// for rounding: another value would give other logits than in Python.
func (f *fit) skipConstants(spec Spec, sd *weights.StateDict) error {
	if spec.constant == nil {
		return nil
	}
	var differ []string
	f.over = slices.DeleteFunc(f.over, func(key string) bool {
		rest, ok := strings.CutPrefix(key, f.prefix)
		want, constant := spec.constant(f.layout.rename(rest))
		if !ok || !constant {
			return false
		}
		t, _ := sd.Get(key)
		if got, err := t.Float32(); err != nil || !slices.EqualFunc(got, want, equalInHalf) {
			differ = append(differ, key)
		}
		return true
	})
	if len(differ) > 0 {
		return fmt.Errorf("zoo: %s has other values than model %q in tensors that are constants of its graph: %s; expected the same: export the network to ONNX with the values of this file",
			sd.Source, spec.Name, listed(differ))
	}
	return nil
}

// equalInHalf reports whether two values are equal but for rounding to float16 or bfloat16.
func equalInHalf(a, b float32) bool {
	const largest = 65504
	x, y := max(-largest, min(float64(a), largest)), max(-largest, min(float64(b), largest))
	return x == y || math.Abs(x-y) <= max(math.Abs(x), math.Abs(y))/128
}

// prefixes returns the beginnings of a key up to each separator, "" first; or, when given is set, that and those that
// begin with it, if the key does.
func prefixes(key, given, separators string) []string {
	if !strings.HasPrefix(key, given) {
		return nil
	}
	out := []string{given}
	for i := len(given); i < len(key); i++ {
		if strings.IndexByte(separators, key[i]) >= 0 {
			out = append(out, key[:i+1])
		}
	}
	return out
}

// beginnings lists what the keys of a file begin with, up to their first dot.
func beginnings(sd *weights.StateDict) string {
	var all []string
	for _, key := range sd.Keys() {
		if begin := strconv.Quote(key[:strings.IndexByte(key, '.')+1]); begin != `""` && !slices.Contains(all, begin) {
			all = append(all, begin)
		}
	}
	if len(all) == 0 {
		return "no such word: leave it empty"
	}
	return listed(all)
}

// ambiguous returns an error if another fit covers as many keys as f with other tensors of the file.
func (f *fit) ambiguous(sd *weights.StateDict, others []*fit) error {
	for _, other := range others {
		if len(other.from) < len(f.from) {
			return nil
		}
		for name, key := range f.from {
			if second, ok := other.from[name]; ok && second != key {
				return fmt.Errorf("zoo: %s holds the network's keys more than once, behind the prefixes %q and %q; choose with LoadOptions.Prefix",
					sd.Source, f.prefix, other.prefix)
			}
		}
	}
	return nil
}

// bookkeeping reports whether an entry is no weight of a classifier: counters, tables that the network computes itself,
// the token that stands for hidden patches in pretraining, and thop's counts of operations.
func bookkeeping(key string) bool {
	name := key[strings.LastIndexByte(key, '.')+1:]
	return slices.Contains([]string{"num_batches_tracked", "n_averaged", "relative_position_index", "relative_coords_table", "attn_mask", "mask_token",
		"position_ids", "total_ops", "total_params"}, name)
}

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

// mismatch compares the backbone with the entries that were found, and returns nil or a *weights.MismatchError. An
// unused key is a mismatch, too, if it lies within a module of the backbone: the file then holds a larger network. Layers
// between the backbone and the output layer that do not fit are listed in f.fresh. With whole, a description beside the
// file says that it is this very network: then only a file without an output layer may lack them.
func (f *fit) mismatch(m *Model, entries []weights.Entry, sd *weights.StateDict, whole bool) error {
	e := &weights.MismatchError{Source: sd.Source, Prefix: f.prefix, Layout: f.layout.name}
	shapes := map[string][]int{}
	for _, entry := range entries {
		shapes[entry.Key] = entry.Shape
	}
	_, headed := shapes[m.HeadKey()+".weight"]
	modules := map[string]bool{}
	for _, p := range m.params {
		if m.InHead(p) || m.inAux(p) {
			continue
		}
		shape, ok := shapes[p.Key]
		fits := ok && slices.Equal(shape, p.Shape)
		if m.underHead(p.Key) {
			if !whole || !ok && !headed {
				if !fits {
					f.fresh = append(f.fresh, p.Key)
				}
				continue
			}
		} else {
			modules[module(p.Key)] = true
		}
		switch {
		case bookkeeping(p.Key):
		case !ok:
			e.Missing = append(e.Missing, p.Key+f.lacking[p.Key])
		case !fits:
			e.Misshapen = append(e.Misshapen, weights.ShapeMismatch{Key: p.Key, Want: p.Shape, Got: shape})
		default:
			e.Matched++
		}
	}
	larger := slices.ContainsFunc(f.over, func(key string) bool {
		rest, ok := strings.CutPrefix(key, f.prefix)
		name := f.layout.rename(rest)
		return ok && modules[module(name)] && !strings.HasPrefix(name, m.HeadKey()+".")
	})
	if len(e.Missing)+len(e.Misshapen) == 0 && !larger {
		return nil
	}
	e.Unexpected = f.over
	return fmt.Errorf("zoo: the weights do not fit model %q: %w", m.Spec.Name, e)
}

// module returns the outermost name of a key.
func module(key string) string {
	name, _, _ := strings.Cut(key, ".")
	return name
}

// listed joins names for a message, the first few of many.
func listed(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
