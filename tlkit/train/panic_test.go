package train_test

import (
	"context"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestPanics: a panic with a text in a function of the user's that builds a part of a graph is an error of the
// training.
func TestPanics(t *testing.T) {
	// afterBuild returns a function that panics when it is called for a graph after the one that makes the variables.
	afterBuild := func() func(x *Node) *Node {
		calls := 0
		return func(x *Node) *Node {
			if calls++; calls > 1 {
				panic("boom")
			}
			return x
		}
	}
	for name, change := range map[string]func(p *train.Plan){
		"loss": func(p *train.Plan) { p.Loss = func(*train.Step) *Node { panic("boom") } },
		"a loss's number": func(p *train.Plan) {
			p.Loss = func(s *train.Step) *Node {
				var boom struct{ int }
				panic(boom)
			}
		},
		"preparation": func(p *train.Plan) {
			p.Before = func(ctx context.Context, p *train.Preparation) error {
				return p.Each(ctx, paint(t).Train, 4, func(_, _ *Node) []*Node { panic("boom") }, nil)
			}
		},
		"head": func(p *train.Plan) {
			p.Heads = []train.Head{{Name: "h", Forward: func(*nn.Scope, *Node) *Node { panic("boom") }}}
		},
		"head in the step": func(p *train.Plan) {
			later := afterBuild()
			p.Heads = []train.Head{{Name: "h", Forward: func(s *nn.Scope, x *Node) *Node { return later(nn.Linear(s, x, 3)) }}}
			p.Loss = func(s *train.Step) *Node { return Add(s.Loss, ReduceAllSum(s.Head("h", s.Features))) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := "boom"
			if name == "a loss's number" {
				want = "panic: {0}"
			}
			_, err := quick(t).Compare(context.Background(), "r", paint(t), pretrained(t), planned{change})
			wantError(t, err, want)
		})
	}
	t.Run("network", func(t *testing.T) {
		spec := tinySpec()
		batches := func(_ *nn.Scope, x *Node) *Node {
			if x.Shape().Dimensions[0] > 1 {
				panic("boom")
			}
			return nn.GlobalMeanPool(x)
		}
		build := spec.Build
		spec.Build = func() zoo.Architecture {
			a := build()
			a.Stages[3].Forward = batches
			return a
		}
		m := pretend(t, spec)
		_, err := quick(t).Compare(context.Background(), "r", paint(t), m, strategy.Scratch{})
		wantError(t, err, "boom")
		_, err = m.Features(paint(t).Val, "")
		wantError(t, err, "boom")
		m.Release()
	})
}
