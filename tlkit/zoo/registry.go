package zoo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tlkit-go/tlkit-notebooks/internal/nearest"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// families is the whole registry: add a family's function here.
var families = []func() []Spec{
	cifarResNets,
	efficientNets,
	efficientNetLites,
	mobileNetV1s,
	tfMobileNetV1s,
	regNets,
	resNets,
	convNeXts,
	convNeXtV2s,
	viTs,
	dinoV2s,
	beits,
	clips,
	deits,
	eva02s,
	siglips,
	swins,
	maxViTs,
	mobileViTs,
	alexNets,
	vggs,
	squeezeNets,
	denseNets,
	mobileNetV2s,
	mobileNetV3s,
	mnasNets,
	shuffleNetV2s,
	googLeNets,
	inceptionV3s,
}

// builtIn is built on first use: a notebook cell that only plots does not pay for it.
var builtIn = sync.OnceValue(func() map[string]Spec {
	m := map[string]Spec{}
	for _, family := range families {
		for _, s := range family() {
			if _, dup := m[s.Name]; dup {
				panic("zoo: model " + s.Name + " is registered twice")
			}
			m[s.Name] = s
		}
	}
	return m
})

// own holds the models that users registered in addition to those.
var own = struct {
	sync.Mutex
	specs map[string]Spec
}{specs: map[string]Spec{}}

// registry returns all models by name.
func registry() map[string]Spec {
	own.Lock()
	defer own.Unlock()
	if len(own.specs) == 0 {
		return builtIn()
	}
	all := maps.Clone(builtIn())
	maps.Copy(all, own.specs)
	return all
}

// Filter selects models; its zero value selects all.
type Filter struct {
	// Family, when set, must be the model's family.
	Family string
	// Contains, when set, must be part of the model's name.
	Contains string
	// MaxParams, when above 0, bounds the parameters of the default weight set.
	MaxParams int
}

// List returns the names of the models that the filter selects, sorted.
func List(f Filter) []string {
	var names []string
	for name, s := range registry() {
		w, _ := s.WeightSet("")
		if (f.Family == "" || s.Family == f.Family) && strings.Contains(name, f.Contains) &&
			(f.MaxParams <= 0 || (w.Params > 0 && w.Params <= f.MaxParams)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// UnknownModelError reports that no model has the requested name.
type UnknownModelError struct {
	Name string
	// Near is the most similar name, "" if none is near.
	Near string
}

func (e *UnknownModelError) Error() string {
	if same, ok := timmModels[strings.ToLower(e.Name)]; ok {
		return fmt.Sprintf("zoo: unknown model %q; it is timm's name of %q, which reads timm's files, too", e.Name, same.name)
	}
	if e.Near == "" {
		return fmt.Sprintf("zoo: unknown model %q; tlkit.Models() lists all", e.Name)
	}
	return fmt.Sprintf("zoo: unknown model %q; did you mean %q? tlkit.Models() lists all", e.Name, e.Near)
}

// lookup finds a model by its name, in any case. The name may say an epsilon, see epsilonMark.
func lookup(name string) (Spec, bool) {
	all := registry()
	if s, ok := all[name]; ok {
		return s, true
	}
	name = strings.ToLower(name)
	if s, ok := all[name]; ok {
		return s, true
	}
	return epsilonVariant(all, name)
}

// BuiltIn reports whether the network comes with the zoo, so that any program finds it by its name. One's own network
// (see [Register] and [Custom]) is known to the program that has its code.
func (s Spec) BuiltIn() bool {
	if s.Graph != nil {
		return false
	}
	if _, ok := builtIn()[s.Name]; ok {
		return true
	}
	_, ok := epsilonVariant(builtIn(), strings.ToLower(s.Name))
	return ok
}

// find is lookup with an UnknownModelError for a name that no model has.
func find(name string) (Spec, error) {
	if s, ok := lookup(name); ok {
		return s, nil
	}
	return Spec{}, &UnknownModelError{Name: name, Near: nearest.Name(name, List(Filter{}))}
}

// WeightSet returns the set of the given name (any case), or the default set for "" and "DEFAULT".
func (s Spec) WeightSet(name string) (WeightSet, error) {
	var names []string
	for _, w := range s.Weights {
		if strings.EqualFold(w.Name, name) || (w.Default && (name == "" || strings.EqualFold(name, "DEFAULT"))) {
			return w, nil
		}
		names = append(names, w.Name)
	}
	switch {
	case len(names) == 0:
		return WeightSet{}, fmt.Errorf("zoo: model %q comes without weights%s; load a repository that has them (hf://OWNER/NAME), give a file, or use random weights (tlkit.LoadOptions)", s.Name, timmNames(s.Name))
	case name == "":
		return WeightSet{}, fmt.Errorf("zoo: model %q has no default weights; choose one of %s", s.Name, strings.Join(names, ", "))
	}
	hint := "there are"
	if near := nearest.Name(strings.ToUpper(name), names); near != "" {
		hint = fmt.Sprintf("did you mean %q? There are", s.Name+"."+near)
	}
	return WeightSet{}, fmt.Errorf("zoo: model %q has no weights %q; %s %s", s.Name, name, hint, strings.Join(names, ", "))
}

// preprocess is the evaluation transform of the default weights.
func (s Spec) preprocess() vision.Preprocess {
	if w, err := s.WeightSet(""); err == nil {
		return w.Preprocess
	}
	return imageNetNorm(0, s.InputSize)
}
