package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// DType is the type of a tensor's elements as the file stores them.
type DType uint8

// The element types. Their String forms are the names that the safetensors format uses.
const (
	InvalidDType DType = iota
	F64
	F32
	F16
	BF16
	F8E4M3 // 4 exponent bits, 3 mantissa bits, no infinities (torch.float8_e4m3fn)
	F8E5M2 // 5 exponent bits, 2 mantissa bits (torch.float8_e5m2)
	I64
	I32
	I16
	I8
	U64
	U32
	U16
	U8
	Bool
	C64  // two F32: real, imaginary
	C128 // two F64: real, imaginary; PyTorch files only
)

var dtypes = [...]struct {
	name  string
	size  int
	torch string // the storage class of torch, "" where PyTorch has none
}{
	InvalidDType: {"invalid", 0, ""},
	F64:          {"F64", 8, "DoubleStorage"},
	F32:          {"F32", 4, "FloatStorage"},
	F16:          {"F16", 2, "HalfStorage"},
	BF16:         {"BF16", 2, "BFloat16Storage"},
	F8E4M3:       {"F8_E4M3", 1, ""},
	F8E5M2:       {"F8_E5M2", 1, ""},
	I64:          {"I64", 8, "LongStorage"},
	I32:          {"I32", 4, "IntStorage"},
	I16:          {"I16", 2, "ShortStorage"},
	I8:           {"I8", 1, "CharStorage"},
	U64:          {"U64", 8, ""},
	U32:          {"U32", 4, ""},
	U16:          {"U16", 2, ""},
	U8:           {"U8", 1, "ByteStorage"},
	Bool:         {"BOOL", 1, "BoolStorage"},
	C64:          {"C64", 8, "ComplexFloatStorage"},
	C128:         {"C128", 16, "ComplexDoubleStorage"},
}

// String returns the name that safetensors uses, such as "F32" or "BF16".
func (d DType) String() string {
	if int(d) >= len(dtypes) {
		return fmt.Sprintf("DType(%d)", uint8(d))
	}
	return dtypes[d].name
}

// Size returns the bytes of one element, 0 for an invalid type.
func (d DType) Size() int {
	if int(d) >= len(dtypes) {
		return 0
	}
	return dtypes[d].size
}

// IsFloat reports whether the elements are real floating-point numbers.
func (d DType) IsFloat() bool { return d >= F64 && d <= F8E5M2 }

// IsInt reports whether the elements are integers or booleans.
func (d DType) IsInt() bool { return d >= I64 && d <= Bool }

// dtypeByName finds a type by its safetensors name.
func dtypeByName(name string) (DType, bool) {
	for d := F64; int(d) < len(dtypes); d++ {
		if dtypes[d].name == name && d != C128 {
			return d, true
		}
	}
	return InvalidDType, false
}

// dtypeByStorage finds a type by the name of torch's storage class.
func dtypeByStorage(class string) (DType, bool) {
	for d := F64; int(d) < len(dtypes); d++ {
		if dtypes[d].torch != "" && dtypes[d].torch == class {
			return d, true
		}
	}
	return InvalidDType, false
}

// decodeFloat32 converts little-endian elements; len(b) is a multiple of the element size and dst has
// room for all of them.
func decodeFloat32(dst []float32, b []byte, d DType) error {
	le := binary.LittleEndian
	switch d {
	case F32:
		if !cpu.IsBigEndian { // the same bytes
			copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), 4*len(dst)), b)
			break
		}
		for i := range len(b) / 4 {
			dst[i] = math.Float32frombits(le.Uint32(b[4*i:]))
		}
	case F64:
		for i := range len(b) / 8 {
			dst[i] = float32(math.Float64frombits(le.Uint64(b[8*i:])))
		}
	case F16:
		for i := range len(b) / 2 {
			dst[i] = float16ToFloat32(le.Uint16(b[2*i:]))
		}
	case BF16: // the upper half of a float32
		for i := range len(b) / 2 {
			dst[i] = math.Float32frombits(uint32(le.Uint16(b[2*i:])) << 16)
		}
	case F8E5M2: // the upper half of a float16
		for i, v := range b {
			dst[i] = float16ToFloat32(uint16(v) << 8)
		}
	case F8E4M3:
		for i, v := range b {
			dst[i] = float8e4m3ToFloat32(v)
		}
	case U64:
		for i := range len(b) / 8 {
			dst[i] = float32(le.Uint64(b[8*i:]))
		}
	case Bool:
		for i, v := range b {
			dst[i] = 0
			if v != 0 {
				dst[i] = 1
			}
		}
	default:
		if !d.IsInt() {
			return fmt.Errorf("elements of type %v have no float32 form", d)
		}
		n := d.Size()
		for i := range len(b) / n {
			dst[i] = float32(decodeInt(b[n*i:], d))
		}
	}
	return nil
}

// decodeInt converts one little-endian integer or boolean; U64 wraps.
func decodeInt(b []byte, d DType) int64 {
	le := binary.LittleEndian
	switch d {
	case I64, U64:
		return int64(le.Uint64(b))
	case I32:
		return int64(int32(le.Uint32(b)))
	case U32:
		return int64(le.Uint32(b))
	case I16:
		return int64(int16(le.Uint16(b)))
	case U16:
		return int64(le.Uint16(b))
	case I8:
		return int64(int8(b[0]))
	case Bool:
		if b[0] != 0 {
			return 1
		}
		return 0
	default: // U8
		return int64(b[0])
	}
}

// float16ToFloat32 widens an IEEE 754 binary16 number; exact for every input.
func float16ToFloat32(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp := uint32(h>>10) & 0x1f
	mant := uint32(h) & 0x3ff
	switch exp {
	case 0: // zero or subnormal: mant * 2^-24, which float32 holds exactly
		v := float32(mant) * 0x1p-24
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 0x1f: // infinity, NaN
		return math.Float32frombits(sign | 0xff<<23 | mant<<13)
	default:
		return math.Float32frombits(sign | (exp+127-15)<<23 | mant<<13)
	}
}

// float8e4m3ToFloat32 widens the "fn" variant: bias 7, no infinities, S.1111.111 is NaN (Micikevicius et al. 2022, "FP8
// Formats for Deep Learning", table 1).
func float8e4m3ToFloat32(b uint8) float32 {
	exp, mant := int(b>>3)&0xf, float32(b&7)
	var v float64
	switch {
	case b&0x7f == 0x7f:
		return float32(math.NaN())
	case exp == 0:
		v = math.Ldexp(float64(mant)/8, -6)
	default:
		v = math.Ldexp(1+float64(mant)/8, exp-7)
	}
	if b&0x80 != 0 {
		v = math.Copysign(v, -1)
	}
	return float32(v)
}
