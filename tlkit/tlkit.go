package tlkit

import (
	"context"
	"errors"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/compress"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/detached"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/insight"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/project"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/sweep"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/track"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/upload"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

type (
	// Model is a network with its values, class names and preprocessing; see [Load]. Fields and methods: [zoo.Model].
	Model = zoo.Model
	// LoadOptions select the weights that a model is loaded with. Fields: [zoo.LoadOptions].
	LoadOptions = zoo.LoadOptions
	// ModelSpec describes an architecture: one of the zoo's, or your own for [Register]. Fields: [zoo.Spec].
	ModelSpec = zoo.Spec
	// ModelSummary lists the stages of a model; see [Summary]. Fields: [zoo.Summary].
	ModelSummary = zoo.Summary
	// SummaryOptions select the rows of a [Summary]. Fields: [zoo.SummaryOptions].
	SummaryOptions = zoo.SummaryOptions
	// Prediction is a class with its probability. Fields: [zoo.Prediction].
	Prediction = zoo.Prediction

	// Strategy is a way from a pretrained model to a classifier of other images.
	Strategy = train.Strategy
	// Transfer freezes the pretrained layers and trains a new output layer. Fields: [strategy.Transfer].
	Transfer = strategy.Transfer
	// FineTune trains pretrained layers further, at a small learning rate, under a new output layer.
	// Fields: [strategy.FineTune].
	FineTune = strategy.FineTune
	// Scratch trains the same network from random weights: the control. Fields: [strategy.Scratch].
	Scratch = strategy.Scratch

	// LwF learns a new task without forgetting the old one: it keeps to the old network's outputs for the new images.
	// Fields: [strategy.LwF].
	LwF = strategy.LwF
	// Joint learns the old and the new task together. Fields: [strategy.Joint].
	Joint = strategy.Joint
	// DuplicateAndFineTune keeps the network for the old task and fine-tunes a copy.
	// Fields: [strategy.DuplicateAndFineTune].
	DuplicateAndFineTune = strategy.DuplicateAndFineTune
	// L2SP is fine-tuning that is held near the pretrained weights. Fields: [strategy.L2SP].
	L2SP = strategy.L2SP
	// EWC is fine-tuning that holds the weights that the old task depends on. Fields: [strategy.EWC].
	EWC = strategy.EWC
	// DeepCORAL adapts to unlabelled images by aligning covariances. Fields: [strategy.DeepCORAL].
	DeepCORAL = strategy.DeepCORAL
	// DANN adapts to unlabelled images by an adversary. Fields: [strategy.DANN].
	DANN = strategy.DANN
	// AdaBN adapts to unlabelled images by BatchNorm's statistics alone. Fields: [strategy.AdaBN].
	AdaBN = strategy.AdaBN
	// SourceOnly does not adapt: the lower control of domain adaptation. Fields: [strategy.SourceOnly].
	SourceOnly = strategy.SourceOnly
	// TargetSupervised uses the target's labels: the upper control of domain adaptation.
	// Fields: [strategy.TargetSupervised].
	TargetSupervised = strategy.TargetSupervised

	// Task has the classes and the data that a strategy of your own must learn; see [Strategy]. Fields: [train.Task].
	Task = train.Task
	// Plan is how a strategy trains: variables, learning rate, loss. Fields: [train.Plan].
	Plan = train.Plan
	// Phase is a stretch of a [Plan] in which the same variables change. Fields: [train.Phase].
	Phase = train.Phase
	// ExtraBatch describes further images in every step of a [Plan]. Fields: [train.ExtraBatch].
	ExtraBatch = train.ExtraBatch
	// Beside is the former name of ExtraBatch.
	//
	// Deprecated: use [ExtraBatch].
	Beside = train.ExtraBatch
	// Head is a further output layer of a [Plan]. Fields: [train.Head].
	Head = train.Head
	// Watch is a further task that a [Plan] is evaluated on. Fields: [train.Watch].
	Watch = train.Watch
	// Fit replaces the training steps of a [Plan]: the model is fitted before the evaluation. Fields: [train.Fit].
	Fit = train.Fit
	// Step is a training step, the argument of the Loss function of a [Plan]. Fields and methods: [train.Step].
	Step = train.Step
	// Preparation is the argument of the Before function of a [Plan]. Fields and methods: [train.Preparation].
	Preparation = train.Preparation
	// Kept are values that a strategy keeps in addition to those of the model; see [train.Keep]. Fields and methods:
	// [train.Kept].
	Kept = train.Kept
	// Param is a variable of a model. Fields: [nn.Param].
	Param = nn.Param

	// KNN takes the class of the nearest training images: a baseline that trains nothing. Fields: [strategy.KNN].
	KNN = strategy.KNN
	// LogisticRegression fits the output layer to its optimum on the frozen features: a quick baseline.
	// Fields: [strategy.LogisticRegression].
	LogisticRegression = strategy.LogisticRegression
	// LRCurve is the result of [FindLR]. Fields and methods: [train.LRCurve].
	LRCurve = train.LRCurve
	// Advice is a strategy to begin with, and the reason for it; see [Suggest]. Fields and methods: [strategy.Advice].
	Advice = strategy.Advice
	// Samples is accuracy against the number of training images; see [SampleSizes]. Fields and methods:
	// [train.Samples].
	Samples = train.Samples

	// CalibrateOptions set the precision that is wanted of [Calibrate]. Fields: [train.CalibrateOptions].
	CalibrateOptions = train.CalibrateOptions
	// Calibrated is the result of [Calibrate]. Fields and methods: [train.Calibrated].
	Calibrated = train.Calibrated
	// Tracker sends the figures of trainings to another program: see [TensorBoard] and [MLflow]. Its
	// method: [train.Tracker].
	Tracker = train.Tracker
	// MLflowOptions say where the server of [MLflow] is. Fields: [track.MLflowOptions].
	MLflowOptions = track.MLflowOptions
	// CompressOptions choose the precision, the images for calibration and those for the test of [Compress]. Fields:
	// [compress.Options].
	CompressOptions = compress.Options
	// Compressed is the result of [Compress]. Fields and methods: [compress.Report].
	Compressed = compress.Report
	// Ranking lists models by how well they suit a data set; see [Rank]. Methods: [insight.Ranking].
	Ranking = insight.Ranking
	// RankCheck is a [Ranking] beside what training then brought; see [Ranking.Against]. Fields and methods:
	// [insight.RankCheck].
	RankCheck = insight.RankCheck
	// Inspection is what [Inspect] found in a data set. Fields and methods: [insight.Inspection].
	Inspection = insight.Inspection
	// InspectOptions select the model of [Inspect]. Fields: [insight.InspectOptions].
	InspectOptions = insight.InspectOptions
	// Heatmap is how much the parts of an image speak for a class; see [GradCAM]. Fields and methods:
	// [insight.Heatmap].
	Heatmap = insight.Heatmap
	// Embedding is a map of images by their features; see [EmbeddingMap]. Fields: [insight.Embedding].
	Embedding = insight.Embedding
	// EmbeddingOptions select the stage and the method of [EmbeddingMap]. Fields: [insight.EmbeddingOptions].
	EmbeddingOptions = insight.EmbeddingOptions
	// FeatureMap has the output of a stage for one image; see [FeatureMaps]. Fields: [insight.FeatureMap].
	FeatureMap = insight.FeatureMap
	// FeatureMapOptions select the stage of [FeatureMaps]. Fields: [insight.FeatureMapOptions].
	FeatureMapOptions = insight.FeatureMapOptions
	// Filter has the kernels of a first convolution; see [Filters]. Fields: [insight.Filter].
	Filter = insight.Filter
	// FilterOptions select how many filters [Filters] shows. Fields: [insight.FilterOptions].
	FilterOptions = insight.FilterOptions
	// WeightChanges is how far training moved a model's values; see [CompareWeights]. Fields: [insight.WeightChanges].
	WeightChanges = insight.WeightChanges
	// UploadOptions bound an [Upload]. Fields: [upload.Options].
	UploadOptions = upload.Options
	// CAMOptions select the stage that [GradCAM] reads. Fields: [insight.CAMOptions].
	CAMOptions = insight.CAMOptions
	// OcclusionOptions are the size and the step of the square of [Occlusion]. Fields: [insight.OcclusionOptions].
	OcclusionOptions = insight.OcclusionOptions

	// Recipe is what all strategies of a comparison share: epochs, batch size, optimizer, schedule, augmentation, seed.
	// Fields and methods: [train.Recipe].
	Recipe = train.Recipe
	// Schedule changes the learning rate over the epochs. Fields: [train.Schedule].
	Schedule = train.Schedule
	// EarlyStop ends a training that no longer improves. Fields: [train.EarlyStop].
	EarlyStop = train.EarlyStop
	// Augment varies training images at random. Fields: [vision.Augment].
	Augment = vision.Augment
	// RandAugment is an [Augment] of random operations of one strength. Fields: [vision.RandAugment].
	RandAugment = vision.RandAugment
	// Run is a comparison, on disk under its name. Fields and methods: [train.Run].
	Run = train.Run
	// Evaluation is how a model classifies a split; see [train.Result.Evaluate]. Fields and methods:
	// [train.Evaluation].
	Evaluation = train.Evaluation
	// FolderPrediction has a model's predictions for the images of a folder; see [zoo.Model.PredictFolder]. Methods:
	// [zoo.FolderPrediction].
	FolderPrediction = zoo.FolderPrediction
	// Detached is a training in a process of its own; see [Detach]. Fields and methods: [detached.Detached].
	Detached = detached.Detached
	// Sweep is a set of trainings, every model with every recipe, strategy and seed, each in a process of its own:
	// Sweep{...}.Run(ctx, Local{}) trains them on this machine, Run(ctx, Slurm{}) and Run(ctx, Kubernetes{}) on a
	// cluster. Fields and methods: [sweep.Sweep].
	Sweep = sweep.Sweep
	// Local trains the tasks of a [Sweep] in processes of this machine. Fields: [sweep.Local].
	Local = sweep.Local
	// Slurm trains the tasks of a [Sweep] as an array job of a Slurm cluster. Fields: [sweep.Slurm].
	Slurm = sweep.Slurm
	// Kubernetes trains the tasks of a [Sweep] as an Indexed Job of a Kubernetes cluster. Fields: [sweep.Kubernetes].
	Kubernetes = sweep.Kubernetes
	// Result is the result of one strategy of a run. Fields and methods: [train.Result].
	Result = train.Result
	// ReportOptions give a run's report its data set; see [train.Run.Report]. Fields: [train.ReportOptions].
	ReportOptions = train.ReportOptions
	// ProjectOptions choose where and how run.Best().Project(name, ...) writes a program around a trained model.
	// Fields: [project.Options].
	ProjectOptions = project.Options
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
	Bfloat16          = train.Bfloat16
	RestoreBest       = train.RestoreBest
	RestoreLowestLoss = train.RestoreLowestLoss
	RestoreLast       = train.RestoreLast
)

// Choices for the output layer of a weight file; see LoadOptions.Head in [zoo.LoadOptions].
const (
	HeadOfFile = zoo.HeadOfFile
	HeadNew    = zoo.HeadNew
)

// StandardAugment is the usual training transform for photographs: a random resized crop and a flip.
func StandardAugment() Augment { return vision.StandardAugment() }

// CIFARAugment is the usual training transform for 32 x 32 images: shifted by up to 4 pixels, and a flip.
func CIFARAugment() Augment { return vision.CIFARAugment() }

// Load returns a pretrained model by torchvision's name ("resnet18"), optionally with a weight set
// ("resnet50.IMAGENET1K_V1"); a bare name means the default weight set. The name may also be a repository of the
// Hugging Face hub, timm's or transformers' ("hf://timm/resnet18.a1_in1k"), an .onnx file ("models/my.onnx"), or an
// exported model; see [zoo.Load].
func Load(name string, opts ...LoadOptions) (*Model, error) { return zoo.Load(name, opts...) }

// LoadContext is [Load] with a context: a download ends when the context does.
func LoadContext(ctx context.Context, name string, opts ...LoadOptions) (*Model, error) {
	return zoo.LoadContext(ctx, name, opts...)
}

// MustLoad is [Load] that panics on an error.
func MustLoad(name string, opts ...LoadOptions) *Model { return must(Load(name, opts...)) }

// Custom describes a network of your own, from an ordinary GoMLX model function that maps normalised images [batch,
// size, size, 3] to features [batch, features]; see zoo.Custom. [Register] adds it to the models.
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

// TensorBoard returns a tracker that writes event files into a folder, for `tensorboard --logdir DIR`:
//
//	tlkit.Recipe{Epochs: 10, Track: []tlkit.Tracker{tlkit.TensorBoard("logs")}}
//
// A run that was trained before is sent by run.Track(ctx, tlkit.TensorBoard("logs")). See [track.TensorBoard].
func TensorBoard(dir string) Tracker { return track.TensorBoard(dir) }

// MLflow returns a tracker that sends figures to an MLflow server, without options to that of MLFLOW_TRACKING_URI; used
// like [TensorBoard]. See [track.MLflow].
func MLflow(o MLflowOptions) Tracker { return track.MLflow(o) }

// Compress writes a model to path in fewer bits and measures what that costs and brings: size, accuracy, images per
// second. Without a Precision the file is in int8, and must end in .onnx:
//
//	tlkit.Compress(model, "ants.onnx", tlkit.CompressOptions{Calibrate: ants.Train, Test: ants.Val})
//
// The last value of a cell shows the table. [LoadExported] reads the file. See [compress.Compress].
func Compress(model *Model, path string, opts ...CompressOptions) (*Compressed, error) {
	return compress.Compress(model, path, opts...)
}

// MustCompress is [Compress] that panics on an error.
func MustCompress(model *Model, path string, opts ...CompressOptions) *Compressed {
	return must(Compress(model, path, opts...))
}

// LoadExported returns the model of an exported file, ready to predict, with its class names and preprocessing.
func LoadExported(path string) (*Model, error) { return zoo.LoadExported(path) }

// MustLoadExported is [LoadExported] that panics on an error.
func MustLoadExported(path string) *Model { return must(LoadExported(path)) }

// Summary lists the stages of a model with their output shapes, parameters and multiply-adds; [Show] displays it. See
// [zoo.Model.Summary].
func Summary(model *Model, opts ...SummaryOptions) (*ModelSummary, error) {
	if model == nil {
		return nil, errors.New("tlkit: the model to summarise is nil; load one with tlkit.Load")
	}
	return model.Summary(opts...)
}

// MustSummary is [Summary] that panics on an error.
func MustSummary(model *Model, opts ...SummaryOptions) *ModelSummary {
	return must(Summary(model, opts...))
}

// Compare trains a copy of the pretrained model with each strategy, on the same images, seeds and epochs, with the
// default [Recipe]. For another recipe, call the method of that recipe: tlkit.Recipe{Epochs: 20}.MustCompare(...).
// Everything is kept in runs/NAME: the same call again resumes or, if all is done, returns at once. An interruption
// saves and stops.
func Compare(name string, data *datasets.Dataset, model *Model, strategies ...Strategy) (*Run, error) {
	return Recipe{}.Compare(context.Background(), name, data, model, strategies...)
}

// MustCompare is [Compare] that panics on an error. After an interruption it does not panic: it prints what was saved
// and returns the run so far.
func MustCompare(name string, data *datasets.Dataset, model *Model, strategies ...Strategy) *Run {
	return Recipe{}.MustCompare(name, data, model, strategies...)
}

// FindLR finds a good learning rate for a strategy with the default [Recipe]'s range test (see [train.Recipe.FindLR]):
// curve.Plot() shows it, curve.Suggested is the rate.
func FindLR(data *datasets.Dataset, model *Model, strategy Strategy) (*LRCurve, error) {
	return Recipe{}.FindLR(context.Background(), data, model, strategy)
}

// MustFindLR is [FindLR] that panics on an error.
func MustFindLR(data *datasets.Dataset, model *Model, strategy Strategy) *LRCurve {
	return Recipe{}.MustFindLR(data, model, strategy)
}

// Suggest proposes a strategy to begin with, from the number of images and from how well the model's features fit them,
// with its reason (see [strategy.Suggest]).
func Suggest(data *datasets.Dataset, model *Model) (*Advice, error) {
	return strategy.Suggest(data, model)
}

// MustSuggest is [Suggest] that panics on an error.
func MustSuggest(data *datasets.Dataset, model *Model) *Advice { return must(Suggest(data, model)) }

// SampleSizes compares strategies on several numbers of training images per class (0: all), with the default [Recipe];
// see [train.Recipe.SampleSizes]. For another recipe, such as one with several seeds, call its method:
// tlkit.Recipe{Seeds: 3}.SampleSizes(...).
func SampleSizes(name string, data *datasets.Dataset, model *Model, perClass []int, strategies ...Strategy) (*Samples, error) {
	return Recipe{}.SampleSizes(context.Background(), name, data, model, perClass, strategies...)
}

// MustSampleSizes is [SampleSizes] that panics on an error. After an interruption it does not panic: it prints what was
// saved and returns what is trained so far.
func MustSampleSizes(name string, data *datasets.Dataset, model *Model, perClass []int, strategies ...Strategy) *Samples {
	return Recipe{}.MustSampleSizes(name, data, model, perClass, strategies...)
}

// Budget sets the time, from now on, after which trainings of this session stop and save; see [train.Budget]. Call
// Budget(80*time.Minute) at the top of a notebook whose session ends after 90 minutes. It returns the time at which
// trainings stop.
func Budget(d time.Duration) time.Time { return train.Budget(d) }

// Detach trains like [Recipe.Compare] with the recipe, in a process of its own that goes on when the kernel, the
// browser or Jupyter end, and returns at once. tlkit.MustAttach(name).Watch(ctx) shows it in this session or a later
// one; see [detached.Start], also for what another process can't train.
func Detach(r Recipe, name string, data *datasets.Dataset, model *Model, strategies ...Strategy) (*Detached, error) {
	return detached.Start(r, name, data, model, strategies...)
}

// MustDetach is [Detach] that panics on an error.
func MustDetach(r Recipe, name string, data *datasets.Dataset, model *Model, strategies ...Strategy) *Detached {
	return must(Detach(r, name, data, model, strategies...))
}

// Attach returns a detached training by its name, with methods to watch, stop and resume it.
func Attach(name string) (*Detached, error) { return detached.Attach("", name) }

// MustAttach is [Attach] that panics on an error.
func MustAttach(name string) *Detached { return must(Attach(name)) }

// Open returns a run that was made before, in this notebook or another one, by its name.
func Open(name string) (*Run, error) { return train.Open("", name) }

// MustOpen is [Open] that panics on an error.
func MustOpen(name string) *Run { return must(Open(name)) }

// Runs returns the names of the runs kept in the folder runs (or TLKIT_RUNS), and in .tlkit/runs.
func Runs() ([]string, error) { return train.List("") }

// MustRuns is [Runs] that panics on an error.
func MustRuns() []string { return must(Runs()) }

// Remove deletes a run with all it has saved.
func Remove(name string) error { return train.Remove("", name) }

// Device returns lines that name the engine of each kind of work, and the reason for the choice.
func Device() string { return backend.Lines() }

// Upload shows a field below the cell, waits until the user of the notebook has chosen pictures or a zip of pictures
// there, and returns their paths in the folder dir:
//
//	for _, path := range tlkit.MustUpload("photos") {
//		...
//	}
//
// Nothing in dir is replaced. In a notebook that is executed without a page it returns the pictures that dir has. See
// [upload.Pictures].
func Upload(dir string, opts ...UploadOptions) ([]string, error) {
	return upload.Pictures(context.Background(), dir, opts...)
}

// MustUpload is [Upload] that panics on an error.
func MustUpload(dir string, opts ...UploadOptions) []string { return must(Upload(dir, opts...)) }

// Show displays a figure: a chart, a table, images.
func Show(f plots.Figure) error { return plots.Show(f) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
