package train

import (
	"fmt"
	"slices"

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

// safeRate is a rate below which no finite gradient makes a variable NaN.
const safeRate = 1e18

// whyUndefined says what to do about a loss or a gradient that is no number.
const whyUndefined = "look at the loss of one's own (Plan.Loss) or the layers of one's own: a root or a logarithm of 0 and a division by 0 have no value or no derivative"

// whyUndefinedJapanese is whyUndefined, as a sentence.
const whyUndefinedJapanese = "自作の損失（Plan.Loss）か自作の層を確認してください（0 の平方根や対数、0 による割り算には値か微分がありません）。"

// undefinedLoss is Divergence.Undefined for the loss of the strategy itself.
const undefinedLoss = "loss"

// undefined returns undefinedLoss if the loss of the first update is no number, else the key of a trained variable that
// is NaN, "" if there is none: after the first update at a rate below safeRate, its gradient was NaN or infinite. It
// looks at the variables where a loss or a network does not come with TLKit.
func (t *trainer) undefined(f stepFigures) string {
	if !numbers.Finite(f.total) {
		return undefinedLoss
	}
	if t.plan.Loss == nil && t.model.Spec.BuiltIn() {
		return ""
	}
	for _, p := range t.now {
		values, err := t.model.Values(p)
		if err == nil && slices.ContainsFunc(values, func(v float32) bool { return v != v }) {
			return p.Key
		}
	}
	return ""
}

// undefined names what was no number.
func (d *Divergence) undefined() wording {
	if d.Undefined == undefinedLoss {
		return wording{"the loss of the strategy", "戦略の損失"}
	}
	return wording{"the gradient of " + d.Undefined, d.Undefined + " の勾配"}
}
