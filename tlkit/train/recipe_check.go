package train

import (
	"cmp"
	"fmt"
	"math"
	"reflect"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
)

func (r Recipe) checkMixing() error {
	for _, f := range []struct {
		name  string
		value float64
	}{{"Mixup", r.Mixup}, {"CutMix", r.CutMix}} {
		// Beyond these limits, shares drawn from the distribution may be NaN.
		if least, most := 1e-6, 1e6; f.value != 0 && !(f.value >= least && f.value <= most) {
			return fmt.Errorf("tlkit: Recipe.%s is %g; give the parameter of its beta distribution, from %g to %g, such as 0.2 or 1, or 0 for none", f.name, f.value, least, most)
		}
	}
	return nil
}

func (r Recipe) checkObjective() error {
	switch {
	case !(r.LabelSmoothing >= 0 && r.LabelSmoothing < 1):
		return fmt.Errorf("tlkit: Recipe.LabelSmoothing is %g; it is a share from 0 up to 1, such as 0.1", r.LabelSmoothing)
	case r.ClassWeights != "" && r.ClassWeights != Balanced:
		return fmt.Errorf("tlkit: Recipe.ClassWeights is %q; give %q, or nothing for all classes alike", r.ClassWeights, Balanced)
	case !numbers.Finite(r.ClipNorm) || r.ClipNorm < 0:
		return fmt.Errorf("tlkit: Recipe.ClipNorm is %g; give a positive norm, such as 1, or 0 for no clipping", r.ClipNorm)
	case r.Accumulate < 0:
		return fmt.Errorf("tlkit: Recipe.Accumulate is %d; give the number of batches per step, or 0 for one", r.Accumulate)
	}
	return nil
}

// usualMomentum is Recipe.Momentum where it is 0.
const usualMomentum = 0.9

// withDefaults returns the recipe with zero fields replaced, or an error for values out of range.
func (r Recipe) withDefaults() (Recipe, error) {
	r.Epochs = cmp.Or(r.Epochs, 10)
	r.BatchSize = cmp.Or(r.BatchSize, 32)
	r.Optimizer = cmp.Or(r.Optimizer, SGD)
	r.Momentum = cmp.Or(r.Momentum, usualMomentum)
	if r.Seeds == 1 {
		r.Seeds = 0 // 0 and 1 mean the same; run.json always has 0
	}
	if r.Devices == 1 {
		r.Devices = 0
	}
	if r.Passes == 1 {
		r.Passes = 0
	}
	r.MemoryLimit = cmp.Or(r.MemoryLimit, 2<<30)
	r.DiskLimit = cmp.Or(r.DiskLimit, 8<<30)
	return r, r.check()
}

// checkCounts returns an error for a number that no training reaches, whose sums and products would not fit an int.
func (r Recipe) checkCounts() error {
	for _, f := range []struct {
		name        string
		value, most int
	}{
		{"Epochs", r.Epochs, math.MaxInt32}, {"BatchSize", r.BatchSize, math.MaxInt32}, {"Accumulate", r.Accumulate, math.MaxInt32},
		{"Views", r.Views, math.MaxInt32}, {"Passes", r.Passes, math.MaxInt16}, {"Seeds", r.Seeds, 10000}, {"Devices", r.Devices, math.MaxInt16},
	} {
		if f.value > f.most {
			return fmt.Errorf("tlkit: Recipe.%s is %d; give at most %d", f.name, f.value, f.most)
		}
	}
	return nil
}

