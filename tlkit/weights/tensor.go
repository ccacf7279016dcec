package weights

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// Tensor is one entry of a state dict: a shape, an element type, and the place of the elements. Values are in row-major
// order of Shape, in the layout of the file (PyTorch's: convolution kernels OIHW, linear weights [out, in]). An empty
// Shape is a single number.
//
// A Tensor from a file reads it on demand, so it must not outlive its [StateDict]. Reading is safe from
// several goroutines.
type Tensor struct {
	Shape []int // of the file
	DType DType // of the file; values are returned as float32

	src    io.ReaderAt // the storage, little-endian; nil if memory holds the values
	base   int64       // byte at which the storage begins in src
	offset int         // first element within the storage
	stride []int       // elements to the next index per axis; nil: contiguous
	mem    []float32   // for tensors made by NewTensor
	label  string      // file and key, for messages

	inPickle bool // a NumPy array of a pickle: beside dictionaries with tensors it is a figure, not a weight
}

// errorf names the tensor that an error is about.
func (t Tensor) errorf(format string, args ...any) error {
	return inFile(t.label, fmt.Errorf(format, args...))
}

// NewTensor wraps values in memory as an F32 tensor; len(values) must be the product of shape. The slice
// is kept, not copied.
func NewTensor(shape []int, values []float32) (Tensor, error) {
	n, err := elements(shape)
	if err != nil {
		return Tensor{}, fmt.Errorf("weights: %w", err)
	}
	if n != len(values) {
		return Tensor{}, fmt.Errorf("weights: shape %v has %d elements, but %d values were given", shape, n, len(values))
	}
	if values == nil {
		values = []float32{}
	}
	return Tensor{Shape: slices.Clone(shape), DType: F32, mem: values}, nil
}

