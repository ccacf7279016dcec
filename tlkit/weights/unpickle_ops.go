package weights

import (
	"errors"
	"fmt"
	"strconv"
)

// step runs one opcode.
func (u *unpickler) step(op byte) error {
	run := opcodes[op]
	if run == nil {
		// EXT1, EXT2, EXT4, NEXT_BUFFER and READONLY_BUFFER need a registry or buffers outside the file, which
		// a checkpoint does not have.
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
