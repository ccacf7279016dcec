package weights

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"

	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
)

// zeroAdvice is what makes one file of DeepSpeed's parts.
const zeroAdvice = "run zero_to_fp32.py, which DeepSpeed writes beside them, and open its output"

// stateDictOf finds the state dict in the value of a checkpoint by the rule documented at Open.
func stateDictOf(root any, format string, size int64, opts Options) (*StateDict, error) {
	sd := &StateDict{Format: format, Metadata: map[string]string{}}
	d, ok := dictOf(root)
	if items, isTuple := root.(tuple); isTuple {
		d, ok = (&list{items: items}).asDict()
	}
	if !ok {
		d, ok = attributesOf(root)
	}
	if o, isObject := root.(*object); !ok && isObject && o.class.unknown {
		return nil, &ForbiddenError{Name: o.class.name, Unknown: true}
	}
	if !ok {
		return nil, fmt.Errorf("the file holds a %s, not a state dict; in Python, torch.save(model.state_dict(), ...)", kindOf(root))
	}
	if d.isOptimizer() || d.onlyOptimizers() {
		return nil, errors.New("the file holds the state of an optimizer, no weights; open the file of the model beside it")
	}
	if d.isZeRO() {
		return nil, errors.New("the file holds one process's part of the state of an optimizer of DeepSpeed (ZeRO), no weights; " + zeroAdvice)
	}
	if d.isEmptied() {
		return nil, errors.New("the file holds a model of DeepSpeed (ZeRO stage 3) without its weights, which are in the files of the optimizers beside it; " + zeroAdvice)
	}
	d, err := sd.place(d, opts.Key)
	if err != nil {
		return nil, err
	}
	budget := memoryBase + memoryFactor*size
	return sd, (&collector{sd: sd, size: size, bytes: budget, names: budget}).add(d, "", maxDepth)
}

// maxPacking and maxPacked are how deep in tuples, and among how many items, quantised layers keep their weights; see
// foreignIn.
const (
	maxPacking = 2
	maxPacked  = 16
)

// collector adds the tensors of dictionaries to a state dict.
type collector struct {
	sd    *StateDict
	size  int64 // of the file
	bytes int64 // that tensors may still have: tied weights count twice on purpose
	names int64 // memory that entries and their keys may still take
}

// add adds the tensors of d, and of the modules in it, with a prefix for their keys.
func (c *collector) add(d *dict, prefix string, depth int) error {
	if depth == 0 {
		return fmt.Errorf("modules are nested more than %d deep at %.100q; no checkpoint of torch.save is like that", maxDepth, printable(prefix))
	}
	for i, k := range d.keys {
		name, isText := k.(string)
		if foreign := foreignIn(d.values[i], maxPacking); foreign != nil {
			return fmt.Errorf("entry %.100q holds a tensor of a kind that is not read (%s): %s", prefix+keyText(k), foreign.name, foreign.advice)
		}
		var err error
		switch v := d.values[i].(type) {
		case *Tensor:
			if !isText {
				return fmt.Errorf("a tensor's key is of type %s; expected a string", kindOf(k))
			}
			err = c.tensor(prefix+name, v)
		case *object:
			if d.module && v.items != nil && v.items.module && isText {
				if err = c.charge(prefix + name); err == nil {
					err = c.add(v.items, prefix+name+".", depth-1)
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// foreignIn returns the callable that made a tensor of a kind that is not read, nil if v is none: v itself, or an item
// of a tuple or of an object's state at most depth levels down, as which quantised layers keep their weights with the
// bias (_packed_params).
func foreignIn(v any, depth int) *global {
	items, _ := v.(tuple)
	if o, ok := v.(*object); ok {
		if o.class.role == foreignTensor {
			return o.class
		}
		items, _ = o.state.(tuple)
	}
	if depth == 0 {
		return nil
	}
	for _, item := range items[:min(len(items), maxPacked)] {
		if found := foreignIn(item, depth-1); found != nil {
			return found
		}
	}
	return nil
}

// charge takes the memory of an entry from the budget: modules that share their children could name them without end.
func (c *collector) charge(key string) error {
	if c.names -= int64(len(key)) + 160; c.names < 0 {
		return errors.New("the names of its tensors need far more memory than the file's size explains; no checkpoint of torch.save is like that")
	}
	return nil
}

func (c *collector) tensor(key string, t *Tensor) error {
	if err := t.resolve(); err != nil {
		return fmt.Errorf("tensor %.100q: %w; the file is damaged or cut short", key, err)
	}
	if c.bytes -= int64(t.NumBytes()); c.bytes < 0 {
		return fmt.Errorf("its tensors would need more than %d bytes, but the file has only %d; no checkpoint of torch.save is like that", memoryBase+memoryFactor*c.size, c.size)
	}
	c.sd.entries = append(c.sd.entries, Entry{Key: key, Tensor: *t})
	return c.charge(key)
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
	shown := make([]string, len(names))
	for i, n := range names {
		shown[i] = printable(n)
	}
	return sentence.Quoted(shown, 8)
}
