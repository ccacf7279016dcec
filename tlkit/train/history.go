package train

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Epoch has the figures of one pass over the training images. Accuracies are in [0, 1], losses are mean
// cross-entropies.
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
	// Also are accuracies of further tasks on their validation images, by name, such as an old task that a strategy is
	// set to watch.
	Also map[string]float64 `json:"also,omitempty"`
	// Seconds is the time of the epoch: training and evaluation.
	Seconds float64 `json:"seconds"`
	// ImagesPerSecond is the speed of training alone, without evaluation.
	ImagesPerSecond float64 `json:"images_per_second"`
}

func writeHistory(path string, history []Epoch) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\"checksum\":%q}\n", noSum)
	enc := json.NewEncoder(&b)
	for _, e := range history {
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("tlkit: history of epoch %d: %w (did the loss become NaN? try a smaller learning rate)", e.Epoch, err)
		}
	}
	return writeSmall(path, sealBytes(b.Bytes()))
}

// readHistory returns the epochs written so far; see readSmall. In a history without a checksum, from a run made before
// there were checksums, a last line that is cut short is left out.
func readHistory(path string) (history []Epoch, note string, err error) {
	data, note, err := readSmall(path, func([]byte) bool { return true })
	if err != nil {
		return nil, "", err
	}
	for i, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
		if i == 0 && sumMark.Match(line) {
			continue
		}
		var e Epoch
		if json.Unmarshal(line, &e) != nil || e.Epoch != len(history)+1 {
			break
		}
		history = append(history, e)
	}
	return history, note, nil
}
