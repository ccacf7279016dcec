package train

import (
	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Trained returns the run if it has everything that Compare with these arguments trains, whole, so that Compare would
// return at once; else nil. It writes nothing.
func Trained(r Recipe, name string, ds *datasets.Dataset, pretrained *zoo.Model, strategies ...Strategy) (*Run, error) {
	r, err := r.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := checkComparison(ds, pretrained, strategies); err != nil {
		return nil, err
	}
	c, err := newCall(name, ds, pretrained, r, strategies)
	if err != nil {
		return nil, err
	}
	return c.finished(), nil
}
