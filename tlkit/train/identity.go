package train

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// A call continues a run if its configuration and those of its strategies are the same. This file compares them.

// stored is a strategy in the form of run.json.
type stored struct {
	Name string
	// Kind is the name of its type. Type is the same with its package, in runs made before strategies had a package of
	// their own; the package of a notebook cell has another name each time.
	Kind   string
	Type   string `json:",omitempty"`
	Config any
	// Revision describes how the strategy's training, with the run's recipe, differs from that of earlier code; see
	// Revised.
	Revision string `json:",omitempty"`
	// Plan is what the code of a strategy of one's own plans; nil for those of TLKit, and in older runs.
	Plan *ownPlan `json:",omitempty"`
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
	return s.Name == o.Name && s.kind() == o.kind() && s.Revision == o.Revision && reflect.DeepEqual(s.Config, o.Config) && s.samePlan(o)
}

// differences lists the fields in which a stored strategy differs from one that is to be trained now.
func (s stored) differences(now stored) []string {
	if s.kind() != now.kind() {
		return []string{fmt.Sprintf("%s: %s, now %s", s.Name, s.kind(), now.kind())}
	}
	var all []string
	for _, d := range fieldDifferences(s.Config, now.Config) {
		all = append(all, s.Name+" "+d)
	}
	if len(all) == 0 && s.Revision != now.Revision {
		all = []string{s.Name + ": " + cmp.Or(now.Revision, "it was trained with another version of the program")}
	}
	if len(all) == 0 && !s.samePlan(now) {
		all = []string{s.planDifference(now)}
	}
	return all
}

// fieldDifferences lists the fields in which two values that were read from JSON differ, such as "epochs: 10, now 5".
func fieldDifferences(was, now any) []string {
	before, after := map[string]string{}, map[string]string{}
	flatten("", was, before)
	flatten("", now, after)
	var all []string
	for _, field := range slices.Sorted(maps.Keys(union(before, after))) {
		w, n := cmp.Or(before[field], "not set"), cmp.Or(after[field], "not set")
		name, _, data := strings.Cut(w, printMark)
		now, _, _ := strings.Cut(n, printMark)
		switch {
		case w == n:
		case data && name == now:
			all = append(all, fmt.Sprintf("%s: the images of %s have changed", field, name))
		default:
			all = append(all, fmt.Sprintf("%s: %s, now %s", field, name, now))
		}
	}
	return all
}

// printMark stands between the name and the fingerprint of a data set in flatten's texts.
const printMark = "\x00"

func union(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// flatten enters the plain values of a value that was read from JSON under their paths, such as "schedule.cosine", and
// the data sets as their names and fingerprints.
func flatten(path string, v any, into map[string]string) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		if print, ok := v["fingerprint"].(string); ok { // a data set
			into[path] = fmt.Sprintf("%q%s%s", v["name"], printMark, print)
			return
		}
		for key, field := range v {
			flatten(strings.TrimPrefix(path+"."+key, "."), field, into)
		}
	default:
		text, _ := json.Marshal(v) // it was read from JSON
		into[path] = string(text)
	}
}

// asJSON returns v as it is after writing it to JSON and reading it back.
func asJSON(v any) any {
	var back any
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, &back)
	}
	if err != nil {
		panic(err) // a configuration has plain fields
	}
	return back
}

// sameData replaces the fingerprints of data sets in a strategy's configuration by the stored ones, where both are of
// the same data: older runs have fingerprints of another form.
func sameData(was, now any, sets []*datasets.Dataset) {
	before, ok := was.(map[string]any)
	after, ok2 := now.(map[string]any)
	if !ok || !ok2 {
		return
	}
	print, _ := before["fingerprint"].(string)
	for _, ds := range sets {
		if after["fingerprint"] == ds.Fingerprint() {
			if same, note := ds.Matches(print); same {
				after["fingerprint"] = print
				if name, ok := before["name"]; ok && note == "" && ds.CoversContents() {
					after["name"] = name // its folder was renamed
				}
			}
		}
	}
	for key := range after {
		sameData(before[key], after[key], sets)
	}
}

