package zoo

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// adopt fills m from a file of another origin: its keys may lie behind a prefix or in another library's layout, it may
// have another output layer or none, and a first layer for one channel. The backbone must be complete.
func (v *values) adopt(m *Model, sd *weights.StateDict, o LoadOptions) error {
	f, sd, err := v.locate(m, sd, o)
	if err != nil {
		return err
	}
	entries, err := v.backbone(m, f, sd)
	if err != nil {
		return err
	}
	head, err := f.head(m, entries, sd)
	if err != nil {
		return err
	}
	classes, err := v.headClasses(sd.Source, head, o)
	if err != nil {
		return err
	}
	if len(classes) != len(m.Classes) {
		if err := m.ReplaceHead(classes, o.Seed); err != nil {
			return err
		}
	}
	m.Classes = slices.Clone(classes)
	entries = slices.DeleteFunc(entries, func(e weights.Entry) bool { p, _ := m.Param(e.Key); return m.InHead(p) })
	if head != nil && o.Head != HeadNew {
		entries = append(entries, head.entries...)
	}
	if err := m.takeValues(f, sd, entries, o.Seed); err != nil {
		return err
	}
	doubts, err := m.doubts()
	if err != nil {
		return err
	}
	f.notes = append(append(f.notes, f.twins...), doubts...)
	m.note(f, head, sd, o)
	return nil
}

// locate finds where the file has m's tensors, and returns it with the tensors, freed of what other programs put around
// them. It gives m the hidden layers of the file's output layer. The error names tensors of which m could make nothing
// but a wrong model.
func (v *values) locate(m *Model, sd *weights.StateDict, o LoadOptions) (*fit, *weights.StateDict, error) {
	sd, computed, err := plainWeights(unwrapped(sd))
	if err != nil {
		return nil, nil, err
	}
	if o.Head != HeadNew {
		if err := m.takeHidden(sd); err != nil {
			return nil, nil, err
		}
	}
	f, err := m.bestFit(sd, append(slices.Clip(v.layouts), m.inner()...), o.Prefix)
	if err != nil {
		return nil, nil, err
	}
	if err := f.skipConstants(m.Spec, sd); err != nil {
		return nil, nil, err
	}
	f.notes = append(computed, v.notes...)
	if f.layout.note != "" {
		f.notes = append(f.notes, f.layout.note)
	}
	if !v.whole {
		if f.twins, err = m.twinNotes(f, sd); err != nil {
			return nil, nil, err
		}
	}
	if i := slices.IndexFunc(f.over, weights.IsAdapter); i >= 0 && len(f.from) > 0 {
		return nil, nil, fmt.Errorf("zoo: %s: %s is part of an adapter (LoRA), which changes the weights beside it: in Python, merge it into the model (merge_and_unload) and save that",
			sd.Source, f.over[i])
	}
	if err := f.computed(m, sd, o); err != nil {
		return nil, nil, err
	}
	return f, sd, f.quantised(sd)
}

// computed returns an error for a tensor of m that the file has in parts which plainWeights does not put together, such
// as those of torch.nn.utils.parametrizations.orthogonal: m would get random values for it.
func (f *fit) computed(m *Model, sd *weights.StateDict, o LoadOptions) error {
	for _, key := range f.over {
		rest, ok := strings.CutPrefix(key, f.prefix)
		layer, parts, found := strings.Cut(rest, parametrizations)
		if !ok || !found {
			continue
		}
		name, _, _ := strings.Cut(parts, ".")
		p, ok := m.Param(f.layout.rename(layer + "." + name))
		if ok && f.from[p.Key] == "" && !(m.InHead(p) && o.Head == HeadNew) {
			return fmt.Errorf("zoo: %s: %s is kept in parts from which each pass computes it (torch.nn.utils.parametrize), and those of this kind are not put together here: in Python, parametrize.remove_parametrizations(model.%s, %q) before the model is saved",
				sd.Source, p.Key, layer, name)
		}
	}
	return nil
}