// check returns an error if a value is out of range.
func (r Recipe) check() error {
	switch {
	case r.Epochs < 1:
		return fmt.Errorf("tlkit: Recipe.Epochs is %d; give at least 1, or 0 for the default of 10", r.Epochs)
	case r.BatchSize < 1:
		return fmt.Errorf("tlkit: Recipe.BatchSize is %d; give at least 1, or 0 for the default of 32", r.BatchSize)
	case !(r.Momentum < 1) || math.IsInf(r.Momentum, 0): // NaN too
		return fmt.Errorf("tlkit: Recipe.Momentum is %g; it must be below 1 (0 means 0.9, a negative value none)", r.Momentum)
	case !numbers.Finite(r.WeightDecay) || r.WeightDecay < 0:
		return fmt.Errorf("tlkit: Recipe.WeightDecay is %g; it must be 0 or a positive number, such as 1e-4", r.WeightDecay)
	case !numbers.Finite(r.Schedule.Warmup) || r.Schedule.Warmup < 0 || r.Schedule.StepEvery < 0:
		return fmt.Errorf("tlkit: Recipe.Schedule counts epochs that are negative or no number: %+v", r.Schedule)
	case !numbers.Finite(r.Schedule.StepFactor) || r.Schedule.StepFactor < 0:
		return fmt.Errorf("tlkit: Recipe.Schedule has a StepFactor that is negative or no number: %+v; 0 means 0.1", r.Schedule)
	case r.Schedule.OneCycle && (r.Schedule.Cosine || r.Schedule.Warmup > 0 || r.Schedule.StepEvery > 0):
		return fmt.Errorf("tlkit: Recipe.Schedule has OneCycle beside another rule: %+v; it rises and falls by itself", r.Schedule)
	case !(r.Average >= 0 && r.Average < 1):
		return fmt.Errorf("tlkit: Recipe.Average is %g; it is a decay from 0 (off) up to 1, such as 0.99", r.Average)
	case r.Seeds < 0:
		return fmt.Errorf("tlkit: Recipe.Seeds is %d; give the number of times to train each strategy, such as 5, or 0 for once", r.Seeds)
	case r.Devices < 0:
		return fmt.Errorf("tlkit: Recipe.Devices is %d; give the number of devices that share each step, or 0 for one", r.Devices)
	case r.Devices > 1 && r.BatchSize%r.Devices != 0:
		return fmt.Errorf("tlkit: Recipe.BatchSize is %d and Devices is %d; each device takes an equal part of a batch, so give a multiple, such as %d", r.BatchSize, r.Devices, (r.BatchSize/r.Devices+1)*r.Devices)
	case r.Precision != "" && r.Precision != Bfloat16:
		return fmt.Errorf("tlkit: Recipe.Precision is %q; give %q, or nothing for float32", r.Precision, Bfloat16)
	case r.Precision == Bfloat16 && r.Devices > 1:
		return fmt.Errorf("tlkit: Recipe.Devices is %d and Precision is %q, which is computed on one device; set one of the two", r.Devices, r.Precision)
	case r.Views < 0:
		return fmt.Errorf("tlkit: Recipe.Views is %d; 0 means a new augmented version of each image in every epoch, 5 that five take turns", r.Views)
	case r.Passes < 0:
		return fmt.Errorf("tlkit: Recipe.Passes is %d; give the number of times that an epoch goes through the training images, or 0 for once", r.Passes)
	case r.MemoryLimit < 0:
		return fmt.Errorf("tlkit: Recipe.MemoryLimit is %d bytes; 0 means 2 GiB, and 1 keeps nothing in memory", r.MemoryLimit)
	}
	for _, err := range []error{r.checkCounts(), r.checkObjective(), r.checkMixing(), r.EarlyStop.check(), r.Restore.check()} {
		if err != nil {
			return err
		}
	}
	if err := r.Augment.Validate(); err != nil {
		return fmt.Errorf("tlkit: Recipe.Augment: %w", err)
	}
	switch r.Optimizer {
	case SGD, Adam, AdamW:
	default:
		return fmt.Errorf("tlkit: Recipe.Optimizer is %q; there are %q, %q and %q", r.Optimizer, SGD, Adam, AdamW)
	}
	return nil
}

// checkFields is checkEffects; a test replaces it, to make a run as versions before this check made it.
var checkFields = Recipe.checkEffects

