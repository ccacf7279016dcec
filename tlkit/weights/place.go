package weights

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// KeyError reports that a PyTorch file has several dictionaries with tensors, of which none is known to be the model's,
// or that Options.Key names no dictionary of the file.
type KeyError struct {
	Path string // the file
	Key  string // the value of the option, "" if it was not set
	// Option is the name of the option for the message, "" for Options.Key: a package with an option of
	// its own sets it.
	Option string
	// Found are the places of dictionaries that the option may name, as the option names them.
	Found []string
}

func (e *KeyError) Error() string {
	option := cmp.Or(e.Option, "Options.Key")
	switch {
	case e.Key == "":
		return fmt.Sprintf("weights: %s: several dictionaries with tensors: %s; choose one with %s", e.Path, quoted(e.Found), option)
	case len(e.Found) == 0:
		return fmt.Sprintf("weights: %s: %s is %q, but the file has no dictionaries to choose from; leave %s empty", e.Path, option, e.Key, option)
	}
	return fmt.Sprintf("weights: %s: there is no dictionary %q in it (%s); the dictionaries are %s", e.Path, e.Key, option, quoted(e.Found))
}

// nestedNames are the entries under which training scripts keep the trained state dict. Averages of it (model_ema,
// state_dict_ema) are not among them: they are taken alone, and listed in StateDict.Others beside a trained one.
var nestedNames = []string{
	"state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "weights", "params",
}

// notWeights are dictionaries with tensors that are no models.
var notWeights = []string{
	"optimizer", "optimizer_state_dict", "optimizer_state", "optimizer_states", "optim", "opt",
	"scheduler", "lr_scheduler", "lr_schedulers", "scheduler_state_dict", "scaler", "amp", "amp_scaler",
	"loops", "callbacks", "rng_state", "rng_states",
}

const (
	maxNesting = 6   // levels of dictionaries above the state dict; real checkpoints use two or three
	maxDepth   = 100 // levels below which no tensor is looked for; modules within modules are up to ten deep
)

// place finds the state dict within d, the value of a checkpoint, by the rule documented at Open. It notes what stands
// beside it.
func (sd *StateDict) place(d *dict, key string) (*dict, error) {
	var path []string
	if key != "" {
		found, names := descend(d, key)
		if found == nil {
			return nil, &KeyError{Key: key, Found: places(d)}
		}
		for _, name := range names {
			sd.note(d, true)
			v, _ := d.get(name)
			d, _ = dictOf(v)
		}
		path = names
	}
	for range maxNesting {
		name, others, err := choose(d)
		if err != nil {
			err.Found = within(path, err.Found)
			return nil, err
		}
		if key == "" {
			sd.Others = append(sd.Others, within(path, others)...)
		}
		if name == "" {
			break
		}
		sd.note(d, true)
		v, _ := d.get(name)
		d, _ = dictOf(v)
		path = append(path, name)
	}
	sd.note(d, false)
	sd.Nested = strings.Join(path, ".")
	return d, nil
}

// within puts the path in front of the names.
func within(path, names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = strings.Join(append(slices.Clone(path), name), ".")
	}
	return out
}

// descend follows a path with dots, and returns the dictionary there with the names on the way, nil if there is none.
// A name may have dots itself.
func descend(d *dict, key string) (*dict, []string) {
	for at := 0; at <= len(key); at++ {
		if at < len(key) && key[at] != '.' {
			continue
		}
		v, _ := d.get(key[:at])
		next, ok := dictOf(v)
		switch {
		case !ok:
		case at == len(key):
			return next, []string{key}
		default:
			if found, names := descend(next, key[at+1:]); found != nil {
				return found, append([]string{key[:at]}, names...)
			}
		}
	}
	return nil, nil
}

// places returns the paths of the dictionaries in d that may be weights and, where these hold dictionaries, of those in
// them.
func places(d *dict) []string {
	var out []string
	for _, name := range dicts(d) {
		v, _ := d.get(name)
		inner, _ := dictOf(v)
		if inner.isOptimizer() || slices.Contains(notWeights, name) {
			continue
		}
		if deeper := dicts(inner); len(deeper) > 0 && !inner.module {
			out = append(out, within([]string{name}, deeper)...)
			continue
		}
		out = append(out, name)
	}
	return out
}

// choose returns the entry of d to descend into, "" to stay at d, and the entries that are left, if they have tensors.
func choose(d *dict) (name string, others []string, err *KeyError) {
	if d.module {
		return "", nil, nil // a module's children are parts of one network
	}
	s := search{}
	var named []string // the candidates with a known name
	var kept []string  // the averages that callbacks keep
	for _, name := range dicts(d) {
		v, _ := d.get(name)
		if inner, _ := dictOf(v); name == "callbacks" {
			kept = within([]string{name}, stateDicts(inner, maxNesting))
		}
		if inner, _ := dictOf(v); !s.hasTensors(v, maxDepth) || slices.Contains(notWeights, name) || inner.isOptimizer() {
			continue
		}
		others = append(others, name)
		if slices.Contains(nestedNames, name) {
			named = append(named, name)
		}
	}
	switch {
	case d.hasWeights() || len(named) == 0 && d.hasTensor():
		return "", others, nil
	case len(named) == 1:
		name = named[0]
	case len(others) == 1:
		name = others[0]
	case len(others) > 1:
		return "", nil, &KeyError{Found: others}
	default:
		return "", nil, nil
	}
	return name, append(slices.DeleteFunc(others, func(other string) bool { return other == name }), kept...), nil
}

