package weights

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// unpickler is the pickle machine of Python's pickle module, protocols 0 to 5, cut down to data: its only callables are
// those of globals.go. Opcodes are described in CPython's Lib/pickletools.py.
//
// It differs from a general one in three ways. Lengths are checked against the bytes that remain before anything is
// allocated. Memory is metered: every object is charged to a budget, a small multiple of the file's size. And the
// result of an unknown callable is an opaque object.
//
// github.com/nlpodyssey/gopickle was tried first; it allocates any length that a stream claims, panics on several
// malformed streams, and reads all storages.
type unpickler struct {
	r       *bufio.Reader
	left    int64 // bytes of the source not read yet
	budget  int64 // bytes that may still be allocated
	stack   []any
	charged int   // the largest stack charged so far
	marks   []int // positions in stack, innermost last
	memo    map[int64]any

	// unknown is the first callable that is not known, "" for none.
	unknown string
	tensors int // number of tensors built

	// persistent resolves persistent ids (tensors' storages); nil: not allowed.
	persistent func(id any) (any, error)
	// fromBytes reads a storage that torch.save wrote into a string; nil: not allowed.
	fromBytes func(data []byte) (*storage, error)
}

// memoryFactor times the size of a file, and memoryBase, bound the memory for reading its pickles. A list of small
// integers, two bytes each in the stream, is the costliest thing that honest checkpoints hold.
const (
	memoryFactor = 8
	memoryBase   = 4 << 20
)

// newUnpickler reads from the first size bytes of r.
func newUnpickler(r io.Reader, size int64, budget int64) *unpickler {
	return &unpickler{r: bufio.NewReader(io.LimitReader(r, size)), left: size, budget: budget}
}

var errStop = errors.New("stop")

// checked returns sd, or an error if it has no tensors: the reason is a callable that is not known, or the tensors are
// not where names are.
func (u *unpickler) checked(sd *StateDict, err error) (*StateDict, error) {
	if err == nil && len(sd.entries) == 0 && u.unknown != "" {
		return nil, &ForbiddenError{Name: u.unknown, Unknown: true}
	}
	if err == nil && len(sd.entries) == 0 && u.tensors > 0 {
		return nil, fmt.Errorf("the file holds tensors (%d), none of them under a name; expected a state dict, a dictionary from names to tensors", u.tensors)
	}
	return sd, err
}

// load runs one pickle, up to its STOP, and returns its value. It may be called again for the pickle that follows.
func (u *unpickler) load() (any, error) {
	clear(u.stack)
	u.stack, u.marks, u.memo = u.stack[:0], nil, map[int64]any{}
	for {
		at := u.left
		op, err := u.byte()
		if err != nil {
			return nil, err
		}
		if err := u.step(op); err == errStop {
			return u.pop()
		} else if err != nil {
			var forbidden *ForbiddenError
			if errors.As(err, &forbidden) {
				return nil, err
			}
			return nil, fmt.Errorf("pickle: opcode 0x%02x, %d bytes before the end: %w", op, at, err)
		}
	}
}

// charge takes n bytes of memory from the budget.
func (u *unpickler) charge(n int) error {
	u.budget -= int64(n)
	if u.budget < 0 {
		return errors.New("unpacking needs far more memory than weights of the file's size do; it is not read further. Save the state dict alone in Python, torch.save(model.state_dict(), ...)")
	}
	return nil
}

func (u *unpickler) byte() (byte, error) {
	b, err := u.r.ReadByte()
	if err != nil {
		return 0, errCut
	}
	u.left--
	return b, nil
}

var errCut = errors.New("the pickle ends in the middle; the file is cut short, download it again")

