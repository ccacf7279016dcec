package train

import (
	"cmp"
	"math"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// Recipe is what all strategies of a comparison share. The zero value is a good default: 10 epochs, batches of 32,
// stochastic gradient descent with momentum 0.9, a constant learning rate, no augmentation, seed 0.
type Recipe struct {
	// Epochs is the number of passes over the training images (see Passes); 0 means 10. A call with more
	// epochs continues the run, except where the schedule or the strategy (see Paced) depends on their
	// number: then it trains anew.
	Epochs int `json:"epochs"`
	// BatchSize is the number of images per step; 0 means 32. The last batch of an epoch may be smaller.
	BatchSize int `json:"batch_size"`
	// Optimizer is SGD (the default), Adam or AdamW.
	Optimizer Optimizer `json:"optimizer"`
	// Momentum of SGD, in [0, 1); 0 means 0.9, a negative value means none. Formula as PyTorch's:
	// velocity = momentum*velocity + gradient; weight -= rate*velocity.
	Momentum float64 `json:"momentum"`
	// WeightDecay is the factor of the L2 penalty (SGD, Adam: added to the gradient; AdamW: decoupled).
	WeightDecay float64 `json:"weight_decay"`
	// Accumulate is the number of batches whose gradients are averaged for one step of the optimizer, as if the batch
	// were that many times larger, also for ClassWeights and Schedule (except for what sees each batch separately:
	// BatchNorm, Mixup and CutMix, and losses of strategies over a whole batch, such as CORAL); 0 means 1. An epoch's
	// last step may have fewer batches.
	Accumulate int `json:"accumulate,omitempty"`
	// ClipNorm is the largest norm of a step's gradients, over all variables together; larger gradients are scaled down
	// to it (Pascanu et al. 2012, arXiv 1211.5063, algorithm 1); 0: off.
	ClipNorm float64 `json:"clip_norm,omitempty"`
	// LabelSmoothing is the share of each label that is divided evenly among all classes, 0 to 1 (Szegedy et al. 2015,
	// arXiv 1512.00567, section 7); 0: off, 0.1 is usual.
	LabelSmoothing float64 `json:"label_smoothing,omitempty"`
	// ClassWeights, if [Balanced], makes classes with few training images count as much as those with many. With it,
	// label smoothing or mixing, TrainLoss is still the plain cross-entropy of the labels that the images have.
	ClassWeights ClassWeights `json:"class_weights,omitempty"`
	// Mixup blends every training image and its label with another one's, in shares drawn from Beta(Mixup, Mixup) for
	// each batch (Zhang et al. 2017, arXiv 1710.09412, section 2); 0: off, 0.2 is usual.
	Mixup float64 `json:"mixup,omitempty"`
	// CutMix pastes a box of another image into every training image and mixes the labels by area, its share drawn from
	// Beta(CutMix, CutMix) for each batch (Yun et al. 2019, arXiv 1905.04899, section 3); 0: off, 1 is usual. With both
	// Mixup and CutMix, each batch gets one of the two at random. An image is mixed with the one before it in the
	// batch.
	CutMix float64 `json:"cutmix,omitempty"`
	// Average is the decay per step of a moving average of the weights (EMA); the averaged weights are evaluated and
	// saved (Polyak and Juditsky 1992; Tarvainen and Valpola 2017, arXiv 1703.01780); 0: off, 0.99 suits short
	// trainings, 0.9999 long ones.
	Average float64 `json:"average,omitempty"`
	// EarlyStop ends a training that no longer improves.
	EarlyStop EarlyStop `json:"early_stop,omitzero"`
	// Restore selects the epoch whose weights are restored in the end: by default that of the highest validation
	// accuracy.
	Restore Restore `json:"restore,omitempty"`
	// Schedule changes the learning rate from epoch to epoch; the zero value keeps it.
	Schedule Schedule `json:"schedule"`
	// Augment varies the training images; with the zero value they get the evaluation transform. Without augmentation
	// the features of a frozen backbone are computed once, and an epoch of head training takes milliseconds.
	Augment vision.Augment `json:"augment"`
	// Views is the number of augmented versions of each training image, which are used in turn, one in each epoch; 0
	// means a new version in every epoch. With Views, the features of a frozen backbone are computed once for each
	// version, if they fit into memory, and every epoch of head training takes milliseconds.
	Views int `json:"views,omitempty"`
	// Passes is the number of times that the steps of an epoch go through the training images, in a new order each
	// time, and with augmentation in other versions unless Views is set; 0 means once. Few images need several passes
	// for as many steps as many images have.
	Passes int `json:"passes,omitempty"`
	// Seed determines the starting values of the new head, the order of the images and their augmentation.
	Seed uint64 `json:"seed"`
	// Seeds is the number of times that every strategy is trained, with the seeds Seed, Seed+1 and so on; 0 means once.
	// Tables then show means and standard deviations over the seeds: a difference smaller than these may be chance.
	Seeds int `json:"seeds,omitempty"`
	// Precision is the type in which the network is computed: float32, or [Bfloat16].
	Precision Precision `json:"precision,omitempty"`
	// Devices is the number of devices of the engine that share each training step, with an equal part of the
	// batch each; 0 and 1 mean one. Results are those of one device within rounding, so that a run may go on with
	// another number. Gradients and BatchNorm's statistics are those of the whole batch, as with PyTorch's
	// SyncBatchNorm under DistributedDataParallel. A last batch that can't be divided evenly is computed whole by
	// each. XLA has several devices: GPUs (GOMLX_BACKEND=xla:cuda), or parts of the processor (xla:cpu), which
	// share its cores and are for trying out.
	Devices int `json:"devices,omitempty"`
	// Dir is the folder that holds the run folders; "" means TLKIT_RUNS if set, else the folder runs beside the
	// notebook. Runs in .tlkit/runs, the former default, are still found.
	Dir string `json:"-"`
	// Track sends the figures of each epoch to other programs, such as TensorBoard and MLflow: see package track. It is
	// not kept with the run. The failure of a tracker is reported, and the training goes on.
	Track []Tracker `json:"-"`
	// Quiet switches off progress and live curves.
	Quiet bool `json:"-"`
	// MemoryLimit bounds the bytes of decoded images and cached features kept in memory; 0 means 2 GiB.
	MemoryLimit int64 `json:"-"`
	// DiskLimit bounds the bytes of further decoded images, in a memory-mapped file in the run's folder. The file has
	// no name and ends with the program. 0 means 8 GiB; the file never takes more than half of the free space of its
	// disk. A negative value means no file, and there is none on Windows: images that do not fit in memory are then
	// decoded in every epoch.
	DiskLimit int64 `json:"-"`
}

// Optimizer names an update rule.
type Optimizer string

// The optimizers. SGD: Robbins and Monro 1951, with momentum as torch.optim.SGD. Adam: Kingma and Ba 2014,
// arXiv 1412.6980, algorithm 1. AdamW: Loshchilov and Hutter 2017, arXiv 1711.05101, algorithm 2.
const (
	SGD   Optimizer = "sgd"
	Adam  Optimizer = "adam"
	AdamW Optimizer = "adamw"
)

// Precision is the type in which a network is computed; "" is float32.
type Precision string

// Bfloat16 computes convolutions, their gradients and matrix products (those that gain) on operands that are rounded to
// bfloat16, and adds up in float32 (Kalamkar et al. 2019, arXiv 1905.12322). On a processor with AVX512-BF16, a ResNet
// takes about two thirds of the time; steps of a small network gain nothing. The weights that the optimizer changes are
// float32 ("master weights", Micikevicius et al. 2018, arXiv 1710.03740, section 3.1), and so are batch norm, the
// cross-entropy, gradients and the optimizer; bfloat16 has float32's range, so that losses need no scaling. Frozen
// stages and evaluations are computed in bfloat16, too: on OpenVINO, where it is installed, also most values between
// operations. A run in one precision is never continued in the other. It needs oneDNN (./install.sh --engine onednn)
// and AVX512-BF16 or AMX; where they are missing, a training is an error. Later computations with the trained model,
// such as predictions, are in float32.
const Bfloat16 Precision = "bfloat16"

// Schedule is a learning-rate schedule. The zero value keeps the rate constant.
type Schedule struct {
	// StepEvery is the number of epochs after which the rate is multiplied by StepFactor, again and again (PyTorch's
	// StepLR); 0: off.
	StepEvery int `json:"step_every,omitempty"`
	// StepFactor is the factor of StepEvery; 0 means 0.1.
	StepFactor float64 `json:"step_factor,omitempty"`
	// Cosine lets the rate fall to zero along half a cosine (Loshchilov and Hutter 2016, arXiv 1608.03983, equation 5,
	// without restarts).
	Cosine bool `json:"cosine,omitempty"`
	// Warmup is the number of epochs at the start over which the rate rises linearly; fractions are allowed.
	Warmup float64 `json:"warmup,omitempty"`
	// OneCycle lets the rate rise from 1/25 of the base rate to the base rate over the first 30 % of the training, and
	// fall to 1/250,000 of it by the end, both along half a cosine (Smith 2018, arXiv 1803.09820, section 4; shape and
	// constants are those of torch.optim.lr_scheduler.OneCycleLR). Momentum stays as it is. OneCycle can't be combined
	// with the other fields.
	OneCycle bool `json:"one_cycle,omitempty"`
}

// needsEnd reports whether the rates depend on the number of epochs.
func (s Schedule) needsEnd() bool { return s.Cosine || s.OneCycle }

// oneCycle is the factor of OneCycle at a share of the training, 0 to 1.
func oneCycle(share float64) float64 {
	const rise, start, end = 0.3, 1. / 25, 1. / 25 / 1e4
	between := func(a, b, at float64) float64 { return b + (a-b)/2*(1+math.Cos(math.Pi*at)) }
	if share < rise {
		return between(start, 1, share/rise)
	}
	return between(1, end, math.Min(1, (share-rise)/(1-rise)))
}

// Factor returns the factor on the base rate at a position in training. position is counted in epochs from 0, with
// fractions within an epoch; total is the number of epochs.
func (s Schedule) Factor(position float64, total int) float64 {
	if s.OneCycle {
		return oneCycle(position / float64(total))
	}
	f := 1.0
	if s.StepEvery > 0 {
		f *= math.Pow(cmp.Or(s.StepFactor, 0.1), math.Floor(position/float64(s.StepEvery)))
	}
	if s.Warmup > 0 && position < s.Warmup {
		// Never zero, so that the first step has an effect.
		return f * math.Max(position/s.Warmup, 0.01)
	}
	if s.Cosine {
		span := math.Max(float64(total)-s.Warmup, 1e-9)
		f *= 0.5 * (1 + math.Cos(math.Pi*math.Min(1, (position-s.Warmup)/span)))
	}
	return f
}
