package weights

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Entry is a tensor with its Key, such as "layer1.0.conv1.weight".
type Entry struct {
	Key string
	Tensor
}

// StateDict is an ordered list of named tensors, in the order of the file. Reading it is safe from several goroutines;
// Strip and Close are not.
type StateDict struct {
	// Metadata holds the other values of the file, as text: for a PyTorch checkpoint the numbers and strings that stood
	// next to the state dict (epoch, arch, best_acc1), for safetensors its __metadata__.
	Metadata map[string]string
	// Source is the path given to Open, for messages; empty if made in memory.
	Source string
	// Format is "pytorch-zip", "pytorch-legacy", "pickle" or "safetensors"; empty if made in memory.
	Format string
	// Nested is the place in the file where the state dict was found, such as "state_dict"; empty if the whole file is
	// the state dict.
	Nested string
	// Stripped is the prefix that Open removed from all keys, such as "module.".
	Stripped string
	// Others are the places of further dictionaries with tensors in the file, such as an average of the weights
	// ("model_ema"), if Options.Key is empty. They are not read; Options.Key chooses one.
	Others []string

	entries []Entry
	index   map[string]int
	file    io.Closer
	sums    []recordSum
}

// New makes a state dict in memory. A repeated key is an error.
func New(entries []Entry) (*StateDict, error) {
	sd := &StateDict{Metadata: map[string]string{}, entries: slices.Clone(entries)}
	if err := sd.reindex(); err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	return sd, nil
}

// With returns a state dict of other entries that keeps all other facts of sd: Metadata, Source, Format, Nested,
// Stripped and Others. It is a view: the file stays sd's, and closing sd ends both. A repeated key is an error.
func (sd *StateDict) With(entries []Entry) (*StateDict, error) {
	out := *sd
	out.Metadata, out.entries, out.file = maps.Clone(sd.Metadata), slices.Clone(entries), nil
	if err := out.reindex(); err != nil {
		return nil, sd.errorf("%w", err)
	}
	return &out, nil
}

func (sd *StateDict) reindex() error {
	index := make(map[string]int, len(sd.entries))
	for i, e := range sd.entries {
		if _, dup := index[e.Key]; dup {
			return fmt.Errorf("key %q appears twice", e.Key)
		}
		index[e.Key] = i
	}
	sd.index = index
	return nil
}

// Keys returns the names of all tensors in the order of the file.
func (sd *StateDict) Keys() []string {
	keys := make([]string, len(sd.entries))
	for i, e := range sd.entries {
		keys[i] = e.Key
	}
	return keys
}

// Len returns the number of tensors.
func (sd *StateDict) Len() int { return len(sd.entries) }

// Get returns the tensor of a key, and whether it is there.
func (sd *StateDict) Get(key string) (Tensor, bool) {
	i, ok := sd.index[key]
	if !ok {
		return Tensor{}, false
	}
	return sd.entries[i].Tensor, true
}

// Entries returns all tensors with their names in the order of the file, as the writers expect them.
func (sd *StateDict) Entries() []Entry { return slices.Clone(sd.entries) }

// NumParameters returns the number of floating-point elements, running statistics of batch normalisation included.
func (sd *StateDict) NumParameters() int {
	n := 0
	for _, e := range sd.entries {
		if e.DType.IsFloat() {
			n += e.Len()
		}
	}
	return n
}

// Strip removes a prefix from every key that begins with it and returns the number of keys changed. It is an error, and
// nothing changes, if two keys would become the same. Open has already removed the prefixes that wrappers of PyTorch
// add to all keys (see Open); Strip is for others, such as Lightning's "model.".
func (sd *StateDict) Strip(prefix string) (int, error) {
	old, n := slices.Clone(sd.entries), 0
	for i := range sd.entries {
		if rest, ok := strings.CutPrefix(sd.entries[i].Key, prefix); ok && prefix != "" {
			sd.entries[i].Key = rest
			n++
		}
	}
	if err := sd.reindex(); err != nil {
		sd.entries = old
		return 0, sd.errorf("removing the prefix %q: %w", prefix, err)
	}
	return n, nil
}

// wrapperPrefixes are added to every key by DataParallel and DistributedDataParallel, and by torch.compile.
var wrapperPrefixes = []string{"module.", "_orig_mod."}

// stripWrappers removes the prefixes of wrappers when all keys have them.
func (sd *StateDict) stripWrappers() {
	for again := true; again && len(sd.entries) > 0; {
		again = false
		for _, prefix := range wrapperPrefixes {
			all := !slices.ContainsFunc(sd.entries, func(e Entry) bool {
				return len(e.Key) <= len(prefix) || !strings.HasPrefix(e.Key, prefix)
			})
			if !all {
				continue
			}
			for i := range sd.entries {
				sd.entries[i].Key = sd.entries[i].Key[len(prefix):]
			}
			sd.Stripped += prefix
			again = true
		}
	}
}

// Close closes the file. Tensors that were not read before can't be read after it; values already returned stay valid.
// Closing twice is harmless.
func (sd *StateDict) Close() error {
	if sd == nil || sd.file == nil {
		return nil
	}
	f := sd.file
	sd.file = nil
	return f.Close()
}

// String summarises the state dict in one line.
func (sd *StateDict) String() string {
	name := "in memory"
	if sd.Source != "" {
		name = filepath.Base(sd.Source)
	}
	s := fmt.Sprintf("state dict %s: %d tensors, %d parameters", name, sd.Len(), sd.NumParameters())
	for _, k := range slices.Sorted(maps.Keys(sd.Metadata)) {
		if v := sd.Metadata[k]; len(v) <= 40 {
			s += fmt.Sprintf(", %s=%s", k, v)
		}
	}
	return s
}

func (sd *StateDict) errorf(format string, args ...any) error {
	return inFile(sd.Source, fmt.Errorf(format, args...))
}

// inFile names the file that an error is about.
func inFile(path string, err error) error {
	if err == nil {
		return nil
	}
	if path == "" {
		return fmt.Errorf("weights: %w", err)
	}
	return fmt.Errorf("weights: %s: %w", path, err)
}

// errNoTensors is wrapped by the error for a file without any tensor.
var errNoTensors = errors.New("holds no tensors")
