package weights

import (
	"errors"
	"fmt"
	"strconv"
)

// list, dict, object and tuple are Python's; they are pointers on the stack, so
// that a later opcode can fill what the memo already shares.
type (
	list   struct{ items []any } // also sets: only their presence matters here
	tuple  []any
	object struct { // an instance whose class has no meaning here
		class *global
		args  tuple
		state any
		items *dict // what was set in it, if its class is a dictionary; else nil
	}
	dict struct {
		keys, values []any
		index        map[string]int // of the string keys
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

// set adds a pair. A repeated name is an error: Python never writes one, and
// which of two tensors counts must not be a matter of luck.
func (u *unpickler) set(d *dict, key, value any) error {
	if name, ok := key.(string); ok {
		if _, dup := d.index[name]; dup {
			return fmt.Errorf("key %.100q appears twice in a dictionary", name)
		}
		if d.index == nil {
			d.index = make(map[string]int)
		}
		d.index[name] = len(d.keys)
	}
	d.keys = append(d.keys, key)
	d.values = append(d.values, value)
	return u.charge(2*2*16 + 48)
}

// setAll adds pairs to the dictionary, or to the object of a class that may be
// one, on top of the stack.
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
	}
	return nil, false
}

// kindOf names the type of a value for messages. Values themselves are never
// printed: they may contain themselves.
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
		return v.class.name
	case *global:
		return "class " + v.name
	default:
		return "value"
	}
}

// step runs one opcode.
func (u *unpickler) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		v, err := u.byte()
		if err == nil && v > 5 {
			err = fmt.Errorf("pickle protocol %d; 0 to 5 are known", v)
		}
		return err
	case 0x95: // FRAME: only a hint for reading ahead
		_, err := u.uint(8)
		return err
	case '.': // STOP
		return errStop

	// Constants and numbers.
	case 'N':
		return u.push(nil)
	case 0x88:
		return u.push(true)
	case 0x89:
		return u.push(false)
	case 'K', 'M': // BININT1, BININT2
		n := 1
		if op == 'M' {
			n = 2
		}
		v, err := u.uint(n)
		if err != nil {
			return err
		}
		return u.pushNew(int64(v), 8)
	case 'J': // BININT
		v, err := u.uint(4)
		if err != nil {
			return err
		}
		return u.pushNew(int64(int32(v)), 8)
	case 'I', 'L':
		v, err := u.decimal()
		if err != nil {
			return err
		}
		return u.pushNew(v, 32)
	case 0x8a: // LONG1
		return u.long(1)
	case 0x8b: // LONG4
		return u.long(4)
	case 'F':
		s, err := u.line()
		if err != nil {
			return err
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return fmt.Errorf("%.40q is no number", s)
		}
		return u.pushNew(v, 8)
	case 'G': // BINFLOAT
		return u.float()

	// Strings.
	case 'S', 'V':
		return u.textLine(op)
	case 'T', 'X', 'U', 0x8c, 0x8d: // BINSTRING, BINUNICODE, their short and long forms
		b, err := u.counted(lengthBytes(op))
		if err != nil {
			return err
		}
		return u.pushNew(string(b), len(b)+16)
	case 'B', 'C', 0x8e, 0x96: // BINBYTES, short, 8; BYTEARRAY8
		b, err := u.counted(lengthBytes(op))
		if err != nil {
			return err
		}
		return u.pushNew(b, 24)

	// Containers.
	case ')':
		return u.push(tuple(nil))
	case 0x85, 0x86, 0x87: // TUPLE1 to TUPLE3
		items, err := u.popN(int(op - 0x84))
		if err != nil {
			return err
		}
		if items, err = u.keep(items); err != nil {
			return err
		}
		return u.push(tuple(items))
	case 't', 'l', 0x91: // TUPLE, LIST, FROZENSET
		items, err := u.popMark()
		if err != nil {
			return err
		}
		if items, err = u.keep(items); err != nil {
			return err
		}
		if op == 't' {
			return u.push(tuple(items))
		}
		return u.push(&list{items})
	case ']', 0x8f: // EMPTY_LIST, EMPTY_SET
		return u.pushNew(&list{}, 24)
	case '}':
		return u.pushNew(&dict{}, 64)
	case 'd': // DICT
		items, err := u.popMark()
		if err != nil {
			return err
		}
		if items, err = u.keep(items); err != nil { // the push would overwrite them
			return err
		}
		if err := u.pushNew(&dict{}, 64); err != nil {
			return err
		}
		return u.setAll(items)
	case 'a': // APPEND
		items, err := u.popN(1)
		if err != nil {
			return err
		}
		return u.appendAll(items)
	case 'e', 0x90: // APPENDS, ADDITEMS
		items, err := u.popMark()
		if err != nil {
			return err
		}
		return u.appendAll(items)
	case 's': // SETITEM
		items, err := u.popN(2)
		if err != nil {
			return err
		}
		return u.setAll(items)
	case 'u': // SETITEMS
		items, err := u.popMark()
		if err != nil {
			return err
		}
		return u.setAll(items)

	// Stack and memo.
	case '(':
		u.marks = append(u.marks, len(u.stack))
		return u.charge(2 * 8)
	case '0': // POP takes the mark if nothing lies on it
		if len(u.marks) > 0 && len(u.stack) == u.floor() {
			u.marks = u.marks[:len(u.marks)-1]
			return nil
		}
		_, err := u.pop()
		return err
	case '1': // POP_MARK
		_, err := u.popMark()
		return err
	case '2': // DUP
		v, err := u.top()
		if err != nil {
			return err
		}
		return u.push(v)
	case 'p', 'g': // PUT, GET
		v, err := u.decimal()
		if err != nil {
			return err
		}
		i, ok := v.(int64)
		if !ok {
			return errors.New("a memo index that large is nonsense")
		}
		if op == 'g' {
			return u.get(i)
		}
		return u.put(i)
	case 'q', 'r', 'h', 'j': // BINPUT, LONG_BINPUT, BINGET, LONG_BINGET
		n := 1
		if op == 'r' || op == 'j' {
			n = 4
		}
		i, err := u.uint(n)
		if err != nil {
			return err
		}
		if op == 'h' || op == 'j' {
			return u.get(int64(i))
		}
		return u.put(int64(i))
	case 0x94: // MEMOIZE
		return u.put(int64(len(u.memo)))
	}
	return u.stepObject(op)
}

