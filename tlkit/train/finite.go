package train

import (
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// notFinite returns the key of a variable of a model with values that are NaN or infinite, "" if there is none.
func notFinite(m *zoo.Model) string {
	for _, p := range m.Params() {
		values, err := m.Values(p)
		if err != nil {
			continue
		}
		for _, v := range values {
			if !numbers.Finite(float64(v)) {
				return p.Key
			}
		}
	}
	return ""
}

// whyNotFinite says what to do about values that are no finite numbers; param is what notFinite returned.
func whyNotFinite(param string) string {
	if param != "" {
		return fmt.Sprintf("the pretrained values of %s have NaN or infinities: load the weights again, from a file without them", param)
	}
	return "the pretrained weights may be too large, or Preprocess not the model's: load the weights again, and compare Model.Preprocess with what they were trained with"
}
