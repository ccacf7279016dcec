package weights

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// openTorchZip reads the format of torch.save since PyTorch 1.6: a zip archive with one folder that holds data.pkl,
// byteorder, version and data/<key> for every storage, all stored without compression so that they can be read in
// place.
func openTorchZip(r io.ReaderAt, size int64, opts Options) (*StateDict, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("zip archive: %w; the file is damaged or cut short, download it again", err)
	}
	prefix, err := archivePrefix(z)
	if err != nil {
		return nil, err
	}
	records := make(map[string]*zip.File)
	for _, f := range z.File {
		name, ok := strings.CutPrefix(f.Name, prefix)
		if !ok {
			continue
		}
		if _, dup := records[name]; dup {
			return nil, fmt.Errorf("zip archive: record %.80q appears twice", f.Name)
		}
		records[name] = f
	}
	if records["constants.pkl"] != nil {
		return nil, foreignFile("a TorchScript program (torch.jit.save), not a state dict; in Python, torch.save(torch.jit.load(FILE).state_dict(), ...)")
	}
	a := &torchArchive{file: r, size: size, records: records, storages: map[string]*storage{}}
	if f := records["byteorder"]; f != nil {
		order, n, err := a.open(f)
		if err != nil {
			return nil, err
		}
		if b, err := io.ReadAll(io.NewSectionReader(order, 0, min(n, 16))); err != nil || string(b) != "little" {
			return nil, errBigEndian
		}
	}
	pickle, n, err := a.open(records["data.pkl"])
	if err != nil {
		return nil, err
	}
	u := newUnpickler(io.NewSectionReader(pickle, 0, n), n, memoryBase+memoryFactor*size)
	u.persistent = a.storage
	root, err := u.load()
	if err != nil {
		return nil, err
	}
	sd, err := u.checked(stateDictOf(root, "pytorch-zip", size, opts))
	if err != nil {
		return nil, err
	}
	if sd.sums, err = a.sums(); err != nil {
		return nil, err
	}
	return sd, nil
}

// sums returns the checksums of the records that are used and read in place. A checksum of 0 says that none was
// computed. Records that overlap are an error: a small file could take hours to verify.
func (a *torchArchive) sums() (sums []recordSum, err error) {
	left := uint64(a.size)
	for _, f := range a.records {
		if f.CompressedSize64 > left {
			return nil, fmt.Errorf("zip archive: its records have more bytes than the file, which has %d; the file is damaged", a.size)
		}
		left -= f.CompressedSize64
	}
	names := []string{"data.pkl"}
	for key := range a.storages {
		names = append(names, "data/"+key)
	}
	for _, name := range names {
		f := a.records[name]
		if f.Method != zip.Store || f.CRC32 == 0 {
			continue
		}
		r, n, err := a.open(f)
		if err != nil {
			return nil, err
		}
		sums = append(sums, recordSum{f.Name, r, n, f.CRC32})
	}
	return sums, nil
}

// archivePrefix finds the folder of data.pkl.
func archivePrefix(z *zip.Reader) (string, error) {
	found, prefix := false, ""
	for _, f := range z.File {
		p, ok := strings.CutSuffix(f.Name, "data.pkl")
		if !ok || p != "" && (!strings.HasSuffix(p, "/") || strings.Count(p, "/") > 1) {
			continue
		}
		if found {
			return "", errors.New("zip archive: several data.pkl; expected the one of torch.save")
		}
		found, prefix = true, p
	}
	if found {
		return prefix, nil
	}
	return "", packed(z)
}

