package train

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// position is how far a training has come. A checkpoint has it in its metadata.
type position struct {
	// Epoch counts complete epochs, Step the batches done in the next epoch.
	Epoch int `json:"epoch"`
	Step  int `json:"step"`
	// Steps counts all steps ever taken.
	Steps int `json:"steps"`
	// Loss, Hits and Seen are sums over the batches of the epoch under way; Seconds is its training time so far.
	Loss    float64 `json:"loss"`
	Hits    float64 `json:"hits"`
	Seen    int     `json:"seen"`
	Seconds float64 `json:"seconds"`
	// Of is Recipe.Epochs at the start of the training; 0 in checkpoints from before it was kept. See Paced.
	Of int `json:"of,omitempty"`
}

// slotPrefix marks optimizer state among the entries of a checkpoint.
const slotPrefix = "#optimizer."

// Keys of a checkpoint's metadata.
const (
	positionKey = "tlkit.position"
	madeKey     = "tlkit.made" // see Config.identity
	// epochKey is the epoch of the weights, from 1, of the best epoch's file.
	epochKey = "tlkit.epoch"
)

// extraState returns the paths of the variables that a training changes in addition to the model's, by their keys in a
// checkpoint: further heads and the optimizer's state. They are saved in their own axes, not in PyTorch's.
func (t *trainer) extraState() map[string]string {
	paths := map[string]string{}
	for _, p := range t.heads {
		paths[p.Key] = p.Path()
	}
	for _, p := range t.trained {
		for _, slot := range t.opt.slots() {
			paths[slotPrefix+slot+"."+p.Key] = slotPath(p, slot)
		}
	}
	for _, p := range t.averaged() {
		paths[slotPrefix+averageSlot+"."+p.Key] = slotPath(p, averageSlot)
	}
	return paths
}

// save writes weights, optimizer state and position to path, and keeps the checkpoint before it beside it. An
// interrupted or failed write leaves the earlier checkpoints as they are.
func (t *trainer) save(path string, at position, made string) error {
	entries, err := t.model.StateDict()
	if err != nil {
		return err
	}
	extra := t.extraState()
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		value, err := t.model.Store().GetVariable(extra[key]).Value()
		if err != nil {
			return fmt.Errorf("tlkit: checkpoint: %q: %w", key, err)
		}
		tensor, err := weights.NewTensor(value.Shape().Dimensions, tensors.MustCopyFlatData[float32](value))
		if err != nil {
			return err
		}
		entries = append(entries, weights.Entry{Key: key, Tensor: tensor})
	}
	text, err := json.Marshal(at)
	if err != nil {
		return fmt.Errorf("tlkit: checkpoint: %w", err)
	}
	previous := filepath.Join(filepath.Dir(path), previousFile)
	if err := sealed.WriteWeights(path, previous, entries, map[string]string{positionKey: string(text), madeKey: made}); err != nil {
		return fmt.Errorf("tlkit: the checkpoint could not be written, the one before it is unchanged: %w%s", err, whereInstead(err))
	}
	return nil
}

// restore continues from the checkpoint at path.
func (t *trainer) restore(path string) error {
	sd, err := weights.Open(path)
	if err != nil {
		return err
	}
	defer sd.Close()
	extra := t.extraState()
	var values []weights.Entry
	for _, e := range sd.Entries() {
		path, ok := extra[e.Key]
		if !ok {
			values = append(values, e)
			continue
		}
		delete(extra, e.Key)
		if err := t.restoreValue(path, e.Tensor); err != nil {
			return fmt.Errorf("tlkit: checkpoint %s: %q: %w", path, e.Key, err)
		}
	}
	for key := range extra {
		return fmt.Errorf("tlkit: checkpoint %s lacks %q; was the run made with another optimizer?", path, key)
	}
	own, err := weights.New(values)
	if err != nil {
		return err
	}
	if err := t.model.LoadStateDict(own); err != nil {
		return fmt.Errorf("tlkit: checkpoint %s is of another model: %w", path, err)
	}
	return nil
}

func (t *trainer) restoreValue(path string, tensor weights.Tensor) error {
	v := t.model.Store().GetVariable(path)
	if tensor.Len() != v.Shape().Size() {
		return fmt.Errorf("%d values, expected shape %s", tensor.Len(), v.Shape())
	}
	flat, err := tensor.Float32()
	if err != nil {
		return err
	}
	return v.SetValue(tensors.FromFlatDataAndDimensions(flat, v.Shape().Dimensions...))
}

// saveWeights writes the values alone, in PyTorch's layout, with the result and the epoch that they belong to.
func (t *trainer) saveWeights(path, made string, epoch int) error {
	entries, err := t.model.StateDict()
	if err != nil {
		return err
	}
	if err := sealed.WriteWeights(path, "", entries, map[string]string{madeKey: made, epochKey: strconv.Itoa(epoch)}); err != nil {
		return fmt.Errorf("tlkit: the weights of the best epoch could not be written: %w%s", err, whereInstead(err))
	}
	return nil
}
