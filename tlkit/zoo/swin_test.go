package zoo_test

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestSwinOddSize: at 72x100 the feature maps are odd and no multiples of a window, in one stage one window covers an
// axis and not the other. The logits are torchvision 0.29's for the golden formula's weights and input.
func TestSwinOddSize(t *testing.T) {
	for name, want := range map[string][]float64{
		"swin_t":    {0.15683, 1.73811, -0.044241, 0.228077, 1.58983, 1.50139},
		"swin_v2_t": {0.0237716, 1.4623, -0.782104, -1.14461, 1.19277, 0.763667},
	} {
		logits := formulaLogits(t, name, 1, 72, 100) // loads without the index tables, too
		for i, v := range want {
			if math.Abs(float64(logits[i])-v) > 1e-4 {
				t.Errorf("%s: logit %d is %g, want %g", name, i, logits[i], v)
			}
		}
	}
}

// TestFixedEntries: index tables are in an exported file as 64-bit integers, the file loads again, and a table of
// another size is an error. The values are torch's: the first index of a window of 8 is the middle of 15x15 offsets.
func TestFixedEntries(t *testing.T) {
	spec, err := zoo.Info("swin_v2_t")
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.New(spec, []string{"a", "b"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "swin.safetensors")
	if err := weights.WriteSafetensors(path, entries, nil); err != nil {
		t.Fatal(err)
	}
	sd, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	const key = "features.1.0.attn.relative_position_index"
	table, ok := sd.Get(key)
	if !ok {
		t.Fatalf("%s is not exported", key)
	}
	index, err := table.Int64()
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for _, v := range index {
		sum += v
	}
	if len(index) != 4096 || index[0] != 112 || index[1] != 111 || sum != 458752 {
		t.Errorf("%d indices from %d, %d on, of sum %d; want 4096 from 112, 111 on, of sum 458752", len(index), index[0], index[1], sum)
	}
	coords, ok := m.Param("features.1.0.attn.relative_coords_table")
	if !ok || !coords.Buffer {
		t.Fatalf("relative_coords_table is no buffer: %+v", coords)
	}
	distances, err := m.Values(coords)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{-1.0566417, -1.0566417, -1.0566417, -0.9913349, -1.0566417, -0.9157446} { // torchvision's
		if math.Abs(float64(distances[i])-want) > 1e-6 {
			t.Errorf("relative_coords_table %v..., want %g at %d", distances[:6], want, i)
		}
	}
	if err := m.LoadStateDict(sd); err != nil {
		t.Error(err)
	}
	for i, e := range entries {
		if e.Key == key {
			if entries[i].Tensor, err = weights.NewInt64Tensor([]int{1}, []int64{0}); err != nil {
				t.Fatal(err)
			}
		}
	}
	other, err := weights.New(entries)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.LoadStateDict(other); err == nil {
		t.Error("the index table of another window loads without an error")
	}
}
