package read

import (
	"archive/zip"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gomlx/compute-onnx/support/protos"
	"google.golang.org/protobuf/proto"
)

// FuzzParse: whatever the bytes, there is an answer without a panic and without large allocations, and the values of
// what was read are there.
func FuzzParse(f *testing.F) {
	names, err := filepath.Glob(filepath.Join("testdata", "*.onnx"))
	if err != nil || len(names) < 6 {
		f.Fatalf("%d seeds, %v", len(names), err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(lean(f, data))
	}
	for _, name := range []string{"today.zip", "quantised.zip"} {
		archive, err := zip.OpenReader(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		defer archive.Close()
		for _, file := range archive.File {
			if data, err := fs.ReadFile(archive, file.Name); err != nil {
				f.Fatal(err)
			} else if filepath.Ext(file.Name) == ".onnx" && len(data) < 50_000 {
				f.Add(lean(f, data))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		n, err := Parse(data, nil)
		if err == nil {
			sd, done, err := n.StateDict()
			if err != nil {
				t.Fatalf("read, but the values are not to be had: %v", err)
			}
			defer done()
			for _, e := range sd.Entries() {
				if values, err := e.Float32(); err != nil || len(values) != e.Len() {
					t.Errorf("%q: %d of %d values, %v", e.Key, len(values), e.Len(), err)
				}
			}
			if _, err := n.Skeleton(); err != nil {
				t.Error(err)
			}
		} else if strings.Contains(err.Error(), "the reader failed") {
			t.Fatalf("a panic: %v", err)
		}
		runtime.ReadMemStats(&after)
		if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(512<<20+256*len(data)); got > limit {
			t.Errorf("allocated %d bytes in all for a file of %d", got, len(data))
		}
	})
}

// lean drops what the reader does not look at, so that mutations hit what it does.
func lean(f *testing.F, data []byte) []byte {
	m := &protos.ModelProto{}
	if err := proto.Unmarshal(data, m); err != nil {
		f.Fatal(err)
	}
	m.ProducerName, m.DocString = "", ""
	for _, n := range m.Graph.Node {
		n.DocString, n.MetadataProps = "", nil
	}
	m.Graph.ValueInfo = nil
	out, err := proto.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	return out
}
