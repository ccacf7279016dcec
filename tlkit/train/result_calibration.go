package train

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// calibrationFile holds, in a strategy's folder, the calibration of its best epoch's model.
const calibrationFile = "calibration.json"

// storedCalibration is the content of calibrationFile, with what it belongs to.
type storedCalibration struct {
	Calibration zoo.Calibration `json:"calibration"`
	// Made and Epoch are those of the result when it was calibrated: another training, or another best epoch, has other
	// weights.
	Made  string `json:"made,omitempty"`
	Epoch int    `json:"epoch"`
}

// Calibrate is [Calibrate] for the trained model of the best epoch, and keeps the result in the run's folder: Model,
// Evaluate, Export and Project have it from then on. Training the strategy further, or anew, ends that. The images are
// to be the validation images, data.Val; the figures of the run stay as they were.
//
//	run.Best().Calibrate(ants.Val, tlkit.CalibrateOptions{Precision: 0.95})
func (r *Result) Calibrate(split *datasets.Split, opts ...CalibrateOptions) (*Calibrated, error) {
	if err := r.exists("calibrate"); err != nil {
		return nil, err
	}
	if err := r.needsHead("calibrate another strategy"); err != nil {
		return nil, err
	}
	m, err := r.Model()
	if err != nil {
		return nil, err
	}
	defer m.Release()
	c, err := Calibrate(m, split, opts...)
	if err != nil {
		return nil, err
	}
	best, _ := r.Best() // there is one, as there is a model
	if err := writeJSON(r.file(calibrationFile), storedCalibration{Calibration: c.Calibration, Made: r.Made, Epoch: best.Epoch}); err != nil {
		return nil, err
	}
	return c, nil
}

// calibration returns the calibration that was kept for the weights of the best epoch; the zero value if there is none.
// The note is not empty if there is one that can't be used.
func (r *Result) calibration() (c zoo.Calibration, note string) {
	var stored storedCalibration
	_, err := sealed.ReadJSON(r.file(calibrationFile), &stored)
	if err == nil {
		err = stored.Calibration.Validate()
	}
	best, _ := r.Best()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, ""
	case err != nil:
		return c, fmt.Sprintf("%s can't be read (%v), so that the probabilities are not calibrated; calibrate again", r.file(calibrationFile), err)
	case stored.Made != r.Made || stored.Epoch != best.Epoch:
		return c, fmt.Sprintf("the calibration was that of epoch %d of an earlier training, so that the probabilities are not calibrated; calibrate again", stored.Epoch)
	}
	return stored.Calibration, ""
}
