package train

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/distributed"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/dtensor"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// devices are those that share each training step (Recipe.Devices): each has a copy of all variables, and an equal part
// of the batch. The graph is that of the whole batch, which XLA divides (Xu et al. 2021, GSPMD, arXiv 2105.04663). So
// the step is that of one device, in another order of additions: BatchNorm's statistics are those of all images of the
// batch. PyTorch's DistributedDataParallel has statistics of each part, unless SyncBatchNorm takes BatchNorm's place.
type devices struct {
	n int
	// all is how variables and numbers are placed: everything on each device; images is how batches are:
	// some rows on each.
	all, images *distributed.ShardingSpec
}

// newDevices returns n devices of an engine; nil for one.
func newDevices(engine compute.Backend, config string, n int) (*devices, error) {
	if n <= 1 {
		return nil, nil
	}
	if has := engine.NumDevices(); has < n {
		return nil, fmt.Errorf("tlkit: Recipe.Devices is %d, but the engine %s has %d; XLA has several: install it (./install.sh --engine xla, or cuda) and set GOMLX_BACKEND=xla:cpu, or xla:cuda for GPUs", n, config, has)
	}
	mesh, err := distributed.NewDeviceMesh([]int{n}, []string{"images"})
	if err != nil {
		return nil, err
	}
	images, err := distributed.BuildSpec(mesh).S("images").Done()
	return &devices{n: n, all: distributed.NewReplicatedShardingSpec(mesh), images: images}, err
}

// divided is a step that several devices share.
type divided struct {
	*devices
	// perImage says which inputs have a row for each image.
	perImage []bool
	// parts computes a batch that can be divided evenly, whole computes any batch on every device.
	parts, whole *model.Exec
}

// newStep compiles a step for the engine of steps and its devices. perImage says which of its inputs have
// a row for each image.
func newStep(e enginePair, store *model.Store, perImage []bool, build func([]*Node) []*Node) (*executor, error) {
	graph := func(_ *model.Scope, in []*Node) []*Node { return build(in) }
	if e.devices == nil {
		return newExecutor(e.steps, store, graph)
	}
	d := &divided{devices: e.devices, perImage: perImage}
	var specs []*distributed.ShardingSpec
	for _, has := range perImage {
		specs = append(specs, d.place(has))
	}
	var err error
	if d.parts, err = nn.NewModelExec(e.steps, store, graph); err != nil {
		return nil, err
	}
	if d.whole, err = nn.NewModelExec(e.steps, store, graph); err != nil {
		return nil, err
	}
	d.parts.AutoSharding(d.all.Mesh).WithInputShardingSpecs(specs...).WithOutputShardingSpecs(d.all)
	d.whole.AutoSharding(d.all.Mesh).WithInputShardingSpecs(d.all).WithOutputShardingSpecs(d.all)
	return &executor{Exec: d.parts, engine: e.steps, store: store, divided: d}, nil
}

// place is where an input is.
func (d *devices) place(perImage bool) *distributed.ShardingSpec {
	if perImage {
		return d.images
	}
	return d.all
}

// call runs the step. The outputs are those of the first device; all have the same.
func (d *divided) call(in []any) (out []*tensors.Tensor, err error) {
	values := make([]*tensors.Tensor, len(in))
	exec := d.parts
	for i, one := range in {
		if values[i], err = tensors.FromAnyValue(one); err != nil {
			return nil, err
		}
		if d.perImage[i] && values[i].Shape().Dimensions[0]%d.n != 0 {
			exec = d.whole
		}
	}
	args := make([]any, len(in))
	for i, value := range values {
		placed, err := dtensor.ShardTensor(d.place(d.perImage[i] && exec == d.parts), value)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, placed.Finalize()) }()
		args[i] = placed
	}
	all, err := exec.Call(args...)
	if err != nil {
		return nil, err
	}
	out = all[:len(all)/d.n]
	for _, copied := range all[len(out):] {
		if err := copied.FinalizeAll(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// finalize frees both graphs.
func (d *divided) finalize() {
	d.parts.Finalize()
	d.whole.Finalize()
}
