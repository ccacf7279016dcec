package weights

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"google.golang.org/protobuf/encoding/protowire"
)

// OpenONNX opens the initializers of an ONNX model as a state dict, under their names in the model and in the order of
// the file; Metadata are the model's metadata properties. The graph is not read: the use of the weights must be known
// from elsewhere. A model written by WriteONNX has the keys of its state dict; other exporters may have renamed, folded
// or transposed weights.
func OpenONNX(path string) (*StateDict, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	info, err := f.Stat()
	var sd *StateDict
	if err == nil {
		sd, err = openONNX(f, info.Size())
	}
	if err := sd.named(path, err); err != nil {
		f.Close()
		return nil, err
	}
	sd.file = f
	return sd, nil
}

// OpenONNXBytes is OpenONNX for a file that is in memory; its errors contain name. The state dict refers to data, which
// must not change.
func OpenONNXBytes(name string, data []byte) (*StateDict, error) {
	sd, err := openONNX(bytes.NewReader(data), int64(len(data)))
	if err := sd.named(name, err); err != nil {
		return nil, err
	}
	return sd, nil
}

func openONNX(r io.ReaderAt, size int64) (*StateDict, error) {
	sd := &StateDict{Format: "onnx", Metadata: map[string]string{}}
	graphs := 0
	err := eachField(r, 0, size, func(n protowire.Number, f field) error {
		switch {
		case n == onnxModelGraph && f.bytes:
			if graphs++; graphs > 1 {
				return errors.New("the model has two graphs")
			}
			return eachField(r, f.begin, f.end, func(n protowire.Number, f field) error {
				if n != onnxGraphTensor || !f.bytes {
					return nil
				}
				return sd.addInitializer(r, f)
			})
		case n == onnxModelMetadata && f.bytes:
			return sd.addProperty(r, f)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ONNX model: %w", err)
	}
	if graphs == 0 {
		return nil, errors.New("this is no ONNX model: it has no graph")
	}
	if len(sd.entries) == 0 {
		return nil, fmt.Errorf("the model %w among its initializers", errNoTensors)
	}
	return sd, sd.reindex()
}

// addProperty reads an entry of the metadata: key in field 1, value in field 2.
func (sd *StateDict) addProperty(r io.ReaderAt, p field) error {
	var text [2]string
	err := eachField(r, p.begin, p.end, func(n protowire.Number, f field) (err error) {
		if f.bytes && (n == 1 || n == 2) {
			text[n-1], err = f.text(r)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	sd.Metadata[text[0]] = text[1]
	return nil
}

func (sd *StateDict) addInitializer(r io.ReaderAt, p field) error {
	var key string
	var t Tensor
	var data field
	var kind uint64
	floats, elsewhere := false, false
	err := eachField(r, p.begin, p.end, func(n protowire.Number, f field) (err error) {
		switch {
		case n == onnxTensorDims:
			return f.each(r, func(v uint64) error {
				if v > 1<<40 || len(t.Shape) >= 64 {
					return fmt.Errorf("dimensions %v, %d", t.Shape, v)
				}
				t.Shape = append(t.Shape, int(v))
				return nil
			})
		case n == onnxTensorType:
			kind = f.value
		case n == onnxTensorName && f.bytes:
			key, err = f.text(r)
		case n == onnxTensorRaw && f.bytes:
			data = f
		case n == onnxTensorFloats && f.bytes && data.begin == 0: // packed, 4 bytes each, little-endian, as in raw data
			data, floats = f, true
		case n == onnxTensorPlace:
			elsewhere = f.value != 0
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("initializer %s: %w", printable(key), err)
	}
	for d, o := range onnxTypes {
		if uint64(o) == kind {
			t.DType = d
		}
	}
	n, err := elements(t.Shape)
	switch {
	case err != nil:
		return fmt.Errorf("initializer %s: %w", printable(key), err)
	case elsewhere:
		return fmt.Errorf("the values of initializer %s are in another file, which is not read; save the model as one file", printable(key))
	case t.DType.Size() == 0 || (floats && t.DType != F32):
		return nil // strings and the like are no weights
	case n > 0 && data.begin == 0:
		return nil // small whole numbers in fields of their own: not weights either
	case data.end-data.begin != int64(n)*int64(t.DType.Size()):
		return fmt.Errorf("initializer %s: %d bytes for shape %v of %s", printable(key), data.end-data.begin, t.Shape, t.DType)
	}
	t.src, t.base = r, data.begin
	sd.entries = append(sd.entries, Entry{Key: key, Tensor: t})
	return nil
}

// field is one field of a protocol buffer message: a number, or the place of its bytes.
type field struct {
	bytes      bool
	value      uint64
	begin, end int64
}

// text reads a name or a piece of metadata.
func (f field) text(r io.ReaderAt) (string, error) {
	const limit = 16 << 20
	if f.end-f.begin > limit {
		return "", fmt.Errorf("a text of %d bytes", f.end-f.begin)
	}
	b := make([]byte, f.end-f.begin)
	if err := readFullAt(r, b, f.begin); err != nil {
		return "", err
	}
	return string(bytes.ToValidUTF8(b, []byte("\uFFFD"))), nil
}

// each calls fn for a repeated number, packed or not.
func (f field) each(r io.ReaderAt, fn func(uint64) error) error {
	if !f.bytes {
		return fn(f.value)
	}
	if f.end-f.begin > 1<<16 {
		return fmt.Errorf("%d bytes of dimensions", f.end-f.begin)
	}
	b := make([]byte, f.end-f.begin)
	if err := readFullAt(r, b, f.begin); err != nil {
		return err
	}
	for len(b) > 0 {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := fn(v); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// eachField calls fn for each field of the message from begin to end, whose bytes stay where they are.
func eachField(r io.ReaderAt, begin, end int64, fn func(protowire.Number, field) error) error {
	const longest = 20 // a tag and a number or length
	var buffer [longest]byte
	for at := begin; at < end; {
		b := buffer[:min(longest, end-at)]
		if err := readFullAt(r, b, at); err != nil {
			return err
		}
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("at byte %d: %w", at, protowire.ParseError(n))
		}
		var f field
		var m int
		switch kind {
		case protowire.VarintType:
			f.value, m = protowire.ConsumeVarint(b[n:])
		case protowire.BytesType:
			f.value, m = protowire.ConsumeVarint(b[n:])
			f.bytes = true
		case protowire.Fixed32Type:
			_, m = protowire.ConsumeFixed32(b[n:])
		case protowire.Fixed64Type:
			_, m = protowire.ConsumeFixed64(b[n:])
		default:
			return fmt.Errorf("at byte %d: a field of kind %d", at, kind)
		}
		if m < 0 {
			return fmt.Errorf("at byte %d: %w", at, protowire.ParseError(m))
		}
		at += int64(n + m)
		if f.bytes {
			if f.value > uint64(end-at) {
				return fmt.Errorf("at byte %d: %d bytes are announced, %d are left; the file is cut short", at, f.value, end-at)
			}
			f.begin, f.end = at, at+int64(f.value)
			at = f.end
		}
		if err := fn(number, f); err != nil {
			return err
		}
	}
	return nil
}
