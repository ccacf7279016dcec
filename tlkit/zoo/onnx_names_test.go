package zoo_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/compute-onnx/support/protos"
	"google.golang.org/protobuf/proto"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestONNXClassNames: an .onnx file's metadata names the classes as the writers of today do; without names, or with
// those of another number of classes, a note says so.
func TestONNXClassNames(t *testing.T) {
	away(t)
	data, err := os.ReadFile(filepath.Join("..", "internal", "onnx", "read", "testdata", "resnet.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	const unnamed = "its 5 classes have no names; give them in LoadOptions.Classes"
	plain := []string{"a", "b c", "it's", "é", "e"}
	for _, tt := range []struct {
		key, text string
		want      []string // nil for "class 0" and so on
	}{
		{"names", `{0: 'a', 1: 'b c', 2: "it's", 3: 'é', 4: 'e'}`, plain},
		{"names", `['a', 'b c', 'it\'s', '\xe9', 'e',]`, nil}, // no writer leaves a comma at the end
		{"names", `['a', 'b c', 'it\'s', '\xe9', 'e']`, plain},
		{"id2label", `{"0": "a", "1": "b c", "2": "it's", "3": "\u00e9", "4": "e"}`, plain},
		{"model_info labels", "a b c d e", []string{"a", "b", "c", "d", "e"}},
		{"names", `{0: 'a', 1: 'b'}`, nil},
		{"names", `{1: 'b c', 0: 'a', 2: "it's", 3: 'é', 4: 'e'}`, plain},
		{"names", `{0: 'a', 0: 'b', 2: 'c', 3: 'd', 4: 'e'}`, nil},
		{"names", `{0: 'a', 1: 'b', 2: 'c', 3: 'd', 5: 'e'}`, nil},
		{"id2label", `{"10": "a", "1": "b", "2": "c", "3": "d", "4": "e"}`, nil},
		{"id2label", `{"4": "e", "1": "b c", "2": "it's", "3": "\u00e9", "0": "a"}`, plain},
		{"classes", `["\ud83d\ude00", "b", "c", "d", "e"]`, []string{"😀", "b", "c", "d", "e"}}, // as json.dumps writes it
		{"labels", `["a\/b", "b", "c", "d", "e"]`, []string{"a/b", "b", "c", "d", "e"}},
		{"labels", `["", "b", "c", "d", "e"]`, []string{"", "b", "c", "d", "e"}},
		{"labels", `["a", null, "c", "d", "e"]`, nil},
		{"labels", `{"0": "a", "1": null, "2": "c", "3": "d", "4": "e"}`, nil},
		{"names", `{0: 'a`, nil},
		{"author", "x", nil},
	} {
		m := &protos.ModelProto{}
		if err := proto.Unmarshal(data, m); err != nil {
			t.Fatal(err)
		}
		m.MetadataProps = []*protos.StringStringEntryProto{{Key: tt.key, Value: tt.text}}
		changed, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "m.onnx")
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, err := zoo.Load(path, onnxPreprocess)
		if err != nil {
			t.Fatal(err)
		}
		want := tt.want
		if want == nil {
			want = []string{"class 0", "class 1", "class 2", "class 3", "class 4"}
		}
		if !slices.Equal(loaded.Classes, want) || slices.Contains(loaded.Notes, unnamed) != (tt.want == nil) {
			t.Errorf("%s=%s: classes %q, notes %q", tt.key, tt.text, loaded.Classes, loaded.Notes)
		}
	}
}
