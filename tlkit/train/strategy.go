package train

import (
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Strategy is a way to get from a pretrained model to a classifier of other images. It is usually a plain struct whose
// zero value is a good default. Package strategy has those that come with TLKit; any other type with the two methods
// can be used like them. A run knows a strategy of your own by its name, its exported fields and what its Plan returns
// (rates, phases, variables, the graph of the loss, the contents of images and the values of models): with another
// number in its code it is trained anew. Other changes, such as those in Plan.Before, have to be told by a field or by
// [Revised].
type Strategy interface {
	// Name labels curves and rows, and names the folder: letters, digits, dots and dashes.
	Name() string
	// Plan readies the model, a copy of the strategy's own, for the task, and returns how it is trained.
	Plan(m *zoo.Model, task Task) (Plan, error)
}

// Paced is a Strategy whose training depends on Recipe.Epochs from its start. Others go on where a call has more epochs
// than the one before; a paced one begins anew, so that its result is that of a training of so many epochs.
type Paced interface {
	Strategy
	// Pace returns what the training depends on for a number of epochs, such as the length of a warm-up: a training
	// goes on if it is the same.
	Pace(epochs int) int
}

// Checked is a Strategy that refuses fields without effect. A training that was begun with them goes on as it was.
type Checked interface {
	Strategy
	// CheckFields returns an error that names a field that would have no effect, and what to set.
	CheckFields() error
}

// Revised is a Strategy that an earlier version of its code trained differently with the same fields. A run that has
// results of another revision keeps them as an earlier version ([Run.Versions]), and the strategy is trained anew.
type Revised interface {
	Strategy
	// Revision describes the change for the strategy's fields, as in "HeadRate is no longer multiplied by HeadFactor";
	// it is "" if these train as before.
	Revision() string
}
