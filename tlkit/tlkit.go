package tlkit

import (
	"context"
	"errors"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

type (
	// Model is a network with its values, class names and preprocessing; see [Load].
	Model = zoo.Model
	// LoadOptions say which weights a model is loaded with.
	LoadOptions = zoo.LoadOptions
	// ModelSpec describes an architecture: one of the zoo's, or your own for [Register].
	ModelSpec = zoo.Spec
	// Prediction is a class with its probability.
	Prediction = zoo.Prediction

	// Strategy is a way from a pretrained model to a classifier of other images.
	Strategy = train.Strategy
	// Transfer freezes the pretrained layers and trains a new output layer.
	Transfer = strategy.Transfer
	// FineTune trains pretrained layers further, at a small learning rate, under a new output layer.
	FineTune = strategy.FineTune
	// Scratch trains the same network from random weights: the control.
	Scratch = strategy.Scratch

	// LwF learns a new task without forgetting the old one, by the old answers to the new images.
	LwF = strategy.LwF
	// Joint learns the old and the new task together.
	Joint = strategy.Joint
	// DuplicateAndFineTune keeps the network for the old task and fine-tunes a copy.
	DuplicateAndFineTune = strategy.DuplicateAndFineTune
	// L2SP is fine-tuning that is held near the pretrained weights.
	L2SP = strategy.L2SP
	// EWC is fine-tuning that holds the weights that the old task depends on.
	EWC = strategy.EWC
	// DeepCORAL adapts to unlabelled images by aligning covariances.
	DeepCORAL = strategy.DeepCORAL
	// DANN adapts to unlabelled images by an adversary.
	DANN = strategy.DANN
	// AdaBN adapts to unlabelled images by BatchNorm's statistics alone.
	AdaBN = strategy.AdaBN
	// SourceOnly does not adapt: the lower control of domain adaptation.
	SourceOnly = strategy.SourceOnly
	// TargetSupervised uses the target's labels: the upper control of domain adaptation.
	TargetSupervised = strategy.TargetSupervised

	// Task is what a strategy of your own is to learn; see [Strategy].
	Task = train.Task
	// Plan is how a strategy trains: variables, learning rate, loss.
	Plan = train.Plan
	// Phase is a stretch of a [Plan] in which the same variables change.
	Phase = train.Phase
	// ExtraBatch describes further images in every step of a [Plan].
	ExtraBatch = train.ExtraBatch
	// Beside is the former name of ExtraBatch.
	//
	// Deprecated: use [ExtraBatch].
	Beside = train.ExtraBatch
	// Head is a further output layer of a [Plan].
	Head = train.Head
	// Watch is a further task that a [Plan] is evaluated on.
	Watch = train.Watch
	// Fit makes a [Plan] one without training steps: the model is fitted before the evaluation.
	Fit = train.Fit
	// Step is a training step as the Loss of a [Plan] sees it.
	Step = train.Step
	// Preparation is what the Before of a [Plan] works with.
	Preparation = train.Preparation
	// Kept are values that a strategy keeps beside those of the model; see [train.Keep].
	Kept = train.Kept
	// Param is a variable of a model.
	Param = nn.Param

	// KNN takes the class of the nearest training images: a baseline that trains nothing.
	KNN = strategy.KNN
	// LogisticRegression fits the output layer to its optimum on the frozen features: a quick baseline.
	LogisticRegression = strategy.LogisticRegression
	// LRCurve is what [FindLR] found.
	LRCurve = train.LRCurve
	// Advice is a strategy to begin with, and why; see [Suggest].
	Advice = strategy.Advice
	// Samples is accuracy against the number of training images; see [SampleSizes].
	Samples = train.Samples

	// Recipe is what all strategies of a comparison share: epochs, batch size, optimizer, schedule, augmentation, seed.
	Recipe = train.Recipe
	// Schedule changes the learning rate over the epochs.
	Schedule = train.Schedule
	// EarlyStop ends a training that does not get better.
	EarlyStop = train.EarlyStop
	// Augment varies training images at random.
	Augment = vision.Augment
	// RandAugment is an [Augment] of random operations of one strength.
	RandAugment = vision.RandAugment
	// Run is a comparison, on disk under its name.
	Run = train.Run
	// Result is what one strategy of a run brought.
	Result = train.Result
)

// The optimizers of a [Recipe].
const (
	SGD   = train.SGD
	Adam  = train.Adam
	AdamW = train.AdamW
)

// Choices of a [Recipe].
const (
	Balanced          = train.Balanced
	RestoreBest       = train.RestoreBest
	RestoreLowestLoss = train.RestoreLowestLoss
	RestoreLast       = train.RestoreLast
)

// StandardAugment is the usual training transform for photographs: a random resized crop and a flip.
func StandardAugment() Augment { return vision.StandardAugment() }

// CIFARAugment is the usual one for 32 x 32 images: shifted by up to 4 pixels, and a flip.
func CIFARAugment() Augment { return vision.CIFARAugment() }

// Load returns a pretrained model by torchvision's name ("resnet18"), optionally with a weight set
// ("resnet50.IMAGENET1K_V1"); a bare name means the default weight set. The name may as well be a timm repository of the
// Hugging Face hub ("hf://timm/resnet18.a1_in1k") or an .onnx file ("models/my.onnx"); see [zoo.Load].
func Load(name string, opts ...LoadOptions) (*Model, error) { return zoo.Load(name, opts...) }

// MustLoad is [Load] that panics on an error.
func MustLoad(name string, opts ...LoadOptions) *Model { return must(Load(name, opts...)) }

// Custom describes a network of your own, from an ordinary GoMLX model function that maps normalised images
// [batch, size, size, 3] to features [batch, features]; see zoo.Custom. [Register] makes it known.
func Custom(name string, size int, features func(scope *model.Scope, x *graph.Node) *graph.Node) ModelSpec {
	return zoo.Custom(name, size, features)
}

// Register adds a model of your own, so that [Load], and runs that are opened again, find it by its name. It panics on
// the name of a model that comes with the zoo.
func Register(s ModelSpec) { zoo.Register(s) }

// Export writes a model to a file that other programs read: "ants.pth" and "ants.safetensors" for PyTorch, "ants.onnx"
// for ONNX Runtime and others, each with class names and preprocessing in ants.EXT.json beside it. [LoadExported] reads
// them back; a run's model is exported by run.Best().Export("ants.onnx").
func Export(model *Model, path string) error {
	if model == nil {
		return errors.New("tlkit: the model to export is nil; load one with tlkit.Load, or take a run's: run.Best().Export(path)")
	}
	return model.Export(path)
}

// LoadExported returns the model of an exported file, ready to predict, with its class names and preprocessing.
func LoadExported(path string) (*Model, error) { return zoo.LoadExported(path) }

// Models returns the names of all models, sorted.
func Models() []string { return zoo.List(zoo.Filter{}) }

// Compare trains a copy of the pretrained model with each strategy, on the same images, seeds and epochs, with the
// default [Recipe]; another one has the same method: tlkit.Recipe{Epochs: 20}.MustCompare(...). Everything is kept in .tlkit/runs/NAME: the
// same call again resumes or, if all is done, returns at once. Interrupting saves and stops.
func Compare(name string, data *datasets.Dataset, model *Model, strategies ...Strategy) (*Run, error) {
	return Recipe{}.Compare(context.Background(), name, data, model, strategies...)
}

// MustCompare is [Compare] that panics on an error. An interruption is none: it says what was saved, and returns the
// run as far as it came.
func MustCompare(name string, data *datasets.Dataset, model *Model, strategies ...Strategy) *Run {
	return Recipe{}.MustCompare(name, data, model, strategies...)
}

// FindLR looks for a good learning rate of a strategy with the default [Recipe]'s range test (see
// [train.Recipe.FindLR]): curve.Plot() shows it, curve.Suggested is the rate.
func FindLR(data *datasets.Dataset, model *Model, strategy Strategy) (*LRCurve, error) {
	return Recipe{}.FindLR(context.Background(), data, model, strategy)
}

// MustFindLR is [FindLR] that panics on an error.
func MustFindLR(data *datasets.Dataset, model *Model, strategy Strategy) *LRCurve {
	return must(FindLR(data, model, strategy))
}

// Suggest proposes a strategy to begin with, from the number of images and from how well the model's features fit them, with
// its reason (see [strategy.Suggest]).
func Suggest(data *datasets.Dataset, model *Model) (*Advice, error) {
	return strategy.Suggest(data, model)
}

// MustSuggest is [Suggest] that panics on an error.
func MustSuggest(data *datasets.Dataset, model *Model) *Advice { return must(Suggest(data, model)) }

// SampleSizes compares strategies on several numbers of training images per class (0: all), with the default [Recipe]; see
// [train.Recipe.SampleSizes], which another recipe has too, for several seeds: tlkit.Recipe{Seeds: 3}.SampleSizes(...).
func SampleSizes(name string, data *datasets.Dataset, model *Model, perClass []int, strategies ...Strategy) (*Samples, error) {
	return Recipe{}.SampleSizes(context.Background(), name, data, model, perClass, strategies...)
}

// MustSampleSizes is [SampleSizes] that panics on an error.
func MustSampleSizes(name string, data *datasets.Dataset, model *Model, perClass []int, strategies ...Strategy) *Samples {
	return must(SampleSizes(name, data, model, perClass, strategies...))
}

// Open returns a run that was made before, in this notebook or another one, by its name.
func Open(name string) (*Run, error) { return train.Open("", name) }

// MustOpen is [Open] that panics on an error.
func MustOpen(name string) *Run { return must(Open(name)) }

// Runs returns the names of the runs kept in .tlkit/runs (or TLKIT_RUNS).
func Runs() ([]string, error) { return train.List("") }

// Remove deletes a run with all it has saved.
func Remove(name string) error { return train.Remove("", name) }

// Device says in one line which engine computes, and why.
func Device() string { return backend.Describe() }

// Show displays a figure: a chart, a table, images.
func Show(f plots.Figure) error { return plots.Show(f) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
