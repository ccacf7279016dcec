package insight

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/internal/optional"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// CAMOptions are the options of [GradCAM]. The zero value suits every network.
type CAMOptions struct {
	// Stage is the stage whose output is read (see [zoo.Model.Stages]); "" means the last one with positions. Of a
	// transformer with a class token it is the last but one, since after the last block only that token is classified.
	// An earlier stage gives a finer map of simpler features.
	Stage string
}

// GradCAM returns the parts of an image that raise the logit of a class: Selvaraju et al. 2017, Grad-CAM
// (arXiv 1610.02391, section 3, equations 1 and 2). The channels of a stage's output are weighted by the mean of their
// gradients, summed up, and the negative sums are set to 0. Tokens of a transformer are places of a square grid; the
// class token is left out.
//
// class is a name of the model's classes, with the index of one that shares its name, as in "crane (134)"; "" means the
// most probable one. The image is prepared with the model's
// Preprocess.
func GradCAM(m *zoo.Model, img *vision.Image, class string, opts ...CAMOptions) (*Heatmap, error) {
	engine, err := backend.Default()
	if err != nil {
		return nil, err
	}
	maps, err := gradCAMs(engine.Backend, m, []*vision.Image{img}, []string{class}, opts)
	if err != nil {
		return nil, err
	}
	return maps[0], nil
}

// GradCAMs is [GradCAM] for several images of one class each; the network is compiled once. classes is as long as
// images. An interrupt ends it.
func GradCAMs(m *zoo.Model, images []*vision.Image, classes []string, opts ...CAMOptions) ([]*Heatmap, error) {
	engine, err := backend.Default()
	if err != nil {
		return nil, err
	}
	return gradCAMs(engine.Backend, m, images, classes, opts)
}

func gradCAMs(engine compute.Backend, m *zoo.Model, images []*vision.Image, classes []string, opts []CAMOptions) ([]*Heatmap, error) {
	if m == nil {
		return nil, errNoModel
	}
	o, err := optional.One("insight: GradCAM", opts)
	if err != nil {
		return nil, err
	}
	if len(classes) != len(images) {
		return nil, fmt.Errorf("insight: GradCAMs got %d images and %d classes; give one class, or \"\", per image", len(images), len(classes))
	}
	stage := o.Stage
	if stage != "" && !slices.Contains(m.Stages(), stage) {
		return nil, fmt.Errorf("insight: model %q has no stage %q; its stages are %s", m.Spec.Name, stage, strings.Join(m.Stages(), ", "))
	}
	c := &camNetwork{model: m, stage: stage}
	c.exec, err = nn.NewModelExec(engine, m.Store(), func(_ *model.Scope, x, chosen *Node) []*Node { return c.build(x, chosen) })
	if err != nil {
		return nil, fmt.Errorf("insight: compiling the gradients of %q: %w", m.Spec.Name, err)
	}
	defer c.exec.Finalize()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	maps := make([]*Heatmap, len(images))
	for i, img := range images {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("insight: Grad-CAM was interrupted after %d of %d images: %w", i, len(images), err)
		}
		if maps[i], err = c.explain(img, classes[i]); err != nil {
			return nil, err
		}
	}
	return maps, nil
}

// camNetwork is a network that computes the output of a stage and its gradient.
type camNetwork struct {
	model *zoo.Model
	stage string // "": chosen by build
	exec  *model.Exec
}

