package train

import (
	"context"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// MustFindLR is [Recipe.FindLR] without a context that panics on an error.
func (r Recipe) MustFindLR(ds *datasets.Dataset, pretrained *zoo.Model, s Strategy) *LRCurve {
	return must(r.FindLR(context.Background(), ds, pretrained, s))
}

// MustSampleSizes is [Recipe.SampleSizes] without a context that panics on an error.
func (r Recipe) MustSampleSizes(name string, ds *datasets.Dataset, pretrained *zoo.Model, perClass []int, strategies ...Strategy) *Samples {
	return must(r.SampleSizes(context.Background(), name, ds, pretrained, perClass, strategies...))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
