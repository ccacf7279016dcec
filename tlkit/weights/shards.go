package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxShards is far above the number of files of any published model.
const maxShards = 1000

// ShardNames returns the names of the files that an index (model.safetensors.index.json) lists, sorted. They are in the
// folder of the index.
func ShardNames(index []byte) ([]string, error) {
	var parsed struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(index, &parsed); err != nil {
		return nil, fmt.Errorf("weights: index of a checkpoint in several files: %w", err)
	}
	var names []string
	for key, name := range parsed.WeightMap {
		if !filepath.IsLocal(name) || strings.ContainsAny(name, `/\:`) {
			return nil, fmt.Errorf("weights: index of a checkpoint in several files: key %s is in the file %s, which must lie beside the index",
				printable(key), printable(name))
		}
		if !slices.Contains(names, name) {
			if len(names) == maxShards {
				return nil, fmt.Errorf("weights: index of a checkpoint in several files: more than %d files", maxShards)
			}
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, errors.New("weights: index of a checkpoint in several files: expected a weight_map with at least one key")
	}
	slices.Sort(names)
	return names, nil
}

// maxIndexBytes is far above the size of any index.
const maxIndexBytes = 64 << 20

// OpenIndex opens a checkpoint in several files by its index (model.safetensors.index.json,
// pytorch_model.bin.index.json), which lists the files beside it.
func OpenIndex(path string) (*StateDict, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxIndexBytes))
	if err != nil {
		return nil, inFile(path, err)
	}
	names, err := ShardNames(text)
	if err != nil {
		return nil, inFile(path, withoutPrefix(err))
	}
	var parts []*StateDict
	for _, name := range names {
		part, err := Open(filepath.Join(filepath.Dir(path), name))
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("weights: %s names %s, which is not beside it: %w; download the index's other files into its folder", path, printable(name), fs.ErrNotExist)
		}
		if err != nil {
			return nil, errors.Join(err, closers(parts).Close())
		}
		parts = append(parts, part)
	}
	joined, err := Join(parts...)
	if err != nil {
		return nil, errors.Join(err, closers(parts).Close())
	}
	joined.Source = path
	return joined, nil
}

// IsIndex reports whether a file is named like the index of a checkpoint in several files.
func IsIndex(path string) bool { return strings.HasSuffix(strings.ToLower(path), ".index.json") }

// withoutPrefix removes the package's name from an error that gets it again.
func withoutPrefix(err error) error { return errors.New(strings.TrimPrefix(err.Error(), "weights: ")) }

// Join makes one state dict from several, such as the parts of a large model, and owns them: closing it closes all. A
// key in two of them is an error.
func Join(parts ...*StateDict) (*StateDict, error) {
	joined := &StateDict{Metadata: map[string]string{}}
	var files closers
	for i, p := range parts {
		if i == 0 {
			joined.Source, joined.Format = p.Source, p.Format
		}
		joined.entries = append(joined.entries, p.entries...)
		files = append(files, p)
	}
	if err := joined.reindex(); err != nil {
		return nil, joined.errorf("in several files: %w", err)
	}
	joined.file = files
	return joined, nil
}

type closers []*StateDict

func (c closers) Close() error {
	var all []error
	for _, sd := range c {
		all = append(all, sd.Close())
	}
	return errors.Join(all...)
}
