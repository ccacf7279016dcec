package zoo

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// TestTwins compares the tensors of all networks. Those whose names and shapes are the same, apart from the output
// layer and from tables that files leave out, are twins, so that a note names them.
func TestTwins(t *testing.T) {
	groups, width := map[string][]string{}, map[string]int{} // width: of the features
	for _, name := range List(Filter{}) {
		spec, err := Info(name)
		if err != nil {
			t.Fatal(err)
		}
		if spec.Family == "custom" {
			continue // registered by another test
		}
		if spec.sizeBound() {
			spec.InputSize = 224 // a file is for one size, whatever the network's name
		}
		m := traced(t, spec, []string{"a"})
		head, _ := m.Param(m.HeadKey() + ".weight")
		width[name] = head.Shape[1]
		var tensors []string
		for _, p := range m.params {
			if !m.InHead(p) && !m.inAux(p) && !bookkeeping(p.Key) {
				tensors = append(tensors, fmt.Sprint(p.Key, p.Shape))
			}
		}
		slices.Sort(tensors)
		key := strings.Join(tensors, " ")
		groups[key] = append(groups[key], name)
	}
	found := 0
	for _, group := range groups {
		for _, name := range group {
			spec, _ := lookup(name)
			names, differ := spec.twins()
			slices.Sort(names)
			// Where the output layers take other features, a file that has one fits one network only.
			others := slices.DeleteFunc(slices.Clone(group), func(other string) bool { return other == name || width[other] != width[name] })
			if !slices.Equal(names, others) || len(names) > 0 && differ == "" {
				t.Errorf("%s has the tensors of %q, but its twins are %q", name, others, names)
			}
			found += len(others)
		}
	}
	if found < 90 {
		t.Errorf("%d twins", found)
	}
}

// TestOtherWindows: where a file of Swin V2 has tables, they tell its windows: networks of others are refused with the
// right name. Without tables, all are named.
func TestOtherWindows(t *testing.T) {
	index, coords := "features.1.0.attn.relative_position_index", "layers.0.blocks.0.attn.relative_coords_table"
	for _, tt := range []struct {
		network string
		tables  map[string][]int // shapes
		note    string           // parts of it, in order
		bad     string           // of an error
	}{
		{"swin_v2_t", nil, "swin_v2_t_window16", ""},
		{"swin_v2_b", nil, "swin_v2_b_window16, swin_v2_b_window12, swin_v2_b_window12to16, swin_v2_b_window12to24", ""},
		{"swin_v2_t_eps1e-02", nil, "swin_v2_t_window16_eps1e-02", ""},
		{"swin_v2_t", map[string][]int{index: {64 * 64}}, "", ""},
		{"swin_v2_t", map[string][]int{index: {64, 64}, coords: {1, 15, 15, 2}}, "", ""},
		{"swin_v2_t", map[string][]int{index: {256, 256}}, "", "windows of 16x16, and swin_v2_t has windows of 8; name swin_v2_t_window16"},
		{"swin_v2_t_window16", map[string][]int{coords: {1, 15, 15, 2}}, "", "windows of 8x8, and swin_v2_t_window16 has windows of 16; name swin_v2_t"},
		{"swin_v2_t", map[string][]int{coords: {1, 23, 23, 2}}, "", "windows of 12x12, and swin_v2_t has windows of 8; no network"},
		{"swin_v2_b_window16", map[string][]int{index: {256 * 256}}, "swin_v2_b_window12to16", ""}, // another scale, which only the other table has
		{"swin_v2_b_window16", map[string][]int{coords: {1, 31, 31, 2}}, "", ""},
		{"swin_t", nil, "", ""},
	} {
		spec, _ := lookup(tt.network)
		m := &Model{Spec: spec}
		var entries []weights.Entry
		for key, shape := range tt.tables {
			n := 1
			for _, d := range shape {
				n *= d
			}
			table, err := weights.NewTensor(shape, make([]float32, n))
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, weights.Entry{Key: key, Tensor: table})
		}
		sd, err := (&weights.StateDict{Source: "file"}).With(entries)
		if err != nil {
			t.Fatal(err)
		}
		notes, err := m.twinNotes(&fit{layout: layout{name: "timm"}}, sd)
		if text := strings.Join(notes, " "); err != nil && tt.bad == "" || !strings.Contains(text, tt.note) || tt.note == "" && text != "" {
			t.Errorf("%s, %v: notes %q, error %v, want %q", tt.network, tt.tables, notes, err, tt.note)
		}
		if tt.bad != "" && (err == nil || !strings.Contains(err.Error(), tt.bad)) {
			t.Errorf("%s, %v: error %v, want %q", tt.network, tt.tables, err, tt.bad)
		}
	}
}
