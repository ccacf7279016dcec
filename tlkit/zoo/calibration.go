package zoo

import (
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
)

// Calibration adjusts a model's probabilities to how often it is right: of the images that get 80 %, 80 % should be
// right. The zero value leaves them as they are. train.Calibrate fits it, and Export keeps it. It is lost with the
// values that it was fitted for: when the head is replaced or a state dict is read.
type Calibration struct {
	// Temperature divides the logits (Guo et al. 2017, On Calibration of Modern Neural Networks, arXiv 1706.04599,
	// section 4.2); above 1 it makes the model less sure of itself. 0 means 1.
	Temperature float64 `json:"temperature,omitempty"`
	// Threshold is the probability below which a prediction is marked as uncertain, in [0, 1]; 0 marks none.
	Threshold float64 `json:"threshold,omitempty"`
	// Precision is the share of right predictions that the threshold was chosen for, in [0, 1]; 0 without a threshold.
	Precision float64 `json:"precision,omitempty"`
}

// Validate returns an error that names the invalid field.
func (c Calibration) Validate() error {
	switch {
	case c.Temperature != 0 && !(c.Temperature > 0 && numbers.Finite(c.Temperature)):
		return fmt.Errorf("zoo: Calibration.Temperature is %g; expected a positive number, or 0 for none", c.Temperature)
	case !(c.Threshold >= 0 && c.Threshold <= 1):
		return fmt.Errorf("zoo: Calibration.Threshold is %g; expected a probability in [0, 1]", c.Threshold)
	case !(c.Precision >= 0 && c.Precision <= 1):
		return fmt.Errorf("zoo: Calibration.Precision is %g; expected a share in [0, 1]", c.Precision)
	}
	return nil
}

// temperature returns Temperature, or 1 if it is not set.
func (c Calibration) temperature() float64 {
	if c.Temperature == 0 {
		return 1
	}
	return c.Temperature
}

// Probabilities returns the calibrated probabilities of an image's logits [classes]; they sum to 1.
func (m *Model) Probabilities(logits []float32) []float64 {
	return numbers.SoftmaxAt(logits, m.Calibration.temperature())
}

// prediction returns the class of the given index as a prediction.
func (m *Model) prediction(class int, probability float64) Prediction {
	return Prediction{Class: m.Classes[class], Index: class, Probability: probability, Uncertain: probability < m.Calibration.Threshold}
}