// Len returns the number of elements: the product of the shape.
func (t Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// NumBytes returns the size of the elements as Bytes returns them.
func (t Tensor) NumBytes() int { return t.Len() * t.DType.Size() }

// Float32 reads all elements and converts them: F16, BF16 and 8-bit floats exactly, F64 and integers to the nearest
// float32, booleans to 0 and 1. Complex elements are an error.
func (t Tensor) Float32() ([]float32, error) {
	dst := make([]float32, t.Len())
	return dst, t.ReadFloat32(dst)
}

// ReadFloat32 is Float32 into the caller's memory; len(dst) must be t.Len().
func (t Tensor) ReadFloat32(dst []float32) error {
	if len(dst) != t.Len() {
		return t.errorf("a tensor of shape %v needs %d values of room, got %d", t.Shape, t.Len(), len(dst))
	}
	if t.mem != nil {
		copy(dst, t.mem)
		return nil
	}
	if t.DType == C64 || t.DType == C128 {
		return t.errorf("elements of type %v have no float32 form; use Bytes", t.DType)
	}
	size := t.DType.Size()
	err := t.chunks(func(b []byte) error {
		n := len(b) / size
		err := decodeFloat32(dst[:n], b, t.DType)
		dst = dst[n:]
		return err
	})
	return inFile(t.label, err)
}

// EachFloat32 reads all elements as Float32 does, but piece by piece: fn receives consecutive elements and the position
// of the first, and must not keep the slice. A large file is read so without a second copy of it in memory.
func (t Tensor) EachFloat32(fn func(at int, values []float32) error) error {
	if t.mem != nil {
		return inFile(t.label, fn(0, t.mem))
	}
	if t.DType == C64 || t.DType == C128 {
		return t.errorf("elements of type %v have no float32 form; use Bytes", t.DType)
	}
	size, at := t.DType.Size(), 0
	piece := make([]float32, min(t.Len(), chunkBytes/max(size, 1)))
	err := t.chunks(func(b []byte) error {
		values := piece[:len(b)/size]
		if err := decodeFloat32(values, b, t.DType); err != nil {
			return err
		}
		at += len(values)
		return fn(at-len(values), values)
	})
	return inFile(t.label, err)
}

// Int64 reads all elements of an integer or boolean tensor. U64 values above the largest int64 are an error, and so are
// floating-point tensors.
func (t Tensor) Int64() ([]int64, error) {
	if !t.DType.IsInt() {
		return nil, t.errorf("elements of type %v are no integers; use Float32", t.DType)
	}
	dst := make([]int64, 0, t.Len())
	size := t.DType.Size()
	err := t.chunks(func(b []byte) error {
		for ; len(b) > 0; b = b[size:] {
			v := decodeInt(b, t.DType)
			if t.DType == U64 && v < 0 {
				return fmt.Errorf("value %d is too large for int64", uint64(v))
			}
			dst = append(dst, v)
		}
		return nil
	})
	if err != nil {
		return nil, inFile(t.label, err)
	}
	return dst, nil
}

// Bytes reads all elements as they are stored: little-endian, contiguous, row-major.
func (t Tensor) Bytes() ([]byte, error) {
	dst := make([]byte, 0, t.NumBytes())
	err := t.chunks(func(b []byte) error {
		dst = append(dst, b...)
		return nil
	})
	if err != nil {
		return nil, inFile(t.label, err)
	}
	return dst, nil
}

// chunkBytes is a multiple of every element size. Reading a contiguous tensor needs the memory of one chunk in addition
// to that of the result.
const chunkBytes = 128 << 10

// chunks calls fn with consecutive pieces of the elements' bytes; fn must not keep its argument.
func (t Tensor) chunks(fn func([]byte) error) error {
	total := t.NumBytes()
	if total == 0 {
		return nil
	}
	buf := make([]byte, min(total, chunkBytes))
	switch {
	case t.mem != nil:
		return t.memChunks(buf, fn)
	case t.src == nil:
		return errors.New("this Tensor has no data; get tensors from StateDict.Get or NewTensor")
	case t.stride != nil:
		return t.stridedChunks(buf, fn)
	}
	at := t.base + int64(t.offset)*int64(t.DType.Size())
	for total > 0 {
		b := buf[:min(total, len(buf))]
		if err := readFullAt(t.src, b, at); err != nil {
			return err
		}
		if err := fn(b); err != nil {
			return err
		}
		at += int64(len(b))
		total -= len(b)
	}
	return nil
}

func (t Tensor) memChunks(buf []byte, fn func([]byte) error) error {
	for values := t.mem; len(values) > 0; {
		n := min(len(values), len(buf)/4)
		for i, v := range values[:n] {
			putUint32(buf[4*i:], math.Float32bits(v))
		}
		if err := fn(buf[:4*n]); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// stridedChunks gathers the elements of a view (a transposed tensor, a slice, a broadcast one). It reads the span of
// the storage that the view covers.
func (t Tensor) stridedChunks(buf []byte, fn func([]byte) error) error {
	size := t.DType.Size()
	last := 0 // largest relative index; checked against the storage at opening
	for i, d := range t.Shape {
		last += (d - 1) * t.stride[i]
	}
	span := make([]byte, (last+1)*size)
	if err := readFullAt(t.src, span, t.base+int64(t.offset)*int64(size)); err != nil {
		return err
	}
	index := make([]int, len(t.Shape))
	at, fill := 0, 0
	for remaining := t.Len(); remaining > 0; remaining-- {
		fill += copy(buf[fill:], span[at*size:(at+1)*size])
		if fill == len(buf) || remaining == 1 {
			if err := fn(buf[:fill]); err != nil {
				return err
			}
			fill = 0
		}
		for axis := len(index) - 1; axis >= 0; axis-- {
			index[axis]++
			at += t.stride[axis]
			if index[axis] < t.Shape[axis] {
				break
			}
			at -= index[axis] * t.stride[axis]
			index[axis] = 0
		}
	}
	return nil
}

func readFullAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) { // ReaderAt may return EOF with the last bytes
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("reading %d bytes at %d: %w; was the file changed or cut after it was opened?", len(b), at, err)
}

func putUint32(b []byte, v uint32) {
	b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
}

// maxRank is far above the rank of any real tensor; PyTorch itself allows at most 64 axes.
const maxRank = 64

// elements returns the product of the axes, or an error for a negative axis and for a product whose size
// in bytes would not fit.
func elements(shape []int) (int, error) {
	if len(shape) > maxRank {
		return 0, fmt.Errorf("shape has %d axes, at most %d are allowed", len(shape), maxRank)
	}
	n, zero := 1, false
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %v has a negative axis", shape)
		}
		if d == 0 {
			zero = true
			continue
		}
		if n > math.MaxInt/32/d { // 16 bytes is the largest element
			return 0, fmt.Errorf("shape %v has more elements than any file can hold", shape)
		}
		n *= d
	}
	if zero {
		return 0, nil
	}
	return n, nil
}

// isContiguous reports whether the strides are those of a row-major tensor; axes of length 1 may have any stride.
func isContiguous(shape, stride []int) bool {
	want := 1
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] != 1 && stride[i] != want {
			return false
		}
		want *= shape[i]
	}
	return true
}

// TensorAt returns a tensor whose elements lie in r, little-endian and row-major, from byte at on: for formats that
// hold more than a state dict.
func TensorAt(shape []int, d DType, r io.ReaderAt, at int64) (Tensor, error) {
	if _, err := elements(shape); err != nil {
		return Tensor{}, fmt.Errorf("weights: %w", err)
	}
	if d.Size() == 0 || at < 0 || r == nil {
		return Tensor{}, fmt.Errorf("weights: a tensor of type %v at byte %d has no place in a file", d, at)
	}
	return Tensor{Shape: slices.Clone(shape), DType: d, src: r, base: at}, nil
}