// identity is a digest of everything that a result depends on: results of equal identity are the same. It leaves out
// the numbers of seeds and of devices, the fields that are not stored, and the number of epochs where a larger number
// continues a training.
func (c Config) identity(s stored, seed uint64) string {
	r := c.Recipe
	r.Seed, r.Seeds, r.Devices = seed, 0, 0
	if !r.Schedule.needsEnd() {
		r.Epochs = 0
	}
	s.Kind, s.Type = s.kind(), ""
	text, err := json.Marshal(struct {
		Data     string
		Model    ModelConfig
		Recipe   Recipe
		Strategy stored
	}{c.Data.Fingerprint, c.Model, r, s})
	if err != nil {
		panic(err) // both were written as JSON before
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// identities lists the identities of a result, the one for new checkpoints first. A run keeps its first description of
// a strategy though folders of its data were renamed since, and data have fingerprints of several forms: checkpoints
// were made with any of these.
func (c Config) identities(kept, now stored, seed uint64) []string {
	prints := append([]string{c.Data.Fingerprint}, c.Data.Earlier...)
	var all []string
	for _, s := range []stored{kept, now} {
		for _, print := range prints {
			c.Data.Fingerprint = print
			all = append(all, c.identity(s, seed))
		}
	}
	return all
}

// Kind returns the kind of a strategy: the name of its type, as it stands in run.json.
func Kind(s Strategy) string {
	t := reflect.TypeOf(s)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// builtIn reports whether a strategy comes with TLKit.
func builtIn(s Strategy) bool {
	t := reflect.TypeOf(s)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() == path.Join(path.Dir(reflect.TypeFor[Plan]().PkgPath()), "strategy")
}

// strategyJSON describes a strategy of a run with a recipe by its name, its kind, its exported fields, its revision
// and, if it is one's own, its plan, which may be nil.
func strategyJSON(s Strategy, r Recipe, plan *ownPlan) (json.RawMessage, error) {
	raw, err := json.Marshal(stored{Name: s.Name(), Kind: Kind(s), Config: s, Revision: revision(s, r), Plan: plan})
	if field, value := nonFiniteField(s); err != nil && field != "" {
		return nil, fmt.Errorf("tlkit: strategy %q: %s.%s is %g; give a finite number, such as a learning rate of 0.01", s.Name(), Kind(s), field, value)
	}
	if err != nil {
		return nil, fmt.Errorf("tlkit: strategy %q can't be saved as JSON: %w; its exported fields must be plain values, and numbers finite, such as a learning rate of 0.01", s.Name(), err)
	}
	return raw, nil
}

// nonFiniteField returns the first exported field of a strategy that is infinite or NaN; "" if there is none.
func nonFiniteField(s Strategy) (field string, value float64) {
	v := reflect.Indirect(reflect.ValueOf(s))
	if v.Kind() != reflect.Struct {
		return "", 0
	}
	for f, value := range v.Fields() {
		if f.IsExported() && value.CanFloat() && !numbers.Finite(value.Float()) {
			return f.Name, value.Float()
		}
	}
	return "", 0
}

// revision returns how a strategy is trained differently than by earlier code, "" if it is not.
func revision(s Strategy, r Recipe) string {
	var all []string
	if revised, ok := s.(Revised); ok && revised.Revision() != "" {
		all = append(all, revised.Revision())
	}
	if r.Accumulate > 1 && r.ClassWeights != "" {
		all = append(all, "ClassWeights are those of all batches that Accumulate joins, no longer of each")
	}
	if c := r.Schedule; r.Accumulate > 1 && (c.needsEnd() || c.Warmup > 0) {
		all = append(all, "Schedule moves with the steps of the optimizer, no longer with the batches that Accumulate joins")
	}
	return strings.Join(all, "; ")
}

// digestOf hashes all values of a model, so that a run can distinguish its model from another of the same name.
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
