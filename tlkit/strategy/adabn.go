package strategy

import (
	"cmp"
	"context"
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// AdaBN adapts to another domain without labels and without training: the running statistics of every BatchNorm are
// measured anew on the target's training images, and no weight changes (Li et al. 2016, arXiv 1603.04779, section 3).
// To adapt a model that was first trained on the source's labels, compare it with the model of that result:
//
//	m, err := result.Model() // of SourceOnly{Source: source}
type AdaBN struct {
	// Batch is the number of images per forward pass, in which each layer is normalised by the batch's own statistics,
	// as in training; 0 means 128. The statistics kept are those over all images.
	Batch int `json:"batch,omitempty"`
	// Augment varies the images that are measured. Set the augmentation that the network was trained with, since its
	// statistics are those of such images: CIFAR's networks are trained on shifted images with black borders
	// ([vision.CIFARAugment]), and with statistics measured without them AdaBN can do harm (bench/study, cifar: 0.793
	// instead of 0.828).
	Augment vision.Augment `json:"augment,omitzero"`
	// Label replaces the name, for a second AdaBN in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "adabn".
func (a AdaBN) Name() string { return cmp.Or(a.Label, "adabn") }

// Plan trains nothing. It fails for a network without BatchNorm, and where the classes differ.
func (a AdaBN) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	if err := sameClasses(m, task); err != nil {
		return train.Plan{}, err
	}
	if a.Batch < 0 {
		return train.Plan{}, fmt.Errorf("tlkit: AdaBN.Batch is %d; give a number of images, or 0 for 128", a.Batch)
	}
	if err := a.Augment.Validate(); err != nil {
		return train.Plan{}, fmt.Errorf("tlkit: AdaBN: %w", err)
	}
	batch := cmp.Or(a.Batch, 128)
	return train.Plan{Fit: &train.Fit{}, Before: func(ctx context.Context, p *train.Preparation) error {
		return p.MeasureBatchNorm(ctx, p.Task.Data.Train, batch, a.Augment)
	}}, nil
}

var _ train.Strategy = AdaBN{}
