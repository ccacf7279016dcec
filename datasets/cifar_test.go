package datasets

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// cifarTar packs batches as the original is packed.
func cifarTar(t *testing.T, batches map[string][]byte) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), cifarArchive)
	f, err := os.Create(p)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for name, data := range batches {
		if err := w.WriteHeader(&tar.Header{Name: cifarFolder + "/" + name, Mode: 0o644, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []interface{ Close() error }{w, z, f} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// cifarBatch has label i%10, and in image i red i%256, green 7, blue 9.
func cifarBatch() []byte {
	b := make([]byte, 0, cifarImages*cifarRecord)
	for i := range cifarImages {
		b = append(b, byte(i%10))
		b = append(b, bytes.Repeat([]byte{byte(i)}, cifarHW)...)
		b = append(b, bytes.Repeat([]byte{7}, cifarHW)...)
		b = append(b, bytes.Repeat([]byte{9}, cifarHW)...)
	}
	return b
}

func TestOriginalCIFAR10(t *testing.T) {
	if testing.Short() {
		t.Skip("packs and unpacks 184 MB")
	}
	cache := withCache(t)
	batch := cifarBatch()
	all := map[string][]byte{"readme.html": []byte("hello")}
	for _, name := range cifarBatches {
		all[name] = batch
	}
	archive := cifarTar(t, all)
	t.Setenv("TLKIT_DATA", filepath.Dir(archive))
	d, err := Load("cifar10", Options{ValFraction: 0.1, PerClass: 300})
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 3000 || d.Val.Len() != 5000 || d.Test.Len() != 10_000 {
		t.Errorf("%v", d)
	}
	for i := range d.Test.Len() {
		if want := i / 1000; d.Test.Label(i) != want {
			t.Fatalf("test image %d has label %d, want %d", i, d.Test.Label(i), want)
		}
	}
	m, err := d.Test.Image(1) // label 0, the second of its class: number 10 of the file
	if err != nil {
		t.Fatal(err)
	}
	if d.Test.Name(1) != "test/airplane/00010" || m.Width != 32 || !slices.Equal(m.Pix[3*500:3*500+3], []byte{10, 7, 9}) {
		t.Errorf("%s has the pixel %v", d.Test.Name(1), m.Pix[1500:1503])
	}
	unpacked := filepath.Join(cache, "datasets", cifarFolder)
	if again, err := Load("cifar10", Options{Dir: unpacked, ValFraction: 0.1, PerClass: 300}); err != nil || again.Fingerprint() != d.Fingerprint() {
		t.Errorf("from the unpacked folder: %v, %v", again, err)
	}
	if err := os.Truncate(filepath.Join(unpacked, cifarBatches[2]), 100); err != nil {
		t.Fatal(err)
	}
	if _, err := Load("cifar10"); err == nil || !strings.Contains(err.Error(), cifarBatches[2]) {
		t.Errorf("truncated batch: %v", err)
	}
}

func TestOriginalCIFAR10Errors(t *testing.T) {
	for _, tt := range []struct {
		name    string
		batches map[string][]byte
		want    string
	}{
		{"batches missing", map[string][]byte{"readme.html": nil}, "lacks 6 of the CIFAR-10 batches"},
		{"wrong size", map[string][]byte{"test_batch.bin": []byte("x")}, "has 1 bytes; expected 30730000"},
	} {
		withCache(t)
		if _, err := Load("cifar10", Options{Dir: cifarTar(t, tt.batches)}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.name, err, tt.want)
		}
	}
	withCache(t)
	p := filepath.Join(t.TempDir(), cifarArchive)
	if err := os.WriteFile(p, []byte("this is no gzip file at all"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load("cifar10", Options{Dir: p}); err == nil || !strings.Contains(err.Error(), "gzip") {
		t.Errorf("not gzip: %v", err)
	}
}
