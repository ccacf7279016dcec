package strategy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// kinds are the types of this package's strategies by their kind, which run.json has.
var kinds = func() map[string]reflect.Type {
	m := map[string]reflect.Type{}
	for _, s := range []train.Strategy{AdaBN{}, DANN{}, DeepCORAL{}, DuplicateAndFineTune{}, EWC{}, FineTune{}, Joint{}, KNN{}, L2SP{},
		LogisticRegression{}, LwF{}, Scratch{}, SourceOnly{}, TargetSupervised{}, Transfer{}} {
		m[train.Kind(s)] = reflect.TypeOf(s)
	}
	return m
}()

// Decode returns a strategy of this package from its kind ("FineTune", see [train.Kind]) and its fields as JSON, as
// they stand in run.json; a field that it does not have is an error. A data set in its fields gets only its name:
// replace it with [train.WithData].
func Decode(kind string, config []byte) (train.Strategy, error) {
	t, ok := kinds[kind]
	if !ok {
		return nil, fmt.Errorf("strategy: the kind %q is none of this package, which has %s", kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	pointer := reflect.New(t)
	d := json.NewDecoder(bytes.NewReader(config))
	d.DisallowUnknownFields()
	if err := d.Decode(pointer.Interface()); err != nil {
		return nil, fmt.Errorf("strategy: the fields of a %s: %w", kind, err)
	}
	return pointer.Elem().Interface().(train.Strategy), nil
}
