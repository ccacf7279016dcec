package train_test

import (
	"context"
	"math"
	"reflect"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// The strategies of this file are what a user could write: they use exported names only. They do what EWC, KNN and
// LogisticRegression do, and must come to the same.

// ownEWC holds each pretrained weight by its squared gradients on images of the old task, taken with their labels.
type ownEWC struct {
	Old    *datasets.Dataset
	Lambda float64
}

func (ownEWC) Name() string { return "own-ewc" }

func (o ownEWC) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	old, err := m.Clone()
	if err == nil {
		err = m.ReplaceHead(task.Classes, task.Seed)
	}
	if err != nil {
		return train.Plan{}, err
	}
	m.SetTrainable(func(nn.Param) bool { return true })
	var params []nn.Param
	for _, p := range m.Params() {
		if !p.Buffer && !m.InHead(p) {
			params = append(params, p)
		}
	}
	start, err := train.Keep(m, "start", params)
	if err != nil {
		return train.Plan{}, err
	}
	squares := train.NewKept(m, "squares")
	return train.Plan{
		LearningRate: 0.01,
		Heads:        []train.Head{{Name: "old", From: old, Frozen: true}},
		Before: func(ctx context.Context, p *train.Preparation) error {
			for _, v := range params {
				if err := squares.Set(v, nil); err != nil {
					return err
				}
			}
			return p.Each(ctx, o.Old.Train, 1, func(images, labels *Node) []*Node {
				var values []*Node
				for _, v := range params {
					values = append(values, m.Variable(v).NodeValue(images.Graph()))
				}
				loss := ReduceAllSum(train.CrossEntropyPerImage(p.Head("old", images), labels))
				for i, g := range Gradient(loss, values...) {
					sum, _ := squares.Value(images, params[i])
					squares.Update(params[i], Add(sum, DivScalar(Mul(g, g), float64(o.Old.Train.Len()))))
				}
				return []*Node{loss}
			}, nil)
		},
		Loss: func(s *train.Step) *Node {
			loss := s.Loss
			for _, p := range s.Params() {
				if w0, ok := start.Value(s, p); ok {
					f, _ := squares.Value(s, p)
					diff := Sub(s.Value(p), w0)
					loss = Add(loss, MulScalar(ReduceAllSum(Mul(MinScalar(MulScalar(f, o.Lambda), 100), Mul(diff, diff))), 0.5))
				}
			}
			return loss
		},
	}, nil
}

// ownNearest takes the class of the nearest training image by the features' angle.
type ownNearest struct{}

func (ownNearest) Name() string { return "own-nearest" }

func (ownNearest) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	var known *zoo.Features
	unit := func(v []float32) float64 {
		sum := 0.0
		for _, x := range v {
			sum += float64(x) * float64(x)
		}
		return math.Sqrt(sum)
	}
	classify := func(features []float32, example int) []float32 {
		best, nearest := math.Inf(-1), 0
		for i := range known.Len() {
			dot := 0.0
			for k, x := range known.Row(i) {
				dot += float64(x) * float64(features[k])
			}
			if dot /= unit(known.Row(i)); i != example && dot > best {
				best, nearest = dot, known.Labels[i]
			}
		}
		logits := make([]float32, len(task.Classes))
		logits[nearest] = float32(math.Log(4)) // (1 + 1/3)/2 and 1/3/2 among three classes, as KNN's shares
		return logits
	}
	return train.Plan{
		Fit: &train.Fit{Classify: classify},
		Before: func(ctx context.Context, p *train.Preparation) (err error) {
			known, err = p.Features(ctx)
			return err
		},
	}, m.ReplaceHead(task.Classes, task.Seed)
}

// ownLogistic finds the head's values without a step, as LogisticRegression does: those of the nearest class mean.
type ownLogistic struct{}

func (ownLogistic) Name() string { return "own-logistic" }

