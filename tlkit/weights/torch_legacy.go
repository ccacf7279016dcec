package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
)

// The first pickle of a legacy file is this number (torch/serialization.py, MAGIC_NUMBER); magicText is its form in
// pickle protocols 0 and 1.
const magicText = "L119547037146038801333356L\n."

var magicNumber, _ = new(big.Int).SetString("119547037146038801333356", 10)

// openTorchLegacy reads the format that torch.save wrote before PyTorch 1.6, and still writes with
// _use_new_zipfile_serialization=False: the pickles of the magic number, the protocol version, the machine (byte
// order), the object and the list of storage keys, then each storage with its length in front.
func openTorchLegacy(r io.ReaderAt, size int64, opts Options) (*StateDict, error) {
	u := newUnpickler(io.NewSectionReader(r, 0, size), size, memoryBase+memoryFactor*size)
	u.fromBytes = u.storageFrom
	magic, err := u.load()
	if err != nil {
		return nil, err
	}
	n, isNumber := magic.(*big.Int)
	if !isNumber && u.tensors > 0 { // a dictionary of NumPy arrays, such as Detectron2's model zoo has
		return u.checked(stateDictOf(magic, "pickle", size, opts))
	}
	if !isNumber || n.Cmp(magicNumber) != 0 {
		return nil, fmt.Errorf("a plain pickle that holds a %s, not a checkpoint of torch.save; load it in Python and save a state dict with torch.save", kindOf(magic))
	}
	root, err := u.legacyObject(r, size)
	if err != nil {
		return nil, err
	}
	return u.checked(stateDictOf(root, "pytorch-legacy", size, opts))
}

// legacyObject reads what follows the magic number, and returns the object with its storages placed in r.
func (u *unpickler) legacyObject(r io.ReaderAt, size int64) (any, error) {
	version, err := u.load()
	if err != nil {
		return nil, err
	}
	if version != any(int64(1001)) {
		return nil, errors.New("legacy PyTorch file of an unknown version; expected 1001")
	}
	system, err := u.load()
	if err != nil {
		return nil, err
	}
	if d, ok := system.(*dict); ok {
		if little, _ := d.get("little_endian"); little == any(false) {
			return nil, errBigEndian
		}
	}
	storages := map[string]*storage{}
	u.persistent = func(id any) (any, error) { return legacyStorage(storages, id) }
	root, err := u.load()
	if err != nil {
		return nil, err
	}
	u.persistent = nil
	keys, err := u.load()
	if err != nil {
		return nil, err
	}
	if err := placeStorages(storages, sequence(keys), r, size-u.left, size); err != nil {
		return nil, err
	}
	return root, nil
}

// storageFrom reads a storage that torch.save wrote into a string: pickle.dump(state_dict) writes every tensor's so, as
// a call of torch.storage._load_from_bytes.
func (u *unpickler) storageFrom(data []byte) (*storage, error) {
	if err := u.charge(len(data)); err != nil { // a pickle may call for one string many times
		return nil, err
	}
	r, size := bytes.NewReader(data), int64(len(data))
	inner := newUnpickler(r, size, u.budget)
	object, err := inner.load()
	if n, ok := object.(*big.Int); err == nil && ok && n.Cmp(magicNumber) == 0 {
		object, err = inner.legacyObject(r, size)
	}
	u.budget = inner.budget
	if err != nil {
		return nil, fmt.Errorf("a tensor's storage: %w", err)
	}
	s, ok := object.(*storage)
	if !ok {
		return nil, fmt.Errorf("a tensor's storage is a %s; the file is damaged", kindOf(object))
	}
	return s, nil
}

var errBigEndian = errors.New("written on a big-endian machine; load it in Python and save it again on a usual one")

// legacyStorage returns the storage of a persistent id, the same one for the same key. With view = (key, offset, size)
// it is a piece of the storage.
func legacyStorage(storages map[string]*storage, id any) (any, error) {
	if class, ok := moduleClass(id); ok {
		return class, nil
	}
	s, key, view, err := parseStorageID(id)
	if err != nil {
		return nil, err
	}
	root, ok := storages[key]
	if !ok {
		root = s
		storages[key] = root
	} else if root.dtype != s.dtype || root.numel != s.numel {
		return nil, fmt.Errorf("storage %.40q is once %d x %v, once %d x %v; the file is damaged", key, root.numel, root.dtype, s.numel, s.dtype)
	}
	if view == nil {
		return root, nil
	}
	v := sequence(view)
	first, ok1 := arg(v, 1).(int64)
	n, ok2 := arg(v, 2).(int64)
	if len(v) != 3 || !ok1 || !ok2 || first < 0 || n < 0 || first > int64(root.numel) || n > int64(root.numel)-first {
		return nil, fmt.Errorf("a view leaves storage %.40q of %d elements; the file is damaged", key, root.numel)
	}
	return &storage{dtype: root.dtype, numel: int(n), root: root, first: int(first)}, nil
}

// moduleClass returns the class of the persistent id ("module", class, source file, source text), under which the
// legacy form keeps a class of modules. The text is not read.
func moduleClass(id any) (*global, bool) {
	t := sequence(id)
	if len(t) < 2 || t[0] != any("module") {
		return nil, false
	}
	class, ok := t[1].(*global)
	return class, ok
}

// placeStorages finds the bytes of each storage; they follow at position at in the order of keys.
func placeStorages(storages map[string]*storage, keys []any, r io.ReaderAt, at, size int64) error {
	for _, k := range keys {
		var key string
		switch k := k.(type) {
		case string:
			key = k
		case int64:
			key = fmt.Sprint(k)
		default:
			return fmt.Errorf("a storage whose key is a %s; the file is damaged", kindOf(k))
		}
		s, ok := storages[key]
		if !ok {
			return fmt.Errorf("storage %.40q belongs to no tensor, and so its size is unknown; the file is damaged", key)
		}
		if s.src != nil {
			return fmt.Errorf("storage %.40q is listed twice; the file is damaged", key)
		}
		var length [8]byte
		if size-at < 8 {
			return errors.New("the file ends before its storages; it is cut short, download it again")
		}
		if err := readFullAt(r, length[:], at); err != nil {
			return err
		}
		at += 8
		if n := int64(binary.LittleEndian.Uint64(length[:])); n != int64(s.numel) {
			return fmt.Errorf("storage %.40q has %d elements in one place of the file and %d in another; the file is damaged", key, s.numel, n)
		}
		bytes := int64(s.numel) * int64(s.dtype.Size())
		if bytes > size-at {
			return fmt.Errorf("storage %.40q needs %d bytes, but only %d are left; the file is cut short, download it again", key, bytes, size-at)
		}
		s.src, s.offset = r, at
		at += bytes
	}
	return nil
}

// cleanKey makes a name from a file fit for Metadata.
func cleanKey(s string) string { return strings.ToValidUTF8(s, "?") }
