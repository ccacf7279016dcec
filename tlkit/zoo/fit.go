package zoo

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
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
// classifier.0 and VGG's classifier.3: files of a backbone without a head lack these layers, too, and a head of
// people's own replaces them.
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

// bestFit finds the prefix and the layout under which most keys of the file are the network's; if prefix is set,
// only those that begin with it are tried. It is an error if two parts of the file fit equally well, such as a
// student and its teacher.
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
	}
	if half(best) {
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
		best = append(best, l.fits(known, sd, prefix, separators)...)
	}
	slices.SortStableFunc(best, func(a, b *fit) int {
		return cmp.Or(len(b.from)-len(a.from), len(a.prefix)-len(b.prefix), strings.Compare(a.prefix, b.prefix))
	})
	return best
}

// fits returns the prefixes under which keys of the file, in this layout, are among the known ones of a network.
func (l layout) fits(known map[string]bool, sd *weights.StateDict, prefix, separators string) []*fit {
	found := map[string]*fit{} // by the prefix
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
	return slices.Collect(maps.Values(found))
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

// mismatch compares the backbone with the entries that were found, and returns nil or a *weights.MismatchError. An
// unused key is a mismatch, too, if it lies within a module of the backbone: the file then holds a larger network.
// Layers between the backbone and the output layer that do not fit are listed in f.fresh. With whole, a description
// beside the file says that it is this very network: then only a file without an output layer may lack them.
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
func listed(names []string) string { return sentence.List(names, 6) }
