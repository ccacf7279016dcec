package train

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
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

// historyHead is the first line of a history file.
type historyHead struct {
	Checksum string `json:"checksum"`
	Made     string `json:"made,omitempty"` // see Config.identity
}

// writeHistory writes the result's history, with the identity of the result.
func (r *Result) writeHistory() error {
	return writeHistory(r.file("history.jsonl"), r.Made, r.History)
}

func writeHistory(path, made string, history []Epoch) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	if err := enc.Encode(historyHead{sealed.NoSum, made}); err != nil {
		return fmt.Errorf("tlkit: history: %w", err)
	}
	for _, e := range history {
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("tlkit: history of epoch %d: %w (did the loss become NaN? try a smaller learning rate)", e.Epoch, err)
		}
	}
	return withAdvice(sealed.Write(path, b.Bytes()))
}

// readHistory returns the epochs written so far; see [sealed.Read]. In a history without a checksum, from a run made
// before there were checksums, a last line that is cut short is left out. made is the identity of the result that it
// belongs to, "" in histories without it.
func readHistory(path string) (history []Epoch, made, note string, err error) {
	data, note, err := sealed.Read(path, func([]byte) bool { return true })
	if err != nil {
		return nil, "", "", err
	}
	for i, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
		if i == 0 && sealed.HasSum(line) {
			var head historyHead
			if json.Unmarshal(line, &head) == nil {
				made = head.Made
			}
			continue
		}
		var e Epoch
		if json.Unmarshal(line, &e) != nil || e.Epoch != len(history)+1 {
			break
		}
		history = append(history, e)
	}
	return history, made, note, nil
}
