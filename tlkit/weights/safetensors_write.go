package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// WriteSafetensors writes tensors in the safetensors format, in the given order and with their own types; metadata may
// be nil. The file appears whole or not at all: an older one at path stays until the new one is on the disk. Entries
// may come from a file that the new one replaces.
func WriteSafetensors(path string, entries []Entry, metadata map[string]string) error {
	if err := checkEntries(entries, func(d DType) bool { return d != C128 }); err != nil {
		return fmt.Errorf("weights: writing %s: %w", path, err)
	}
	header, err := safetensorsHeader(entries, metadata)
	if err != nil {
		return fmt.Errorf("weights: writing %s: %w", path, err)
	}
	return writeAtomic(path, func(w io.Writer) error {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(header)))
		if _, err := w.Write(n[:]); err != nil {
			return err
		}
		if _, err := w.Write(header); err != nil {
			return err
		}
		for _, e := range entries {
			if err := e.chunks(writer(w)); err != nil {
				return fmt.Errorf("tensor %q: %w", e.Key, err)
			}
		}
		return nil
	})
}

func writer(w io.Writer) func([]byte) error {
	return func(b []byte) error {
		_, err := w.Write(b)
		return err
	}
}

// checkEntries returns an error for entries that no reader could read back.
func checkEntries(entries []Entry, supported func(DType) bool) error {
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		switch {
		case e.Key == "":
			return fmt.Errorf("a tensor of shape %v has no name", e.Shape)
		case seen[e.Key]:
			return fmt.Errorf("key %q appears twice", e.Key)
		case e.DType.Size() == 0 || !supported(e.DType):
			return fmt.Errorf("tensor %q: elements of type %v can't be written in this format", e.Key, e.DType)
		case e.src == nil && e.mem == nil:
			return fmt.Errorf("tensor %q has no data; make it with NewTensor", e.Key)
		}
		if n, err := elements(e.Shape); err != nil {
			return fmt.Errorf("tensor %q: %w", e.Key, err)
		} else if e.mem != nil && (n != len(e.mem) || e.DType != F32) {
			return fmt.Errorf("tensor %q: shape %v and type %v were changed after NewTensor made it from %d values", e.Key, e.Shape, e.DType, len(e.mem))
		}
		seen[e.Key] = true
	}
	return nil
}

// safetensorsHeader returns the JSON object, padded with spaces so that the data begins at a multiple of 8 bytes.
func safetensorsHeader(entries []Entry, metadata map[string]string) ([]byte, error) {
	var b bytes.Buffer
	var encodeErr error
	encode := func(v any) {
		j, err := json.Marshal(v)
		if err != nil {
			encodeErr = err
		}
		b.Write(j)
	}
	b.WriteByte('{')
	if len(metadata) > 0 {
		b.WriteString(`"__metadata__":{`)
		for i, k := range slices.Sorted(maps.Keys(metadata)) {
			if i > 0 {
				b.WriteByte(',')
			}
			encode(k)
			b.WriteByte(':')
			encode(metadata[k])
		}
		b.WriteByte('}')
	}
	at := int64(0)
	for i, e := range entries {
		if e.Key == "__metadata__" {
			return nil, fmt.Errorf("a tensor can't be named %q in safetensors", e.Key)
		}
		if i > 0 || len(metadata) > 0 {
			b.WriteByte(',')
		}
		encode(e.Key)
		shape := e.Shape
		if shape == nil {
			shape = []int{}
		}
		b.WriteString(`:`)
		encode(struct {
			DType   string   `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{e.DType.String(), shape, [2]int64{at, at + int64(e.NumBytes())}})
		at += int64(e.NumBytes())
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if encodeErr == nil && b.Len() > maxSafetensorsHeader {
		encodeErr = fmt.Errorf("the header has %d bytes, more than the format allows (%d)", b.Len(), maxSafetensorsHeader)
	}
	return b.Bytes(), encodeErr
}
