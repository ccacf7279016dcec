package vision

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// addFiles adds the files of a folder that match one of the patterns to a fuzz test's corpus.
func addFiles(f *testing.F, dir string, patterns ...string) {
	f.Helper()
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
}

// FuzzDecode wants no panic, no inconsistent image, and the same verdict on size from the header alone.
func FuzzDecode(f *testing.F) {
	addFiles(f, "testdata", "*.jpg", "*.gif", "*.bmp", "*.webp", "r*.png", "palette.png")
	f.Fuzz(func(t *testing.T, data []byte) {
		w, h, _, headerErr := DecodeConfig(data)
		if headerErr == nil && w*h > 1<<20 {
			t.Skip("legal, and too slow to fuzz")
		}
		m, err := Decode(bytes.NewReader(data))
		switch {
		case (err == nil) != (m != nil):
			t.Fatalf("image %v with error %v", m, err)
		case err == nil && (headerErr != nil || m.Width != w || m.Height != h || len(m.Pix) != 3*w*h):
			t.Fatalf("header says %d x %d (%v), image is %d x %d with %d bytes", w, h, headerErr, m.Width, m.Height, len(m.Pix))
		}
	})
}
