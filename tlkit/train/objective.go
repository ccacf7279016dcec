package train

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// ClassWeights selects the weight of each class's training images in the loss.
type ClassWeights string

// Balanced weights a class by images/(classes x images of the class), so that every class has the same total weight and
// the weights of all images have mean 1 (King and Zeng 2001; scikit-learn's class_weight="balanced").
const Balanced ClassWeights = "balanced"

// of returns the weight of each class, from the classes' numbers of training images; nil if all weights are 1.
func (w ClassWeights) of(counts []int) []float32 {
	if w != Balanced {
		return nil
	}
	all := 0
	for _, n := range counts {
		all += n
	}
	weights := make([]float32, len(counts))
	for i, n := range counts {
		if n > 0 {
			weights[i] = float32(float64(all) / float64(len(counts)*n))
		}
	}
	return weights
}

// objective computes the loss of the training images from logits and labels.
type objective struct {
	// smoothing is the share of the target that is divided evenly among all classes (Recipe.LabelSmoothing).
	smoothing float64
	// weights has a factor for each class; nil means 1 for all.
	weights []float32
	// mean, if set, is the mean weight of the images of all batches of an update, of which the loss is one; nil
	// means that of the batch.
	mean *Node
}

// plain reports whether the objective is the cross-entropy alone.
func (o objective) plain() bool { return o.smoothing == 0 && o.weights == nil }

// loss returns the weighted mean loss, a scalar, for logits [batch, classes] and targets [batch, classes], whose rows
// sum to 1. It is torch.nn.CrossEntropyLoss(weight, label_smoothing) where the targets are labels and mean is nil.
func (o objective) loss(logits, targets *Node) *Node {
	spread := targets
	if classes := logits.Shape().Dimensions[1]; o.smoothing > 0 {
		spread = AddScalar(MulScalar(targets, 1-o.smoothing), o.smoothing/float64(classes))
	}
	terms := Mul(LogSoftmax(logits, -1), spread)
	if o.weights == nil {
		return Neg(ReduceAllMean(ReduceSum(terms, -1)))
	}
	weights := Reshape(Const(logits.Graph(), o.weights), 1, len(o.weights))
	sum := ReduceAllSum(Mul(targets, weights))
	if o.mean != nil {
		sum = MulScalar(o.mean, float64(targets.Shape().Dimensions[0]))
	}
	return Neg(Div(ReduceAllSum(Mul(terms, weights)), sum))
}

// clip scales gradients down so that the norm of all of them together is at most limit (Pascanu et al. 2012, arXiv
// 1211.5063, algorithm 1; torch.nn.utils.clip_grad_norm_).
func clip(gradients []*Node, limit float64) {
	var square *Node
	for _, g := range gradients {
		s := ReduceAllSum(Mul(g, g))
		if square == nil {
			square = s
		} else {
			square = Add(square, s)
		}
	}
	factor := MinScalar(Div(Scalar(square.Graph(), square.DType(), limit), AddScalar(Sqrt(square), 1e-6)), 1)
	for i, g := range gradients {
		gradients[i] = Mul(g, factor)
	}
}