// backbone returns the tensors for m that the file has, whole up to the output layer, or but for those in f.fresh.
func (v *values) backbone(m *Model, f *fit, sd *weights.StateDict) ([]weights.Entry, error) {
	entries, err := f.entries(m, sd)
	if err != nil {
		return nil, err
	}
	if v.flipped || f.layout.flipped && !v.whole {
		if err := f.flip(m, entries); err != nil {
			return nil, fmt.Errorf("zoo: %s: %w", sd.Source, err)
		}
	}
	if err := f.mismatch(m, entries, sd, v.whole); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(entries, func(e weights.Entry) bool { return slices.Contains(f.fresh, e.Key) }), nil
}

// takeValues sets m's values to those of the entries, and where the file may lack some to new ones.
func (m *Model) takeValues(f *fit, sd *weights.StateDict, entries []weights.Entry, seed uint64) error {
	full, err := sd.With(entries)
	if err != nil {
		return fmt.Errorf("zoo: %w", err)
	}
	full, err = m.completed(full, seed, func(p nn.Param) bool {
		return m.inAux(p) || m.InHead(p) || bookkeeping(p.Key) || slices.Contains(f.fresh, p.Key)
	})
	if err != nil {
		return err
	}
	return m.LoadStateDict(full)
}

// inner returns the layout of a file that holds one module of the network alone, without its name, as
// torch.save(model.features.state_dict()) writes it: that of the module with all convolutions of the backbone.
func (m *Model) inner() []layout {
	name := ""
	for _, p := range m.params {
		switch {
		case m.InHead(p) || m.underHead(p.Key) || m.inAux(p):
		case name == "":
			name = module(p.Key)
		case name != module(p.Key):
			return nil
		}
	}
	if name == "" {
		return nil
	}
	return []layout{{name: "its module " + name + " alone", rename: func(key string) string { return name + "." + key }}}
}

// notFinite lists the variables with infinite or undefined values.
func (m *Model) notFinite() ([]string, error) {
	return m.having(func(_ nn.Param, values []float32) bool {
		return slices.ContainsFunc(values, func(v float32) bool { return v-v != 0 })
	})
}

// tooLarge is beyond the weights of any network that was trained: products of a few such values are infinite.
const tooLarge = 1e12

// doubts says what makes the model's values useless for predictions, or for any use.
func (m *Model) doubts() (notes []string, err error) {
	nonZero := 0
	for _, d := range []struct {
		says string
		of   func(p nn.Param, values []float32) bool
	}{
		{"values that are not finite, as a training that diverged leaves them, are in ", func(_ nn.Param, values []float32) bool {
			return slices.ContainsFunc(values, func(v float32) bool { return v-v != 0 })
		}},
		{"values beyond 1e12, as a training that diverges leaves them, are in ", func(p nn.Param, values []float32) bool {
			if !m.InHead(p) && slices.ContainsFunc(values, func(v float32) bool { return v != 0 }) {
				nonZero++
			}
			return slices.ContainsFunc(values, func(v float32) bool { return v-v == 0 && (v > tooLarge || v < -tooLarge) })
		}},
		{"variances below zero, which have no root, are in ", func(p nn.Param, values []float32) bool {
			return strings.HasSuffix(p.Key, "running_var") && slices.ContainsFunc(values, func(v float32) bool { return v < 0 })
		}},
	} {
		bad, err := m.having(d.of)
		if err != nil {
			return nil, err
		}
		if len(bad) > 0 {
			notes = append(notes, d.says+listed(bad))
		}
	}
	if nonZero == 0 {
		notes = append(notes, "all its values are zero, as of a model that was saved before it was loaded or trained")
	}
	return notes, nil
}

