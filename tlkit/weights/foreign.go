package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ForeignError is the error for a file of another format than those that [Open] reads.
type ForeignError struct {
	// Path is the file.
	Path string
	// Is says what the file is, and what can be done with it: "this is a TensorFlow Lite model; ...".
	Is string
	// ONNX is true for an ONNX model, which is no file of weights but a network.
	ONNX bool
	// Unknown is true if the format is not known.
	Unknown bool
}

func (e *ForeignError) Error() string { return fmt.Sprintf("weights: %s: %s", e.Path, e.Is) }

func foreignFile(is string) *ForeignError { return &ForeignError{Is: "this is " + is} }

type format int

const (
	formatUnknown format = iota
	formatZip
	formatPickle
	formatSafetensors
)

const (
	viaONNX   = "In Python, convert the model to ONNX, and load that file"
	onlyThese = "only PyTorch and safetensors files are read. "
	itsSource = "Take the checkpoint that it was made from"
	htmlPage  = "a web page, not weights: the download got an HTML page (a log-in or an error?); download it again"
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
	{0, "7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it and open the checkpoint inside"},
	{0, "Rar!\x1a\x07", "a RAR archive; unpack it and open the checkpoint inside"},
	{257, "ustar", "a tar archive; unpack it with tar -xf and open the checkpoint inside"},
	{0, "\x89HDF\r\n\x1a\n", "an HDF5 file (Keras, .h5); " + onlyThese + viaONNX},
	{0, "GGUF", "a GGUF file (llama.cpp), usually with quantised weights; " + onlyThese + itsSource},
	{0, "\x93NUMPY", "a single NumPy array (.npy), and a network has many, each with a name; " + onlyThese + itsSource},
	{4, "TFL3", "a TensorFlow Lite model; " + onlyThese + viaONNX},
	{4, "ET12", "an ExecuTorch program; open the checkpoint that it was made from"},
	{4, "ORTM", "a model in ONNX Runtime's own format (.ort); load the .onnx file that it was made from"},
	{0, "ftrt", "an engine of TensorRT, compiled for one kind of GPU; load the .onnx file or the checkpoint that it was made from"},
	{0, "RKNN", "a model for Rockchip's processors (.rknn); load the .onnx file or the checkpoint that it was made from"},
	{0, "\x12\x01\x00\x00\x00\x00\x00\x00", "a file of parameters of MXNet (.params); " + onlyThese + viaONNX},
	{0, "version https://git-lfs", "a Git LFS pointer, not the weights themselves; run git lfs pull, or download the file from its web page"},
}

// foreignText lists what texts begin with, in lower case and without blanks before it.
var foreignText = []struct{ begin, advice string }{
	{"<!doctype", htmlPage}, {"<html", htmlPage},
	{"{", "JSON, not weights; OpenIndex opens the index of a checkpoint in several files (model.safetensors.index.json)"},
	{"<?xml", "an XML document, not weights: a model of OpenVINO (open the checkpoint that it was made from), or an error message in place of the download; look at the file"},
}

const onnxAdvice = "an ONNX model: a network with its weights, not a state dict. tlkit.Load loads it by its path; for a state dict, save one in Python (torch.save(model.state_dict(), ...) or safetensors.torch.save_file)"

// detect recognises a format by the first bytes of a file, and else returns an error with the kind of the file or the
// expected kinds.
func detect(head []byte, size int64) (format, *ForeignError) {
	if size == 0 {
		return formatUnknown, &ForeignError{Is: "the file is empty; download it again"}
	}
	// safetensors: the length of the header, then its JSON. A length may look like another format's magic number, so
	// this comes first if the length is possible.
	brace := len(head) > 8 && head[8] == '{'
	if brace && binary.LittleEndian.Uint64(head) <= maxSafetensorsHeader {
		return formatSafetensors, nil
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")) {
		return formatZip, nil
	}
	for _, f := range foreign {
		if len(head) >= f.at+len(f.magic) && string(head[f.at:f.at+len(f.magic)]) == f.magic {
			return formatUnknown, foreignFile(f.advice)
		}
	}
	if len(head) > 4 && head[4] == '{' && head[3] == 0 && head[2] == 0 {
		return formatUnknown, foreignFile("JSON behind its length, perhaps an engine of TensorRT that Ultralytics wrote (.engine); load the .onnx file or the checkpoint that it was made from")
	}
	if brace {
		return formatSafetensors, nil // the reader's error describes the fault
	}
	// A pickle of protocol 2 to 5; torch.save's protocol 0 and 1 begin with the magic number as text.
	if len(head) > 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5 || bytes.HasPrefix(head, []byte(magicText)) {
		return formatPickle, nil
	}
	for _, known := range []func([]byte) *ForeignError{protocolBuffer, messagePack, plainText} {
		if err := known(head); err != nil {
			return formatUnknown, err
		}
	}
	return formatUnknown, &ForeignError{Unknown: true, Is: fmt.Sprintf("not a file of weights that can be read: it begins with bytes %s; expected a PyTorch checkpoint (torch.save) or safetensors",
		hex.EncodeToString(head[:min(len(head), 8)]))}
}

