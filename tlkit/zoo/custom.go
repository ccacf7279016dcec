package zoo

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// CustomFamily is Spec.Family of a network that [Custom] describes.
const CustomFamily = "custom"

// Custom describes a network of your own, given as an ordinary GoMLX model function from images
// [batch, size, size, 3], normalised, to features [batch, features]; a linear output layer is put on top.
//
//	zoo.Register(zoo.Custom("mine", 32, func(scope *model.Scope, x *Node) *Node {
//		x = layers.Convolution(scope.In("conv"), x).Channels(16).KernelSize(3).PadSame().Done()
//		x = activation.Relu(x)
//		return ReduceMean(x, 1, 2)
//	}))
//	m, err := zoo.Load("mine", zoo.LoadOptions{Weights: zoo.Random})
//
// It is one stage, "features". For several, to freeze some of them, or for the layers of package nn, which are fast
// on every engine, write a [Spec] with a Build function; [Plain] makes a stage of a GoMLX function.
func Custom(name string, size int, features func(scope *model.Scope, x *Node) *Node) Spec {
	return Spec{
		Name: name, Family: CustomFamily, InputSize: size, MinSize: size,
		Build: func() Architecture {
			return Architecture{Stages: []Stage{Plain("features", features)}, Head: linearHead("head")}
		},
	}
}

// Plain is a stage built by an ordinary GoMLX model function; see [nn.PlainGoMLX]. Its variables lie under its name.
func Plain(name string, f func(scope *model.Scope, x *Node) *Node) Stage {
	return Stage{Name: name, Forward: func(s *nn.Scope, x *Node) *Node { return nn.PlainGoMLX(s.In(name), x, f) }}
}

// Register adds a model of your own to the zoo, so that Load, and runs that are opened again, find it by its name. It
// panics if the Spec has no name or no Build function, or has the name of a model that comes with the zoo. Registering
// a model of your own again replaces it, since a notebook cell may run twice. Where every cell is a program (GoNB),
// call it in a function named init_..., which runs in all later cells.
func Register(s Spec) {
	if s.Name == "" || s.Build == nil || s.InputSize < 1 {
		panic(fmt.Sprintf("zoo: Register: a model needs a Name, an InputSize and a Build function; got %q, %d", s.Name, s.InputSize))
	}
	if _, ok := builtIn()[s.Name]; ok {
		panic("zoo: Register: " + s.Name + " is the name of a model that comes with the zoo; choose another")
	}
	own.Lock()
	defer own.Unlock()
	own.specs[s.Name] = s
}
