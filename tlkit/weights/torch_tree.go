package weights

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// nestedNames are the entries under which training scripts keep the state dict,
// in the order in which they are tried.
var nestedNames = []string{
	"state_dict", "model_state_dict", "model_state", "model", "net", "network", "module",
	"weights", "params", "ema_state_dict", "model_ema",
}

// notWeights are dictionaries with tensors that are no models.
var notWeights = []string{
	"optimizer", "optimizer_state_dict", "optimizer_state", "optimizer_states", "optim", "opt",
	"scheduler", "lr_scheduler", "lr_schedulers", "scheduler_state_dict", "scaler", "amp", "amp_scaler",
	"loops", "callbacks", "rng_state", "rng_states",
}

// maxNesting bounds the search; real checkpoints use two or three levels.
const maxNesting = 6

// stateDictOf finds the state dict in the value of a checkpoint by the rule
// documented at Open.
func stateDictOf(root any, format string, size int64, opts Options) (*StateDict, error) {
	sd := &StateDict{Format: format, Metadata: map[string]string{}}
	var path []string
	d, ok := dictOf(root)
	if o, isObject := root.(*object); !ok && isObject && o.class.unknown {
		return nil, &ForbiddenError{Name: o.class.name, Unknown: true}
	}
	if !ok {
		return nil, fmt.Errorf("the file holds a %s, not a state dict; in Python, torch.save(model.state_dict(), ...)", kindOf(root))
	}
	if opts.Key != "" {
		for _, name := range strings.Split(opts.Key, ".") {
			v, _ := d.get(name)
			next, ok := dictOf(v)
			if !ok {
				return nil, fmt.Errorf("there is no dictionary %q in it (Options.Key is %q); the dictionaries are %s", name, opts.Key, quoted(dicts(d)))
			}
			sd.note(d, true)
			d, path = next, append(path, name)
		}
	} else {
		for range maxNesting {
			name, err := choose(d)
			if err != nil {
				return nil, err
			}
			if name == "" {
				break
			}
			sd.note(d, true)
			v, _ := d.get(name)
			d, _ = dictOf(v)
			path = append(path, name)
		}
	}
	sd.note(d, false)
	sd.Nested = strings.Join(path, ".")
	return sd, sd.collect(d, size)
}

// collect adds the tensors of d to the state dict.
func (sd *StateDict) collect(d *dict, size int64) error {
	total := int64(0)
	for i, k := range d.keys {
		t, ok := d.values[i].(*Tensor)
		if !ok {
			if o, isObject := d.values[i].(*object); isObject && o.class.kind == foreignTensor {
				return fmt.Errorf("entry %.100q is a tensor of a kind that is not read (%s); quantised and sparse weights have to be converted in Python", keyText(k), o.class.name)
			}
			continue
		}
		key, ok := k.(string)
		if !ok {
			return fmt.Errorf("a tensor's key is a %s; expected a string", kindOf(k))
		}
		if err := t.resolve(); err != nil {
			return fmt.Errorf("tensor %.100q: %w; the file is damaged or cut short", key, err)
		}
		total += int64(t.NumBytes())
		if total > memoryBase+memoryFactor*size { // tied weights count twice on purpose
			return fmt.Errorf("its tensors would need more than %d bytes, but the file has only %d; this is no honest checkpoint", total, size)
		}
		sd.entries = append(sd.entries, Entry{Key: key, Tensor: *t})
	}
	return nil
}

// choose returns the entry to descend into, "" to stay at d.
func choose(d *dict) (string, error) {
	s := search{}
	for _, name := range nestedNames {
		if v, ok := d.get(name); ok && s.hasTensors(v, maxNesting) {
			return name, nil
		}
	}
	if slices.ContainsFunc(d.values, func(v any) bool { _, ok := v.(*Tensor); return ok }) {
		return "", nil
	}
	var candidates []string
	for _, name := range dicts(d) {
		if v, _ := d.get(name); s.hasTensors(v, maxNesting) && !slices.Contains(notWeights, name) {
			candidates = append(candidates, name)
		}
	}
	switch len(candidates) {
	case 0:
		return "", nil
	case 1:
		return candidates[0], nil
	}
	return "", fmt.Errorf("several dictionaries with tensors: %s; choose one with Options.Key", quoted(candidates))
}

// search caches which dictionaries hold tensors: dictionaries may contain themselves, or one another many times.
type search map[*dict]bool

// hasTensors reports whether v is a dictionary with tensors, at most depth
// levels down.
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
		if _, ok := v.(*Tensor); ok || s.hasTensors(v, depth-1) {
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

// note copies the plain values of d to Metadata; those of an inner dictionary replace those of an outer one. Tensors
// with one element count as numbers if d is not the state dict itself: best_acc1 is often one.
func (sd *StateDict) note(d *dict, tensors bool) {
	for i, k := range d.keys {
		name, ok := k.(string)
		if !ok || len(name) > maxNote {
			continue
		}
		switch v := d.values[i].(type) {
		case bool:
			sd.Metadata[cleanKey(name)] = strconv.FormatBool(v)
		case int64:
			sd.Metadata[cleanKey(name)] = strconv.FormatInt(v, 10)
		case *big.Int:
			sd.Metadata[cleanKey(name)] = v.String()
		case float64:
			sd.Metadata[cleanKey(name)] = strconv.FormatFloat(v, 'g', -1, 64)
		case string:
			if len(v) <= maxNote {
				sd.Metadata[cleanKey(name)] = cleanKey(v)
			}
		case *Tensor:
			if tensors && v.Len() == 1 && v.resolve() == nil {
				if f, err := v.Float32(); err == nil {
					sd.Metadata[cleanKey(name)] = strconv.FormatFloat(float64(f[0]), 'g', -1, 32)
				}
			}
		}
	}
}

// maxNote is the largest length of a text that is copied from a checkpoint to Metadata.
const maxNote = 4096

func keyText(k any) string {
	if s, ok := k.(string); ok {
		return printable(s)
	}
	return kindOf(k)
}

// quoted lists names for a message, the first few of many.
func quoted(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	var out []string
	for i, n := range names {
		if i == 8 {
			out = append(out, fmt.Sprintf("and %d more", len(names)-i))
			break
		}
		out = append(out, strconv.Quote(printable(n)))
	}
	return strings.Join(out, ", ")
}
