package weights

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// fuzzOpen is one property for every parser: whatever the bytes, there is an answer without a panic and without large
// allocations, and what was opened can be read and written.
func fuzzOpen(t *testing.T, b []byte) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	sd, err := openReader(bytes.NewReader(b), int64(len(b)), Options{})
	if err == nil {
		for _, e := range sd.Entries() {
			if e.DType == C64 || e.DType == C128 {
				continue
			}
			values, err := e.Float32()
			if err != nil {
				t.Errorf("%q opened but can't be read: %v", e.Key, err)
			}
			if len(values) != e.Len() {
				t.Errorf("%q: %d of %d values", e.Key, len(values), e.Len())
			}
		}
	} else if strings.Contains(err.Error(), "the parser failed") {
		t.Fatalf("a panic: %v", err)
	}
	runtime.ReadMemStats(&after)
	if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(4*memoryBase+4*memoryFactor*len(b)); got > limit {
		t.Errorf("allocated %d bytes for a file of %d", got, len(b))
	}
}

func addFixtures(f *testing.F, pattern string) {
	names, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(names) == 0 {
		f.Fatalf("no seeds for %s: %v", pattern, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

func FuzzOpenLegacy(f *testing.F) {
	addFixtures(f, "*.legacy.pth")
	f.Fuzz(fuzzOpen)
}

func FuzzOpenZip(f *testing.F) {
	addFixtures(f, "*.zip.pth")
	f.Fuzz(fuzzOpen)
}

func FuzzOpenSafetensors(f *testing.F) {
	addFixtures(f, "*.safetensors")
	f.Add(safetensorsFile(`{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}`, 16))
	f.Add(safetensorsFile(`{"__metadata__":{"a":"b"},"v":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"w":{"dtype":"F64","shape":[0],"data_offsets":[1,1]}}`, 1))
	f.Fuzz(fuzzOpen)
}

// FuzzUnpickle feeds the pickle machine of both PyTorch formats directly, so that mutations need not get past
// checksums and frames.
func FuzzUnpickle(f *testing.F) {
	f.Add([]byte(dictPickle(tensorPickle("FloatStorage", 4, 0, []int{2, 2}, []int{2, 1}))))
	f.Add([]byte(dictPickle(tensorPickle("FloatStorage", 4, 0, []int{2, 2}, []int{1, 2}))))
	f.Add([]byte("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01M\x01\x02J\x01\x02\x03\x04G@\x00\x00\x00\x00\x00\x00\x00\x88Neu."))
	f.Add([]byte("(dp0\nVa\\u00fc\np1\nI01\nsS'b'\np2\nF1.5\ns(lp3\nL5L\nag1\nas."))
	f.Add([]byte("\x80\x02cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\nX\x02\x00\x00\x00f8\x89\x88\x87R(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbC\x08\x00\x00\x00\x00\x00\x00\xd0?\x86R."))
	f.Add([]byte("\x80\x02cmy.net\nNet\n)\x81q\x01}(X\x0b\x00\x00\x00_parameters}X\x01\x00\x00\x00w" + tensorPickle("FloatStorage", 4, 0, []int{2, 2}, []int{2, 1}) +
		"sX\x08\x00\x00\x00_buffers}X\x08\x00\x00\x00_modules}ub."))
	f.Fuzz(func(t *testing.T, object []byte) {
		fuzzOpen(t, legacyFile(string(object), []string{"0"}, []int64{4}, make([]byte, 16)))
		fuzzOpen(t, legacyFile(string(object), nil, nil))
		fuzzOpen(t, zipFile(t, record{"a/data.pkl", object}, record{"a/data/0", make([]byte, 16)}))
	})
}
