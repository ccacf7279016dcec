// Package gradcam computes where in an image a network finds a class: Selvaraju et al. 2017, Grad-CAM (arXiv
// 1610.02391, section 3, equations 1 and 2). It draws nothing, so that a service can link it.
package gradcam

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// ErrNoMap is wrapped by the errors of networks that have no maps, at no time: their stages have no places, or a layer
// has no gradient. An engine that fails to compute a map, such as for want of memory, gives another error.
var ErrNoMap = errors.New("this network has no Grad-CAM")

// Map is what a class depends on in an image.
type Map struct {
	// Values are [height, width], at the stage's resolution; they are at least 0, and only their ratios count.
	Values [][]float64
	// Stage is the stage that was read.
	Stage string
	// Logits are those of the image.
	Logits []float32
}

// Network computes maps with a model, one at a time. The model's values must not change before Finalize.
type Network struct {
	model *zoo.Model
	stage string // "": chosen by build
	exec  *model.Exec
	noMap error // why the network has no maps; nil before the first call
}

// New returns a network that reads the output of a stage of the model; "" means the last stage with places. Of a
// transformer with a class token it is the last but one, since after the last block only that token is classified.
// The network is compiled by the first call of Explain.
func New(engine compute.Backend, m *zoo.Model, stage string) (*Network, error) {
	n := &Network{model: m, stage: stage}
	exec, err := nn.NewModelExec(engine, m.Store(), func(_ *model.Scope, x, chosen *Node) (out []*Node) {
		if err := nn.Try(func() { out = n.build(x, chosen) }); err != nil {
			n.noMap = fmt.Errorf("%w: the gradients of %q: %w", ErrNoMap, m.Spec.Name, err)
			panic(n.noMap)
		}
		return out
	})
	if err != nil {
		return nil, fmt.Errorf("compiling the gradients of %q: %w", m.Spec.Name, err)
	}
	n.exec = exec
	return n, nil
}

// Finalize frees the memory that the engine holds for the network.
func (n *Network) Finalize() { n.exec.Finalize() }

// build returns the stage's output, its gradient and the logits. x are bytes [1, height, width, 3]; chosen [1, classes]
// is 1 for the class and 0 elsewhere, or 0 everywhere for the most probable class.
func (n *Network) build(x, chosen *Node) []*Node {
	m := n.model
	m.Store().SetTraining(x.Graph(), true) // keeps the weights inputs of the graph
	pass := &nn.Pass{}
	y := m.Normalize(x)
	var outs []*Node
	for i := range m.Stages() {
		y = m.ForwardFeatures(pass, y, i, i+1)
		outs = append(outs, y)
	}
	logits := m.ForwardHead(pass, y)
	at := n.place(outs)
	highest := ConvertDType(Equal(logits, ReduceAndKeep(logits, ReduceMax, -1)), dtypes.Float32)
	chosen = StopGradient(Add(chosen, Mul(highest, OneMinus(ReduceAndKeep(chosen, ReduceSum, -1)))))
	gradient := Gradient(ReduceAllSum(Mul(logits, chosen)), outs[at])[0]
	return []*Node{outs[at], gradient, logits}
}

// place returns the index of the stage to read, and keeps its name.
func (n *Network) place(outs []*Node) int {
	names := n.model.Stages()
	at := slices.Index(names, n.stage)
	if at < 0 {
		for i, y := range outs {
			if d := y.Shape().Dimensions; len(d) == 4 && d[1]*d[2] > 1 || len(d) == 3 && d[1] > 3 {
				at = i
			}
		}
		if at > 0 && outs[at].Rank() == 3 && outs[at-1].Rank() == 3 {
			if _, before := Grid(outs[at].Shape().Dimensions[1]); before > 0 {
				at--
			}
		}
	}
	if at < 0 || outs[at].Rank() != 3 && outs[at].Rank() != 4 {
		panic(fmt.Errorf("no stage %s of %q has places: its output is not [batch, height, width, channels] or [batch, tokens, width]", n.stage, n.model.Spec.Name))
	}
	n.stage = names[at]
	return at
}

// Grid returns the height and width of the largest square grid of at most n tokens, and how many tokens come before it:
// the class token and others like it.
func Grid(n int) (side, before int) {
	side = int(math.Sqrt(float64(n) + 0.5))
	return side, n - side*side
}

// Explain returns the map of an image, given as the bytes that the model's Prepare returns, for the class of the given
// index, or for the most probable one if that is negative.
func (n *Network) Explain(pix []uint8, class int) (*Map, error) {
	m := n.model
	size := m.ImageSize()
	chosen := make([]float32, len(m.Classes))
	if class >= 0 {
		chosen[class] = 1
	}
	out, err := n.exec.Call(tensors.FromFlatDataAndDimensions(slices.Clone(pix), 1, size, size, 3),
		tensors.FromFlatDataAndDimensions(chosen, 1, len(chosen)))
	if n.noMap != nil {
		return nil, n.noMap
	}
	if err != nil {
		return nil, fmt.Errorf("the gradients of %q: %w", m.Spec.Name, err)
	}
	defer func() {
		for _, t := range out {
			t.MustFinalizeAll()
		}
	}()
	logits := tensors.MustCopyFlatData[float32](out[2])
	if err := m.CheckLogits(logits); err != nil {
		return nil, err
	}
	values, err := weighted(out[0].Shape().Dimensions, tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1]))
	if err != nil {
		return nil, err
	}
	return &Map{Values: values, Stage: n.stage, Logits: logits}, nil
}

// weighted is equations 1 and 2 of the paper for the output of a stage, of shape [1, height, width, channels] or [1,
// tokens, width], and its gradient: the channels are weighted by the mean of their gradients, summed up, and negative
// sums are set to 0. Tokens are places of a square grid; those before it are left out.
func weighted(shape []int, output, gradient []float32) ([][]float64, error) {
	height, width, channels := shape[1], 1, shape[len(shape)-1]
	if len(shape) == 4 {
		width = shape[2]
	} else {
		side, before := Grid(shape[1])
		height, width = side, side
		output, gradient = output[before*channels:], gradient[before*channels:]
	}
	importance := make([]float64, channels)
	for i, g := range gradient {
		importance[i%channels] += float64(g) / float64(height*width)
	}
	values := make([][]float64, height)
	for y := range values {
		values[y] = make([]float64, width)
		for x := range values[y] {
			sum := 0.0
			for c, a := range output[(y*width+x)*channels : (y*width+x+1)*channels] {
				sum += importance[c] * float64(a)
			}
			if !numbers.Finite(sum) {
				return nil, fmt.Errorf("the gradient at place (%d, %d) is %g; the model's values are not finite", y, x, sum)
			}
			values[y][x] = max(0, sum)
		}
	}
	return values, nil
}
