package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
)

// Options change how OpenWith reads a file. The zero value is what Open uses.
type Options struct {
	// Key is the place of the state dict within a PyTorch checkpoint, as a path
	// with dots ("ema.state_dict"); the rule of Open goes on from there. Empty: found by that rule.
	Key string
	// KeepPrefix keeps the prefixes "module." and "_orig_mod.", which are
	// otherwise removed when all keys have them.
	KeepPrefix bool
}

// Open opens a file of weights. The format is recognised by content, never by name; PyTorch checkpoints (zip and
// legacy) and safetensors are read, and for other known formats the error gives the next step.
//
// In a PyTorch checkpoint the state dict is found by this rule:
//
//  1. The dictionary itself, if a tensor in it has the name of a layer's (conv1.weight).
//  2. Else the entry state_dict, model_state_dict, model_state, model, net, network, module, weights or params, if one
//     of them is a dictionary with tensors; the rule then starts again inside it.
//  3. Else the dictionary itself, if it holds tensors. Numbers and strings beside them go to Metadata.
//  4. Else the only entry that is a dictionary with tensors.
//
// If two entries of rule 2 or rule 4 are possible, the error is a *[KeyError] that lists them, and Options.Key chooses. Other
// dictionaries with tensors, such as model_ema beside model, are named in StateDict.Others. States of optimizers don't
// count.
//
// The pickle of a whole model (torch.save(model)) is a dictionary for this rule, whose entries are those of its
// state_dict(), and so is a model in an entry of a dictionary, or in an attribute of the object that the file holds
// (fastai's Learner). Only its tensors are read: its class is not needed, and no code of it runs.
//
// The prefixes "module." (DataParallel) and "_orig_mod." (torch.compile) are
// removed when all keys have them.
func Open(path string) (*StateDict, error) { return OpenWith(path, Options{}) }

// OpenWith is Open with options.
func OpenWith(path string, opts Options) (*StateDict, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	sd, err := openFile(f, opts)
	if err := sd.named(path, err); err != nil {
		f.Close()
		return nil, err
	}
	sd.file = f
	return sd, nil
}

// named stores the name of the file for messages: into err, if opening failed, else into the state dict and its
// tensors.
func (sd *StateDict) named(path string, err error) error {
	var forbidden *ForbiddenError
	if errors.As(err, &forbidden) {
		forbidden.Path = path
		return forbidden
	}
	var key *KeyError
	if errors.As(err, &key) {
		key.Path = path
		return key
	}
	if err != nil {
		return inFile(path, err)
	}
	sd.Source = path
	for i, e := range sd.entries {
		sd.entries[i].label = path + ": tensor " + printable(e.Key)
	}
	return nil
}

func openFile(f *os.File, opts Options) (*StateDict, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, errors.New("this is a folder; give the file of weights inside it")
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("this is no regular file (%v)", info.Mode().Type())
	}
	return openReader(f, info.Size(), opts)
}

// openReader reads a state dict from size bytes. It never panics: the parsers check what they use, and the recover is a
// second line of defence that converts an oversight to an error.
func openReader(r io.ReaderAt, size int64, opts Options) (sd *StateDict, err error) {
	defer func() {
		if p := recover(); p != nil {
			sd, err = nil, fmt.Errorf("damaged file: the parser failed (%v); please report this with the file\n%s", p, debug.Stack())
		}
	}()
	head := make([]byte, min(size, 512))
	if err := readFullAt(r, head, 0); err != nil {
		return nil, err
	}
	switch format, advice := detect(head, size); format {
	case formatZip:
		sd, err = openTorchZip(r, size, opts)
	case formatPickle:
		sd, err = openTorchLegacy(r, size, opts)
	case formatSafetensors:
		if opts.Key != "" {
			return nil, &KeyError{Key: opts.Key}
		}
		sd, err = openSafetensors(r, size)
	default:
		return nil, errors.New(advice)
	}
	if err != nil {
		return nil, err
	}
	if len(sd.entries) == 0 {
		return nil, fmt.Errorf("the file %w; expected a state dict", errNoTensors)
	}
	if !opts.KeepPrefix {
		sd.stripWrappers()
	}
	if err := sd.reindex(); err != nil {
		return nil, err
	}
	return sd, nil
}

type format int

const (
	formatUnknown format = iota
	formatZip
	formatPickle
	formatSafetensors
)

