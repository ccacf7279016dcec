package nn_test

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// A layer's variables have PyTorch's keys, so that a weight file needs no table of names.
func ExampleConv2D() {
	engine, err := compute.NewWithConfig("go")
	if err != nil {
		panic(err)
	}
	defer engine.Finalize()
	g := NewGraph(engine, "stem")
	images := Parameter(g, "images", shapes.Make(dtypes.Float32, 1, 224, 224, 3))

	pass := &nn.Pass{Record: func(p nn.Param) { fmt.Println(p.Key, p.Shape) }}
	s := nn.NewScope(model.NewStore(), pass)
	x := nn.Conv2D(s.In("conv1"), images, 64, 7).Stride(2).Pad(3).Done()
	x = nn.ReLU(nn.BatchNorm(s.In("bn1"), x).Done())
	fmt.Println(x.Shape().Dimensions)
	// Output:
	// conv1.weight [64 3 7 7]
	// bn1.weight [64]
	// bn1.bias [64]
	// bn1.running_mean [64]
	// bn1.running_var [64]
	// [1 112 112 64]
}