// build returns the stage's output, its gradient and the logits. x are bytes [1, height, width, 3]; chosen [1, classes]
// is 1 for the class and 0 elsewhere, or 0 everywhere for the most probable class.
func (c *camNetwork) build(x, chosen *Node) []*Node {
	m := c.model
	m.Store().SetTraining(x.Graph(), true) // keeps the weights inputs of the graph
	pass := &nn.Pass{}
	y := m.Normalize(x)
	var outs []*Node
	for i := range m.Stages() {
		y = m.ForwardFeatures(pass, y, i, i+1)
		outs = append(outs, y)
	}
	logits := m.ForwardHead(pass, y)
	at := c.place(outs)
	highest := ConvertDType(Equal(logits, ReduceAndKeep(logits, ReduceMax, -1)), dtypes.Float32)
	chosen = StopGradient(Add(chosen, Mul(highest, OneMinus(ReduceAndKeep(chosen, ReduceSum, -1)))))
	gradient := Gradient(ReduceAllSum(Mul(logits, chosen)), outs[at])[0]
	return []*Node{outs[at], gradient, logits}
}

// place returns the index of the stage to read, and keeps its name.
func (c *camNetwork) place(outs []*Node) int {
	names := c.model.Stages()
	at := slices.Index(names, c.stage)
	if at < 0 {
		for i, y := range outs {
			if d := y.Shape().Dimensions; len(d) == 4 && d[1]*d[2] > 1 || len(d) == 3 && d[1] > 3 {
				at = i
			}
		}
		if at > 0 && outs[at].Rank() == 3 && outs[at-1].Rank() == 3 && extraTokens(outs[at].Shape().Dimensions[1]) > 0 {
			at--
		}
	}
	if at < 0 || outs[at].Rank() != 3 && outs[at].Rank() != 4 {
		exceptions.Panicf("no stage %s of %q has places (its output is not [batch, height, width, channels] or [batch, tokens, width]); insight.Occlusion works with every network",
			c.stage, c.model.Spec.Name)
	}
	c.stage = names[at]
	return at
}

// side returns the height and width of the largest square grid of at most n tokens.
func side(n int) int { return int(math.Sqrt(float64(n) + 0.5)) }

// extraTokens returns how many of n tokens come before the grid: the class token and others like it.
func extraTokens(n int) int { return n - side(n)*side(n) }

// explain returns the map of one image.
func (c *camNetwork) explain(img *vision.Image, class string) (*Heatmap, error) {
	m := c.model
	index, err := classIndex(m, class)
	if err != nil {
		return nil, err
	}
	ready, err := prepared(m, img)
	if err != nil {
		return nil, err
	}
	chosen := make([]float32, len(m.Classes))
	if index >= 0 {
		chosen[index] = 1
	}
	out, err := c.exec.Call(tensors.FromFlatDataAndDimensions(slices.Clone(ready.Pix), 1, ready.Height, ready.Width, 3),
		tensors.FromFlatDataAndDimensions(chosen, 1, len(chosen)))
	if err != nil {
		return nil, fmt.Errorf("insight: the gradients of %q: %w; insight.Occlusion needs none", m.Spec.Name, err)
	}
	defer func() {
		for _, t := range out {
			t.MustFinalizeAll()
		}
	}()
	h, err := heatmap(m, ready, tensors.MustCopyFlatData[float32](out[2]), index)
	if err != nil {
		return nil, err
	}
	h.Method, h.Stage = "Grad-CAM", c.stage
	h.Values, err = weighted(out[0].Shape().Dimensions, tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1]))
	return h, err
}

// weighted is equations 1 and 2 of the paper for the output of a stage, of shape [1, height, width, channels] or [1,
// tokens, width], and its gradient.
func weighted(shape []int, output, gradient []float32) ([][]float64, error) {
	height, width, channels := shape[1], 1, shape[len(shape)-1]
	if len(shape) == 4 {
		width = shape[2]
	} else {
		skip := extraTokens(shape[1])
		height, width = side(shape[1]), side(shape[1])
		output, gradient = output[skip*channels:], gradient[skip*channels:]
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
			if math.IsNaN(sum) || math.IsInf(sum, 0) {
				return nil, fmt.Errorf("insight: the gradient at place (%d, %d) is %g; the model's values are not finite", y, x, sum)
			}
			values[y][x] = max(0, sum)
		}
	}
	return values, nil
}