// foreign lists formats that people mistake for weights of PyTorch, by the bytes at an offset, with advice for each.
var foreign = []struct {
	at     int
	magic  string
	advice string
}{
	{0, "\x1f\x8b", "compressed with gzip; run gunzip on it first"},
	{0, "BZh", "compressed with bzip2; run bunzip2 on it first"},
	{0, "\xfd7zXZ", "compressed with xz; run unxz on it first"},
	{0, "\x28\xb5\x2f\xfd", "compressed with zstd; run unzstd on it first"},
	{257, "ustar", "a tar archive; unpack it with tar -xf and open the checkpoint inside"},
	{0, "\x89HDF\r\n\x1a\n", "an HDF5 file (Keras, .h5); only PyTorch and safetensors files are read. " + viaONNX},
	{0, "GGUF", "a GGUF file, which holds a language model; only PyTorch and safetensors files are read"},
	{0, "\x93NUMPY", "a NumPy array; only PyTorch and safetensors files are read"},
	{4, "TFL3", "a TensorFlow Lite model; only PyTorch and safetensors files are read. " + viaONNX},
	{4, "ET12", "an ExecuTorch program; open the checkpoint that it was made from"},
	{0, "version https://git-lfs", "a Git LFS pointer, not the weights themselves; run git lfs pull, or download the file from its web page"},
	{0, "{", "JSON, not weights; OpenIndex opens the index of a checkpoint in several files (model.safetensors.index.json)"},
	{0, "<!DOCTYPE", "a web page, not weights: the download got an HTML page (a log-in or an error?); download it again"},
	{0, "<!doctype", "a web page, not weights: the download got an HTML page (a log-in or an error?); download it again"},
	{0, "<html", "a web page, not weights: the download got an HTML page (a log-in or an error?); download it again"},
	{0, "<?xml", "an XML document, not weights: a model of OpenVINO (open the checkpoint that it was made from), or an error message in place of the download; look at the file"},
}

const viaONNX = "In Python, convert the model to ONNX, and load that file"

const onnxAdvice = "an ONNX model: a whole graph, not a state dict. Export the weights in Python (torch.save(model.state_dict(), ...) or safetensors.torch.save_file) and open that file"

// detect recognises a format by the first bytes of a file, and else returns a message with the kind of the file or the
// expected kinds.
func detect(head []byte, size int64) (format, string) {
	if size == 0 {
		return formatUnknown, "the file is empty; download it again"
	}
	// safetensors: the length of the header, then its JSON. A length may look like
	// another format's magic number, so this comes first if the length is possible.
	brace := len(head) > 8 && head[8] == '{'
	if brace && binary.LittleEndian.Uint64(head) <= maxSafetensorsHeader {
		return formatSafetensors, ""
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")) {
		return formatZip, ""
	}
	for _, f := range foreign {
		if len(head) >= f.at+len(f.magic) && string(head[f.at:f.at+len(f.magic)]) == f.magic {
			return formatUnknown, "this is " + f.advice
		}
	}
	if brace {
		return formatSafetensors, "" // the reader's error describes the fault
	}
	// A pickle of protocol 2 to 5; torch.save's protocol 0 and 1 begin with the
	// magic number as text.
	if len(head) > 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5 || bytes.HasPrefix(head, []byte(magicText)) {
		return formatPickle, ""
	}
	// ONNX is a protocol buffer that begins with ir_version (field 1, a small
	// number); next comes a string or message field of ModelProto (2 to 8, 14, 20).
	if len(head) > 2 && head[0] == 0x08 && head[1] >= 1 && head[1] <= 32 &&
		bytes.IndexByte([]byte("\x12\x1a\x22\x28\x32\x3a\x42\x72\xa2"), head[2]) >= 0 {
		// TensorFlow's SavedModel and Core ML begin alike, but field 2 is a message there, no text.
		if head[2] == 0x12 && len(head) > 5 && (head[3] >= 0x80 || head[3] > 0 && head[4] < ' ') {
			return formatUnknown, "this is a protocol buffer that is no ONNX model, perhaps TensorFlow's SavedModel or Core ML. " + viaONNX
		}
		return formatUnknown, "this is " + onnxAdvice
	}
	return formatUnknown, fmt.Sprintf("not a file of weights that can be read: it begins with bytes %s; expected a PyTorch checkpoint (torch.save) or safetensors",
		hex.EncodeToString(head[:min(len(head), 8)]))
}
