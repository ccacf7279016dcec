package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The helpers below build files by hand, to be able to lie in them.

const legacyHead = "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19." + "\x80\x02M\xe9\x03." + "\x80\x02}X\x0d\x00\x00\x00little_endian\x88s."

// legacyFile is a legacy checkpoint: object pickle, keys of storages, and for each the claimed number of
// elements and the bytes.
func legacyFile(object string, keys []string, numel []int64, data ...[]byte) []byte {
	var b bytes.Buffer
	b.WriteString(legacyHead + object + "\x80\x02](")
	p := &pickler{}
	for _, k := range keys {
		p.text(k)
	}
	b.Write(p.b.Bytes())
	b.WriteString("e.")
	for i := range keys {
		b.Write(binary.LittleEndian.AppendUint64(nil, uint64(numel[i])))
		b.Write(data[i])
	}
	return b.Bytes()
}

type record struct {
	name string
	data []byte
}

// zipFile is an archive of stored records.
func zipFile(t testing.TB, records ...record) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, r := range records {
		w, err := z.CreateRaw(&zip.FileHeader{Name: r.name, CRC32: crc32.ChecksumIEEE(r.data),
			CompressedSize64: uint64(len(r.data)), UncompressedSize64: uint64(len(r.data))})
		if err != nil {
			t.Fatal(err)
		}
		w.Write(r.data)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tensorPickle is the code for a tensor; storage 0 with numel elements.
func tensorPickle(class string, numel, offset int, shape, stride []int) string {
	p := &pickler{}
	p.global("torch._utils", "_rebuild_tensor_v2")
	p.op('(', '(')
	p.text("storage")
	p.global("torch", class)
	p.text("0")
	p.text("cpu")
	p.int64(numel)
	p.op('t', 'Q')
	p.int64(offset)
	for _, v := range [][]int{shape, stride} {
		p.op('(')
		for _, n := range v {
			p.int64(n)
		}
		p.op('t')
	}
	p.op(0x89, 'N', 't', 'R')
	return p.b.String()
}

// int64 writes any number, as the pickler of the package only writes sizes.
func (p *pickler) int64(n int) {
	p.op(0x8a, 8)
	p.b.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

// dictPickle is a bare state dict with one tensor "w".
func dictPickle(tensor string) string { return "\x80\x02}X\x01\x00\x00\x00w" + tensor + "s." }

func safetensorsFile(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

// bounded runs Open and reads every tensor, and fails the test if that takes long or allocates much more
// than the file has.
func bounded(t *testing.T, path string, size int) error {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	sd, err := Open(path)
	if err == nil {
		for _, e := range sd.Entries() {
			if e.DType == C64 || e.DType == C128 {
				continue
			}
			if _, readErr := e.Float32(); readErr != nil {
				err = errors.Join(err, readErr)
			}
		}
		sd.Close()
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	// TotalAlloc counts garbage too.
	if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(2*memoryBase+4*memoryFactor*size); got > limit {
		t.Errorf("allocated %d bytes for a file of %d", got, size)
	}
	if took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	return err
}

func TestBadInput(t *testing.T) {
	four := make([]byte, 16)
	ok := tensorPickle("FloatStorage", 4, 0, []int{2, 2}, []int{2, 1})
	legacy := func(object string) []byte {
		if !strings.Contains(object, "storage") { // a storage that no tensor names would be an error of its own
			return legacyFile(object, nil, nil)
		}
		return legacyFile(object, []string{"0"}, []int64{4}, four)
	}
	zipped := func(object string) []byte {
		return zipFile(t, record{"a/data.pkl", []byte(object)}, record{"a/data/0", four}, record{"a/version", []byte("3\n")})
	}
	const huge = 1 << 58
	reduce := func(module, name string) string { return "c" + module + "\n" + name + "\nX\x02\x00\x00\x00ls\x85R" }
	safe := func(fields string) []byte { return safetensorsFile(`{"w":{`+fields+`}}`, 16) }

	// Both containers, same pickle.
	pickles := []struct{ name, object, want string }{
		{"good", dictPickle(ok), ""},
		{"os.system", "\x80\x02" + reduce("os", "system") + ".", `"os.system"`},
		{"posix.system inside", dictPickle(reduce("posix", "system")), `"posix.system"`},
		{"eval", dictPickle(reduce("__builtin__", "eval")), `"builtins.eval"`},
		{"getattr", dictPickle(reduce("builtins", "getattr")), `"builtins.getattr"`},
		{"stack global", dictPickle("X\x0a\x00\x00\x00subprocessX\x05\x00\x00\x00Popen\x93"), `"subprocess.Popen"`},
		{"inst", dictPickle("(X\x02\x00\x00\x00lsios\nsystem\n"), `"os.system"`},
		{"dotted name", dictPickle("cnumpy.dtypes\nos.systemDType\n"), `"numpy.dtypes.os.systemDType"`},
		{"torch.load from bytes", dictPickle(reduce("torch.storage", "_load_from_bytes")), `"torch.storage._load_from_bytes"`},
		{"long name", dictPickle("c" + strings.Repeat("x", 5000) + "\n\xff\ny"), "xxx..."},
		{"call of a string", dictPickle("X\x01\x00\x00\x00a)R"), "a call of a str"},
		{"call of a dtype", dictPickle("ctorch\nfloat32\n)R"), "a call of torch.float32"},
		{"arguments no tuple", dictPickle("ccollections\nOrderedDict\n]R"), "a list for arguments"},
		{"shape product overflows", dictPickle(tensorPickle("FloatStorage", 4, 0, []int{1 << 40, 1 << 40}, []int{1, 1})), "more elements than any file can hold"},
		{"negative axis", dictPickle(tensorPickle("FloatStorage", 4, 0, []int{-2, 2}, []int{2, 1})), "negative axis"},
		{"negative stride", dictPickle(tensorPickle("FloatStorage", 4, 3, []int{2, 2}, []int{-2, 1})), "leaves the storage"},
		{"huge stride", dictPickle(tensorPickle("FloatStorage", 4, 0, []int{3}, []int{huge})), "leaves the storage"},
		{"negative offset", dictPickle(tensorPickle("FloatStorage", 4, -1, []int{2}, []int{1})), "no position"},
		{"offset too far", dictPickle(tensorPickle("FloatStorage", 4, 3, []int{2}, []int{1})), "its storage has 4"},
		{"shape larger than storage", dictPickle(tensorPickle("FloatStorage", 4, 0, []int{5}, []int{1})), "its storage has 4"},
		{"claims a large storage", dictPickle(tensorPickle("FloatStorage", 1<<40, 0, []int{2}, []int{1})), "damaged"},
		{"claims a negative storage", dictPickle(tensorPickle("FloatStorage", -1, 0, []int{2}, []int{1})), "impossible number"},
		{"expands a storage", dictPickle(tensorPickle("FloatStorage", 4, 0, []int{1 << 30}, []int{0})), "repeats a storage"},
		{"stride too short", dictPickle(tensorPickle("FloatStorage", 4, 0, []int{2, 2}, []int{1})), "differ in length"},
		{"too many axes", dictPickle(tensorPickle("FloatStorage", 4, 0, make([]int, 100), make([]int, 100))), "100 axes"},
		{"unknown storage", dictPickle(tensorPickle("StringStorage", 4, 0, []int{4}, []int{1})), `"torch.StringStorage"`},
		{"no storage", dictPickle("ctorch._utils\n_rebuild_tensor_v2\n(NK\x00)))tR"), "expected a storage, got None"},
		{"no arguments", dictPickle("ctorch._utils\n_rebuild_tensor_v2\n)R"), "expected a storage, got None"},
		{"twice the same key", "\x80\x02}(X\x01\x00\x00\x00w" + ok + "X\x01\x00\x00\x00w" + ok + "u.", `key "w" appears twice`},
		{"a number and its text", "\x80\x02}(K\x00}X\x08\x00\x00\x00a.weight" + ok + "sX\x01\x00\x00\x000}X\x08\x00\x00\x00a.weight" + ok + "su.", `key "0" appears twice in a dictionary, perhaps once as a number`},
		{"odd number of items", "\x80\x02}(X\x01\x00\x00\x00wu.", "a key without a value"},
		{"a number for a key", "\x80\x02}K\x01" + ok + "s.", "key is of type int"},
		{"no tensors", "\x80\x02}X\x01\x00\x00\x00wK\x01s.", "holds no tensors"},
		{"only stop", "\x80\x02.", "takes more from the stack"},
		{"unknown opcode", "\x80\x02\xff.", "does not belong"},
		{"protocol 9", "\x80\x09.", "protocol 9"},
		{"extension", "\x80\x02\x82\x01.", "does not belong"},
		{"out-of-band buffer", "\x80\x05\x97.", "does not belong"},
		{"memo entry missing", "\x80\x02h\x07.", "memo entry 7"},
		{"huge memo index", "\x80\x02Nr\xff\xff\xff\xff0.", "takes more from the stack"},
		{"huge memo index in text", "\x80\x02Np99999999999999999999\n.", "memo index that large"},
		{"negative memo index", "\x80\x02Np-1\n.", "is negative"},
		{"string longer than the file", "\x80\x02X\xff\xff\xff\xffabc.", "4294967295 bytes"},
		{"string of 2^63 bytes", "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.", "18446744073709551615 bytes"},
		{"bytes of 2^62", "\x80\x04\x8e\x00\x00\x00\x00\x00\x00\x00\x40abc.", "bytes, but only"},
		{"huge frame", "\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN.", "holds a None"},
		{"huge integer", "\x80\x02\x8b\x00\x00\x00\x40.", "an integer of"},
		{"empty integer", "\x80\x02\x8a\x00.", "holds a int"},
		{"long decimal", "\x80\x02L" + strings.Repeat("9", 100_000) + "L\n.", "is no integer"},
		{"bad float", "\x80\x02Fx\n.", "is no number"},
		{"string without quotes", "\x80\x02Sabc\n.", "without quotes"},
		{"pop below a mark", "\x80\x02N(s.", "takes more from the stack"},
		{"append to a number", "\x80\x02K\x01Na.", "items appended to a int"},
		{"set items of a list", "\x80\x02]NNs.", "items set on a list"},
		{"tuple without mark", "\x80\x02Nt.", "a mark is missing"},
		{"marks", "\x80\x02" + strings.Repeat("(", 1<<20) + ".", "far more memory"},
		{"lists", "\x80\x02" + strings.Repeat("]", 1<<20) + ".", "far more memory"},
		{"nested deeply", "\x80\x02" + strings.Repeat("]", 10_000) + strings.Repeat("a", 9_999) + ".", "holds a list"},
		{"nested dictionaries", "\x80\x02}" + strings.Repeat("X\x01\x00\x00\x00d}", 10_000) + strings.Repeat("s", 10_000) + ".", "holds no tensors"},
		{"list of itself", "\x80\x02]q\x00h\x00a.", "holds a list"},
		{"dictionary of itself", "\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s.", "holds no tensors"},
		{"doubling tuples", "\x80\x02N" + strings.Repeat("q\x00h\x00\x86", 1000) + ".", "holds a tuple"},
		{"doubling dictionaries", "\x80\x02}" + strings.Repeat("q\x00}(X\x01\x00\x00\x00ah\x00X\x01\x00\x00\x00bh\x00u", 1000) + ".", "holds no tensors"},
		{"persistent id of nonsense", dictPickle("K\x01Q"), "names no storage"},
	}
	type test struct {
		name string
		file []byte
		want string
	}
	var tests []test
	for _, p := range pickles {
		tests = append(tests, test{"legacy: " + p.name, legacy(p.object), p.want}, test{"zip: " + p.name, zipped(p.object), p.want})
	}
	delete := func(b []byte, n int) []byte { return b[:len(b)-n] }
	tests = append(tests, []test{
		{"empty file", nil, "the file is empty"},
		{"noise", []byte("\x05hello, world\x00"), "not a file of weights"},
		{"one byte", []byte{0x80}, "not a file of weights"},
		{"gzip", []byte("\x1f\x8b\x08 and more"), "run gunzip"},
		{"html", []byte("<!DOCTYPE html><html>"), "a web page"},
		{"index.json", []byte(`{"metadata": {"total_size": 1}}`), "OpenIndex opens"},
		{"lfs", []byte("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"},
		{"hdf5", []byte("\x89HDF\r\n\x1a\n\x00"), "HDF5"},
		{"tar", append(make([]byte, 257), "ustar\x0000"...), "tar -xf"},
		{"onnx", []byte("\x08\x07\x12\x07pytorch\x1a\x05"), "an ONNX model"},
		{"plain pickle", []byte("\x80\x02}q\x00."), "a plain pickle"},
		{"legacy: version", []byte(legacyHead[:15] + "\x80\x02M\xe8\x03." + legacyHead[21:]), "unknown version"},
		{"legacy: big-endian", []byte(strings.Replace(legacyHead, "\x88s", "\x89s", 1) + dictPickle(ok)), "big-endian"},
		{"legacy: storage cut", delete(legacy(dictPickle(ok)), 1), "cut short"},
		{"legacy: storages missing", delete(legacy(dictPickle(ok)), 24), "ends before its storages"},
		{"legacy: other length", legacyFile(dictPickle(ok), []string{"0"}, []int64{3}, four), "4 elements in one place of the file and 3"},
		{"legacy: negative length", legacyFile(dictPickle(ok), []string{"0"}, []int64{-1}, four), "damaged"},
		{"legacy: storage unlisted", legacyFile(dictPickle(ok), nil, nil), "its storage is not in the file"},
		{"legacy: storage listed twice", legacyFile(dictPickle(ok), []string{"0", "0"}, []int64{4, 4}, four, four), "listed twice"},
		{"legacy: foreign storage", legacyFile(dictPickle(ok), []string{"0", "1"}, []int64{4, 4}, four, four), "belongs to no tensor"},
		{"legacy: storage in the keys", legacyFile(dictPickle(ok), nil, nil)[:len(legacyHead)+len(dictPickle(ok))], "ends in the middle"},
		{"zip: cut", delete(zipped(dictPickle(ok)), 30), "damaged or cut short"},
		{"zip: no data.pkl", zipFile(t, record{"a/version", []byte("3\n")}), "without data.pkl"},
		{"zip: empty", zipFile(t), "without data.pkl"},
		{"zip: empty pickle", zipped(""), "ends in the middle"},
		{"legacy: pickle missing", []byte(legacyHead), "ends in the middle"},
		{"zip: npz", zipFile(t, record{"arr_0.npy", four}), "NumPy archive"},
		{"zip: wrapped", zipFile(t, record{"dir/model.pth", four}), `open "dir/model.pth"`},
		{"zip: two data.pkl", zipFile(t, record{"a/data.pkl", four}, record{"b/data.pkl", four}), "several data.pkl"},
		{"zip: record twice", zipFile(t, record{"a/data.pkl", []byte(dictPickle(ok))}, record{"a/data/0", four}, record{"a/data/0", four}), "appears twice"},
		{"zip: storage missing", zipFile(t, record{"a/data.pkl", []byte(dictPickle(ok))}), "not in the archive"},
		{"zip: storage short", zipFile(t, record{"a/data.pkl", []byte(dictPickle(ok))}, record{"a/data/0", four[:15]}), "has 15 bytes"},
		{"zip: big-endian", zipFile(t, record{"a/data.pkl", []byte(dictPickle(ok))}, record{"a/data/0", four}, record{"a/byteorder", []byte("big")}), "big-endian"},
		{"zip: bomb", bomb(t), "claims to inflate"},
		{"zip: lies about its length", lyingZip(t), "reaches beyond the end"},
		{"safetensors: good", safe(`"dtype":"F32","shape":[2,2],"data_offsets":[0,16]`), ""},
		{"safetensors: length like gzip's magic", safetensorsFile(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`+strings.Repeat(" ", 0x8b1f-53), 1), ""},
		{"safetensors: header longer than the file", []byte("\xff\x00\x00\x00\x00\x00\x00\x00{}"), "cut short"},
		{"safetensors: header beyond the limit", []byte("\x00\x00\x00\x00\x00\x00\x00\x80{}"), "more than the format allows"},
		{"safetensors: not JSON", safetensorsFile("{nonsense}", 0), "safetensors header"},
		{"safetensors: JSON cut", safetensorsFile(`{"w":{"dtype":"F32"`, 0), "unexpected end"},
		{"safetensors: not UTF-8", safetensorsFile("{\"\xff\":1}", 0), "not UTF-8"},
		{"safetensors: empty", safetensorsFile("{}", 0), "holds no tensors"},
		{"safetensors: more JSON", safetensorsFile(`{}{}`, 0), "follows the JSON object"},
		{"safetensors: data cut", delete(safe(`"dtype":"F32","shape":[2,2],"data_offsets":[0,16]`), 1), "cut short"},
		{"safetensors: data left over", append(safe(`"dtype":"F32","shape":[2,2],"data_offsets":[0,16]`), 0), "belong to no tensor"},
		{"safetensors: unknown type", safe(`"dtype":"F4","shape":[2,2],"data_offsets":[0,16]`), `its elements are of type "F4", which is not read; if the file is not damaged, save its .float() in Python`},
		{"safetensors: no type", safe(`"shape":[2,2],"data_offsets":[0,16]`), "expected a dtype"},
		{"safetensors: unknown field", safe(`"dtype":"F32","shape":[2,2],"data_offsets":[0,16],"x":1`), "unknown field"},
		{"safetensors: field twice", safe(`"dtype":"F32","dtype":"F32","shape":[2,2],"data_offsets":[0,16]`), "appears twice"},
		{"safetensors: negative axis", safe(`"dtype":"F32","shape":[-2,-2],"data_offsets":[0,16]`), "negative axis"},
		{"safetensors: overflow", safe(`"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,16]`), "more elements than"},
		{"safetensors: axis no integer", safe(`"dtype":"F32","shape":[2.5,2],"data_offsets":[0,16]`), `tensor "w"`},
		{"safetensors: shape and offsets disagree", safe(`"dtype":"F32","shape":[3],"data_offsets":[0,16]`), "needs 12"},
		{"safetensors: offsets backwards", safe(`"dtype":"F32","shape":[0],"data_offsets":[16,0]`), "span -16"},
		{"safetensors: negative offset", safe(`"dtype":"F32","shape":[4],"data_offsets":[-16,0]`), "data_offsets"},
		{"safetensors: three offsets", safe(`"dtype":"F32","shape":[4],"data_offsets":[0,16,16]`), "two data_offsets"},
		{"safetensors: offset beyond int64", safe(`"dtype":"F32","shape":[4],"data_offsets":[0,99999999999999999999]`), `tensor "w"`},
		{"safetensors: key twice", safetensorsFile(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), `"w" appears twice`},
		{"safetensors: overlap", safetensorsFile(`{"v":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"w":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3), `"v" and "w" overlap`},
		{"safetensors: hole", safetensorsFile(`{"v":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3), "1 bytes before tensor \"w\""},
		{"safetensors: metadata no text", safetensorsFile(`{"__metadata__":{"a":1}}`, 0), `metadata key "a"`},
		{"safetensors: metadata twice", safetensorsFile(`{"__metadata__":{"a":"","a":""}}`, 0), `metadata key "a" appears twice`},
		{"safetensors: deep JSON", safetensorsFile(`{"w":{"shape":`+strings.Repeat("[", 1<<20), 0), `tensor "w"`},
	}...)
	dir := t.TempDir()
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(dir, fmt.Sprintf("%d.pth", i))
			if err := os.WriteFile(path, tt.file, 0o644); err != nil {
				t.Fatal(err)
			}
			err := bounded(t, path, len(tt.file))
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("unexpected error %v", err)
			case tt.want != "" && err == nil:
				t.Errorf("no error, want %q", tt.want)
			case tt.want == "":
			case !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path):
				t.Errorf("error %v; want %q and the path", err, tt.want)
			case len(err.Error()) > 700:
				t.Errorf("an error of %d bytes", len(err.Error()))
			case strings.Contains(err.Error(), "goroutine"):
				t.Errorf("the parser panicked: %v", err)
			}
		})
	}
}

// bomb is an archive whose pickle is a megabyte of zeros for each kilobyte.
func bomb(t *testing.T) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("a/data.pkl")
	if err != nil {
		t.Fatal(err)
	}
	w.Write(make([]byte, 100<<20))
	z.Close()
	return b.Bytes()
}

// lyingZip claims a record of 1 GB.
func lyingZip(t *testing.T) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "a/data.pkl", CompressedSize64: 1 << 30, UncompressedSize64: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("\x80\x02}."))
	z.Close()
	return b.Bytes()
}

// TestTruncated cuts good files at many places.
func TestTruncated(t *testing.T) {
	for _, name := range []string{"checkpoint.zip.pth", "checkpoint.legacy.pth", "views.safetensors", "protocol5.legacy.pth"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name)
		for n := 0; n < len(b); n += 1 + len(b)/211 {
			if err := os.WriteFile(path, b[:n], 0o644); err != nil {
				t.Fatal(err)
			}
			if err := bounded(t, path, n); err == nil || strings.Contains(err.Error(), "goroutine") {
				t.Errorf("%s cut at %d of %d: %v", name, n, len(b), err)
			}
		}
	}
}

// TestShrunkAfterOpen cuts a file that is already open.
func TestShrunkAfterOpen(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "views.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.safetensors")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	sd, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer sd.Close()
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	base, _ := sd.Get("base")
	if _, err := base.Float32(); err == nil || !strings.Contains(err.Error(), path+": tensor base: reading 96 bytes") || !strings.Contains(err.Error(), "changed or cut") {
		t.Errorf("error %v", err)
	}
}

