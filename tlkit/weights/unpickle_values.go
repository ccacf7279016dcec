package weights

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// list, dict, object and tuple are Python's; they are pointers on the stack, so that a later opcode can fill an object
// that the memo already shares.
type (
	list struct { // also sets: only their presence matters here
		items []any
		dict  *dict // made by asDict
	}
	tuple  []any
	object struct { // an instance whose class has no meaning here
		class *global
		args  tuple
		state any
		array *Tensor // of a NumPy array, once its content is known
		items *dict   // what was set in it, if its class is a dictionary; of a module its tensors and children; else nil
	}
	dict struct {
		keys, values []any
		index        map[string]int // of the string keys
		module       bool           // made of the attributes of an nn.Module
	}
)

// get returns the value of a string key.
func (d *dict) get(key string) (any, bool) {
	i, ok := d.index[key]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

// set adds a pair. A repeated name is an error: the choice between two tensors must not be left to chance. A model
// under a number has it as its name, so that Python's {"0": a, 0: b} repeats one.
func (u *unpickler) set(d *dict, key, value any) error {
	value = tensorOf(value)
	if name, ok := key.(string); ok {
		if _, dup := d.index[name]; dup {
			hint := ""
			if _, err := strconv.Atoi(name); err == nil {
				hint = ", perhaps once as a number and once as a text; rename one in Python"
			}
			return fmt.Errorf("key %.100q appears twice in a dictionary%s", name, hint)
		}
		if d.index == nil {
			d.index = make(map[string]int)
		}
		d.index[name] = len(d.keys)
	} else if n, ok := key.(int64); ok && isModel(value) { // {fold: state dict}
		key = strconv.FormatInt(n, 10)
		return u.set(d, key, value)
	}
	d.keys = append(d.keys, key)
	d.values = append(d.values, value)
	return u.charge(2*2*16 + 48)
}

// setAll adds pairs to the dictionary, or to the object of a class that may be one, on top of the stack.
func (u *unpickler) setAll(pairs []any) error {
	target, err := u.top()
	if err != nil {
		return err
	}
	if len(pairs)%2 != 0 {
		return errors.New("a key without a value; the pickle is damaged")
	}
	if o, ok := target.(*object); ok {
		if o.items == nil {
			o.items = &dict{}
		}
		target = o.items
	}
	switch target := target.(type) {
	case *dict:
		for i := 0; i < len(pairs); i += 2 {
			if err := u.set(target, pairs[i], pairs[i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("items set on a %s; the pickle is damaged", kindOf(target))
}

// appendAll adds items to the list, set or ignored object on top of the stack.
func (u *unpickler) appendAll(items []any) error {
	target, err := u.top()
	if err != nil {
		return err
	}
	switch target := target.(type) {
	case *list:
		target.items = append(target.items, items...)
		return u.charge(2 * 16 * len(items))
	case *object:
		return nil
	}
	return fmt.Errorf("items appended to a %s; the pickle is damaged", kindOf(target))
}

// dictOf returns a dictionary, also one of an unknown class.
func dictOf(v any) (*dict, bool) {
	switch v := v.(type) {
	case *dict:
		return v, true
	case *object:
		return v.items, v.items != nil
	case *list:
		return v.asDict()
	}
	return nil, false
}

// asDict returns a list of models or state dicts as a dictionary from positions ("0", "1") to them: torch.save([model,
// optimizer]), or the models of an ensemble. Other lists are no dictionaries.
func (l *list) asDict() (*dict, bool) {
	if l.dict == nil {
		l.dict = &dict{}
		if slices.ContainsFunc(l.items, isModel) {
			l.dict = numbered(l.items)
		}
	}
	return l.dict, len(l.dict.keys) > 0
}

// isModel reports whether an item of a list is a model or a state dict. Other dictionaries with tensors are figures,
// such as the loss of each epoch.
func isModel(item any) bool {
	d, _ := item.(*dict)
	if o, ok := item.(*object); ok {
		d = o.items
	}
	return d != nil && (d.module || d.hasWeights())
}

// numbered returns a dictionary from the positions of items to them.
func numbered(items []any) *dict {
	d := &dict{index: map[string]int{}}
	for i, item := range items {
		key := strconv.Itoa(i)
		d.index[key] = i
		d.keys, d.values = append(d.keys, key), append(d.values, tensorOf(item))
	}
	return d
}

// kindOf names the type of a value for messages. Values themselves are never printed: they may contain themselves.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []byte:
		return "bytes"
	case tuple:
		return "tuple"
	case *list:
		return "list"
	case *dict:
		return "dict"
	case *Tensor:
		return "tensor"
	case *storage:
		return "storage"
	case *object:
		if v.array != nil {
			return "NumPy array"
		}
		return v.class.name
	case *global:
		return "class " + v.name
	default:
		return "value"
	}
}
