package zoo_test

import (
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestViTKeys: published files say mlp.linear_1 and mlp.linear_2 where today's keys say mlp.0 and mlp.3. It also fixes
// that the number of position embeddings follows the input size: 1 + (64/32)^2.
func TestViTKeys(t *testing.T) {
	spec, err := zoo.Info("vit_b_32")
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize = 64
	m, err := zoo.New(spec, []string{"a", "b"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := m.Param("encoder.pos_embedding"); !ok || p.Shape[1] != 5 {
		t.Errorf("position embeddings %v at 64x64 with patches of 32, want [1 5 768]", p.Shape)
	}
	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	old := strings.NewReplacer(".mlp.0.", ".mlp.linear_1.", ".mlp.3.", ".mlp.linear_2.")
	renamed := 0
	for i, e := range entries {
		entries[i].Key = old.Replace(e.Key)
		if entries[i].Key != e.Key {
			renamed++
		}
	}
	if renamed != 48 {
		t.Fatalf("%d keys of the perceptrons, want 4 in each of 12 layers", renamed)
	}
	sd, err := weights.New(entries)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.LoadStateDict(sd); err != nil {
		t.Error(err)
	}
}
