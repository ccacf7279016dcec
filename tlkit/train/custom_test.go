package train_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// ownNet is a network as a GoMLX user writes it, in GoMLX's layers.
func ownNet(scope *model.Scope, x *Node) *Node {
	x = layers.Convolution(scope.In("conv"), x).Channels(4).KernelSize(3).PadSame().Done()
	x = activation.Relu(x)
	// A running mean of its own, as GoMLX's BatchNorm has, which the pure-Go engine lacks.
	mean := scope.In("centre").VariableWithShape("mean", shapes.Make(x.DType(), 4)).SetTrainable(false)
	if g := x.Graph(); scope.IsTraining(g) {
		mean.SetNodeValue(StopGradient(Add(MulScalar(mean.NodeValue(g), 0.9), MulScalar(ReduceMean(x, 0, 1, 2), 0.1))))
	}
	x = Sub(x, Reshape(mean.NodeValue(x.Graph()), 1, 1, 1, 4))
	x = ReduceMean(x, 1, 2)
	return activation.Relu(layers.Dense(scope.In("dense"), x, true, 6))
}

// TestOwnModel: a plain GoMLX function is trained, frozen to the bit, saved and opened again like a model of the zoo.
func TestOwnModel(t *testing.T) {
	zoo.Register(zoo.Custom("own-net", side, ownNet))
	m, err := zoo.Load("own-net", zoo.LoadOptions{Weights: zoo.Random, Classes: []string{"a", "b", "c"}, Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	again, err := zoo.Load("own-net", zoo.LoadOptions{Weights: zoo.Random, Classes: []string{"a", "b", "c"}, Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, m)
	if !reflect.DeepEqual(before, snapshot(t, again)) {
		t.Error("equal seeds, different starting values")
	}
	other, _ := zoo.Load("own-net", zoo.LoadOptions{Weights: zoo.Random, Classes: []string{"a", "b", "c"}, Seed: 5})
	if key := "features.conv.conv.weights"; slices.Equal(before[key], snapshot(t, other)[key]) || slices.Max(before[key]) == 0 {
		t.Error("different seeds, equal starting values, or none")
	}
	if n, _ := m.NumParams(); n != 3*3*3*4+4+4*6+6+6*3+3 {
		t.Errorf("%d parameters", n)
	}
	run := compare(t, quick(t), "r", paint(t), m, strategy.Transfer{}, strategy.FineTune{}, strategy.Scratch{})
	for strategy, changes := range map[string]func(nn.Param) bool{
		"transfer": m.InHead,
		"finetune": func(nn.Param) bool { return true },
	} {
		after := saved(t, run, strategy, "checkpoint.safetensors")
		for _, p := range m.Params() {
			if same := slices.Equal(before[p.Key], after[p.Key]); same != !changes(p) {
				t.Errorf("%s: %s is equal to the start %v", strategy, p.Key, same)
			}
		}
	}
	opened, err := train.Open(strings.TrimSuffix(run.Dir, "/r"), "r")
	if err != nil {
		t.Fatal(err)
	}
	trained, err := result(t, opened, "finetune").Model()
	if err != nil {
		t.Fatal(err)
	}
	if got := snapshot(t, trained); !reflect.DeepEqual(got, saved(t, run, "finetune", "best.safetensors")) {
		t.Error("the model of the opened run has other values than were saved")
	}
	image, err := paint(t).Val.Image(0)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := trained.Predict(image, 3); err != nil || len(p) != 3 || !slices.Contains(colours, p[0].Class) {
		t.Errorf("prediction %v, %v", p, err)
	}
	// Evaluation follows the running averages that training leaves: the best epoch's accuracy is the model's.
	logits := 0
	for i, label := range result(t, opened, "finetune").Predictions.Labels {
		image, err := paint(t).Val.Image(i)
		if err != nil {
			t.Fatal(err)
		}
		p, err := trained.Predict(image, 1)
		if err != nil {
			t.Fatal(err)
		}
		if p[0].Index == label {
			logits++
		}
	}
	if best, _ := result(t, opened, "finetune").Best(); best.ValAccuracy != float64(logits)/9 {
		t.Errorf("the opened model has %d hits of 9, the run says %.3f", logits, best.ValAccuracy)
	}
}

// TestHidden: the head of Transfer with a hidden layer is trained as a whole, comes back from the saved run, and the
// backbone stays.
func TestHidden(t *testing.T) {
	zoo.Register(tinySpec())
	m := pretrained(t)
	before := snapshot(t, m)
	run := compare(t, quick(t), "r", paint(t), m, strategy.Transfer{Hidden: 5})
	if got := run.Results[0].Trainable; got != 8*5+5+5*3+3 {
		t.Errorf("%d trained values", got)
	}
	after := saved(t, run, "transfer", "best.safetensors")
	if len(after["fc.hidden.weight"]) != 8*5 || len(after["fc.weight"]) != 5*3 {
		t.Errorf("head of %d and %d values", len(after["fc.hidden.weight"]), len(after["fc.weight"]))
	}
	for key, v := range before {
		if !strings.HasPrefix(key, "fc.") && !slices.Equal(v, after[key]) {
			t.Errorf("%s has changed", key)
		}
	}
	trained, err := run.Results[0].Model()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(snapshot(t, trained), after) {
		t.Error("the model opened has other values than were saved")
	}
	_, err = quick(t).Compare(t.Context(), "r", paint(t), m, strategy.Transfer{Hidden: -1})
	wantError(t, err, "width -1", "at least 1")
}