// protocolBuffer recognises the protocol buffers that hold networks.
func protocolBuffer(head []byte) *ForeignError {
	// ONNX begins with ir_version (field 1, a small number); next comes a string or message field of
	// ModelProto (2 to 8, 14, 20).
	if len(head) > 2 && head[0] == 0x08 && head[1] >= 1 && head[1] <= 32 &&
		bytes.IndexByte([]byte("\x12\x1a\x22\x28\x32\x3a\x42\x72\xa2"), head[2]) >= 0 {
		// TensorFlow's SavedModel and Core ML begin alike, but field 2 is a message there, no text.
		if head[2] == 0x12 && len(head) > 5 && (head[3] >= 0x80 || head[3] > 0 && head[4] < ' ') {
			return foreignFile("a protocol buffer that is no ONNX model, perhaps TensorFlow's SavedModel or Core ML. " + viaONNX)
		}
		err := foreignFile(onnxAdvice)
		err.ONNX = true
		return err
	}
	// GraphDef of TensorFlow: field 1, a node, with its name (field 1) and operator (field 2), both text.
	if node, rest := lengthDelimited(head, 0x0a); rest != nil {
		if name, after := lengthDelimited(node, 0x0a); after != nil && isText(name) {
			if op, end := lengthDelimited(after, 0x12); end != nil && isText(op) {
				return foreignFile("a frozen graph of TensorFlow (.pb). " + viaONNX)
			}
		}
		// NetParameter of Caffe: the network's name (field 1), then inputs (field 3) or layers (field 100).
		if isText(node) && (bytes.HasPrefix(rest, []byte("\xa2\x06")) || bytes.HasPrefix(rest, []byte("\x1a"))) {
			return foreignFile("perhaps a model of Caffe (.caffemodel). " + viaONNX)
		}
	}
	return nil
}

// lengthDelimited returns the content of a length-delimited field with the tag at the beginning of b, as far as b has
// it, and what follows; nil if there is another tag.
func lengthDelimited(b []byte, tag byte) (content, rest []byte) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil
	}
	n, used := binary.Uvarint(b[1:])
	if used <= 0 || n == 0 {
		return nil, nil
	}
	b = b[1+used:]
	if n > uint64(len(b)) {
		return b, []byte{}
	}
	return b[:n], b[n:]
}

// isText reports whether b is not empty and printable ASCII.
func isText(b []byte) bool {
	return len(b) > 0 && bytes.IndexFunc(b, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r > '~' }) < 0
}

// messagePack recognises a dictionary of MessagePack whose first key is text.
func messagePack(head []byte) *ForeignError {
	var key []byte
	switch {
	case len(head) > 2 && head[0] > 0x80 && head[0] < 0x90:
		key = head[1:]
	case len(head) > 4 && head[0] == 0xde:
		key = head[3:]
	default:
		return nil
	}
	n := int(key[0]) - 0xa0
	if key[0] == 0xd9 && len(key) > 1 {
		n, key = int(key[1]), key[1:]
	} else if n > 31 {
		return nil
	}
	if n < 1 || len(key) <= n || !isText(key[1:1+n]) {
		return nil
	}
	return foreignFile("MessagePack, in which Flax and JAX keep weights (.msgpack); " + onlyThese + "Take the PyTorch weights of the same model")
}

// plainText recognises text: web pages, JSON, messages of servers.
func plainText(head []byte) *ForeignError {
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	lower := strings.ToLower(string(trimmed))
	for _, f := range foreignText {
		if strings.HasPrefix(lower, f.begin) {
			return foreignFile(f.advice)
		}
	}
	if len(head) < 8 || !isText(head) {
		return nil
	}
	line, _, _ := strings.Cut(string(trimmed), "\n")
	return foreignFile(fmt.Sprintf("text, and not a file of weights: it begins with %.60q; look at it, and if a server wrote it in place of the download, download it again", line))
}

// judgeByName completes the description of a file that has no mark of its format by what its name says.
func (e *ForeignError) judgeByName() {
	if !e.Unknown {
		return
	}
	name := strings.ToLower(filepath.Base(e.Path))
	beside := func(suffix, ext string) string {
		if !strings.HasSuffix(name, suffix) {
			return ""
		}
		path := e.Path[:len(e.Path)-len(suffix)] + ext
		if _, err := os.Stat(path); err != nil {
			return ""
		}
		return path
	}
	for _, suffix := range []string{".onnx_data", ".onnx.data", "_data", ".data"} {
		for _, ext := range []string{".onnx", ""} {
			if path := beside(suffix, ext); path != "" && strings.HasSuffix(strings.ToLower(path), ".onnx") {
				e.Is = fmt.Sprintf("by its name this is the part of an ONNX model that holds its tensors; load %s, which reads it", path)
				return
			}
		}
	}
	switch {
	case strings.HasSuffix(name, ".onnx_data"), strings.HasSuffix(name, ".onnx.data"):
		e.Is = "by its name this is the part of an ONNX model that holds its tensors; load the .onnx file, with this one beside it"
	case strings.Contains(name, ".data-0"), strings.HasSuffix(name, ".index"), strings.HasSuffix(name, ".ckpt.meta"):
		e.Is = "by its name this is a part of a checkpoint of TensorFlow; " + onlyThese + viaONNX
	case beside(".bin", ".xml") != "":
		e.Is = "by its name this holds the weights of a model of OpenVINO; open the checkpoint that it was made from"
	case strings.HasSuffix(name, ".pb"), strings.HasSuffix(name, ".caffemodel"), strings.HasSuffix(name, ".mlmodel"), strings.HasSuffix(name, ".mnn"), strings.HasSuffix(name, ".mindir"):
		e.Is = fmt.Sprintf("by its name (%s) this is a model of another library; ", filepath.Ext(name)) + onlyThese + viaONNX
	case strings.HasSuffix(name, ".engine"), strings.HasSuffix(name, ".plan"), strings.HasSuffix(name, ".trt"):
		e.Is = "by its name this is an engine of TensorRT, compiled for one kind of GPU; load the .onnx file or the checkpoint that it was made from"
	}
}