// checkEffects returns an error that names a field without effect and the field that it needs; nil if there is none. A
// run that was begun with such a field goes on: see call.checkRecipe.
func (r Recipe) checkEffects() error {
	for _, f := range []struct {
		idle   bool
		field  string
		value  any
		advice string
	}{
		{r.Optimizer != SGD && r.Momentum > 0 && r.Momentum != usualMomentum, "Momentum", r.Momentum,
			fmt.Sprintf("with Optimizer %q, since it is that of %q", r.Optimizer, SGD)},
		{r.EarlyStop.Patience == 0 && r.EarlyStop.MinDelta != 0, "EarlyStop.MinDelta", r.EarlyStop.MinDelta, "without EarlyStop.Patience, such as 5"},
		{r.EarlyStop.Patience == 0 && r.EarlyStop.OnAccuracy, "EarlyStop.OnAccuracy", true, "without EarlyStop.Patience, such as 5"},
		{r.Schedule.StepEvery == 0 && r.Schedule.StepFactor != 0, "Schedule.StepFactor", r.Schedule.StepFactor, "without Schedule.StepEvery, such as 7"},
		{r.Augment.IsZero() && r.Views != 0, "Views", r.Views, "without Augment, such as vision.StandardAugment()"},
		{r.BatchSize == 1 && r.Mixup != 0, "Mixup", r.Mixup, "with a BatchSize of 1, since images of a batch are mixed with each other"},
		{r.BatchSize == 1 && r.CutMix != 0, "CutMix", r.CutMix, "with a BatchSize of 1, since images of a batch are mixed with each other"},
	} {
		if f.idle {
			return fmt.Errorf("tlkit: Recipe.%s is %v, but has no effect %s; change that, or leave %s out", f.field, f.value, f.advice, f.field)
		}
	}
	if err := r.Augment.CheckFields(); err != nil {
		return fmt.Errorf("tlkit: Recipe.Augment: %w", err)
	}
	return nil
}

// warming reports whether the warm-up is longer than the training, whose rate is then never reached.
func (r Recipe) warming() bool { return r.Schedule.Warmup > float64(r.Epochs) }

// tooShort names what of the schedule comes after the training's end; "" if nothing does. It is no error, since a call
// with more epochs continues the run.
func (r Recipe) tooShort() string {
	switch s := r.Schedule; {
	case r.warming():
		return fmt.Sprintf("Recipe.Schedule.Warmup is %g epochs and the training has %d, so that the learning rate ends at %.2g of its value; give a shorter warm-up, or more epochs", s.Warmup, r.Epochs, float64(r.Epochs)/s.Warmup)
	case s.StepEvery > 0 && s.StepEvery >= r.Epochs:
		return fmt.Sprintf("Recipe.Schedule.StepEvery is %d epochs and the training has %d, so that the learning rate never steps; give fewer, or more epochs", s.StepEvery, r.Epochs)
	}
	return ""
}

// plain returns a recipe that trains the same, with one value for each of the fields whose values may mean the same:
// those that another field switches off, and defaults that are written out.
func (r Recipe) plain() Recipe {
	if r.Accumulate == 1 {
		r.Accumulate = 0
	}
	if r.Momentum < 0 {
		r.Momentum = -1
	}
	if r.Optimizer != SGD {
		r.Momentum = 0
	}
	if r.EarlyStop.Patience == 0 {
		r.EarlyStop = EarlyStop{}
	}
	if s := &r.Schedule; s.StepEvery == 0 || s.StepFactor == 0.1 {
		s.StepFactor = 0
	}
	r.Augment = r.Augment.Plain()
	if r.Augment.IsZero() {
		r.Views = 0
	}
	return r
}

// differences lists the fields in which a recipe differs from a later one, as they are written. A larger number of
// epochs is no difference (it continues the run) unless the learning rates depend on that number. The numbers of seeds
// and of devices are never one.
func (r Recipe) differences(now Recipe) []string {
	r.Seeds, now.Seeds, r.Devices, now.Devices = 0, 0, 0, 0
	if now.Epochs > r.Epochs && !now.Schedule.needsEnd() {
		r.Epochs = now.Epochs
	}
	return fieldDifferences(asJSON(r), asJSON(now))
}

// spelled returns the recipe as another one writes it, if both train the same for as many epochs; else the recipe
// itself.
func (r Recipe) spelled(like Recipe) Recipe {
	like.Epochs, like.Seeds, like.Devices = r.Epochs, r.Seeds, r.Devices
	to, from := reflect.ValueOf(&like).Elem(), reflect.ValueOf(r)
	for i := range to.NumField() {
		if to.Type().Field(i).Tag.Get("json") == "-" { // not kept with a run
			to.Field(i).Set(from.Field(i))
		}
	}
	if len(like.plain().differences(r.plain())) > 0 {
		return r
	}
	return like
}
