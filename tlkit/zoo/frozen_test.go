package zoo_test

import (
	"io"
	"os"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestFrozenPartCostsForwardOnly reads the pure-Go engine's plan of a training step of the head alone: every
// convolution runs once, with its norm and activation in the same pass (those of the last are computed where they are
// averaged); there are no gradients of kernels or norms and no statistics of batches. A step that trains everything has
// them all.
func TestFrozenPartCostsForwardOnly(t *testing.T) {
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	if engine.Backend.Name() != goengine.FullName {
		t.Skip("another engine computes: ", engine.Config)
	}
	spec, err := zoo.Info("resnet20")
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.New(spec, []string{"a", "b"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	const convolutions = 19
	for _, frozen := range []bool{true, false} {
		m.SetTrainable(func(p nn.Param) bool { return !frozen || strings.HasPrefix(p.Key, m.HeadKey()) })
		plan := planOf(t, func() {
			e, err := model.NewExec(engine.Backend, m.Store(), func(_ *model.Scope, x *Node) []*Node {
				m.Store().SetTraining(x.Graph(), true)
				loss := ReduceAllSum(LogSoftmax(m.Forward(&nn.Pass{Training: true}, x), -1))
				var ws []*Node
				for _, p := range m.Params() {
					if m.Variable(p).Trainable && !p.Buffer {
						ws = append(ws, m.Variable(p).NodeValue(x.Graph()))
					}
				}
				return append(Gradient(loss, ws...), loss)
			})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Finalize()
			if _, err := e.Call(tensors.FromFlatDataAndDimensions(make([]float32, 2*8*8*3), 2, 8, 8, 3)); err != nil {
				t.Fatal(err)
			}
		})
		count := func(what string) int { return strings.Count(plan, what) }
		forward, kernels, norms := count("convolution"), count("kernel gradient"), count("batch norm")
		if frozen && (forward != convolutions || kernels != 0 || norms != 0 || count("convolution and chain") != convolutions-1) {
			t.Errorf("the head alone: %d convolutions, %d of them with their norm, %d kernel gradients, %d norms; want %d, all but one, none, none\n%s",
				forward, count("convolution and chain"), kernels, norms, convolutions, plan)
		}
		if !frozen && (forward != 2*convolutions-1 || kernels != convolutions || norms != 2*convolutions) {
			t.Errorf("everything: %d convolutions (with the gradients of their inputs), %d kernel gradients, %d norms; want %d, %d, %d",
				forward, kernels, norms, 2*convolutions-1, convolutions, 2*convolutions)
		}
	}
}

// planOf returns what the engine prints of its plans while f runs.
func planOf(t *testing.T, f func()) string {
	t.Helper()
	t.Setenv("TLKIT_GO_PLAN", "1")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stderr
	os.Stderr = write
	text := make(chan string)
	go func() {
		all, _ := io.ReadAll(read) // the pipe ends when it is closed below
		text <- string(all)
	}()
	func() {
		defer func() { os.Stderr = old; write.Close() }()
		f()
	}()
	return <-text
}
