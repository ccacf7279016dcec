package train

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// How a run knows that a call continues it: its configuration, and those of its strategies, must be the same.

// fits compares the configuration of a run on disk with that of the call that wants to continue it.
func (r *Run) fits(c Config) error {
	var diffs []string
	differ := func(what string, was, now any) {
		if !reflect.DeepEqual(was, now) {
			diffs = append(diffs, fmt.Sprintf("%s was %v, now %v", what, was, now))
		}
	}
	old := r.Config
	differ("the data set", old.Data.Name, c.Data.Name)
	if old.Data.Name == c.Data.Name {
		differ("the images' fingerprint", old.Data.Fingerprint, c.Data.Fingerprint)
	}
	differ("the model", old.Model.Name, c.Model.Name)
	if old.Model.Name == c.Model.Name {
		differ("the weights", old.Model.Weights, c.Model.Weights)
		if old.Model.Weights == c.Model.Weights {
			differ("the weights' values (digest)", old.Model.Digest, c.Model.Digest)
		}
	}
	// More epochs continue a run, unless its learning rates depend on their number.
	was, now := old.Recipe, c.Recipe
	if now.Epochs > was.Epochs && !now.Schedule.needsEnd() {
		was.Epochs = now.Epochs
	}
	if now.Seeds > was.Seeds { // more seeds are trained beside those there are
		was.Seeds = now.Seeds
	}
	oldRecipe, _ := json.Marshal(was)
	newRecipe, _ := json.Marshal(now)
	differ("the recipe", string(oldRecipe), string(newRecipe))
	if len(diffs) > 0 {
		return fmt.Errorf("tlkit: run %q in %s was made differently: %s; choose another name, or remove it with tlkit.Remove(%q)",
			r.Name, r.Dir, strings.Join(diffs, "; "), r.Name)
	}
	return nil
}

// add enters a strategy into the run, or checks that the one of that name is the same.
func (r *Run) add(s Strategy) error {
	name := s.Name()
	if !nameRule.MatchString(name) {
		return fmt.Errorf("tlkit: strategy name %q; a name is made of letters, digits, dots, dashes and underscores", name)
	}
	raw, err := strategyJSON(s)
	if err != nil {
		return err
	}
	for i, old := range r.Config.Strategies {
		var have, want stored
		if json.Unmarshal(old, &have) != nil || json.Unmarshal(raw, &want) != nil {
			return fmt.Errorf("tlkit: run %q: the strategies in run.json are not readable", r.Name)
		}
		if r.Results[i].Strategy != name {
			continue
		}
		if have.same(want) {
			return nil
		}
		if slices.ContainsFunc(r.Results[i].Seeds(), (*Result).started) {
			return fmt.Errorf("tlkit: run %q has a strategy %q already that is configured differently (%s, now %s); give one of them a Label, or choose another run name",
				r.Name, name, compact(old), compact(raw))
		}
		r.Config.Strategies[i] = raw
		return nil
	}
	r.Config.Strategies = append(r.Config.Strategies, raw)
	r.Results = append(r.Results, r.newResult(name))
	return nil
}

func compact(raw json.RawMessage) string {
	return strings.Join(strings.Fields(string(raw)), " ")
}

// stored is a strategy as run.json has it.
type stored struct {
	Name string
	// Kind is the name of its type. Type is the same with its package, in runs made before strategies had a package of
	// their own; a live cell's package has another name each time.
	Kind   string
	Type   string `json:",omitempty"`
	Config any
}

// kind is the name of the strategy's type without package.
func (s stored) kind() string {
	if s.Kind != "" {
		return s.Kind
	}
	return s.Type[strings.LastIndexAny(s.Type, ".*")+1:]
}

// same reports whether both are the same strategy, configured alike.
func (s stored) same(o stored) bool {
	return s.Name == o.Name && s.kind() == o.kind() && reflect.DeepEqual(s.Config, o.Config)
}

// kindOf returns the kind of a strategy in run.json.
func kindOf(s Strategy) string {
	t := reflect.TypeOf(s)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// strategyJSON describes a strategy by its name, its kind and its exported fields.
func strategyJSON(s Strategy) (json.RawMessage, error) {
	raw, err := json.Marshal(stored{Name: s.Name(), Kind: kindOf(s), Config: s})
	if err != nil {
		return nil, fmt.Errorf("tlkit: strategy %q can't be saved as JSON: %w; its exported fields must be plain values, and numbers finite, such as a learning rate of 0.01", s.Name(), err)
	}
	return raw, nil
}

// digestOf hashes all values of a model, so that a run can tell its model from another of the same name.
func digestOf(m *zoo.Model) (string, error) {
	h := fnv.New64a()
	var b [4]byte
	for _, p := range m.Params() {
		values, err := m.Values(p)
		if err != nil {
			return "", err
		}
		for _, v := range values {
			bits := math.Float32bits(v)
			b[0], b[1], b[2], b[3] = byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24)
			h.Write(b[:])
		}
	}
	return fmt.Sprintf("%016x", h.Sum64()), nil
}