// having lists the variables whose values have a property.
func (m *Model) having(property func(p nn.Param, values []float32) bool) (found []string, err error) {
	for _, p := range m.params {
		value, err := m.Variable(p).Value() // not a copy: that would take as much memory as the model
		if err == nil {
			err = tensors.ConstFlatData(value, func(flat []float32) {
				if property(p, flat) {
					found = append(found, p.Key)
				}
			})
		}
		if err != nil {
			return nil, fmt.Errorf("zoo: reading variable %q: %w", p.Key, err)
		}
	}
	return found, nil
}

// foundHead is the output layer of a file.
type foundHead struct {
	entries []weights.Entry // under the network's keys
	classes int
	from    string // its module in the file
	// unbiased is set if the file has no bias, which is zero then.
	unbiased bool
}

// head finds the output layer: under its own key, as the only linear layer of a Sequential in its place
// ("fc.1.weight"), or under another usual name. It returns nil if no output layer fits the network's features, or if
// layers beside it, which the network has not, show that it is another head.
func (f *fit) head(m *Model, entries []weights.Entry, sd *weights.StateDict) (*foundHead, error) {
	if len(f.fresh) > 0 {
		return nil, nil
	}
	own := slices.Clone(entries)
	own = slices.DeleteFunc(own, func(e weights.Entry) bool { p, _ := m.Param(e.Key); return !m.InHead(p) })
	h := &foundHead{entries: own, from: m.HeadKey()}
	beside := func(key string) bool {
		rest, ok := strings.CutPrefix(key, f.prefix)
		return ok && m.underHead(f.layout.rename(rest))
	}
	var err error
	switch {
	case len(own) == 0:
		h = f.sequentialHead(m, sd)
		if err = h.complete(m); err == nil && (h == nil || !h.fits(m)) {
			h = f.renamedHead(m, sd)
		}
	case slices.ContainsFunc(f.over, beside):
		return nil, nil
	}
	if err == nil {
		err = h.complete(m)
	}
	if h == nil || err != nil || !h.fits(m) {
		return nil, err
	}
	if f.rejected = f.rival(m, h, sd); f.rejected != "" {
		return nil, nil
	}
	return h, nil
}

// rival says why an unread linear layer of the file shows that h is not its output layer, or not for certain: a layer
// that takes the outputs of h (h is a projection then), or, if h has no bias, a second one that could be the output
// layer. It returns "" if there is none.
func (f *fit) rival(m *Model, h *foundHead, sd *weights.StateDict) string {
	weight, _ := m.Param(m.HeadKey() + ".weight")
	features := weight.Shape[1]
	for _, key := range f.over {
		name, ok := strings.CutSuffix(key, ".weight")
		t, _ := sd.Get(key)
		if !ok || name == h.from || len(t.Shape) != 2 {
			continue
		}
		inner := strings.TrimPrefix(name, f.prefix)
		usual := isHeadName(inner) || module(f.layout.rename(inner)) == module(m.HeadKey())
		switch {
		case t.Shape[1] == h.classes && h.classes != features:
			return fmt.Sprintf("%s is not taken for the output layer, since %s takes its %d outputs", h.from, name, h.classes)
		case h.unbiased && usual && t.Shape[1] == features:
			return fmt.Sprintf("%s, which has no bias, is not taken for the output layer, since %s may be it, too", h.from, name)
		}
	}
	return ""
}

// complete gives a head of weights alone, as nn.Linear(bias=False) has them, a bias of zeros.
func (h *foundHead) complete(m *Model) error {
	weight, bias := m.HeadKey()+".weight", m.HeadKey()+".bias"
	if _, biased := m.Param(bias); h == nil || !biased || len(h.entries) != 1 || h.entries[0].Key != weight || len(h.entries[0].Shape) == 0 {
		return nil
	}
	zeros, err := weights.NewTensor(h.entries[0].Shape[:1], make([]float32, h.entries[0].Shape[0]))
	if err != nil {
		return fmt.Errorf("zoo: %w", err)
	}
	h.entries, h.unbiased = append(h.entries, weights.Entry{Key: bias, Tensor: zeros}), true
	return nil
}

