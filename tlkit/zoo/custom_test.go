package zoo_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestRegister: one's own model is found by its name in any case, a second registration replaces the first, and the
// names of the zoo are taken.
func TestRegister(t *testing.T) {
	width := func(n int) zoo.Spec {
		return zoo.Custom("Mine", 8, func(scope *model.Scope, x *Node) *Node {
			return layers.Dense(scope.In("d"), ReduceMean(x, 1, 2), true, n)
		})
	}
	for n := 2; n < 4; n++ {
		zoo.Register(width(n))
		for _, name := range []string{"Mine", "Mine.random"} {
			spec, err := zoo.Info(name)
			if err != nil {
				t.Fatal(err)
			}
			m, err := zoo.New(spec, []string{"a", "b"}, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := m.NumParams(); got != 3*n+n+2*n+2 {
				t.Errorf("%d parameters at width %d", got, n)
			}
		}
	}
	if names := zoo.List(zoo.Filter{Family: "custom"}); !slices.Contains(names, "Mine") {
		t.Errorf("not among %q", names)
	}
	for _, bad := range []zoo.Spec{{}, {Name: "x", InputSize: 8}, zoo.Custom("resnet18", 8, nil), zoo.Custom("y", 0, nil)} {
		func() {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, "Register") {
					t.Errorf("%q: panic %q", bad.Name, said)
				}
			}()
			zoo.Register(bad)
		}()
	}
	broken := zoo.Custom("broken", 8, func(scope *model.Scope, x *Node) *Node {
		return ConvertDType(scope.VariableWithValue("n", int32(1)).NodeValue(x.Graph()), x.DType())
	})
	if _, err := zoo.New(broken, []string{"a"}, 0); err == nil || !strings.Contains(err.Error(), "float32") {
		t.Errorf("error %v, want one on the variable's type", err)
	}
	for name, spec := range map[string]zoo.Spec{
		"function": zoo.Custom("panics", 8, func(*model.Scope, *Node) *Node { panic("boom") }),
		"starting values": zoo.Custom("panics", 8, func(scope *model.Scope, x *Node) *Node {
			own := scope.WithInitializer(func(*Graph, shapes.Shape) *Node { panic("boom") })
			return layers.Dense(own.In("d"), ReduceMean(x, 1, 2), true, 2)
		}),
	} {
		if _, err := zoo.New(spec, []string{"a"}, 0); err == nil || !strings.Contains(err.Error(), "boom") {
			t.Errorf("%s: error %v, want what it panics with", name, err)
		}
	}
}
