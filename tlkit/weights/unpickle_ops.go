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
	value = plain(value)
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

// isModel reports whether an item of a list is a model or a state dict. Other dictionaries with tensors are figures, such as
// the loss of each epoch.
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
		d.keys, d.values = append(d.keys, key), append(d.values, plain(item))
	}
	return d
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

// step runs one opcode.
func (u *unpickler) step(op byte) error {
	run := opcodes[op]
	if run == nil {
		// EXT1, EXT2, EXT4, NEXT_BUFFER and READONLY_BUFFER need a registry or
		// buffers outside the file, which a checkpoint does not have.
		return errors.New("this opcode does not belong into a checkpoint; the file is damaged")
	}
	return run(u, op)
}

// opcodes are pickle's, each with its function; the names are those of CPython's Lib/pickle.py.
var opcodes = [256]func(u *unpickler, op byte) error{
	0x80: (*unpickler).protocol,
	0x95: func(u *unpickler, _ byte) error { _, err := u.uint(8); return err }, // FRAME: only a hint for reading ahead
	'.':  func(*unpickler, byte) error { return errStop },

	'N':  func(u *unpickler, _ byte) error { return u.push(nil) },
	0x88: func(u *unpickler, _ byte) error { return u.push(true) },
	0x89: func(u *unpickler, _ byte) error { return u.push(false) },
	'K':  (*unpickler).smallInt, 'M': (*unpickler).smallInt, // BININT1, BININT2
	'J': (*unpickler).binInt,
	'I': (*unpickler).textInt, 'L': (*unpickler).textInt, // INT, LONG
	0x8a: func(u *unpickler, _ byte) error { return u.long(1) }, // LONG1
	0x8b: func(u *unpickler, _ byte) error { return u.long(4) }, // LONG4
	'F':  (*unpickler).textFloat,
	'G':  func(u *unpickler, _ byte) error { return u.float() }, // BINFLOAT

	'S': (*unpickler).textLine, 'V': (*unpickler).textLine, // STRING, UNICODE
	'T': (*unpickler).binString, 'X': (*unpickler).binString, 'U': (*unpickler).binString, // BINSTRING, BINUNICODE, SHORT_BINSTRING
	0x8c: (*unpickler).binString, 0x8d: (*unpickler).binString, // SHORT_BINUNICODE, BINUNICODE8
	'B': (*unpickler).binBytes, 'C': (*unpickler).binBytes, // BINBYTES, SHORT_BINBYTES
	0x8e: (*unpickler).binBytes, 0x96: (*unpickler).binBytes, // BINBYTES8, BYTEARRAY8

	')':  func(u *unpickler, _ byte) error { return u.push(tuple(nil)) },
	0x85: (*unpickler).shortTuple, 0x86: (*unpickler).shortTuple, 0x87: (*unpickler).shortTuple, // TUPLE1 to TUPLE3
	't': (*unpickler).markedItems, 'l': (*unpickler).markedItems, 0x91: (*unpickler).markedItems, // TUPLE, LIST, FROZENSET
	']':  func(u *unpickler, _ byte) error { return u.pushNew(&list{}, 24) },
	0x8f: func(u *unpickler, _ byte) error { return u.pushNew(&list{}, 24) }, // EMPTY_SET
	'}':  func(u *unpickler, _ byte) error { return u.pushNew(&dict{}, 64) },
	'd':  (*unpickler).markedDict,
	'a':  func(u *unpickler, _ byte) error { return u.fill(1, u.appendAll) },    // APPEND
	'e':  func(u *unpickler, _ byte) error { return u.fillMarked(u.appendAll) }, // APPENDS
	0x90: func(u *unpickler, _ byte) error { return u.fillMarked(u.appendAll) }, // ADDITEMS
	's':  func(u *unpickler, _ byte) error { return u.fill(2, u.setAll) },       // SETITEM
	'u':  func(u *unpickler, _ byte) error { return u.fillMarked(u.setAll) },    // SETITEMS

	'(': (*unpickler).mark,
	'0': (*unpickler).popOne,
	'1': func(u *unpickler, _ byte) error { _, err := u.popMark(); return err }, // POP_MARK
	'2': (*unpickler).duplicate,
	'p': (*unpickler).textMemo, 'g': (*unpickler).textMemo, // PUT, GET
	'q': (*unpickler).binMemo, 'r': (*unpickler).binMemo, 'h': (*unpickler).binMemo, 'j': (*unpickler).binMemo,
	0x94: func(u *unpickler, _ byte) error { return u.put(int64(len(u.memo))) }, // MEMOIZE

	'c':  (*unpickler).textGlobal,
	0x93: (*unpickler).stackGlobal,
	'i':  (*unpickler).instance,
	'o':  (*unpickler).object,
	'R':  (*unpickler).reduce, 0x81: (*unpickler).reduce, // REDUCE, NEWOBJ
	0x92: (*unpickler).newObjectWithNames,
	'b':  (*unpickler).build,
	'P': func(*unpickler, byte) error { // PERSID: the id as text, from which no storage can be told
		return errors.New("a checkpoint of pickle protocol 0, which PyTorch itself cannot read; save it with the default protocol")
	},
	'Q': (*unpickler).persistentID,
}

func (u *unpickler) protocol(byte) error {
	v, err := u.byte()
	if err == nil && v > 5 {
		err = fmt.Errorf("pickle protocol %d; 0 to 5 are known", v)
	}
	return err
}

