package strategy

import (
	"github.com/tlkit-go/tlkit-notebooks/internal/logistic"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// fitLogistic fits the regression to labelled features; l2 of 0 chooses the strength.
func fitLogistic(f *zoo.Features, classes int, l2 float64) (logistic.Fitted, error) {
	return logistic.Fit(f, f.Labels, classes, l2)
}