func TestOpenBytes(t *testing.T) {
	b := zipFile(t, record{"a/data.pkl", []byte("\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.")})
	var forbidden *ForbiddenError
	var err error
	if _, err := OpenBytes("embedded.pth", b); !errors.As(err, &forbidden) || forbidden.Path != "embedded.pth" {
		t.Errorf("error %v", err)
	}
	if _, err := OpenBytes("embedded.pth", b[:50]); err == nil || !strings.Contains(err.Error(), "embedded.pth") {
		t.Errorf("error %v", err)
	}
	if b, err = os.ReadFile(filepath.Join("testdata", "views.safetensors")); err != nil {
		t.Fatal(err)
	}
	sd, err := OpenBytes("embedded.safetensors", b)
	if err != nil {
		t.Fatal(err)
	}
	sameDict(t, sd, openFixture(t, "views.safetensors").Entries())
	if err := sd.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenPaths(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "absent.pth")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("folder: %v", err)
	}
	if _, err := OpenWith(filepath.Join("testdata", "views.safetensors"), Options{Key: "model"}); err == nil || !strings.Contains(err.Error(), "leave Options.Key empty") {
		t.Errorf("key in safetensors: %v", err)
	}
}

// A pickle that reads one string as a storage over and over takes time that grows with the file, not its square.
func TestStorageOfOneStringManyTimes(t *testing.T) {
	inner := "\x80\x02" + strings.Repeat("N0", 1<<18) + "N."
	object := "\x80\x02ctorch.storage\n_load_from_bytes\nq\x000B" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(inner)))) + inner + "q\x010" +
		strings.Repeat("h\x00h\x01\x85R0", 1<<16) + "N."
	if _, err := OpenBytes("many.pkl", []byte(object)); err == nil || !strings.Contains(err.Error(), "a tensor's storage is a None") {
		t.Errorf("error %v", err)
	}
	good := legacyHead + "\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01Nt" + "Q.\x80\x02](X\x01\x00\x00\x000e." +
		"\x01\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x80\x3f"
	inner = strings.Replace(good, "K\x01Nt", strings.Repeat("N0", 1<<18)+"K\x01Nt", 1)
	object = "\x80\x02ctorch.storage\n_load_from_bytes\nq\x000B" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(inner)))) + inner + "q\x010" +
		strings.Repeat("h\x00h\x01\x85R0", 1<<16) + "N."
	if _, err := OpenBytes("many.pkl", []byte(object)); err == nil || !strings.Contains(err.Error(), "needs far more memory") {
		t.Errorf("error %v", err)
	}
}
