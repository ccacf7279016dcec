package train

import (
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Strategy is a way to get from a pretrained model to a classifier of other images. It is usually a plain struct whose
// zero value is a good default. Package strategy has those that come with TLKit; any other type with the two methods
// can be used like them.
type Strategy interface {
	// Name labels curves and rows, and names the folder: letters, digits, dots and dashes.
	Name() string
	// Plan readies the model, a copy of the strategy's own, for the task, and returns how it is trained.
	Plan(m *zoo.Model, task Task) (Plan, error)
}