// headNames are what libraries and people call the output layer of a network whose own was removed.
var headNames = []string{"head", "head.fc", "fc", "classifier", "classifier.1", "last_linear", "linear", "linear_head", "cls_head", "logits", "output"}

// renamedHead looks among the unused keys for one linear layer with a usual name, or in a Sequential of that name,
// beside the backbone or before its prefix ("backbone.conv1.weight" and "head.weight"). Two are too many to choose
// from.
func (f *fit) renamedHead(m *Model, sd *weights.StateDict) *foundHead {
	var found *foundHead
	for _, key := range f.over {
		dot := strings.LastIndexByte(key, '.')
		if dot < 0 || !isHeadName(strings.TrimPrefix(key[:dot], f.prefix)) {
			continue
		}
		if found == nil {
			found = &foundHead{from: key[:dot]}
		}
		if found.from != key[:dot] {
			return nil
		}
		t, _ := sd.Get(key)
		found.entries = append(found.entries, weights.Entry{Key: m.HeadKey() + key[dot:], Tensor: t})
	}
	return found
}

// isHeadName reports whether a module has a name of headNames, or is numbered in one: "head.1".
func isHeadName(name string) bool {
	outer := strings.TrimRight(name, "0123456789")
	return slices.Contains(headNames, name) || slices.Contains(headNames, strings.TrimSuffix(outer, ".")) && strings.HasSuffix(outer, ".")
}

// sequentialHead looks among the unused keys (f.over) for one linear layer within the module of the output layer.
func (f *fit) sequentialHead(m *Model, sd *weights.StateDict) *foundHead {
	h := &foundHead{}
	for _, key := range f.over {
		rest, ok := strings.CutPrefix(key, f.prefix)
		if name := f.layout.rename(rest); !ok || module(name) != module(m.HeadKey()) {
			continue
		}
		dot := strings.LastIndexByte(key, '.')
		if h.from != "" && h.from != key[:dot] {
			return nil // several layers: the file lacks the activations between them
		}
		h.from = key[:dot]
		t, _ := sd.Get(key)
		h.entries = append(h.entries, weights.Entry{Key: m.HeadKey() + key[dot:], Tensor: t})
	}
	return h
}

// fits reports whether the head takes the features of m, and counts its classes.
func (h *foundHead) fits(m *Model) bool {
	wanted := 0
	for _, p := range m.params {
		if !m.InHead(p) {
			continue
		}
		wanted++
		i := slices.IndexFunc(h.entries, func(e weights.Entry) bool { return e.Key == p.Key })
		if i < 0 || len(h.entries[i].Shape) != len(p.Shape) || !slices.Equal(h.entries[i].Shape[1:], p.Shape[1:]) {
			return false
		}
		if !strings.HasPrefix(p.Key, m.HeadKey()+".hidden.") {
			if h.classes != 0 && h.classes != h.entries[i].Shape[0] {
				return false
			}
			h.classes = h.entries[i].Shape[0]
		}
	}
	return wanted == len(h.entries) && h.classes > 0
}

// headClasses names the outputs of the model: of the file's output layer, or of a new one.
func (v *values) headClasses(source string, head *foundHead, o LoadOptions) ([]string, error) {
	switch {
	case head == nil && o.Head == HeadOfFile:
		return nil, fmt.Errorf("zoo: %s has no output layer that fits model %q; leave LoadOptions.Head empty for a new one", source, v.spec.Name)
	case o.Head == HeadNew || head == nil:
		if o.Classes != nil {
			return o.Classes, nil
		}
		return numbered(cmp.Or(len(v.classes), len(ImageNetClasses()))), nil
	case o.Classes != nil && len(o.Classes) != head.classes:
		return nil, fmt.Errorf("zoo: %s has %d classes, but LoadOptions.Classes names %d; LoadOptions{Head: %q} makes a new output layer for these",
			source, head.classes, len(o.Classes), HeadNew)
	case o.Classes != nil:
		return o.Classes, nil
	case head.classes == len(v.classes):
		return v.classes, nil
	case v.described:
		return nil, fmt.Errorf("zoo: %s has %d classes, its description names %d; give the names in LoadOptions.Classes", source, head.classes, len(v.classes))
	}
	return numbered(head.classes), nil
}

