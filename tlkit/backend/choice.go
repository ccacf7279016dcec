package backend

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
)

// Choice is which engine computes what for one network.
type Choice struct {
	// Infer computes the network in inference mode: evaluations, frozen features, predictions. Step computes training
	// steps. Both may be the same.
	Infer, Step *Engine
	// Why is half a sentence with the reason.
	Why string
	// Figures has a row for each engine that was measured on this network; nil if none was.
	Figures []Figure
}

// Figure is the speed of one engine on one network.
type Figure struct {
	// Engine is its configuration, as in GOMLX_BACKEND.
	Engine string `json:"engine"`
	// InferS and StepS are the seconds of an inference and of a training step of one batch; 0 if Failed is set. StepS
	// is 0 for an engine that has no gradients.
	InferS float64 `json:"infer_s,omitempty"`
	StepS  float64 `json:"step_s,omitempty"`
	// Failed is why the engine could not be measured.
	Failed string `json:"failed,omitempty"`
}

const (
	// margin is the share of pure Go's time that another engine must stay under to take its place. Pure Go takes
	// another's place as soon as it is faster: its results are equal to the bit on all processors with AVX2.
	margin = 0.85
	// unsure is the ratio of two engines' times from which on both are measured a second time: a probe is short, and on
	// a machine with other work two of them differ by a fifth.
	unsure = 0.7
)

// lastChoice is the latest choice that was made by measurement, with its network, for [Describe].
var lastChoice struct {
	sync.Mutex
	shape string
	Choice
}

// Usual returns the engines of [Inference] and [Steps], which are those that measured fastest on the networks of
// bench/README.md.
func Usual() (Choice, error) {
	infer, err := Inference()
	if err != nil {
		return Choice{}, err
	}
	step, err := Steps()
	if err != nil {
		return Choice{}, err
	}
	return Choice{Infer: infer, Step: step, Why: infer.Why}, nil
}

// Choose returns the engines for a network. shape names the network and the size of its batch, such as
// "resnet18, 8 images of 224". Where there is more than one engine for this processor and GOMLX_BACKEND is not set, it
// takes what measured fastest: figures of an earlier call are read from the cache folder, else probe measures each
// engine, and its figures are kept there. Without figures (probe is nil, or fails), the choice is [Usual]. The engines
// differ in rounding alone, so that a choice changes a result as another machine would.
func Choose(shape string, probe func(*Engine) (Figure, error)) (Choice, error) {
	usual, err := Usual()
	if err != nil || os.Getenv("GOMLX_BACKEND") != "" {
		return usual, err
	}
	engines := usual.others()
	if len(engines) < 2 {
		return usual, nil
	}
	key := cacheKey(shape, engines)
	figures := cachedFigures(key, engines)
	if figures == nil && probe != nil {
		figures = measure(engines, probe)
		// A folder that can't be written costs a probe the next time, and no more. A failure may pass.
		if !slices.ContainsFunc(figures, func(f Figure) bool { return f.Failed != "" }) {
			if err := keepFigures(key, figures); err != nil {
				fmt.Fprintf(Notify, "tlkit: the speed of the engines is measured again next time: %v\n", err)
			}
		}
	}
	c := usual.pick(engines, figures)
	if c.Figures != nil {
		lastChoice.Lock()
		lastChoice.shape, lastChoice.Choice = shape, c
		lastChoice.Unlock()
	}
	return c, nil
}

// measure returns a figure of each engine. Engines whose times are close to the least are measured once more, in turn,
// and their lesser times count: other work on the machine slows down one of them at a time.
func measure(engines []*Engine, probe func(*Engine) (Figure, error)) []Figure {
	figures := make([]Figure, len(engines))
	for i, e := range engines {
		f, err := probe(e)
		if f.Engine = e.Config; err != nil {
			f = Figure{Engine: e.Config, Failed: firstLine(err)}
		}
		figures[i] = f
	}
	infer := near(figures, func(f Figure) float64 { return f.InferS })
	step := near(figures, func(f Figure) float64 { return f.StepS })
	for i, e := range engines {
		if !infer[i] && !step[i] {
			continue
		}
		if f, err := probe(e); err == nil {
			figures[i].InferS = min(figures[i].InferS, f.InferS)
			figures[i].StepS = min(figures[i].StepS, f.StepS)
		}
	}
	return figures
}

