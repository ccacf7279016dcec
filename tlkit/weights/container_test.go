package weights

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestCompressedZip packs a checkpoint again with compression, as unzip and zip do; torch.save itself only stores.
func TestCompressedZip(t *testing.T) {
	in, err := zip.OpenReader(filepath.Join("testdata", "views.zip.pth"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		w, err := out.Create(f.Name) // deflated
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, r); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "packed.pth")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	sd, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	sameDict(t, sd, openFixture(t, "views.zip.pth").Entries())
}

// TestLegacyStorageViews reads storages that are pieces of others, which PyTorch's first versions wrote and today's
// can't; the file is made by hand.
func TestLegacyStorageViews(t *testing.T) {
	tensor := func(view string, offset int) string {
		return "ctorch._utils\n_rebuild_tensor\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06" +
			view + "tQK" + string(rune(offset)) + "K\x02\x85K\x01\x85tR"
	}
	data := make([]byte, 24)
	for i := range 6 {
		data[4*i+2], data[4*i+3] = 0x80, byte(0x3f+i) // 1, 4, 16, 64, ...
	}
	object := "\x80\x02}(X\x01\x00\x00\x00a" + tensor("N", 1) +
		"X\x01\x00\x00\x00b" + tensor("(X\x01\x00\x00\x00vK\x02K\x03t", 1) + "u." // elements 2, 3, 4 of the storage
	path := filepath.Join(t.TempDir(), "old.pth")
	if err := os.WriteFile(path, legacyFile(object, []string{"0"}, []int64{6}, data), 0o644); err != nil {
		t.Fatal(err)
	}
	sd, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	checkTensor(t, sd, "a", []int{2}, []float32{4, 16})
	checkTensor(t, sd, "b", []int{2}, []float32{64, 256})
}
