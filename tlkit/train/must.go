package train

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// MustFindLR is [Recipe.FindLR] without a context that panics on an error.
func (r Recipe) MustFindLR(ds *datasets.Dataset, pretrained *zoo.Model, s Strategy) *LRCurve {
	return must(r.FindLR(context.Background(), ds, pretrained, s))
}

// MustSampleSizes is [Recipe.SampleSizes] without a context that panics on an error. After an interruption it does not
// panic: it prints what was saved and returns what is trained so far.
func (r Recipe) MustSampleSizes(name string, ds *datasets.Dataset, pretrained *zoo.Model, perClass []int, strategies ...Strategy) *Samples {
	return soFar(r.SampleSizes(context.Background(), name, ds, pretrained, perClass, strategies...))
}

// soFar is must for a training that keeps what it has: it prints an interruption and returns v.
func soFar[T any](v T, err error) T {
	if stopped := new(InterruptedError); errors.As(err, &stopped) {
		fmt.Fprintln(os.Stderr, err)
		return v
	}
	return must(v, err)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
