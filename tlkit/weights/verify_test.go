package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
)

// TestOverlap: an archive whose directory lists one record many times is refused, as to verify it would take a time
// without bound. Each entry says that it is the record of the first storage.
func TestOverlap(t *testing.T) {
	content := make([]byte, 1<<10)
	content[0] = 1
	records := []record{
		{"a/data.pkl", []byte(dictPickle(tensorPickle("FloatStorage", 4, 0, []int{2, 2}, []int{2, 1})))},
		{"a/data/0", content},
	}
	if _, err := openBytes(zipFile(t, records...)); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		records = append(records, record{fmt.Sprintf("a/x/%02d", i), content[:0]})
	}
	data := zipFile(t, records...)
	if _, err := openBytes(data); err != nil {
		t.Fatalf("empty records: %v", err)
	}
	// The directory of the archive gets the place, lengths and checksum of the storage (APPNOTE.TXT, section 4.3.12).
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File[2:] {
		at := bytes.LastIndex(data, []byte(f.Name)) - 46
		binary.LittleEndian.PutUint32(data[at+16:], crc32.ChecksumIEEE(content))
		binary.LittleEndian.PutUint32(data[at+20:], uint32(len(content)))
		binary.LittleEndian.PutUint32(data[at+24:], uint32(len(content)))
		binary.LittleEndian.PutUint32(data[at+42:], uint32(bytes.Index(data, []byte("a/data/0"))-30))
	}
	if _, err := openBytes(data); err == nil || !strings.Contains(err.Error(), "more bytes than the file") {
		t.Errorf("%v; want that the records have more bytes than the file", err)
	}
}

// TestVerifyUsed: Verify compares the records that tensors are read from, and the pickle, and no others.
func TestVerifyUsed(t *testing.T) {
	pickle := []byte(dictPickle(tensorPickle("FloatStorage", 4, 0, []int{2, 2}, []int{2, 1})))
	data := zipFile(t, record{"a/data.pkl", pickle}, record{"a/data/0", []byte("sixteen bytes at")}, record{"a/other", []byte("no tensor's")})
	for _, tt := range []struct{ from, to, want string }{
		{"", "", ""},
		{"no tensor's", "no tensor'S", ""},
		{"sixteen bytes", "sixteen Bytes", `"a/data/0" has not the checksum`},
	} {
		sd, err := openBytes(bytes.Replace(data, []byte(tt.from), []byte(tt.to), 1))
		if err != nil {
			t.Fatal(err)
		}
		if err := sd.Verify(); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.to, err, tt.want)
		}
	}
}

func openBytes(data []byte) (*StateDict, error) {
	return openReader(bytes.NewReader(data), int64(len(data)), Options{})
}

// TestListOfFigures: lists of dictionaries with tensors that are no weights are no other place for the model.
func TestListOfFigures(t *testing.T) {
	scalar, matrix := tensorPickle("FloatStorage", 4, 0, []int{}, []int{}), tensorPickle("FloatStorage", 4, 0, []int{2, 2}, []int{2, 1})
	text := func(s string) string { return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s }
	backbone := text("backbone") + "}" + text("0.weight") + matrix + "s"
	for _, list := range []string{
		text("history") + "](}" + text("loss") + scalar + "s}" + text("loss") + scalar + "se",
		text("best") + "](}(" + text("epoch") + "K\x01" + text("metric") + scalar + "ue",
	} {
		pickle := []byte("\x80\x02}(" + backbone + list + "u.")
		sd, err := openBytes(zipFile(t, record{"a/data.pkl", pickle}, record{"a/data/0", make([]byte, 16)}))
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if sd.Nested != "backbone" || sd.Len() != 1 {
			t.Errorf("nested %q, keys %q; want backbone's", sd.Nested, sd.Keys())
		}
	}
}
