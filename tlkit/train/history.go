package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/natefinch/atomic"
)

// Epoch is what one pass over the training images brought. Accuracies are in [0, 1], losses are mean cross-entropies.
type Epoch struct {
	// Epoch counts from 1.
	Epoch int `json:"epoch"`
	// LearningRate is the rate of the epoch's last step.
	LearningRate float64 `json:"learning_rate"`
	// TrainLoss and TrainAccuracy are means over the epoch, measured on each batch before its step.
	TrainLoss     float64 `json:"train_loss"`
	TrainAccuracy float64 `json:"train_accuracy"`
	// ValLoss and ValAccuracy are measured on the validation images after the epoch.
	ValLoss     float64 `json:"val_loss"`
	ValAccuracy float64 `json:"val_accuracy"`
	// Also are accuracies of further tasks on their validation images, by name: an old task's, where a strategy is told to
	// watch it.
	Also map[string]float64 `json:"also,omitempty"`
	// Seconds is the time of the epoch: training and evaluation.
	Seconds float64 `json:"seconds"`
	// ImagesPerSecond is the pace of training alone.
	ImagesPerSecond float64 `json:"images_per_second"`
}

func writeHistory(path string, history []Epoch) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, e := range history {
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("tlkit: history of epoch %d: %w (did the loss become NaN? try a smaller learning rate)", e.Epoch, err)
		}
	}
	return writeFile(path, b.Bytes())
}

// readHistory returns the epochs written so far, none if there is no file. A last line cut short is left out.
func readHistory(path string) ([]Epoch, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("tlkit: reading history: %w", err)
	}
	var history []Epoch
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e Epoch
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Epoch != len(history)+1 {
			break
		}
		history = append(history, e)
	}
	return history, nil
}

// writeFile replaces a file in one step: whoever reads it sees the old content or the new, and a full disk leaves the
// old.
func writeFile(path string, data []byte) error {
	if err := atomic.WriteFile(path, bytes.NewReader(data)); err != nil {
		return fmt.Errorf("tlkit: writing %s: %w (what was there before is unchanged)", filepath.Base(path), err)
	}
	return nil
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("tlkit: encoding %s: %w", filepath.Base(path), err)
	}
	return writeFile(path, append(data, '\n'))
}

func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("tlkit: %s is not readable: %w", path, err)
	}
	return nil
}