// bytes reads n bytes. It checks n first, since it comes from the stream.
func (u *unpickler) bytes(n uint64) ([]byte, error) {
	if n > uint64(u.left) {
		return nil, fmt.Errorf("a string of %d bytes, but only %d bytes follow; the file is damaged or cut short", n, u.left)
	}
	if err := u.charge(int(n) + 24); err != nil {
		return nil, err
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(u.r, b); err != nil {
		return nil, errCut
	}
	u.left -= int64(n)
	return b, nil
}

// uint reads a little-endian number of n bytes.
func (u *unpickler) uint(n int) (uint64, error) {
	var b [8]byte
	if _, err := io.ReadFull(u.r, b[:n]); err != nil {
		return 0, errCut
	}
	u.left -= int64(n)
	return binary.LittleEndian.Uint64(b[:]), nil
}

// counted reads a string that follows its own length of n bytes.
func (u *unpickler) counted(n int) ([]byte, error) {
	size, err := u.uint(n)
	if err != nil {
		return nil, err
	}
	return u.bytes(size)
}

// line reads up to a newline, which is dropped.
func (u *unpickler) line() (string, error) {
	var line []byte
	for {
		part, err := u.r.ReadSlice('\n')
		u.left -= int64(len(part))
		if err := u.charge(2 * len(part)); err != nil {
			return "", err
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return string(line[:len(line)-1]), nil
		case err != bufio.ErrBufferFull:
			return "", errCut
		}
	}
}

func (u *unpickler) push(v any) error {
	u.stack = append(u.stack, v)
	if len(u.stack) > u.charged {
		u.charged = len(u.stack)
		return u.charge(2 * 16) // append's doubling included
	}
	return nil
}

// floor is the lowest position of the stack that may be popped: that of the innermost mark, or 0.
func (u *unpickler) floor() int {
	if len(u.marks) == 0 {
		return 0
	}
	return u.marks[len(u.marks)-1]
}

var errUnderflow = errors.New("it takes more from the stack than there is; the pickle is damaged")

func (u *unpickler) top() (any, error) {
	if len(u.stack) <= u.floor() {
		return nil, errUnderflow
	}
	return u.stack[len(u.stack)-1], nil
}

func (u *unpickler) pop() (any, error) {
	v, err := u.top()
	if err != nil {
		return nil, err
	}
	u.stack[len(u.stack)-1] = nil
	u.stack = u.stack[:len(u.stack)-1]
	return v, nil
}

// popN pops n values, returned in the order in which they were pushed. The slice is valid only until the next push;
// keep copies it.
func (u *unpickler) popN(n int) ([]any, error) {
	at := len(u.stack) - n
	if at < u.floor() {
		return nil, errUnderflow
	}
	items := u.stack[at:]
	u.stack = u.stack[:at]
	return items, nil
}

// popMark pops all values above the innermost mark, and the mark. The slice is valid as that of popN.
func (u *unpickler) popMark() ([]any, error) {
	if len(u.marks) == 0 {
		return nil, errors.New("a mark is missing; the pickle is damaged")
	}
	items := u.stack[u.floor():]
	u.stack = u.stack[:u.floor()]
	u.marks = u.marks[:len(u.marks)-1]
	return items, nil
}

// keep copies popped values out of the stack.
func (u *unpickler) keep(items []any) ([]any, error) {
	if err := u.charge(16*len(items) + 24); err != nil {
		return nil, err
	}
	return append([]any(nil), items...), nil
}

func (u *unpickler) put(i int64) error {
	v, err := u.top()
	if err != nil {
		return err
	}
	if i < 0 {
		return fmt.Errorf("memo index %d is negative", i)
	}
	u.memo[i] = v
	return u.charge(48) // a map entry; the index itself costs nothing, however large
}

func (u *unpickler) get(i int64) error {
	v, ok := u.memo[i]
	if !ok {
		return fmt.Errorf("memo entry %d was never stored", i)
	}
	return u.push(v)
}

// pushNew charges a new object of about n bytes and pushes it.
func (u *unpickler) pushNew(v any, n int) error {
	if err := u.charge(n); err != nil {
		return err
	}
	return u.push(v)
}

// decimal parses the argument of INT, LONG, GET and PUT.
func (u *unpickler) decimal() (any, error) {
	s, err := u.line()
	if err != nil {
		return nil, err
	}
	if s == "00" || s == "01" { // how protocols 0 and 1 write False and True
		return s == "01", nil
	}
	if n, err := strconv.ParseInt(strings.TrimSuffix(s, "L"), 10, 64); err == nil {
		return n, nil
	}
	if len(s) <= maxLong {
		if n, ok := new(big.Int).SetString(strings.TrimSuffix(s, "L"), 10); ok {
			return n, nil
		}
	}
	return nil, fmt.Errorf("%.40q is no integer", s)
}

// maxLong bounds the length of big integers: no checkpoint needs more than the ten bytes of torch.save's magic number,
// and parsing is quadratic.
const maxLong = 256

// long decodes a little-endian integer in two's complement.
func (u *unpickler) long(sizeBytes int) error {
	n, err := u.uint(sizeBytes)
	if err != nil {
		return err
	}
	if n > maxLong {
		return fmt.Errorf("an integer of %d bytes; at most %d are expected", n, maxLong)
	}
	b, err := u.bytes(n)
	if err != nil {
		return err
	}
	if n <= 8 {
		var full [8]byte
		if n > 0 && b[n-1]&0x80 != 0 {
			for i := range full {
				full[i] = 0xff
			}
		}
		copy(full[:], b)
		return u.pushNew(int64(binary.LittleEndian.Uint64(full[:])), 8)
	}
	negative := b[n-1]&0x80 != 0
	slices.Reverse(b)
	v := new(big.Int).SetBytes(b)
	if negative {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
	}
	return u.pushNew(v, 64)
}

// text undoes the quoting of STRING (Python's repr) and UNICODE (raw-unicode-escape), both of protocol 0.
func text(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var out strings.Builder
	for len(s) > 0 {
		if s[0] != '\\' {
			out.WriteByte(s[0])
			s = s[1:]
			continue
		}
		r, _, tail, err := strconv.UnquoteChar(s, 0)
		if err != nil {
			if len(s) > 1 && strings.IndexByte(`'"`, s[1]) >= 0 { // UnquoteChar needs the kind of quote
				r, tail = rune(s[1]), s[2:]
			} else {
				return "", fmt.Errorf("bad escape in a string at %.20q", s)
			}
		}
		out.WriteRune(r)
		s = tail
	}
	return out.String(), nil
}

func (u *unpickler) float() error {
	b, err := u.uint(8)
	if err != nil {
		return err
	}
	var be [8]byte
	binary.LittleEndian.PutUint64(be[:], b)
	return u.pushNew(math.Float64frombits(binary.BigEndian.Uint64(be[:])), 8)
}