// lengthBytes is the width of the length in front of a counted string.
func lengthBytes(op byte) int {
	switch op {
	case 'U', 'C', 0x8c:
		return 1
	case 0x8d, 0x8e, 0x96:
		return 8
	}
	return 4
}

func (u *unpickler) textLine(op byte) error {
	s, err := u.line()
	if err != nil {
		return err
	}
	if op == 'S' {
		if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '\'' && s[0] != '"' {
			return errors.New("a string without quotes; the pickle is damaged")
		}
		s = s[1 : len(s)-1]
	}
	if s, err = text(s); err != nil {
		return err
	}
	return u.pushNew(s, 2*len(s)+16)
}

// stepObject runs the opcodes that name, call and fill objects.
func (u *unpickler) stepObject(op byte) error {
	switch op {
	case 'c': // GLOBAL
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		if err != nil {
			return err
		}
		return u.pushGlobal(module, name)
	case 0x93: // STACK_GLOBAL
		items, err := u.popN(2)
		if err != nil {
			return err
		}
		module, ok1 := items[0].(string)
		name, ok2 := items[1].(string)
		if !ok1 || !ok2 {
			return errors.New("a callable whose name is no string; the pickle is damaged")
		}
		return u.pushGlobal(module, name)
	case 'i': // INST: module and name, then arguments above the mark
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		if err != nil {
			return err
		}
		args, err := u.popMark()
		if err != nil {
			return err
		}
		if args, err = u.keep(args); err != nil {
			return err
		}
		if err := u.pushGlobal(module, name); err != nil {
			return err
		}
		return u.call(tuple(args))
	case 'o': // OBJ: class and arguments above the mark
		items, err := u.popMark()
		if err != nil {
			return err
		}
		if len(items) == 0 {
			return errUnderflow
		}
		if items, err = u.keep(items); err != nil {
			return err
		}
		if err := u.push(items[0]); err != nil {
			return err
		}
		return u.call(tuple(items[1:]))
	case 'R', 0x81: // REDUCE, NEWOBJ
		v, err := u.pop()
		if err != nil {
			return err
		}
		args, ok := v.(tuple)
		if !ok {
			return fmt.Errorf("a call with a %s for arguments; the pickle is damaged", kindOf(v))
		}
		return u.call(args)
	case 0x92: // NEWOBJ_EX: class, arguments, keyword arguments
		items, err := u.popN(2)
		if err != nil {
			return err
		}
		args, ok := items[0].(tuple)
		if !ok {
			return fmt.Errorf("a call with a %s for arguments; the pickle is damaged", kindOf(items[0]))
		}
		return u.call(args)
	case 'b': // BUILD
		state, err := u.pop()
		if err != nil {
			return err
		}
		target, err := u.top()
		if err != nil {
			return err
		}
		// An OrderedDict's attributes (_metadata) and a Parameter's say nothing
		// about the weights; an object's state may be a NumPy type's byte order.
		if o, ok := target.(*object); ok {
			o.state = state
		}
		return nil
	case 'P': // PERSID: the id as text, from which no storage can be told
		return errors.New("a checkpoint of pickle protocol 0, which PyTorch itself cannot read; save it with the default protocol")
	case 'Q': // BINPERSID
		id, err := u.pop()
		if err != nil {
			return err
		}
		return u.pushPersistent(id)
	}
	// EXT1, EXT2, EXT4, NEXT_BUFFER and READONLY_BUFFER need a registry or
	// buffers outside the file, which a checkpoint does not have.
	return errors.New("this opcode does not belong into a checkpoint; the file is damaged")
}

func (u *unpickler) pushPersistent(id any) error {
	if u.persistent == nil {
		return errors.New("a storage where none can be")
	}
	v, err := u.persistent(id)
	if err != nil {
		return err
	}
	return u.pushNew(v, 160)
}

func (u *unpickler) pushGlobal(module, name string) error {
	g, err := findGlobal(module, name)
	if err != nil {
		return err
	}
	if g.unknown && u.unknown == "" {
		u.unknown = g.name
	}
	return u.pushNew(g, 64)
}

// call replaces the callable on top of the stack by its result.
func (u *unpickler) call(args tuple) error {
	callee, err := u.pop()
	if err != nil {
		return err
	}
	if o, ok := callee.(*object); ok { // what an opaque callable returned may be one itself
		return u.pushNew(&object{class: o.class, args: args}, 64)
	}
	g, ok := callee.(*global)
	if !ok {
		return fmt.Errorf("a call of a %s; the pickle is damaged", kindOf(callee))
	}
	v, err := u.apply(g, args)
	if err != nil {
		return err
	}
	return u.push(v)
}
