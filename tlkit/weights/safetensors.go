package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxSafetensorsHeader is the limit of the reference implementation (huggingface/safetensors, MAX_HEADER_SIZE).
const maxSafetensorsHeader = 100_000_000

// openSafetensors reads the header and checks it by the rules of the format's documentation: known types, offsets that
// agree with the shapes, no overlap, no holes, no repeated keys, and data that fills the file exactly.
func openSafetensors(r io.ReaderAt, size int64) (*StateDict, error) {
	var lenBytes [8]byte
	if err := readFullAt(r, lenBytes[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(lenBytes[:])
	if n > maxSafetensorsHeader {
		return nil, fmt.Errorf("the safetensors header claims %d bytes, more than the format allows (%d)", n, maxSafetensorsHeader)
	}
	if int64(n) > size-8 {
		return nil, fmt.Errorf("the safetensors header claims %d bytes, but only %d follow; the file is cut short, download it again", n, size-8)
	}
	header := make([]byte, n)
	if err := readFullAt(r, header, 8); err != nil {
		return nil, err
	}
	if !utf8.Valid(header) {
		return nil, errors.New("the safetensors header is not UTF-8")
	}
	sd := &StateDict{Format: "safetensors", Metadata: map[string]string{}}
	spans, err := sd.parseHeader(header)
	if err != nil {
		return nil, fmt.Errorf("safetensors header: %w", err)
	}
	dataSize := size - 8 - int64(n)
	if err := checkSpans(spans, dataSize); err != nil {
		return nil, err
	}
	for i := range sd.entries {
		sd.entries[i].src = r
		sd.entries[i].base += 8 + int64(n)
	}
	return sd, sd.restoreShared(size)
}

// restoreShared adds the names of shared tensors that safetensors.torch.save_model left out: its metadata maps each to
// the name under which the tensor is. Other metadata may have a tensor's name as its value ("best": "conv1.weight"), so
// that only a parameter of a module counts, shared by one that calls it the same ("head.weight": "embed.weight"). They
// count against the limit of tied weights in PyTorch's files.
func (sd *StateDict) restoreShared(size int64) error {
	kept := make(map[string]Tensor, len(sd.entries))
	for _, e := range sd.entries {
		kept[e.Key] = e.Tensor
	}
	budget := memoryBase + memoryFactor*size
	for _, name := range slices.Sorted(maps.Keys(sd.Metadata)) {
		t, ok := kept[sd.Metadata[name]]
		if _, taken := kept[name]; !ok || taken || !sameParameter(name, sd.Metadata[name]) {
			continue
		}
		if budget -= int64(t.NumBytes() + len(name)); budget < 0 {
			return fmt.Errorf("its metadata gives its tensors further names, under which they would need more than %d bytes; no file of safetensors.torch.save_model is like that",
				memoryBase+memoryFactor*size)
		}
		sd.entries = append(sd.entries, Entry{Key: name, Tensor: t})
	}
	return nil
}

// sameParameter reports whether a name is of a module's parameter, and another ends in the parameter's name.
func sameParameter(name, other string) bool {
	dot := strings.LastIndexByte(name, '.')
	return dot >= 0 && name[dot+1:] == other[strings.LastIndexByte(other, '.')+1:]
}

// span is the place of a tensor's bytes within the data.
type span struct {
	key        string
	begin, end int64
}

// parseHeader fills the entries, with base relative to the data, from tokens: encoding/json's maps would lose the order
// and hide repeated keys.
func (sd *StateDict) parseHeader(header []byte) ([]span, error) {
	dec := json.NewDecoder(bytes.NewReader(header))
	seen := map[string]bool{}
	var spans []span
	err := eachMember(dec, func(key string) error {
		if seen[key] {
			return fmt.Errorf("key %q appears twice", key)
		}
		seen[key] = true
		if key == "__metadata__" {
			return eachMember(dec, func(k string) error {
				if _, dup := sd.Metadata[k]; dup {
					return fmt.Errorf("metadata key %q appears twice", k)
				}
				var v string
				if err := dec.Decode(&v); err != nil {
					return fmt.Errorf("metadata key %q: %w", k, err)
				}
				sd.Metadata[k] = v
				return nil
			})
		}
		t, s, err := parseTensorInfo(dec)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", key, err)
		}
		s.key, t.base = key, s.begin
		spans = append(spans, s)
		sd.entries = append(sd.entries, Entry{Key: key, Tensor: t})
		return nil
	})
	if err != nil {
		return nil, err
	}
	// Only padding may follow the object; writers align the data with spaces.
	if rest := bytes.TrimLeft(header[dec.InputOffset():], " \n\r\t"); len(rest) > 0 {
		return nil, errors.New("something follows the JSON object")
	}
	// The order of the tensors is that of their offsets, whatever the order of the JSON.
	slices.SortStableFunc(sd.entries, func(a, b Entry) int { return cmp.Compare(a.base, b.base) })
	return spans, nil
}

// parseTensorInfo reads {"dtype": "F32", "shape": [2,3], "data_offsets": [0,24]}.
func parseTensorInfo(dec *json.Decoder) (t Tensor, s span, err error) {
	var dtype *string
	var shape, offsets []int64
	seen := map[string]bool{}
	err = eachMember(dec, func(field string) error {
		if seen[field] {
			return fmt.Errorf("field %q appears twice", field)
		}
		seen[field] = true
		switch field {
		case "dtype":
			return dec.Decode(&dtype)
		case "shape":
			shape = []int64{}
			return dec.Decode(&shape)
		case "data_offsets":
			return dec.Decode(&offsets)
		default:
			return fmt.Errorf("unknown field %q; expected dtype, shape and data_offsets", field)
		}
	})
	if err != nil {
		return t, s, err
	}
	if dtype == nil || shape == nil || len(offsets) != 2 {
		return t, s, errors.New("expected a dtype, a shape and two data_offsets")
	}
	var ok bool
	if t.DType, ok = dtypeByName(*dtype); !ok {
		return t, s, fmt.Errorf("its elements are of type %q, which is not read; if the file is not damaged, save its .float() in Python, multiplied by its scales if it has some, or load the checkpoint that it was made from", *dtype)
	}
	t.Shape = make([]int, len(shape))
	for i, d := range shape {
		if int64(int(d)) != d {
			return t, s, fmt.Errorf("axis of length %d is too long", d)
		}
		t.Shape[i] = int(d)
	}
	n, err := elements(t.Shape)
	if err != nil {
		return t, s, err
	}
	s.begin, s.end = offsets[0], offsets[1]
	if s.begin < 0 || s.end < s.begin || s.end-s.begin != int64(n)*int64(t.DType.Size()) {
		return t, s, fmt.Errorf("data_offsets [%d, %d] span %d bytes, but shape %v of %s needs %d",
			s.begin, s.end, s.end-s.begin, t.Shape, t.DType, n*t.DType.Size())
	}
	return t, s, nil
}

// eachMember reads a JSON object and calls fn at each member's value, which fn must consume.
func eachMember(dec *json.Decoder, fn func(name string) error) error {
	tok, err := dec.Token()
	if err != nil {
		return jsonError(err)
	}
	if tok != json.Delim('{') {
		return fmt.Errorf("expected a JSON object, got %v", tok)
	}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return jsonError(err)
		}
		name, ok := tok.(string)
		if !ok {
			return fmt.Errorf("expected a name, got %v", tok)
		}
		if err := fn(name); err != nil {
			return jsonError(err)
		}
	}
	_, err = dec.Token()
	return jsonError(err)
}

func jsonError(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// checkSpans returns an error unless the tensors cover the data exactly once.
func checkSpans(spans []span, dataSize int64) error {
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	at := int64(0)
	for i, s := range spans {
		switch {
		case s.begin < at:
			return fmt.Errorf("tensors %q and %q overlap", spans[i-1].key, s.key)
		case s.begin > at:
			return fmt.Errorf("%d bytes before tensor %q belong to no tensor", s.begin-at, s.key)
		}
		at = s.end
	}
	switch {
	case at > dataSize:
		return fmt.Errorf("the tensors need %d bytes, but only %d are there; the file is cut short, download it again", at, dataSize)
	case at < dataSize:
		return fmt.Errorf("%d bytes at the end belong to no tensor", dataSize-at)
	}
	return nil
}
