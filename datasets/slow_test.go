//go:build slow

package datasets

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// A folder of 25,000 small images: seconds and memory of the first opening, which decodes everything, of the second,
// and of the fingerprint. With -v it prints them; what it asserts is that the second opening reads no image.
func TestOpen25000Images(t *testing.T) {
	withCache(t)
	dir := t.TempDir()
	const classes, perClass = 25, 1000
	for c := range classes {
		folder := filepath.Join(dir, fmt.Sprintf("class%02d", c))
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range perClass {
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%04d.jpg", i)), photo(t, 64, uint64(c*perClass+i)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	time.Sleep(2 * tooFresh) // as files that were not made just now
	var prints []string
	for _, name := range []string{"first", "second"} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		d, err := ImageFolder(dir)
		opened := time.Since(start)
		if err != nil {
			t.Fatal(err)
		}
		start = time.Now()
		prints = append(prints, d.Fingerprint())
		printed := time.Since(start)
		runtime.GC()
		runtime.ReadMemStats(&after)
		t.Logf("%s opening: %.2f s, fingerprint %.3f s; the data set holds %.1f MB, the process has %.0f MB from the system; %v",
			name, opened.Seconds(), printed.Seconds(), float64(after.HeapAlloc-before.HeapAlloc)/1e6, float64(after.Sys)/1e6, d)
		runtime.KeepAlive(d)
	}
	if prints[0] != prints[1] {
		t.Errorf("fingerprints %v differ", prints)
	}
	// Unreadable images go unnoticed, because none is read again.
	tr, err := openTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tr.files {
		tr.files[i].open = nil
	}
	tr.check(false)
	for i, v := range tr.all {
		if v.Reason != "" || !v.Decoded {
			t.Fatalf("%s: %+v", tr.files[i].path, v)
		}
	}
}

// photo is a JPEG file of side x side pixels of smoothed noise, of about the size that a photograph has.
func photo(t testing.TB, side int, seed uint64) []byte {
	t.Helper()
	r := vision.NewRand(seed)
	small := vision.New(side/4, side/4)
	for i := range small.Pix {
		small.Pix[i] = uint8(r.Uint32())
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, vision.Resize(small, side, side, vision.Bicubic).ToImage(), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
