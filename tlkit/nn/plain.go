package nn

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	_ "github.com/gomlx/compute/gobackend" // computes starting values
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
)

// PlainGoMLX builds a part of a network with an ordinary GoMLX model function, in GoMLX's own layers. Its variables are
// trained, frozen, saved and loaded like all others, under the scope's key and GoMLX's names. The function runs in the
// training mode of the pass; but a part without trained variables runs in inference mode, so that its running averages
// stay as they are. All variables must be float32.
//
// GoMLX v0.28's BatchNorm does not run on the pure-Go engine; [BatchNorm] runs on all engines. GoMLX's dropout uses a
// random generator whose state is not in checkpoints; [Dropout] uses that of the pass.
func PlainGoMLX(s *Scope, x *Node, build func(scope *model.Scope, x *Node) *Node) *Node {
	g, store := x.Graph(), s.store
	root := Param{Key: s.key}.Path()
	own := func() map[string]*model.Variable {
		vars := map[string]*model.Variable{}
		for v := range store.IterVariables() {
			if strings.HasPrefix(v.Path(), root+"/") {
				vars[v.Path()] = v
			}
		}
		return vars
	}
	// GoMLX's layers mark their variables as trainable whenever they are built; afterwards the marks are restored.
	flags := map[string]bool{}
	trained := false
	for path, v := range own() {
		v.NodeValue(g) // before the mode changes: in training mode variables are inputs of the graph, not constants
		flags[path] = v.Trainable
		trained = trained || v.Trainable
	}
	mode := store.IsTraining(g)
	store.SetTraining(g, s.Pass.Training && (trained || s.Pass.BatchStatsWhenFrozen))
	y := build(store.Scope(root), x)
	store.SetTraining(g, mode)

	made := own()
	for _, path := range slices.Sorted(maps.Keys(made)) {
		v := made[path]
		if v.DType() != dtypes.Float32 {
			exceptions.Panicf("nn: variable %q of a GoMLX function is %s; only float32 can be saved with a model", path, v.DType())
		}
		buffer := "/#buffer" + path
		if was, ok := flags[path]; ok {
			v.SetTrainable(was)
		} else {
			store.SetParam(buffer, !v.Trainable)
			if err := v.SetValue(tensors.FromShape(v.Shape())); err != nil { // its starting value comes from plainInit
				panic(err)
			}
		}
		isBuffer, _ := store.GetParam(buffer)
		if s.Pass.Record != nil {
			s.Pass.Record(Param{Key: strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "."), Shape: v.Shape().Dimensions,
				Init: plainInit(store, v), Buffer: isBuffer == true, Stage: s.Pass.Stage})
		}
	}
	return y
}

// plainInit returns an Init that runs the variable's own GoMLX initialiser, with the store's generator seeded from rng.
func plainInit(store *model.Store, v *model.Variable) Init {
	return func(rng *rand.Rand, _ []int, values []float32) {
		err := func() error {
			backend, err := compute.NewWithConfig("go")
			if err != nil {
				return err
			}
			defer backend.Finalize()
			store.SetParam(model.ParamInitialSeed, int64(rng.Uint64()>>1)|1)
			if err := store.ResetRNGState(); err != nil {
				return err
			}
			if err := v.Reset(); err != nil {
				return err
			}
			if err := store.InitializeVariables(backend, nil); err != nil {
				return err
			}
			value, err := v.Value()
			if err != nil {
				return err
			}
			copy(values, tensors.MustCopyFlatData[float32](value))
			// A copy: values on this engine are lost when it is finalized.
			return v.SetValue(tensors.FromFlatDataAndDimensions(slices.Clone(values), v.Shape().Dimensions...))
		}()
		if err != nil {
			panic(fmt.Errorf("nn: starting value of %q: %w", v.Path(), err))
		}
	}
}
