package train

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// stateScope keeps the optimizer's variables separate from the model's; no state-dict key can start like this.
const stateScope = "/#optimizer"

// optimizer updates variables inside the graph of a training step. GoMLX v0.28 has SGD without momentum and one rate
// for all variables, and PyTorch's recipes need both.
type optimizer struct {
	kind        Optimizer
	momentum    float64
	weightDecay float64
	// accumulate is the number of batches whose gradients make one step, if more than one.
	accumulate int
	// clipNorm bounds the norm of the gradients, if positive.
	clipNorm float64
}

// slots names the state that each variable needs.
func (o optimizer) slots() []string {
	var slots []string
	switch {
	case o.kind != SGD:
		slots = []string{"mean", "square"}
	case o.momentum > 0:
		slots = []string{"velocity"}
	}
	if o.accumulate > 1 {
		slots = append(slots, accumulatedSlot)
	}
	return slots
}

// accumulatedSlot names the sum of the gradients of the batches since the last step, each times its number of images.
const accumulatedSlot = "gathered"

// accumulated adds a batch's gradient to those of the batches before it. With step, it returns the mean gradient over
// all seen images and resets the sum; else it returns nil.
func (o optimizer) accumulated(store *model.Store, p nn.Param, grad, images, seen *Node, step bool) *Node {
	sum := store.GetVariable(slotPath(p, accumulatedSlot))
	grad = Add(sum.NodeValue(grad.Graph()), Mul(grad, images))
	if !step {
		sum.SetNodeValue(grad)
		return nil
	}
	sum.SetNodeValue(ZerosLike(grad))
	return Div(grad, seen)
}

func slotPath(p nn.Param, slot string) string { return stateScope + "/" + slot + p.Path() }

// prepare makes the state variables of p, with value zero, unless they exist already (from a checkpoint).
func (o optimizer) prepare(store *model.Store, p nn.Param) error {
	for _, slot := range o.slots() {
		path := slotPath(p, slot)
		if store.GetVariable(path) != nil {
			continue
		}
		shape := shapes.Make(dtypes.Float32, p.VarShape()...)
		v, err := store.CreateVariable(path, tensors.FromShape(shape))
		if err != nil {
			return err
		}
		v.SetTrainable(false)
	}
	return nil
}

// update applies one step to p: gradient grad, learning rate rate (scalar), step number step (scalar, from 1).
func (o optimizer) update(store *model.Store, p nn.Param, grad, rate, step *Node) {
	g := grad.Graph()
	v := store.GetVariable(p.Path())
	w := v.NodeValue(g)
	if o.weightDecay > 0 && o.kind != AdamW {
		grad = Add(grad, MulScalar(w, o.weightDecay))
	}
	if o.kind == SGD {
		if o.momentum > 0 {
			velocity := store.GetVariable(slotPath(p, "velocity"))
			grad = Add(MulScalar(velocity.NodeValue(g), o.momentum), grad)
			velocity.SetNodeValue(grad)
		}
		v.SetNodeValue(Sub(w, Mul(grad, rate)))
		return
	}
	const beta1, beta2, epsilon = 0.9, 0.999, 1e-8 // Kingma and Ba 2014, algorithm 1; PyTorch's defaults
	meanVar, squareVar := store.GetVariable(slotPath(p, "mean")), store.GetVariable(slotPath(p, "square"))
	mean := Add(MulScalar(meanVar.NodeValue(g), beta1), MulScalar(grad, 1-beta1))
	square := Add(MulScalar(squareVar.NodeValue(g), beta2), MulScalar(Mul(grad, grad), 1-beta2))
	meanVar.SetNodeValue(mean)
	squareVar.SetNodeValue(square)
	power := func(beta float64) *Node { // 1 - beta^step
		return OneMinus(Pow(Scalar(g, grad.DType(), beta), step))
	}
	change := Div(Div(mean, power(beta1)), AddScalar(Sqrt(Div(square, power(beta2))), epsilon))
	if o.kind == AdamW && o.weightDecay > 0 {
		change = Add(change, MulScalar(w, o.weightDecay))
	}
	v.SetNodeValue(Sub(w, Mul(change, rate)))
}
