package strategy

import (
	"cmp"
	"context"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// EWC is elastic weight consolidation (Kirkpatrick et al. 2017, arXiv 1612.00796, equation 3): fine-tuning with a
// penalty on changes of the pretrained weights. The penalty of a weight grows with the old task's dependence on it,
// measured by the diagonal Fisher information F:
//
//	L_new + lambda/2 sum F_i (w_i - w0_i)^2
//
// F is the mean of the squared gradients of log p(y|x), for images x of the old task and classes y drawn from the
// probabilities of the pretrained model.
type EWC struct {
	// Old is the data set that the model was pretrained on; some of its training images are used once, before the
	// training, and its validation images to report the old task's accuracy with every epoch (Epoch.Also).
	Old *datasets.Dataset `json:"old"`
	// Lambda is the weight of the penalty; 0 means 100. A good value depends on the network; the paper gives none for
	// all. lambda F_i is limited to 1/LearningRate, since with a larger value a step of gradient descent would
	// overshoot.
	Lambda float64 `json:"lambda,omitempty"`
	// Samples is the number of images that F is measured on; 0 means 200, or as many as there are.
	Samples int `json:"samples,omitempty"`
	// LearningRate of all layers; 0 means 0.01.
	LearningRate float64 `json:"learning_rate,omitempty"`
	// Label replaces the name, for a second EWC in one comparison.
	Label string `json:"label,omitempty"`
}

// Name is Label, or "ewc".
func (e EWC) Name() string { return cmp.Or(e.Label, "ewc") }

// Plan measures the Fisher information before the first step.
func (e EWC) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	lambda, samples := cmp.Or(e.Lambda, 100), cmp.Or(e.Samples, 200)
	switch {
	case e.Old == nil || e.Old.Train == nil || e.Old.Train.Len() == 0:
		return train.Plan{}, fmt.Errorf("tlkit: EWC needs images of the old task; set Old to the data set that the model was pretrained on, or take LwF, which needs none")
	case !(lambda > 0) || !numbers.Finite(lambda) || samples < 1:
		return train.Plan{}, fmt.Errorf("tlkit: EWC has Lambda %g and Samples %d; they must be positive, or 0 for the defaults (100 and 200)", e.Lambda, e.Samples)
	}
	old, err := newTask(m, task, nil)
	if err != nil {
		return train.Plan{}, err
	}
	m.SetTrainable(all)
	start, err := train.Keep(m, "start", backbone(m))
	if err != nil {
		return train.Plan{}, err
	}
	fisher := train.NewKept(m, "fisher")
	rate := cmp.Or(e.LearningRate, 0.01)
	plan := train.Plan{LearningRate: rate,
		Before: func(ctx context.Context, p *train.Preparation) error {
			return measureFisher(ctx, p, fisher, someOf(e.Old.Train, samples, task.Seed))
		},
		Loss: func(s *train.Step) *Node {
			loss := s.Loss
			for _, p := range s.Params() {
				w0, ok := start.Value(s, p)
				if !ok {
					continue
				}
				f, _ := fisher.Value(s, p)
				stiffness := MinScalar(MulScalar(f, lambda), 1/rate)
				diff := Sub(s.Value(p), w0)
				loss = Add(loss, MulScalar(ReduceAllSum(Mul(stiffness, Mul(diff, diff))), 0.5))
			}
			return loss
		}}
	err = keepOld(&plan, old, e.Old, true)
	return plan, err
}

// someOf returns n images of a split, drawn by the seed; all if there are fewer.
func someOf(split *datasets.Split, n int, seed uint64) *datasets.Split {
	return split.Subset(vision.NewRand(seed, 0x666973686572).Perm(split.Len())[:min(n, split.Len())])
}

// measureFisher measures the diagonal Fisher information of the pretrained layers on the images of a split, for the old
// task.
func measureFisher(ctx context.Context, p *train.Preparation, into train.Kept, split *datasets.Split) error {
	drawn, err := drawLabels(ctx, p, split)
	if err != nil {
		return err
	}
	m := p.Model
	params := backbone(m)
	for _, v := range params {
		if err := into.Set(v, nil); err != nil {
			return err
		}
	}
	// One image at a time: the square is of each image's gradient.
	return p.Each(ctx, drawn, 1, func(images, labels *Node) []*Node {
		values := make([]*Node, len(params))
		for i, v := range params {
			values[i] = m.Variable(v).NodeValue(images.Graph())
		}
		loss := ReduceAllSum(train.CrossEntropyPerImage(p.Head(oldHead, images), labels))
		for i, grad := range Gradient(loss, values...) {
			sum, _ := into.Value(images, params[i])
			into.Update(params[i], Add(sum, DivScalar(Mul(grad, grad), float64(drawn.Len()))))
		}
		return []*Node{loss}
	}, nil)
}

// drawLabels labels the images with classes drawn from the old task's probabilities.
func drawLabels(ctx context.Context, p *train.Preparation, split *datasets.Split) (*datasets.Split, error) {
	var names []string
	var labels []int
	classes := 0
	rng := vision.NewRand(p.Task.Seed, 0x616e7377657273)
	err := p.Each(ctx, split, 32, func(images, _ *Node) []*Node { return []*Node{p.Head(oldHead, images)} },
		func(out []*tensors.Tensor) error {
			classes = out[0].Shape().Dimensions[1]
			logits := tensors.MustCopyFlatData[float32](out[0])
			for ; len(logits) > 0; logits = logits[classes:] {
				at, label := rng.Float64(), 0
				for probabilities := numbers.Softmax(logits[:classes]); label < classes-1 && at >= probabilities[label]; label++ {
					at -= probabilities[label]
				}
				names = append(names, split.Name(len(names)))
				labels = append(labels, label)
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	return datasets.NewSplit(classes, names, labels, split.Image)
}

var _ train.Strategy = EWC{}
