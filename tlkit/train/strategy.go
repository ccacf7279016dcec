package train

import (
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Strategy is a way to get from a pretrained model to a classifier of other images. A plain struct whose zero value
// is a good default. Package strategy has those that come with TLKit; any other type with the two methods stands beside
// them.
type Strategy interface {
	// Name labels curves and rows, and names the folder: letters, digits, dots and dashes.
	Name() string
	// Plan readies the model, a copy that is the strategy's own, for the task, and says how it is trained.
	Plan(m *zoo.Model, task Task) (Plan, error)
}