// stateDicts returns the paths of the state dicts within d, by their names, at most depth levels down.
func stateDicts(d *dict, depth int) []string {
	if depth == 0 {
		return nil
	}
	var out []string
	for _, name := range dicts(d) {
		v, _ := d.get(name)
		inner, _ := dictOf(v)
		if inner.hasWeights() {
			out = append(out, name)
			continue
		}
		out = append(out, within([]string{name}, stateDicts(inner, depth-1))...)
	}
	return out
}

// hasTensor reports whether an entry of d is a tensor. NumPy arrays don't count: beside dictionaries with tensors they
// are figures, such as the accuracy per class.
func (d *dict) hasTensor() bool {
	return slices.ContainsFunc(d.values, func(v any) bool { t, ok := v.(*Tensor); return ok && !t.inPickle })
}

// hasWeights reports whether d is a state dict by its names: a tensor in it belongs to a layer.
func (d *dict) hasWeights() bool {
	for i, v := range d.values {
		name, _ := d.keys[i].(string)
		if t, ok := v.(*Tensor); ok && len(t.Shape) > 0 && (strings.HasSuffix(name, ".weight") || strings.HasSuffix(name, ".bias")) {
			return true
		}
	}
	return false
}

// isOptimizer reports whether d is the state of an optimizer of torch.optim.
func (d *dict) isOptimizer() bool {
	_, state := d.get("state")
	_, groups := d.get("param_groups")
	return state && groups
}

// isZeRO reports whether d is what DeepSpeed writes per process beside the model (deepspeed/runtime/engine.py,
// _save_zero_checkpoint).
func (d *dict) isZeRO() bool {
	v, _ := d.get("optimizer_state_dict")
	inner, ok := v.(*dict)
	if _, model := d.get("module"); !ok || model {
		return false
	}
	_, stage := inner.get("zero_stage")
	return stage
}

// isEmptied reports whether d is what DeepSpeed writes of a model whose weights it divides among processes: tensors
// without elements in their places (deepspeed/runtime/engine.py, save_checkpoint). Buffers are whole there; that of a
// queue may be empty in any model.
func (d *dict) isEmptied() bool {
	v, _ := d.get("module")
	inner, ok := dictOf(v)
	if _, written := d.get("ds_version"); !ok || !written {
		return false
	}
	for i, v := range inner.values {
		name, _ := inner.keys[i].(string)
		if t, ok := v.(*Tensor); ok && t.Len() == 0 && strings.HasSuffix(name, ".weight") {
			return true
		}
	}
	return false
}

// onlyOptimizers reports whether d has the state of optimizers and no other dictionary with tensors.
func (d *dict) onlyOptimizers() bool {
	optimizers, rest := 0, search{}
	for _, v := range d.values {
		inner, ok := dictOf(v)
		if _, isTensor := v.(*Tensor); isTensor || ok && !inner.isOptimizer() && rest.hasTensors(v, maxDepth) {
			return false
		}
		if ok && inner.isOptimizer() {
			optimizers++
		}
	}
	return optimizers > 0
}

// search caches which dictionaries hold tensors: dictionaries may contain themselves, or one another many times.
type search map[*dict]bool

// isTensor reports whether v is a tensor, or one of a kind that is not read, which is refused where it is in its place.
func isTensor(v any) bool {
	if o, ok := v.(*object); ok {
		return o.class.role == foreignTensor
	}
	_, ok := v.(*Tensor)
	return ok
}

// isNumber reports whether v is a tensor without axes: a counter or a factor, such as the n_averaged of averages.
func isNumber(v any) bool {
	t, ok := v.(*Tensor)
	return ok && len(t.Shape) == 0
}

// hasTensors reports whether v is a dictionary with tensors, at most depth levels down. Numbers don't count: a
// dictionary of numbers alone is no model.
func (s search) hasTensors(v any, depth int) bool {
	d, ok := dictOf(v)
	if !ok || depth == 0 {
		return false
	}
	found, known := s[d]
	if known {
		return found
	}
	s[d] = false // ends cycles
	for _, v := range d.values {
		if isTensor(v) && !isNumber(v) || s.hasTensors(v, depth-1) {
			found = true
			break
		}
	}
	s[d] = found
	return found
}

// dicts returns the names of the entries that are dictionaries.
func dicts(d *dict) []string {
	var names []string
	for i, v := range d.values {
		if _, ok := dictOf(v); !ok {
			continue
		}
		if name, ok := d.keys[i].(string); ok {
			names = append(names, name)
		}
	}
	return names
}
