package zoo_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// inBytes is a tensor of elements of one byte, all 0x38, which is 1 in F8_E4M3.
func inBytes(t *testing.T, key, dtype string, rows, columns int) weights.Entry {
	t.Helper()
	n := rows * columns
	header := fmt.Sprintf(`{%q:{"dtype":%q,"shape":[%d,%d],"data_offsets":[0,%d]}}`, key, dtype, rows, columns, n)
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	sd, err := weights.OpenBytes("x.safetensors", append(file, bytes.Repeat([]byte{0x38}, n)...))
	if err != nil {
		t.Fatal(err)
	}
	return sd.Entries()[0]
}

// TestQuantised: weights in few bits with a scale are refused, in the output layer as elsewhere; without one they are
// numbers as others.
func TestQuantised(t *testing.T) {
	away(t)
	m := small(t, []string{"a", "b"}, 1)
	head := func(key string) string {
		if key == "linear.weight" {
			return ""
		}
		return key
	}
	f8 := inBytes(t, "linear.weight", "F8_E4M3", 2, 64)
	for _, tt := range []struct {
		name  string
		extra []weights.Entry
		want  []string // of the error; nil if the file loads
	}{
		{"cast to float8", []weights.Entry{f8}, nil},
		{"compressed-tensors", []weights.Entry{f8, tensor(t, "linear.weight_scale", 1)}, []string{"linear.weight is quantised (F8_E4M3, with linear.weight_scale)", "dequantize()"}},
		{"DeepSeek", []weights.Entry{f8, tensor(t, "linear.weight_scale_inv", 1, 1)}, []string{"linear.weight is quantised", "linear.weight_scale_inv"}},
		{"ComfyUI", []weights.Entry{f8, tensor(t, "linear.scale_weight")}, []string{"linear.weight is quantised"}},
		{"Quanto", []weights.Entry{inBytes(t, "linear.weight._data", "I8", 2, 64), tensor(t, "linear.weight._scale", 2, 1)}, []string{"linear.weight._data is quantised (I8"}},
		{"bitsandbytes, 8 bits", []weights.Entry{inBytes(t, "linear.weight", "I8", 2, 64), tensor(t, "linear.SCB", 2)}, []string{"linear.weight is quantised (I8, with linear.SCB)"}},
		{"bitsandbytes, 4 bits", []weights.Entry{inBytes(t, "linear.weight", "U8", 64, 1), tensor(t, "linear.weight.absmax", 2)}, []string{"linear.weight is quantised (U8, with linear.weight.absmax)"}},
		{"an observer's scale beside floats", []weights.Entry{tensor(t, "linear.weight", 2, 64), tensor(t, "linear.weight_fake_quant.scale", 2)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: checkpoint(t, m, renamed(head, tt.extra...))})
			if tt.want == nil && err != nil {
				t.Fatal(err)
			}
			if tt.want != nil {
				wantError(t, err, tt.want...)
			}
		})
	}
}
