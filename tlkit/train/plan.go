package train

import (
	"cmp"
	"context"
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Plan is how one strategy trains; strategies differ in nothing else. Only LearningRate must be set. With all other
// fields left out, the variables that [zoo.Model.SetTrainable] marks are trained on the data set's training images,
// with the cross-entropy of their labels.
type Plan struct {
	// LearningRate is the base rate, before the schedule; it must be positive, unless nothing is trained.
	LearningRate float64
	// Rate, when set, gives each variable a factor on LearningRate; nil means 1 for all.
	Rate func(p nn.Param) float64
	// BatchStatsWhenFrozen makes frozen BatchNorm layers use batch statistics and update the running ones, as in
	// PyTorch's tutorial.
	BatchStatsWhenFrozen bool
	// Phases, when set, divide the training into phases in which different variables change. They follow one another;
	// the last one lasts to the end.
	Phases []Phase
	// Train, when set, are the labelled images to train on in place of the data set's, with the same classes.
	Train *datasets.Split
	// Extra are further images, drawn for every step in addition to the batch of training images.
	Extra []ExtraBatch
	// Heads are further output layers on the same features: an old task's, a second task's, a discriminator.
	Heads []Head
	// Teacher, when set, is a model whose logits for the training images the loss uses (Step.Teacher). It is never
	// changed. Its logits are recorded once if the images are the same in every epoch, else computed for each batch.
	Teacher *zoo.Model
	// Loss, when set, builds the loss of a training step, a scalar; nil means Step.Loss, the task's own.
	Loss func(s *Step) *Node
	// Before, when set, is called once before the first step, and again when a training is resumed, before the
	// checkpoint is read.
	Before func(ctx context.Context, p *Preparation) error
	// Watch are further tasks that are evaluated after every epoch, into Epoch.Also.
	Watch []Watch
	// Fit, when set, replaces the training steps: the model is evaluated as it is, or as Before leaves it.
	Fit *Fit
}

// Fit describes a strategy without training steps. Its Plan.Before, if set, fits the model on the frozen features
// ([Preparation.Features]) or measures statistics. The zero value evaluates the model as Before leaves it.
type Fit struct {
	// Params selects the variables whose values Before computes; they count as trained. nil means none.
	Params func(p nn.Param) bool
	// Classify, when set, replaces the model's head in evaluation: it returns the logits of one image from its
	// features. example is the image's index among the training images, -1 for all others.
	Classify func(features []float32, example int) []float32
}

// Phase is a stretch of training in which the same variables change.
type Phase struct {
	// Epochs is its length; that of the last phase is ignored.
	Epochs int
	// Trains selects the variables that change, among those that the plan trains; nil means all. A BatchNorm whose
	// scale is not selected is frozen as a whole.
	Trains func(p nn.Param) bool
	// LearningRate replaces the plan's; 0 keeps it.
	LearningRate float64
	// Rate, when set, replaces the plan's factors on the rate; nil keeps them.
	Rate func(p nn.Param) float64
}

// ExtraBatch describes images drawn for every step in addition to the training images: those of another task, or
// unlabelled ones of another domain. Every pass over them is shuffled anew, by the recipe's seed.
type ExtraBatch struct {
	// Split has the images.
	Split *datasets.Split
	// Batch is the number of images per step; 0 means the recipe's batch size.
	Batch int
}

// Watch is a task that is evaluated in addition to the strategy's own.
type Watch struct {
	// Name labels the accuracy in Epoch.Also.
	Name string
	// Split has the images; labels are indices into the head's outputs.
	Split *datasets.Split
	// Head is the name of the [Head] that classifies; "" means the model's own.
	Head string
	// Model, when set, is evaluated in place of the trained one: a second network that the strategy keeps. It is never
	// changed.
	Model *zoo.Model
}

func (p Plan) check(name string, task Task) error {
	if p.Fit == nil && (!(p.LearningRate > 0) || math.IsInf(p.LearningRate, 0)) {
		return fmt.Errorf("tlkit: strategy %q has learning rate %g; it must be a positive number, such as 0.01", name, p.LearningRate)
	}
	for i, phase := range p.Phases {
		if i < len(p.Phases)-1 && phase.Epochs < 1 {
			return fmt.Errorf("tlkit: strategy %q: phase %d of %d lasts %d epochs; give at least 1", name, i+1, len(p.Phases), phase.Epochs)
		}
		if phase.LearningRate < 0 || !numbers.Finite(phase.LearningRate) {
			return fmt.Errorf("tlkit: strategy %q: phase %d has learning rate %g; it must be a positive number, or 0 for the plan's", name, i+1, phase.LearningRate)
		}
	}
	if last := p.phaseStart(len(p.Phases) - 1); last >= task.Recipe.Epochs && len(p.Phases) > 1 {
		return fmt.Errorf("tlkit: strategy %q: its last phase begins after %d epochs, but the recipe has only %d; give Recipe.Epochs more", name, last, task.Recipe.Epochs)
	}
	if p.Teacher != nil && task.Recipe.mixes() {
		return fmt.Errorf("tlkit: strategy %q has a teacher, which sees whole images only; Recipe.Mixup and CutMix must be 0", name)
	}
	if p.Train != nil && p.Train.Len() == 0 {
		return fmt.Errorf("tlkit: strategy %q trains on a split of its own that has no images", name)
	}
	return p.checkParts(name)
}

// mostExtra is the largest ExtraBatch.Batch: all of its images are in memory in each step.
const mostExtra = 1 << 16

// checkParts checks the plan's further images, heads and tasks.
func (p Plan) checkParts(name string) error {
	for _, b := range p.Extra {
		if b.Split == nil || b.Split.Len() == 0 || b.Batch < 0 {
			return fmt.Errorf("tlkit: strategy %q draws images from a split that has none, or a negative number of them (Plan.Extra)", name)
		}
		if b.Batch > mostExtra {
			return fmt.Errorf("tlkit: strategy %q draws %d further images for every step (Plan.Extra); give at most %d", name, b.Batch, mostExtra)
		}
	}
	heads := map[string]bool{"": true}
	for _, h := range p.Heads {
		if heads[h.Name] || !nameRule.MatchString(h.Name) {
			return fmt.Errorf("tlkit: strategy %q has a head named %q; each needs a name of its own, of letters, digits, dots, dashes and underscores", name, h.Name)
		}
		if h.From == nil && h.Forward == nil && h.Classes < 1 {
			return fmt.Errorf("tlkit: strategy %q: head %q needs a model to copy (From), a number of Classes, or a Forward function", name, h.Name)
		}
		heads[h.Name] = true
	}
	for _, w := range p.Watch {
		if w.Split == nil || w.Split.Len() == 0 || w.Name == "" || !heads[w.Head] {
			return fmt.Errorf("tlkit: strategy %q watches %q by head %q; it needs a name, images, and one of the plan's heads", name, w.Name, w.Head)
		}
	}
	return nil
}

// phaseStart returns the epoch, from 0, at which phase i begins.
func (p Plan) phaseStart(i int) int {
	sum := 0
	for _, phase := range p.Phases[:max(0, min(i, len(p.Phases)))] {
		sum += phase.Epochs
	}
	return sum
}

// lastPhase returns the epoch, from 1, at which the last phase begins.
func (p Plan) lastPhase() int { return p.phaseStart(len(p.Phases)-1) + 1 }

// withLastPhase returns the plan with its last phase alone.
func (p Plan) withLastPhase() Plan {
	p.Phases = p.Phases[max(0, len(p.Phases)-1):]
	return p
}

// fits reports whether p is one of the variables in Fit.Params.
func (f *Fit) fits(p nn.Param) bool { return f != nil && f.Params != nil && f.Params(p) }

// classify returns the function that replaces the model's head, nil if there is none.
func (p Plan) classify() func(features []float32, example int) []float32 {
	if p.Fit == nil {
		return nil
	}
	return p.Fit.Classify
}

// phases returns the plan's phases, or a single zero Phase if it has none.
func (p Plan) phases() []Phase {
	if len(p.Phases) == 0 {
		return []Phase{{}}
	}
	return p.Phases
}

// phaseAt returns the phase that the given epoch, from 0, belongs to.
func (p Plan) phaseAt(epoch int) int {
	all := p.phases()
	for i := range all[:len(all)-1] {
		if epoch < p.phaseStart(i+1) {
			return i
		}
	}
	return len(all) - 1
}

func (f Phase) trains(p nn.Param) bool { return f.Trains == nil || f.Trains(p) }

// rate is the base rate of a phase.
func (p Plan) rate(phase int) float64 { return cmp.Or(p.phases()[phase].LearningRate, p.LearningRate) }

// factor is the variable's own factor on the rate of a phase.
func (p Plan) factor(phase int, v nn.Param) float64 {
	switch own := p.phases()[phase].Rate; {
	case own != nil:
		return own(v)
	case p.Rate != nil:
		return p.Rate(v)
	}
	return 1
}