// near tells for each figure whether its time is so close to the least that it may be the fastest; for none if there is
// only one such.
func near(figures []Figure, seconds func(Figure) float64) []bool {
	least := math.Inf(1)
	for _, f := range figures {
		if s := seconds(f); s > 0 {
			least = min(least, s)
		}
	}
	all, n := make([]bool, len(figures)), 0
	for i, f := range figures {
		if s := seconds(f); s > 0 && least > unsure*s {
			all[i] = true
			n++
		}
	}
	if n < 2 {
		clear(all)
	}
	return all
}

// others lists the engines that a probe compares: the usual ones, that of [Default], pure Go and oneDNN. XLA for the
// CPU is not among them unless it is a usual one: its compilation alone takes longer than a probe should.
func (c Choice) others() []*Engine {
	if onGPU(c.Infer.Config) {
		return []*Engine{c.Infer} // a GPU needs no probe
	}
	list := []*Engine{c.Infer}
	missing := func(config string) bool {
		return !slices.ContainsFunc(list, func(e *Engine) bool { return e.Config == config })
	}
	add := func(e *Engine, err error) {
		if err == nil && missing(e.Config) {
			list = append(list, e)
		}
	}
	add(c.Step, nil)
	add(Default())
	if missing("go") {
		add(pureGo())
	}
	if missing("onednn") && oneDNNLibrary(os.Getenv) != "" {
		add(oneDNN())
	}
	return list
}

// oneDNN returns oneDNN beside another engine for steps.
var oneDNN = sync.OnceValues(func() (*Engine, error) { return Open("onednn") })

// pureGo returns the pure-Go engine beside another one. It is opened once: tensors belong to the engine that they were
// made on.
var pureGo = sync.OnceValues(func() (*Engine, error) { return Open("go") })

// pick returns the fastest engines by the figures, and those of c where no other is faster by its margin.
func (c Choice) pick(engines []*Engine, figures []Figure) Choice {
	if len(figures) == 0 {
		return c
	}
	fastest := func(usual *Engine, seconds func(Figure) float64) *Engine {
		best, least := usual, math.Inf(1) // without a figure of the usual engine, any that could be measured is better
		for _, f := range figures {
			if f.Engine == usual.Config && f.Failed == "" {
				least = seconds(f)
			}
		}
		for i, e := range engines {
			f := figures[i]
			s := seconds(f)
			if f.Failed != "" || e == usual || s == 0 {
				continue
			}
			if e.Config != "go" {
				s /= margin
			}
			if s < least {
				best, least = e, s
			}
		}
		return best
	}
	return Choice{Figures: figures, Why: "measured on this machine",
		Infer: fastest(c.Infer, func(f Figure) float64 { return f.InferS }),
		Step:  fastest(c.Step, func(f Figure) float64 { return f.StepS })}
}

// Recorded returns the engines of an earlier choice by their configurations, so that a resumed training computes as
// before. GOMLX_BACKEND overrides them. ok is false if an engine is not there any more, or the variable asks for
// another.
func Recorded(infer, step string) (c Choice, ok bool) {
	usual, err := Usual()
	if err != nil || infer == "" || step == "" {
		return usual, false
	}
	if os.Getenv("GOMLX_BACKEND") != "" {
		return usual, usual.Infer.Config == infer && usual.Step.Config == step
	}
	find := func(config string) *Engine {
		for _, e := range usual.others() {
			if e.Config == config {
				return e
			}
		}
		return nil
	}
	c = Choice{Infer: find(infer), Step: find(step), Why: "the training began with them"}
	if c.Infer == nil || c.Step == nil {
		return usual, false
	}
	return c, true
}

// String returns a text such as "inference on onnx:cpu (0.110 s; go 0.200 s), steps on go (0.760 s; onnx:cpu 0.890 s)".
func (c Choice) String() string {
	return fmt.Sprintf("inference on %s%s, steps on %s%s", c.Infer.Config, c.times(c.Infer, func(f Figure) float64 { return f.InferS }),
		c.Step.Config, c.times(c.Step, func(f Figure) float64 { return f.StepS }))
}

// times lists the measured seconds, those of the chosen engine first.
func (c Choice) times(chosen *Engine, seconds func(Figure) float64) string {
	var own, others []string
	for _, f := range c.Figures {
		switch {
		case f.Failed != "":
			others = append(others, f.Engine+" failed: "+f.Failed)
		case f.Engine == chosen.Config:
			own = append(own, fmt.Sprintf("%.3f s", seconds(f)))
		case seconds(f) > 0:
			others = append(others, fmt.Sprintf("%s %.3f s", f.Engine, seconds(f)))
		}
	}
	if all := append(own, others...); len(all) > 0 {
		return " (" + strings.Join(all, "; ") + ")"
	}
	return ""
}
