package sealed

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// TestSmall damages a JSON file and its second copy: the value is read while one of them is good, and a note names the
// other.
func TestSmall(t *testing.T) {
	type value struct{ Name string }
	cut := func(path string) error { return os.Truncate(path, 40) }
	good := func(string) error { return nil }
	for name, tt := range map[string]struct {
		file, second func(string) error
		note         string
		err          error
	}{
		"good":                {good, good, "", nil},
		"cut":                 {cut, good, "f.json is damaged and was read from its second copy", nil},
		"missing":             {os.Remove, good, "f.json is missing and was read from its second copy", nil},
		"second copy cut":     {good, cut, "f.json.bak is damaged; it is only a second copy", nil},
		"second copy missing": {good, os.Remove, "f.json.bak is missing; it is only a second copy", nil},
		"both cut":            {cut, cut, "", ErrDamaged},
		"one cut, one gone":   {cut, os.Remove, "", ErrDamaged},
		"both missing":        {os.Remove, os.Remove, "", fs.ErrNotExist},
	} {
		path := filepath.Join(t.TempDir(), "f.json")
		if err := WriteJSON(path, value{"a run"}); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(tt.file(path), tt.second(path+CopySuffix)); err != nil {
			t.Fatal(err)
		}
		var got value
		note, err := ReadJSON(path, &got)
		if note != tt.note || !errors.Is(err, tt.err) || err == nil && got.Name != "a run" {
			t.Errorf("%s: %+v, note %q, error %v; want note %q, error %v", name, got, note, err, tt.note, tt.err)
		}
	}
}

// TestUnmarshal: a text with a checksum is read as it was written or not at all, one without is read as it is.
func TestUnmarshal(t *testing.T) {
	type value struct{ Name string }
	text, err := JSON(value{"a job"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text    []byte
		want    string
		damaged bool
	}{
		"good":               {text, "a job", false},
		"another letter":     {bytes.Replace(text, []byte("job"), []byte("jab"), 1), "", true},
		"cut":                {text[:len(text)-9], "", true},
		"without a checksum": {[]byte(`{"Name": "older"}`), "older", false},
	} {
		var got value
		if err := Unmarshal(c.text, &got); errors.Is(err, ErrDamaged) != c.damaged || (err == nil) == c.damaged || got.Name != c.want {
			t.Errorf("%s: %+v, %v; want %q, damaged %v", name, got, err, c.want, c.damaged)
		}
	}
}

// TestWeights flips a bit of a weight file, which Check finds. WriteWeights keeps the earlier file if it
// gets a path for it.
func TestWeights(t *testing.T) {
	tensor, err := weights.NewTensor([]int{2}, []float32{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	path, keep := filepath.Join(t.TempDir(), "w.safetensors"), filepath.Join(t.TempDir(), "before.safetensors")
	for range 2 { // at first there is nothing to keep
		if err := WriteWeights(path, keep, []weights.Entry{{Key: "a", Tensor: tensor}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{path, keep} {
		if err := Check(p, true); err != nil {
			t.Errorf("%s: %v", filepath.Base(p), err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 4
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := Check(path, true); !errors.Is(err, ErrDamaged) {
		t.Errorf("with another bit: %v, want %v", err, ErrDamaged)
	}
	if err := os.WriteFile(path, []byte("without a checksum"), 0o666); err != nil {
		t.Fatal(err)
	}
	if must, may := Check(path, true), Check(path, false); !errors.Is(must, ErrDamaged) || may != nil {
		t.Errorf("without a checksum: %v where there must be one, %v where not", must, may)
	}
}
