package tlkit

import (
	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// Calibrate fits a temperature on images that the model was not trained on, so that its probabilities agree with how
// often it is right (Guo et al. 2017), and sets the threshold below which a prediction is marked as uncertain:
//
//	tlkit.Calibrate(model, ants.Val, tlkit.CalibrateOptions{Precision: 0.95})
//
// [Export] keeps both with the model; run.Best().Calibrate(ants.Val) keeps them with the run. See [train.Calibrate].
func Calibrate(model *Model, split *datasets.Split, opts ...CalibrateOptions) (*Calibrated, error) {
	return train.Calibrate(model, split, opts...)
}

// MustCalibrate is [Calibrate] that panics on an error.
func MustCalibrate(model *Model, split *datasets.Split, opts ...CalibrateOptions) *Calibrated {
	return must(Calibrate(model, split, opts...))
}
