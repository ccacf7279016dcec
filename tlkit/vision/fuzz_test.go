package vision

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzDecode wants no panic, no inconsistent image, and the same verdict on size from the header alone.
func FuzzDecode(f *testing.F) {
	for _, pattern := range []string{"*.jpg", "*.gif", "*.bmp", "*.webp", "r*.png", "palette.png"} {
		files, err := filepath.Glob(filepath.Join("testdata", pattern))
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
