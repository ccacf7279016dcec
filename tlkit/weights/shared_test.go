package weights

import (
	"math"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
)

// TestSharedCheckpoints reads checkpoints as found in the wild; the expected values were printed by PyTorch 2.15.
func TestSharedCheckpoints(t *testing.T) {
	tests := []struct {
		file     string
		keys     int
		params   int // trainable parameters plus running statistics
		first    string
		values   []float32
		metaKey  string
		meta     string
		hashName bool
	}{
		{"data/resnet20-12fca82f.th", 97, 269722 + 2*688, "conv1.weight", []float32{-0.1382, -0.1624, 0.8207}, "best_prec1", "91.78000183105469", true},
		{"data/resnet32-d509ac18.th", 157, 464154 + 2*1136, "conv1.weight", []float32{0.4036, -0.5461, -0.6850}, "best_prec1", "92.78000144958496", true},
		{"data/mobilenetV1X0.25_pretrain.tar", 164, 475544, "stage1.0.0.weight", []float32{0.0516, 0.0249, -0.0566}, "best_acc1", "46.579998", false},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			path := testutil.Shared(t, tt.file)
			sd, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer sd.Close()
			if sd.Len() != tt.keys || sd.NumParameters() != tt.params {
				t.Errorf("%d keys, %d parameters; want %d, %d", sd.Len(), sd.NumParameters(), tt.keys, tt.params)
			}
			if sd.Format != "pytorch-legacy" || sd.Nested != "state_dict" || sd.Stripped != "module." {
				t.Errorf("format %q, nested %q, stripped %q", sd.Format, sd.Nested, sd.Stripped)
			}
			if got := sd.Metadata[tt.metaKey]; got != tt.meta {
				t.Errorf("metadata %s is %q, want %q", tt.metaKey, got, tt.meta)
			}
			if got := sd.Keys()[0]; got != tt.first {
				t.Errorf("first key is %q, want %q", got, tt.first)
			}
			first, _ := sd.Get(tt.first)
			values, err := first.Float32()
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range tt.values {
				if math.Abs(float64(values[i]-want)) > 6e-5 {
					t.Errorf("%s[%d] is %v, want %v", tt.first, i, values[i], want)
				}
			}
			for _, e := range sd.Entries() {
				if values, err := e.Float32(); err != nil || len(values) != e.Len() {
					t.Errorf("%s: %d of %d values, %v", e.Key, len(values), e.Len(), err)
				}
			}
			if err := VerifyName(path); (err == nil) != tt.hashName {
				t.Errorf("VerifyName: %v", err)
			}
		})
	}
}