func (u *unpickler) smallInt(op byte) error {
	n := 1
	if op == 'M' {
		n = 2
	}
	v, err := u.uint(n)
	if err != nil {
		return err
	}
	return u.pushNew(int64(v), 8)
}

func (u *unpickler) binInt(byte) error {
	v, err := u.uint(4)
	if err != nil {
		return err
	}
	return u.pushNew(int64(int32(v)), 8)
}

func (u *unpickler) textInt(byte) error {
	v, err := u.decimal()
	if err != nil {
		return err
	}
	return u.pushNew(v, 32)
}

func (u *unpickler) textFloat(byte) error {
	s, err := u.line()
	if err != nil {
		return err
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return fmt.Errorf("%.40q is no number", s)
	}
	return u.pushNew(v, 8)
}

func (u *unpickler) binString(op byte) error {
	b, err := u.counted(lengthBytes(op))
	if err != nil {
		return err
	}
	return u.pushNew(string(b), len(b)+16)
}

func (u *unpickler) binBytes(op byte) error {
	b, err := u.counted(lengthBytes(op))
	if err != nil {
		return err
	}
	return u.pushNew(b, 24)
}

func (u *unpickler) shortTuple(op byte) error {
	items, err := u.popN(int(op - 0x84))
	if err != nil {
		return err
	}
	if items, err = u.keep(items); err != nil {
		return err
	}
	return u.push(tuple(items))
}

// markedItems makes a tuple, or a list, of all above the mark.
func (u *unpickler) markedItems(op byte) error {
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
	return u.push(&list{items: items})
}

// markedDict is DICT.
func (u *unpickler) markedDict(byte) error {
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
}

// fill pops n items and puts them into the value below them.
func (u *unpickler) fill(n int, into func([]any) error) error {
	items, err := u.popN(n)
	if err != nil {
		return err
	}
	return into(items)
}

// fillMarked is fill with all above the mark.
func (u *unpickler) fillMarked(into func([]any) error) error {
	items, err := u.popMark()
	if err != nil {
		return err
	}
	return into(items)
}

func (u *unpickler) mark(byte) error {
	u.marks = append(u.marks, len(u.stack))
	return u.charge(2 * 8)
}

// popOne is POP, which pops the mark if it has nothing above it.
func (u *unpickler) popOne(byte) error {
	if len(u.marks) > 0 && len(u.stack) == u.floor() {
		u.marks = u.marks[:len(u.marks)-1]
		return nil
	}
	_, err := u.pop()
	return err
}

func (u *unpickler) duplicate(byte) error {
	v, err := u.top()
	if err != nil {
		return err
	}
	return u.push(v)
}

func (u *unpickler) textMemo(op byte) error {
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
}

// binMemo is BINPUT, LONG_BINPUT, BINGET and LONG_BINGET.
func (u *unpickler) binMemo(op byte) error {
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

// textGlobal is GLOBAL.
func (u *unpickler) textGlobal(byte) error {
	module, name, err := u.twoLines()
	if err != nil {
		return err
	}
	return u.pushGlobal(module, name)
}

// twoLines reads a module and a name.
func (u *unpickler) twoLines() (module, name string, err error) {
	if module, err = u.line(); err != nil {
		return "", "", err
	}
	name, err = u.line()
	return module, name, err
}

func (u *unpickler) stackGlobal(byte) error {
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
}

// instance is INST: module and name, then arguments above the mark.
func (u *unpickler) instance(byte) error {
	module, name, err := u.twoLines()
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
}

// object is OBJ: class and arguments above the mark.
func (u *unpickler) object(byte) error {
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
}

func (u *unpickler) reduce(byte) error {
	v, err := u.pop()
	if err != nil {
		return err
	}
	return u.callWith(v)
}

// newObjectWithNames is NEWOBJ_EX: class, arguments, keyword arguments.
func (u *unpickler) newObjectWithNames(byte) error {
	items, err := u.popN(2)
	if err != nil {
		return err
	}
	return u.callWith(items[0])
}

// callWith calls the callable on top of the stack with a tuple.
func (u *unpickler) callWith(v any) error {
	args, ok := v.(tuple)
	if !ok {
		return fmt.Errorf("a call with a %s for arguments; the pickle is damaged", kindOf(v))
	}
	return u.call(args)
}

// build is BUILD. An OrderedDict's attributes (_metadata) and a Parameter's are irrelevant to the weights; an object's
// state may be a NumPy type's byte order, or the attributes of a module.
func (u *unpickler) build(byte) error {
	state, err := u.pop()
	if err != nil {
		return err
	}
	target, err := u.top()
	if err != nil {
		return err
	}
	o, ok := target.(*object)
	if !ok {
		return nil
	}
	o.state = state
	if o.class.role == numpyArray {
		return u.buildArray(o, state)
	}
	m, err := u.moduleOf(state)
	if m != nil {
		o.items = m
	}
	return err
}

// persistentID is BINPERSID.
func (u *unpickler) persistentID(byte) error {
	id, err := u.pop()
	if err != nil {
		return err
	}
	return u.pushPersistent(id)
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
	if o, ok := callee.(*object); ok { // the result of an opaque callable may be callable, too
		return u.pushNew(&object{class: &global{name: o.class.name, unknown: o.class.unknown}, args: args}, 64)
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
