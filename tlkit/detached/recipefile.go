package detached

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// RecipeFile is a comparison that a person writes as JSON, for training without a notebook:
//
//	{"name": "ants", "data": "photos/ants-and-bees", "model": "resnet18", "recipe": {"epochs": 5},
//	 "strategies": [{"kind": "Transfer"}, {"kind": "FineTune", "learning_rate": 0.001}]}
type RecipeFile struct {
	// Name is the run's name.
	Name string `json:"name"`
	// Data is a name or a folder for datasets.Load, or an object with the fields of [datasets.Origin].
	Data json.RawMessage `json:"data"`
	// Model is a name for zoo.Load, and Weights, if given, a weight file (zoo.LoadOptions.Weights).
	Model   string `json:"model"`
	Weights string `json:"weights,omitempty"`
	// Recipe has the fields of [train.Recipe] in its JSON form.
	Recipe train.Recipe `json:"recipe"`
	// Strategies have a kind, the name of a type of package strategy, and its fields in their JSON form. The data sets
	// of a strategy are written like Data.
	Strategies []json.RawMessage `json:"strategies"`
}

// TrainFile trains what a recipe file describes, in this process; paths in it are relative to its folder, and so is the
// folder of runs. The end of ctx saves and stops with a *train.InterruptedError; the same call goes on.
func TrainFile(ctx context.Context, path string) (*train.Run, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var f RecipeFile
	if err := strict(text, &f); err != nil {
		return nil, fmt.Errorf("detached: %s: %w", path, err)
	}
	if err := os.Chdir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	run, err := f.train(ctx)
	var stopped *train.InterruptedError
	if err != nil && !errors.As(err, &stopped) {
		err = fmt.Errorf("detached: %s: %w", path, err)
	}
	return run, err
}

func (f RecipeFile) train(ctx context.Context) (*train.Run, error) {
	data, err := dataOf(f.Data)
	if err != nil {
		return nil, err
	}
	model, err := zoo.LoadContext(ctx, f.Model, zoo.LoadOptions{Weights: f.Weights})
	if err != nil {
		return nil, err
	}
	var strategies []train.Strategy
	for i, text := range f.Strategies {
		s, err := strategyIn(text)
		if err != nil {
			return nil, fmt.Errorf("strategy %d: %w", i+1, err)
		}
		strategies = append(strategies, s)
	}
	return f.Recipe.Compare(ctx, f.Name, data, model, strategies...)
}

// dataOf loads a data set from its JSON form.
func dataOf(text json.RawMessage) (*datasets.Dataset, error) {
	var name string
	if json.Unmarshal(text, &name) == nil {
		return datasets.Load(name)
	}
	var o datasets.Origin
	if err := strict(text, &o); err != nil {
		return nil, fmt.Errorf("a data set is a name, a folder, or an object like {\"Func\": \"ImageFolder\", \"Args\": [\"photos\"], \"Options\": {\"ValFraction\": 0.3}}: %w", err)
	}
	return o.Open()
}

// strategyIn reads a strategy. Data sets in its fields are loaded.
func strategyIn(text json.RawMessage) (train.Strategy, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("expected an object like {\"kind\": \"Transfer\"}: %w", err)
	}
	var kind string
	if err := json.Unmarshal(fields["kind"], &kind); err != nil {
		return nil, errors.New("it has no kind; expected an object like {\"kind\": \"Transfer\"}")
	}
	delete(fields, "kind")
	sets := map[string]*datasets.Dataset{} // by a name of ours
	for _, field := range []string{"old", "source"} {
		if value, ok := fields[field]; ok && string(value) != "null" {
			d, err := dataOf(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", field, err)
			}
			sets[field] = d
			fields[field] = json.RawMessage(fmt.Sprintf("{\"name\": %q}", field))
		}
	}
	config, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	s, err := strategy.Decode(kind, config)
	if err != nil {
		return nil, err
	}
	return train.WithData(s, func(d *datasets.Dataset) *datasets.Dataset { return sets[d.Name] }), nil
}

// strict reads JSON with no unknown field and nothing after it.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is text after the object")
	}
	return nil
}