func (ownLogistic) Plan(m *zoo.Model, task train.Task) (train.Plan, error) {
	return train.Plan{
		Fit: &train.Fit{Params: m.InHead},
		Before: func(ctx context.Context, p *train.Preparation) error {
			f, err := p.Features(ctx)
			if err != nil {
				return err
			}
			for _, v := range m.Params() {
				if !m.InHead(v) {
					continue
				}
				// The mean feature of each class is its weight; the bias is minus half the square of it.
				values := make([]float32, v.Size())
				classes := len(task.Classes)
				for c := range classes {
					mean, n := make([]float64, f.Width()), 0.0
					for i, label := range f.Labels {
						if label != c {
							continue
						}
						n++
						for k, x := range f.Row(i) {
							mean[k] += float64(x)
						}
					}
					for k := range mean {
						mean[k] /= n
						if len(v.Shape) == 2 {
							values[k*classes+c] = float32(mean[k])
						} else {
							values[c] -= float32(mean[k] * mean[k] / 2)
						}
					}
				}
				if err := m.Variable(v).SetValue(tensors.FromFlatDataAndDimensions(values, v.VarShape()...)); err != nil {
					return err
				}
			}
			return nil
		},
	}, m.ReplaceHead(task.Classes, task.Seed)
}

func TestOwnStrategies(t *testing.T) {
	ds, m, r := paint(t), pretrained(t), quick(t)
	old := oldTask(t)
	run := compare(t, r, "own", ds, m, ownEWC{old, 1e6}, ownEWC2{ownEWC{old, 1e-9}}, ownNearest{}, ownLogistic{},
		strategy.KNN{K: 1}, strategy.LogisticRegression{L2: 0.1}, strategy.FineTune{})

	// The penalty binds: held stiffly, the pretrained weights stay nearer to where they were.
	before := snapshot(t, m)
	moved := func(name string) (sum float64) {
		after := saved(t, run, name, "checkpoint.safetensors")
		for _, p := range m.Params() {
			if !p.Buffer && !m.InHead(p) {
				for i, v := range after[p.Key] {
					sum += math.Abs(float64(v - before[p.Key][i]))
				}
			}
		}
		return sum
	}
	if held, free, plain := moved("own-ewc"), moved("own-ewc-2"), moved("finetune"); !(held < free/2) || math.Abs(free-plain) > 1e-3*plain {
		t.Errorf("weights moved by %g when held, %g when hardly held, %g in fine-tuning", held, free, plain)
	}
	own, ours := result(t, run, "own-nearest"), result(t, run, "knn")
	if !slices.Equal(own.Predictions.Predicted, ours.Predictions.Predicted) || math.Abs(own.History[0].TrainAccuracy-ours.History[0].TrainAccuracy) > 1e-9 ||
		math.Abs(own.History[0].ValLoss-ours.History[0].ValLoss) > 1e-5 {
		t.Errorf("the nearest image's class: %+v %v, KNN has %+v %v", own.History[0], own.Predictions.Predicted, ours.History[0], ours.Predictions.Predicted)
	}
	fitted, known := result(t, run, "own-logistic"), result(t, run, "logistic")
	if fitted.Trainable != known.Trainable || fitted.Trainable == 0 || fitted.History[0].TrainAccuracy < 0.5 || !reflect.DeepEqual(curve(fitted.History[:1])[0].ValLoss, curve(fitted.History)[1].ValLoss) {
		t.Errorf("fitted by hand: %d values, %+v; by LogisticRegression %d values, %+v", fitted.Trainable, fitted.History, known.Trainable, known.History)
	}

	// The same call continues: nothing is trained again.
	c := &counter{}
	ds.Train = painted(t, 1, 5, c.asked)
	compare(t, r, "own", ds, m, ownEWC{old, 1e6}, ownNearest{}, ownLogistic{})
	if c.n != 0 {
		t.Errorf("%d images read for strategies that were finished", c.n)
	}
}

// ownEWC2 is ownEWC under another name.
type ownEWC2 struct{ ownEWC }

func (ownEWC2) Name() string { return "own-ewc-2" }

func TestKept(t *testing.T) {
	m := pretrained(t)
	p := m.Params()[0]
	k := train.NewKept(m, "mine")
	wantError(t, k.Set(p, tensors.FromValue([]float32{1})), p.Key, "shape", "expected")
	for range 2 { // the second replaces the first
		if err := k.Set(p, nil); err != nil {
			t.Fatal(err)
		}
	}
}
