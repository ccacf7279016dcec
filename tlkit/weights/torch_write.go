package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"strconv"
)

// WritePTH writes a state dict as torch.save does: PyTorch reads it with torch.load(path, weights_only=True) and
// load_state_dict(..., strict=True). The whole file is the OrderedDict, with keys in the given order. As with
// WriteSafetensors, the file appears whole or not at all.
func WritePTH(path string, entries []Entry) error { return WriteVersionedPTH(path, entries, 0) }

// WriteVersionedPTH is WritePTH with the version of the module's class, which torchvision's MNASNet reads
// (torch.nn.Module._version): it stands in the attribute _metadata of the OrderedDict. 0 writes none.
func WriteVersionedPTH(path string, entries []Entry, version int) error {
	if err := checkEntries(entries, func(d DType) bool { return dtypes[d].torch != "" }); err != nil {
		return fmt.Errorf("weights: writing %s: %w", path, err)
	}
	return writeAtomic(path, func(w io.Writer) error {
		a := &archiveWriter{}
		a.zip = zip.NewWriter(countWriter{w, &a.at})
		if err := a.add("data.pkl", piece(statePickle(entries, version))); err != nil {
			return err
		}
		if err := a.add("byteorder", piece([]byte("little"))); err != nil {
			return err
		}
		for i, e := range entries {
			if err := a.add("data/"+strconv.Itoa(i), e.chunks); err != nil {
				return fmt.Errorf("tensor %q: %w", e.Key, err)
			}
		}
		if err := a.add("version", piece([]byte("3\n"))); err != nil {
			return err
		}
		return a.zip.Close()
	})
}

// piece returns a function that passes b on, as Tensor.chunks does with a tensor's bytes.
func piece(b []byte) func(func([]byte) error) error {
	return func(fn func([]byte) error) error { return fn(b) }
}

// countWriter counts the bytes that the zip writer has flushed.
type countWriter struct {
	w  io.Writer
	at *int64
}

func (c countWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	*c.at += int64(n)
	return n, err
}

// archiveWriter writes records as PyTorchStreamWriter does (caffe2/serialize/inline_container.cc): stored, with
// lengths in the local header, and the data aligned to 64 bytes by an extra field "FB", which memory mapping needs.
type archiveWriter struct {
	zip *zip.Writer
	at  int64
}

const recordAlignment = 64

// add writes a record; chunks is run twice, for the checksum in front of the data and for the data.
func (a *archiveWriter) add(name string, chunks func(func([]byte) error) error) error {
	if err := a.zip.Flush(); err != nil {
		return err
	}
	sum := checksum{Hash32: crc32.NewIEEE()}
	if err := chunks(sum.add); err != nil {
		return err
	}
	h := &zip.FileHeader{Name: "archive/" + name, Method: zip.Store, CRC32: sum.Sum32(),
		CompressedSize64: uint64(sum.n), UncompressedSize64: uint64(sum.n)}
	const localHeader, fieldHeader = 30, 4
	data := a.at + localHeader + int64(len(h.Name)) + fieldHeader
	pad := (recordAlignment - data%recordAlignment) % recordAlignment
	h.Extra = append(h.Extra, 'F', 'B', 0, 0)
	binary.LittleEndian.PutUint16(h.Extra[2:], uint16(pad))
	h.Extra = append(h.Extra, bytes.Repeat([]byte{'Z'}, int(pad))...)
	w, err := a.zip.CreateRaw(h)
	if err != nil {
		return err
	}
	return chunks(writer(w))
}

type checksum struct {
	hash.Hash32
	n int64
}

func (c *checksum) add(b []byte) error {
	c.n += int64(len(b))
	_, err := c.Write(b)
	return err
}

// statePickle returns the pickle, protocol 2, of an OrderedDict of tensors, each with a storage of its own that is
// named by its index. A version that is not 0 is that of the module as a whole.
func statePickle(entries []Entry, version int) []byte {
	p := &pickler{}
	p.op(0x80, 2) // PROTO 2
	p.global("collections", "OrderedDict")
	p.op(')', 'R', '(') // call it without arguments; MARK
	for i, e := range entries {
		p.text(e.Key)
		p.global("torch._utils", "_rebuild_tensor_v2")
		p.op('(', '(')
		p.text("storage")
		p.global("torch", dtypes[e.DType].torch)
		p.text(strconv.Itoa(i))
		p.text("cpu")
		p.int(e.Len())
		p.op('t', 'Q') // TUPLE, BINPERSID
		p.int(0)       // offset in the storage
		stride := make([]int, len(e.Shape))
		for axis, step := len(e.Shape)-1, 1; axis >= 0; axis-- {
			stride[axis] = step
			step *= max(e.Shape[axis], 1)
		}
		p.ints(e.Shape)
		p.ints(stride)
		p.op(0x89) // requires_grad: False
		p.global("collections", "OrderedDict")
		p.op(')', 'R', 't', 'R') // no hooks; TUPLE, REDUCE
	}
	p.op('u') // SETITEMS
	if version != 0 {
		p.op('}') // the attributes: {"_metadata": OrderedDict({"": {"version": version}})}
		p.text("_metadata")
		p.global("collections", "OrderedDict")
		p.op(')', 'R')
		p.text("")
		p.op('}')
		p.text("version")
		p.int(version)
		p.op('s', 's', 's', 'b') // SETITEM three times, BUILD
	}
	p.op('.') // STOP
	return p.b.Bytes()
}

// pickler writes the few opcodes that statePickle needs.
type pickler struct{ b bytes.Buffer }

func (p *pickler) op(codes ...byte) { p.b.Write(codes) }

func (p *pickler) global(module, name string) {
	p.b.WriteString("c" + module + "\n" + name + "\n")
}

func (p *pickler) text(s string) {
	p.op('X')
	p.b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	p.b.WriteString(s)
}

func (p *pickler) int(n int) {
	if n < 1<<31 {
		p.op('J')
		p.b.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
		return
	}
	p.op(0x8a, 8) // LONG1
	p.b.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func (p *pickler) ints(v []int) {
	p.op('(')
	for _, n := range v {
		p.int(n)
	}
	p.op('t')
}
