package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// position is where a training stands: what a checkpoint says beside the values.
type position struct {
	// Epoch counts complete epochs; Step the batches done of the next one.
	Epoch int `json:"epoch"`
	Step  int `json:"step"`
	// Steps counts all steps ever taken.
	Steps int `json:"steps"`
	// Loss, Hits and Seen are sums over the batches of the epoch under way; Seconds is its training time so far.
	Loss    float64 `json:"loss"`
	Hits    float64 `json:"hits"`
	Seen    int     `json:"seen"`
	Seconds float64 `json:"seconds"`
}

// slotPrefix marks optimizer state among the entries of a checkpoint.
const slotPrefix = "#optimizer."

const positionKey = "tlkit.position"

// save writes weights, optimizer state and position to path, atomically: an interrupted or failed write leaves the
// checkpoint before it.
func (t *trainer) save(path string, at position) error {
	entries, err := t.model.StateDict()
	if err != nil {
		return err
	}
	for _, p := range t.trained {
		for _, slot := range t.opt.slots() {
			value, err := t.model.Store().GetVariable(slotPath(p, slot)).Value()
			if err != nil {
				return fmt.Errorf("tlkit: checkpoint: optimizer state of %q: %w", p.Key, err)
			}
			tensor, err := weights.NewTensor(p.VarShape(), tensors.MustCopyFlatData[float32](value))
			if err != nil {
				return err
			}
			entries = append(entries, weights.Entry{Key: slotPrefix + slot + "." + p.Key, Tensor: tensor})
		}
	}
	text, err := json.Marshal(at)
	if err != nil {
		return fmt.Errorf("tlkit: checkpoint: %w", err)
	}
	if err := weights.WriteSafetensors(path, entries, map[string]string{positionKey: string(text)}); err != nil {
		return fmt.Errorf("tlkit: the checkpoint could not be written, the one before it is unchanged: %w", err)
	}
	return nil
}

// restore continues from the checkpoint at path. Without one it returns the zero position.
func (t *trainer) restore(path string) (position, error) {
	var at position
	sd, err := weights.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return at, nil
	}
	if err != nil {
		return at, fmt.Errorf("tlkit: the checkpoint can't be read (delete %s to start this strategy anew): %w", path, err)
	}
	defer sd.Close()
	if err := json.Unmarshal([]byte(sd.Metadata[positionKey]), &at); err != nil {
		return at, fmt.Errorf("tlkit: %s is no checkpoint of a run (no %s in its metadata); delete it to start this strategy anew", path, positionKey)
	}
	var values []weights.Entry
	slots := map[string]weights.Tensor{}
	for _, e := range sd.Entries() {
		if rest, ok := strings.CutPrefix(e.Key, slotPrefix); ok {
			slots[rest] = e.Tensor
		} else {
			values = append(values, e)
		}
	}
	own, err := weights.New(values)
	if err != nil {
		return at, err
	}
	if err := t.model.LoadStateDict(own); err != nil {
		return at, fmt.Errorf("tlkit: checkpoint %s is of another model: %w", path, err)
	}
	for _, p := range t.trained {
		for _, slot := range t.opt.slots() {
			if err := t.restoreSlot(slots, p, slot); err != nil {
				return at, fmt.Errorf("tlkit: checkpoint %s: %w", path, err)
			}
		}
	}
	return at, nil
}

func (t *trainer) restoreSlot(slots map[string]weights.Tensor, p nn.Param, slot string) error {
	tensor, ok := slots[slot+"."+p.Key]
	if !ok || tensor.Len() != p.Size() {
		return fmt.Errorf("the optimizer's %s of %q is missing or misshapen; was the run made with another optimizer?", slot, p.Key)
	}
	flat, err := tensor.Float32()
	if err != nil {
		return err
	}
	return t.model.Store().GetVariable(slotPath(p, slot)).SetValue(tensors.FromFlatDataAndDimensions(flat, p.VarShape()...))
}

// saveWeights writes the values alone, in PyTorch's layout.
func (t *trainer) saveWeights(path string) error {
	entries, err := t.model.StateDict()
	if err != nil {
		return err
	}
	if err := weights.WriteSafetensors(path, entries, nil); err != nil {
		return fmt.Errorf("tlkit: the weights of the best epoch could not be written: %w", err)
	}
	return nil
}