// packed says what a zip archive is that is none of torch.save.
func packed(z *zip.Reader) error {
	is := func(text string) error { return foreignFile(text) }
	for _, f := range z.File { // what marks a kind comes anywhere, beside files of other kinds
		switch {
		case f.Name == "MAR-INF/MANIFEST.json":
			return is("a model archive of TorchServe (.mar); unzip it and open the file of weights inside")
		case strings.HasSuffix("/"+f.Name, "/archive_format"):
			return is("a program of torch.export (.pt2), not a state dict; in Python, torch.save(torch.export.load(FILE).state_dict, ...)")
		}
	}
	for _, f := range z.File {
		switch {
		case strings.HasSuffix(f.Name, ".npy"):
			return is("a NumPy archive (.npz); " + onlyThese + "In Python, safetensors.numpy.save_file(dict(numpy.load(FILE)), NEW) keeps the arrays under their names")
		case strings.HasSuffix(f.Name, ".keras"), f.Name == "model.weights.h5":
			return is("a Keras model (.keras); " + onlyThese + viaONNX)
		case f.Name == "[Content_Types].xml":
			return is("a document of an office program, not weights")
		}
		for _, ext := range []string{".pth", ".pt", ".th", ".safetensors", ".bin", ".ckpt", ".tar"} {
			if strings.HasSuffix(f.Name, ext) {
				return is(fmt.Sprintf("a zip archive around a file of weights; unzip it and open %.80q", f.Name))
			}
		}
	}
	return is("a zip archive without data.pkl, so not a checkpoint of torch.save")
}

type torchArchive struct {
	file     io.ReaderAt
	size     int64
	records  map[string]*zip.File
	storages map[string]*storage
	inflated int64 // bytes of decompressed records, all kept
}

// open returns a reader of a record, and its length. A stored record is read in place. A compressed one, which
// torch.save never writes but other tools do when they pack a checkpoint again, is inflated into memory within limits.
func (a *torchArchive) open(f *zip.File) (io.ReaderAt, int64, error) {
	fail := func(err error) (io.ReaderAt, int64, error) {
		return nil, 0, fmt.Errorf("zip archive: record %.80q: %w", f.Name, err)
	}
	if f.Flags&1 != 0 {
		return fail(errors.New("it is encrypted"))
	}
	at, err := f.DataOffset()
	if err != nil {
		return fail(fmt.Errorf("%w; the file is damaged", err))
	}
	if f.CompressedSize64 > uint64(a.size) || at > a.size-int64(f.CompressedSize64) {
		return fail(errors.New("it reaches beyond the end of the file, which is damaged or cut short"))
	}
	n := int64(f.UncompressedSize64)
	switch f.Method {
	case zip.Store:
		if f.CompressedSize64 != f.UncompressedSize64 {
			return fail(errors.New("its two lengths differ; the file is damaged"))
		}
		return io.NewSectionReader(a.file, at, n), n, nil
	case zip.Deflate:
		// Compression shrinks real weights by a tenth at most.
		if limit := memoryBase + memoryFactor*a.size; f.UncompressedSize64 > uint64(limit) || a.inflated+n > limit {
			return fail(fmt.Errorf("it claims to inflate to %d bytes in a file of %d", f.UncompressedSize64, a.size))
		}
		rc, err := f.Open()
		if err != nil {
			return fail(err)
		}
		defer rc.Close()
		var b bytes.Buffer // grows with the data, not with the claim
		if _, err := io.Copy(&b, io.LimitReader(rc, n+1)); err != nil {
			return fail(fmt.Errorf("%w; the file is damaged", err))
		}
		if int64(b.Len()) != n {
			return fail(errors.New("its length is not what the archive claims; the file is damaged"))
		}
		a.inflated += n
		return bytes.NewReader(b.Bytes()), n, nil
	}
	return fail(fmt.Errorf("compression method %d is not supported; pack it again without compression", f.Method))
}

// storage resolves a persistent id.
func (a *torchArchive) storage(id any) (any, error) {
	s, key, _, err := parseStorageID(id)
	if err != nil {
		return nil, err
	}
	if old, ok := a.storages[key]; ok {
		// Views of one block may differ in type; the block is the same.
		s.src, s.offset = old.src, old.offset
		if old.dtype == s.dtype && old.numel == s.numel {
			return old, nil
		}
	}
	f := a.records["data/"+key]
	if f == nil {
		return nil, fmt.Errorf("storage %.40q is not in the archive; the file is damaged", key)
	}
	if need := uint64(s.numel) * uint64(s.dtype.Size()); need > f.UncompressedSize64 {
		return nil, fmt.Errorf("storage %.40q has %d bytes, but %d x %v need %d; the file is damaged", key, f.UncompressedSize64, s.numel, s.dtype, need)
	}
	if s.src == nil {
		if s.src, _, err = a.open(f); err != nil {
			return nil, err
		}
	}
	a.storages[key] = s
	return s, nil
}
