package weights

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
)

// Options change how OpenWith reads a file. The zero value is what Open uses.
type Options struct {
	// Key is the place of the state dict within a PyTorch checkpoint, as a path with dots ("ema.state_dict"); the rule
	// of Open goes on from there. Empty: found by that rule.
	Key string
	// KeepPrefix keeps the prefixes "module." and "_orig_mod.", which are otherwise removed when all keys have them.
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
// A list or tuple with models or state dicts in it is a dictionary from positions ("0", "1") to its items, and a model
// under a number ({fold: state dict}) has it as its name. A plain pickle (pickle.dump) is read like a file of
// torch.save. NumPy arrays are tensors; for rules 3 and 4 they don't count beside dictionaries with tensors.
//
// If two entries of rule 2 or rule 4 are possible, the error is a *[KeyError] that lists them, and Options.Key
// chooses. Other dictionaries with tensors, such as model_ema beside model, are named in StateDict.Others. States of
// optimizers don't count.
//
// The pickle of a whole model (torch.save(model)) is a dictionary for this rule, whose entries are those of its
// state_dict(), and so is a model in an entry of a dictionary, or in an attribute of the object that the file holds
// (fastai's Learner). Only its tensors are read: its class is not needed, and no code of it runs.
//
// The prefixes "module." (DataParallel) and "_orig_mod." (torch.compile) are removed when all keys have them.
func Open(path string) (*StateDict, error) { return OpenWith(path, Options{}) }

// OpenWith is Open with options.
func OpenWith(path string, opts Options) (*StateDict, error) {
	if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeNamedPipe != 0 { // opening it would block for ever
		return nil, inFile(path, errPipe)
	}
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

// errPipe is the error for a pipe in place of a file.
var errPipe = errors.New("this is a pipe, and weights are read in any order; write them to a file first")

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
	var foreign *ForeignError
	if errors.As(err, &foreign) {
		foreign.Path = path
		foreign.judgeByName()
		return foreign
	}
	if err != nil && ofDistributed(path) {
		return inFile(path, fmt.Errorf("by its name this is a part of a checkpoint of torch.distributed.checkpoint; "+joinParts, filepath.Dir(path)))
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
		return nil, folderAdvice(f.Name())
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
	switch format, foreign := detect(head, size); format {
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
		return nil, foreign
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

// joinParts makes one file of a folder of torch.distributed.checkpoint.
const joinParts = "in Python, torch.distributed.checkpoint.format_utils.dcp_to_torch_save(%q, NEW) makes one file of its folder"

// ofDistributed reports whether a file has the name of one in a folder of torch.distributed.checkpoint: the files of
// tensors are archives behind one another, and so none by their content.
func ofDistributed(path string) bool {
	return filepath.Ext(path) == ".distcp" || filepath.Base(path) == ".metadata"
}

// folderAdvice says what a folder is that is given in place of a file, and what to do.
func folderAdvice(dir string) error {
	has := func(pattern string) string {
		found, _ := infolder.Glob(dir, pattern) // the patterns below are well formed
		if len(found) == 0 {
			return ""
		}
		return found[0]
	}
	switch {
	case has(".metadata") != "" && has("*.distcp") != "":
		return fmt.Errorf("this is a folder of torch.distributed.checkpoint; "+joinParts, dir)
	case has("data.pkl") != "" && has("data")+has("version") != "", has("*/data.pkl") != "" && has("*/data")+has("*/version") != "":
		return errors.New("this is an unpacked file of torch.save; in it, zip -0 -r ../model.pth . packs it again, without compression")
	case has("saved_model.pb") != "":
		return errors.New("this is a SavedModel of TensorFlow. " + viaONNX)
	case has("*.index.json") != "":
		return fmt.Errorf("this is a folder; give the index of its files, %s", has("*.index.json"))
	}
	return errors.New("this is a folder; give the file of weights inside it")
}
