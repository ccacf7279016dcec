package weights

import (
	"bytes"
	"errors"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
)

// sameDict compares names, order, shapes, types and bytes.
func sameDict(t *testing.T, got *StateDict, want []Entry) {
	t.Helper()
	entries := got.Entries()
	if len(entries) != len(want) {
		t.Fatalf("%d tensors, want %d", len(entries), len(want))
	}
	for i, w := range want {
		g := entries[i]
		if g.Key != w.Key || !slices.Equal(g.Shape, w.Shape) || g.DType != w.DType {
			t.Errorf("entry %d: %q %v %v, want %q %v %v", i, g.Key, g.Shape, g.DType, w.Key, w.Shape, w.DType)
			continue
		}
		gb, err1 := g.Bytes()
		wb, err2 := w.Bytes()
		if err := errors.Join(err1, err2); err != nil || !bytes.Equal(gb, wb) {
			t.Errorf("%s: bytes differ (%v)", g.Key, err)
		}
	}
}

func inMemory(t *testing.T) []Entry {
	t.Helper()
	var entries []Entry
	for _, e := range []struct {
		key   string
		shape []int
	}{{"features.0.weight", []int{4, 3, 3, 3}}, {"features.0.bias", []int{4}}, {"scale", nil}, {"none", []int{0, 2}},
		{"head.weight", []int{300, 400}}, {`odd "name"` + "\n\u2028ü", []int{2}}} {
		n, err := elements(e.shape)
		if err != nil {
			t.Fatal(err)
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(math.Sin(float64(i)))
		}
		tensor, err := NewTensor(e.shape, values)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, Entry{e.key, tensor})
	}
	return entries
}

func TestWriteRoundTrip(t *testing.T) {
	dir := t.TempDir()
	writers := map[string]func(path string, e []Entry) error{
		"out.safetensors": func(path string, e []Entry) error {
			return WriteSafetensors(path, e, map[string]string{"format": "pt", "who": `"ü"`})
		},
		"out.pth":       WritePTH,
		"versioned.pth": func(path string, e []Entry) error { return WriteVersionedPTH(path, e, 2) },
	}
	for name, write := range writers {
		for source, entries := range map[string][]Entry{
			"memory": inMemory(t),
			"views":  openFixture(t, "views.legacy.pth").Entries(),
			"types":  openFixture(t, "types.zip.pth").Entries(),
		} {
			path := filepath.Join(dir, source+name)
			if err := write(path, entries); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			sd, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			sameDict(t, sd, entries)
			if want := (map[string]string{"format": "pt", "who": `"ü"`}); sd.Format == "safetensors" && !maps.Equal(sd.Metadata, want) {
				t.Errorf("metadata %q, want %q", sd.Metadata, want)
			}
			// A file may be replaced by its own content.
			if err := write(path, sd.Entries()); err != nil {
				t.Fatal(err)
			}
			again, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			sameDict(t, again, entries)
			sd.Close()
			again.Close()
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("temporary files left: %q", left)
	}
}

// TestPyTorchReads asks PyTorch itself, in the Python that TLKIT_PEER_PYTHON names.
func TestPyTorchReads(t *testing.T) {
	python := testutil.PeerPython(t, "torch and safetensors")
	dir := t.TempDir()
	net := openFixture(t, "checkpoint.legacy.pth").Entries()
	types := openFixture(t, "types.legacy.pth").Entries()
	if err := errors.Join(
		WritePTH(filepath.Join(dir, "net.pth"), net), WriteSafetensors(filepath.Join(dir, "net.safetensors"), net, nil),
		WritePTH(filepath.Join(dir, "types.pth"), types), WriteSafetensors(filepath.Join(dir, "types.safetensors"), types, nil),
		WritePTH(filepath.Join(dir, "memory.pth"), inMemory(t)),
	); err != nil {
		t.Fatal(err)
	}
	script := `
import sys, torch
from safetensors.torch import load_file
def load(p, **kw): return torch.load(p, weights_only=True, **kw)
ref = load("testdata/types.zip.pth")
for got in [load(sys.argv[1] + "/types.pth"), load(sys.argv[1] + "/types.pth", mmap=True), load_file(sys.argv[1] + "/types.safetensors")]:
    assert set(got) == set(ref), got.keys()
    for k, v in ref.items():
        assert v.dtype == got[k].dtype and torch.equal(v.nan_to_num(), got[k].nan_to_num()), k
m = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Linear(3, 2))
for sd in [load(sys.argv[1] + "/net.pth"), load_file(sys.argv[1] + "/net.safetensors")]:
    m.load_state_dict(sd, strict=True)
    assert m[0].weight.flatten()[3] == 1.5
mem = load(sys.argv[1] + "/memory.pth")
assert list(mem)[-1] == 'odd "name"\n\u2028ü' and mem["scale"].shape == () and mem["none"].shape == (0, 2)
assert abs(mem["head.weight"][1, 1] - torch.sin(torch.tensor(401.0))) < 1e-5
print("fine")
`
	out, err := exec.Command(python, "-c", script, dir).CombinedOutput()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "fine") {
		t.Errorf("%v\n%s", err, out)
	}
}