// note prints on standard error, and keeps in m.Notes, the changes that made the file fit, and what else was possible
// with the file.
func (m *Model) note(f *fit, head *foundHead, sd *weights.StateDict, o LoadOptions) {
	notes := slices.Clone(f.notes)
	say := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if len(sd.Others) > 0 {
		say("the file has further tensors in %s, which are not read; LoadOptions.Key chooses them", listed(sd.Others))
	}
	if f.layout.name != "" && strings.HasPrefix(f.layout.name, "its module ") {
		say("the file holds %s", f.layout.name)
	}
	if f.prefix != "" {
		say("the prefix %q of its keys is left out", f.prefix)
	}
	if len(f.fresh) > 0 {
		say("layers under the output layer that the file lacks, or has in another shape, are new and random: %s; train them too (tlkit.FineTune{}), since Transfer trains the output layer alone", listed(f.fresh))
	}
	switch {
	case o.Head == HeadNew || head == nil:
		say("the output layer is new and random, for %d classes: train it, or name a file that has one", len(m.Classes))
	case head.from != m.HeadKey():
		say("its output layer is %s", head.from)
	}
	if head != nil && head.unbiased && o.Head != HeadNew {
		say("its output layer has no bias, which is taken for zero")
	}
	if head != nil && o.Head != HeadNew && o.Classes == nil && m.Classes[0] == numbered(1)[0] {
		say("%s", unnamedClasses(len(m.Classes)))
	}
	if head != nil && o.Head != HeadNew && len(m.Classes) == 1 {
		say("%s", oneLogit)
	}
	if over := f.left(m, head, o); len(over) > 0 {
		say("left unread, since the network has no such tensors: %s", listed(over))
	}
	if unfit := f.unfitHead(m, sd); f.rejected != "" && o.Head != HeadNew {
		say("%s", f.rejected)
	} else if head == nil && o.Head != HeadNew && len(unfit) > 0 {
		say("left unread, since they do not fit the network's output layer: %s", listed(unfit))
	}
	m.report(notes)
}

// oneLogit is the note for a network with one output, whose softmax is always 1.
const oneLogit = "its output layer has one value, as that of two classes behind a sigmoid or of a regression, and a prediction here is always 100 % for its one class: " +
	"train a new output layer (LoadOptions.Head), or in Python, make it one of two values, zero and this one"

// unnamedClasses is the note for a file of n classes that names none.
func unnamedClasses(n int) string {
	return fmt.Sprintf("its %d classes have no names; give them in LoadOptions.Classes", n)
}

// report keeps notes about a file, and prints them on standard error.
func (m *Model) report(notes []string) {
	m.Notes = slices.Clone(notes)
	for _, n := range notes {
		fmt.Fprintf(os.Stderr, "zoo: %s: %s\n", m.Weights, n)
	}
}

// unfitHead lists the file's tensors under the names of the network's output layer, with their shapes.
func (f *fit) unfitHead(m *Model, sd *weights.StateDict) (unfit []string) {
	for _, p := range m.params {
		if key, ok := f.from[p.Key]; ok && m.InHead(p) {
			t, _ := sd.Get(key)
			unfit = append(unfit, fmt.Sprintf("%s %v", key, t.Shape))
		}
	}
	return unfit
}

// left returns the file's keys that the model did not take.
func (f *fit) left(m *Model, head *foundHead, o LoadOptions) []string {
	if head == nil || o.Head == HeadNew {
		return f.over
	}
	return slices.DeleteFunc(slices.Clone(f.over), func(key string) bool {
		return slices.ContainsFunc(head.entries, func(e weights.Entry) bool {
			return key == head.from+strings.TrimPrefix(e.Key, m.HeadKey())
		})
	})
}
