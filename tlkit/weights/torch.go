package weights

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// storage is a block of elements that tensors of a PyTorch file refer to.
type storage struct {
	dtype  DType
	numel  int   // claimed by the pickle, checked against the file by resolve
	offset int64 // bytes from the start of src; known late in legacy files
	src    io.ReaderAt
	root   *storage // of a view in a legacy file, else nil
	first  int      // of a view: its first element within root
}

// parseStorageID reads the persistent id of a storage:
// ("storage", class, key, location, number of elements[, view]).
func parseStorageID(id any) (s *storage, key string, view any, err error) {
	t := sequence(id)
	if len(t) < 5 || t[0] != any("storage") {
		return nil, "", nil, errors.New("a persistent id that names no storage; the file is damaged")
	}
	class, ok := t[1].(*global)
	if ok && class.unknown {
		return nil, "", nil, &ForbiddenError{Name: class.name, Unknown: true}
	}
	if !ok || class.role != storageRole {
		return nil, "", nil, fmt.Errorf("a storage of an unknown class (%s)", kindOf(t[1]))
	}
	switch k := t[2].(type) {
	case string:
		key = k
	case int64: // some Python 2 files
		key = fmt.Sprint(k)
	default:
		return nil, "", nil, fmt.Errorf("a storage whose key is a %s", kindOf(t[2]))
	}
	n, ok := t[4].(int64)
	if !ok || n < 0 || n > math.MaxInt/32 {
		return nil, "", nil, fmt.Errorf("storage %.40q has an impossible number of elements", key)
	}
	if len(t) > 5 {
		view = t[5]
	}
	return &storage{dtype: class.dtype, numel: int(n)}, key, view, nil
}

// expandedLimit is the largest number of elements of a tensor that has more than its storage: torch's expand makes such
// views with stride 0, and without a limit a small file could require any amount of memory.
const expandedLimit = 1 << 16

// rebuildTensor is torch._utils._rebuild_tensor and its successors: (storage, offset, size, stride[, requires_grad,
// hooks[, dtype]]). All positions, in elements, are checked against the size of the storage. Typed means that there is
// a dtype, and that the storage is of bytes.
func rebuildTensor(args tuple, typed bool) (*Tensor, error) {
	s, ok := arg(args, 0).(*storage)
	if !ok {
		return nil, fmt.Errorf("expected a storage, got %s", kindOf(arg(args, 0)))
	}
	offset, ok := arg(args, 1).(int64)
	if !ok || offset < 0 || offset > math.MaxInt/32 {
		return nil, errors.New("the offset is no position in a storage")
	}
	shape, err := ints(arg(args, 2))
	if err != nil {
		return nil, fmt.Errorf("shape: %w", err)
	}
	stride, err := ints(arg(args, 3))
	if err != nil {
		return nil, fmt.Errorf("stride: %w", err)
	}
	if len(shape) != len(stride) {
		return nil, fmt.Errorf("shape %v and stride %v differ in length", shape, stride)
	}
	n, err := elements(shape)
	if err != nil {
		return nil, err
	}
	dtype, room := s.dtype, s.numel
	if typed {
		g, ok := arg(args, 6).(*global)
		if !ok || g.role != dtypeRole {
			return nil, fmt.Errorf("expected a dtype, got %s", kindOf(arg(args, 6)))
		}
		dtype = g.dtype
		room = s.numel * s.dtype.Size() / dtype.Size()
	}
	t := &Tensor{Shape: shape, DType: dtype, src: lateReader{s}, offset: int(offset)}
	if n == 0 {
		t.offset = 0
		return t, nil
	}
	last := int(offset) // index of the last element
	for i, d := range shape {
		if stride[i] < 0 || d > 1 && stride[i] > (math.MaxInt/32-last)/(d-1) {
			return nil, fmt.Errorf("stride %v leaves the storage", stride)
		}
		last += (d - 1) * stride[i]
	}
	if last >= room {
		return nil, fmt.Errorf("shape %v with stride %v from element %d reaches element %d, but its storage has %d", shape, stride, offset, last, room)
	}
	if n > room && n > expandedLimit {
		return nil, fmt.Errorf("shape %v repeats a storage of %d elements; save it with .contiguous() in Python", shape, room)
	}
	if !isContiguous(shape, stride) {
		t.stride = stride
	}
	return t, nil
}

// ints converts a tuple of sizes.
func ints(v any) ([]int, error) {
	items := sequence(v)
	if items == nil {
		if t, ok := v.(tuple); !ok || t != nil {
			return nil, fmt.Errorf("expected a tuple, got %s", kindOf(v))
		}
	}
	if len(items) > maxRank {
		return nil, fmt.Errorf("%d axes, at most %d are allowed", len(items), maxRank)
	}
	out := make([]int, len(items))
	for i, item := range items {
		n, ok := item.(int64)
		if !ok || int64(int(n)) != n {
			return nil, fmt.Errorf("axis %d is no size (%s)", i, kindOf(item))
		}
		out[i] = int(n)
	}
	return out, nil
}

// lateReader stands for a storage whose place is found after its tensors were built: in legacy files the storages
// follow the pickle. Tensors hold it only until resolve replaces it.
type lateReader struct{ s *storage }

func (r lateReader) ReadAt([]byte, int64) (int, error) {
	return 0, errors.New("a tensor was read before its storage was found")
}

// resolve sets the place of a tensor's bytes once all storages are known.
func (t *Tensor) resolve() error {
	late, ok := t.src.(lateReader)
	if !ok {
		return nil
	}
	s := late.s
	root, first := s, 0
	if s.root != nil {
		root, first = s.root, s.first
	}
	if root.src == nil {
		return errors.New("its storage is not in the file")
	}
	t.src, t.base = root.src, root.offset+int64(first)*int64(root.dtype.Size())
	return nil
}