// failingReader fails in the middle of a tensor, as a disk does.
type failingReader struct{}

func (failingReader) ReadAt(b []byte, at int64) (int, error) {
	if at > 0 {
		return 0, syscall.EIO
	}
	return len(b), nil
}

// TestWriteKeepsOldFile makes writing fail in different places.
func TestWriteKeepsOldFile(t *testing.T) {
	good := inMemory(t)
	broken := Entry{"broken", Tensor{Shape: []int{100_000}, DType: F32, src: failingReader{}}}
	changed := good[0]
	changed.Shape = []int{5}
	tests := []struct {
		name    string
		entries []Entry
		want    string
	}{
		{"input fails", append(slices.Clone(good), broken), "input/output error"},
		{"twice", append(slices.Clone(good), good[0]), `key "features.0.weight" appears twice`},
		{"nameless", []Entry{{"", good[0].Tensor}}, "no name"},
		{"empty tensor", []Entry{{"a", Tensor{Shape: []int{2}, DType: F32}}}, "no data"},
		{"zero tensor", []Entry{{"a", Tensor{}}}, "type invalid"},
		{"changed shape", []Entry{changed}, "were changed"},
	}
	for _, tt := range tests {
		for name, write := range map[string]func(string, []Entry) error{
			"a.pth":         WritePTH,
			"a.safetensors": func(p string, e []Entry) error { return WriteSafetensors(p, e, nil) },
		} {
			dir := t.TempDir()
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			err := write(path, tt.entries)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s, %s: error %v, want %q", tt.name, name, err, tt.want)
			}
			if b, _ := os.ReadFile(path); string(b) != "old" {
				t.Errorf("%s, %s: the old file is lost", tt.name, name)
			}
			if files, _ := os.ReadDir(dir); len(files) != 1 {
				t.Errorf("%s, %s: %d files left", tt.name, name, len(files))
			}
			// The next good write replaces it and keeps it private.
			if err := write(path, good); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
		}
	}
}

// TestWriteFullDisk limits the size of files, which looks like a full disk to the writer: in a process of its own, as
// the limit can't be lifted.
func TestWriteFullDisk(t *testing.T) {
	if path := os.Getenv("TLKIT_TEST_FULL_DISK"); path != "" {
		err := errors.Join(WriteSafetensors(path, inMemory(t), nil), WritePTH(path, inMemory(t)))
		if err == nil {
			t.Error("no error though nothing fitted on the disk")
		} else {
			t.Log(err)
		}
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "model")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh to set a limit with")
	}
	// 64 blocks of 512 or 1024 bytes; SIGXFSZ is ignored by Go, so write gives EFBIG.
	cmd := exec.Command(sh, "-c", `ulimit -f 64 && exec "$0" -test.run='^TestWriteFullDisk$' -test.v`, os.Args[0])
	cmd.Env = append(os.Environ(), "TLKIT_TEST_FULL_DISK="+path)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("file too large")) {
		t.Errorf("%v\n%s", err, out)
	}
	if b, _ := os.ReadFile(path); string(b) != "old" {
		t.Errorf("the old file is lost: it has %d bytes", len(b))
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files left", len(files))
	}
}
