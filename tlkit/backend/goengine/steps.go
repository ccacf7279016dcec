package goengine

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// maker makes the step of a native node. reads are the values that the step reads; they may skip nodes that the step
// computes itself.
type maker struct {
	reads []*value
	what  string
	// run computes the step. after is nil unless rows is true; the step calls it once, when its first output has
	// memory.
	run  func(r *run, in, out []int, after func(y []float32) kernels.After)
	rows bool
}

// then returns the function to call after each piece of y; nil if there is none.
func then(after func(y []float32) kernels.After, y []float32) kernels.After {
	if after == nil {
		return nil
	}
	return after(y)
}

// stepFor returns the maker of a node's step, made once; nil if this engine does not compute the node. Chains of
// elementwise operations are in chain.go.
func (p *planner) stepFor(n *node) *maker {
	m, ok := p.makers[n]
	if !ok {
		m = makerFor(n, p.b.engine.Kernels)
		p.makers[n] = m
	}
	return m
}

// makerFor makes the maker of a node's step, with convolutions and products of the set.
func makerFor(n *node, set kernels.Set) *maker {
	if n.op == compute.OpTypeConvertDType {
		return bytesStep(n)
	}
	for _, v := range n.inputs {
		if !isFloat(v) {
			return nil
		}
	}
	if len(n.outputs) == 0 || !isFloat(n.outputs[0]) {
		return nil
	}
	switch n.op {
	case compute.OpTypeConvGeneral:
		return convStep(n, set)
	case compute.OpTypeDotGeneral:
		return dotStep(n, set)
	case compute.OpTypeBatchNormForTraining:
		return normStep(n)
	case compute.OpTypeBatchNormGradient:
		return normGradientStep(n)
	case compute.OpTypeReduceWindow, compute.OpTypeSelectAndScatterMax:
		return poolStep(n)
	case compute.OpTypeReduceSum:
		return sumStep(n)
	case compute.OpTypeReduceMax:
		return maxStep(n)
	}
	if moves[n.op] {
		return moveStep(n)
	}
	return nil
}

func (p *planner) step(m *maker, outputs []*value) step {
	s := step{what: m.what}
	for _, v := range m.reads {
		s.inputs = append(s.inputs, p.slotOf(v))
	}
	for _, v := range outputs {
		s.outputs = append(s.outputs, p.newSlot(v))
	}
	in, out := s.inputs, s.outputs
	s.run = func(r *run) error {
		m.run(r, in, out, nil)
		return nil
	}
	return s
}

func dims(v *value) []int { return v.shape.Dimensions }

func pairOr(list []int, fallback int) [2]int {
	if len(list) == 0 {
		return [2]int{fallback, fallback}
	}
	return [2]int{max(1, list[0]), max(1, list[1])}
}

// convStep computes convolutions, and the gradients of their kernels, of images [batch, height, width, channels]; nil
// for other layouts.
func convStep(n *node, set kernels.Set) *maker {
	a := n.attrs.(convAttrs)
	switch {
	case len(dims(n.inputs[0])) != 4:
		return nil
	case a.forward():
		return forwardStep(n, a, set)
	case a.kernelGradient():
		return kernelGradientStep(n, a, set)
	}
	return nil
}

// padding returns the zeros before the first row and column.
func (a convAttrs) padding() (pad [2]int) {
	for i, p := range a.paddings {
		pad[i] = p[0]
	}
	return pad
}

func axesAre(got []int, want ...int) bool { return slices.Equal(got, want) }

// forward reports whether the convolution is one of images with a kernel.
func (a convAttrs) forward() bool {
	ax := a.axes
	return ax.InputBatch == 0 && ax.InputChannels == 3 && axesAre(ax.InputSpatial, 1, 2) &&
		ax.OutputBatch == 0 && ax.OutputChannels == 3 && axesAre(ax.OutputSpatial, 1, 2) && axesAre(ax.KernelSpatial, 0, 1) && a.batchGroups <= 1
}

// kernelGradient reports whether the convolution is one of images with adjoints, over the batch.
func (a convAttrs) kernelGradient() bool {
	ax := a.axes
	return ax.InputBatch == 3 && ax.InputChannels == 0 && axesAre(ax.InputSpatial, 1, 2) &&
		ax.KernelInputChannels == 0 && ax.KernelOutputChannels == 3 && axesAre(ax.KernelSpatial, 1, 2) &&
		ax.OutputBatch == 2 && ax.OutputChannels == 3 && axesAre(ax.OutputSpatial, 0, 1) && a.groups <= 1 && !isDilated(a.inDilations)
}

func forwardStep(n *node, a convAttrs, set kernels.Set) *maker {
	x, w, y := n.inputs[0], n.inputs[1], n.outputs[0]
	g := kernels.Geometry{Batch: dims(x)[0], InC: dims(x)[3], OutC: dims(y)[3], Pad: a.padding(),
		In: [2]int(dims(x)[1:3]), Out: [2]int(dims(y)[1:3]), Kernel: [2]int(dims(w)[:2]),
		Stride: pairOr(a.strides, 1), InDilation: pairOr(a.inDilations, 1), KernelDilation: pairOr(a.kernelDilations, 1),
		Groups: max(1, a.groups)}
	layout := kernels.KernelLayout{OutIn: a.axes.KernelInputChannels == 3}
	if r := w.node; r.op == compute.OpTypeReverse { // a flipped kernel is read backwards
		if axes := slices.Sorted(slices.Values(r.attrs.([]int))); axesAre(axes, 0, 1) {
			layout.Flipped = true
			w = r.inputs[0]
		}
	}
	size := y.shape.Size()
	conv := set.Conv(g, layout)
	return &maker{what: "convolution", rows: true, reads: []*value{x, w}, run: func(r *run, in, out []int, after func(y []float32) kernels.After) {
		y := r.output(out[0], size)
		conv(y, r.floats(in[0]), r.floats(in[1]), then(after, y))
	}}
}

// kernelGradientStep exchanges strides and dilations: the convolution's stride is the distance of the kernel's taps.
func kernelGradientStep(n *node, a convAttrs, set kernels.Set) *maker {
	x, v, dw := n.inputs[0], n.inputs[1], n.outputs[0]
	g := kernels.Geometry{Batch: dims(x)[0], InC: dims(x)[3], OutC: dims(v)[3], Pad: a.padding(),
		In: [2]int(dims(x)[1:3]), Out: [2]int(dims(v)[1:3]), Kernel: [2]int(dims(dw)[:2]),
		Stride: pairOr(a.kernelDilations, 1), KernelDilation: pairOr(a.strides, 1), InDilation: [2]int{1, 1},
		Groups: max(1, a.batchGroups)}
	size := dw.shape.Size()
	gradient := set.KernelGradient(g)
	return &maker{what: "kernel gradient", reads: []*value{x, v}, run: func(r *run, in, out []int, after func(y []float32) kernels.After) {
		gradient(r.output(out[0], size), r.floats(in[0]), r.floats(in[1]))
	}}
}

// dotStep computes products of matrices; any number of leading axes are joined into one.
func dotStep(n *node, set kernels.Set) *maker {
	a := n.attrs.(dotAttrs)
	for _, d := range []dtypes.DType{a.config.AccumulatorDType, a.config.OutputDType} {
		if d != dtypes.InvalidDType && d != dtypes.Float32 {
			return nil
		}
	}
	x, w := n.inputs[0], n.inputs[1]
	if len(a.lhsBatch) > 0 {
		return productsStep(n, a, set)
	}
	rx, rw := len(dims(x)), len(dims(w))
	if rx == 0 || rw == 0 {
		return nil
	}
	size := n.outputs[0].shape.Size()
	leading := func(axes []int, rank int) bool { // the first axes, all but one
		for i, a := range axes {
			if a != i {
				return false
			}
		}
		return len(axes) == rank-1
	}
	switch {
	case slices.Equal(a.lhsContracting, []int{rx - 1}) && rw == 2 && len(a.rhsContracting) == 1:
		k := dims(x)[rx-1]
		g := kernels.OfRows(x.shape.Size()/k, k, dims(w)[1-a.rhsContracting[0]])
		conv := set.Conv(g, kernels.KernelLayout{OutIn: a.rhsContracting[0] == 1})
		return &maker{what: "product", rows: true, reads: []*value{x, w}, run: func(r *run, in, out []int, after func(y []float32) kernels.After) {
			y := r.output(out[0], size)
			conv(y, r.floats(in[0]), r.floats(in[1]), then(after, y))
		}}
	case leading(a.lhsContracting, rx) && leading(a.rhsContracting, rw) && rx == rw && rx > 1:
		k := dims(x)[rx-1]
		gradient := set.KernelGradient(kernels.OfRows(x.shape.Size()/k, k, dims(w)[rw-1]))
		return &maker{what: "product", reads: []*value{x, w}, run: func(r *run, in, out []int, after func(y []float32) kernels.After) {
			gradient(r.output(out[0], size), r.floats(in[0]), r.floats(in[1]))
		}}
	}
	return nil
}

// productsStep computes products of matrices whose leading axes number them.
func productsStep(n *node, a dotAttrs, set kernels.Set) *maker {
	x, w := dims(n.inputs[0]), dims(n.inputs[1])
	first := len(a.lhsBatch)
	for i := range first {
		if a.lhsBatch[i] != i || a.rhsBatch[i] != i {
			return nil
		}
	}
	if len(x) != first+2 || len(w) != first+2 || len(a.lhsContracting) != 1 {
		return nil
	}
	p := kernels.Product{TransposedA: a.lhsContracting[0] == first, TransposedB: a.rhsContracting[0] == first+1, Batch: 1}
	for _, d := range x[:first] {
		p.Batch *= d
	}
	p.K, p.M, p.N = x[a.lhsContracting[0]], x[first], w[first+1]
	if p.TransposedA {
		p.M = x[first+1]
	}
	if p.TransposedB {
		p.N = w[first]
	}
	products, size := set.Product(p), n.outputs[0].shape.Size()
	if products == nil {
		return nil
	}
	return &maker{what: "products", reads: n.inputs, run: func(r *run, in, out []int, _ func(y []float32) kernels.After) {
		products(r.output(out[0], size), r.floats(in[0]), r.floats(in[1]))
	}}
}

func normStep(n *node) *maker {
	e := n.attrs.(normAttrs).epsilon
	size, c := n.outputs[0].shape.Size(), n.outputs[1].shape.Size()
	return &maker{what: "batch norm", rows: true, reads: n.inputs, run: func(r *run, in, out []int, after func(y []float32) kernels.After) {
		mean, variance := r.output(out[1], c), r.output(out[2], c)
		x, scale, offset := r.floats(in[0]), r.floats(in[1]), r.floats(in[2])
		inPlace := in[:1]
		if after != nil { // what follows may read x, too
			inPlace = nil
		}
		y := r.output(out[0], size, inPlace...)
		kernels.BatchNorm(r.team(), y, mean, variance, x, scale, offset, e, then(after, y))
	}}
}

// spreadStep returns the maker of the step of a norm whose readers compute the result themselves, and what it writes:
// see spread.go.
func (p *planner) spreadStep(n *node) (*maker, []*value) {
	e := n.attrs.(normAttrs).epsilon
	c := n.outputs[1].shape.Size()
	m := &maker{what: "batch statistics", reads: n.inputs}
	m.run = func(r *run, in, out []int, _ func([]float32) kernels.After) {
		mean, variance, gain, shift := r.output(out[0], c), r.output(out[1], c), r.output(out[2], c), r.output(out[3], c)
		kernels.BatchStatistics(r.team(), gain, shift, mean, variance, r.floats(in[0]), r.floats(in[1]), r.floats(in[2]), e)
	}
	return m, append(slices.Clone(n.outputs[1:]), p.spread[n]...)
}

func normGradientStep(n *node) *maker {
	e := n.attrs.(normAttrs).epsilon
	size, c := n.outputs[0].shape.Size(), n.outputs[1].shape.Size()
	return &maker{what: "batch norm gradient", reads: n.inputs, run: func(r *run, in, out []int, after func(y []float32) kernels.After) {
		scale, offset := r.output(out[1], c), r.output(out[2], c)
		x, gain, mean, variance, v := r.floats(in[0]), r.floats(in[1]), r.floats(in[2]), r.floats(in[3]), r.floats(in[4])
		kernels.BatchNormGradient(r.team(), r.output(out[0], size, in[4], in[0]), scale, offset, x, gain, mean, variance, v, e, nil)
	}}
}

func poolStep(n *node) *maker {
	a, ok := n.attrs.(poolAttrs)
	if !ok {
		return nil
	}
	x, y := n.inputs[0], n.outputs[0]
	if n.op == compute.OpTypeSelectAndScatterMax {
		y = n.inputs[1]
	}
	strides := a.strides
	if len(strides) == 0 {
		strides = a.window
	}
	if len(dims(x)) != 4 || len(a.window) != 4 || a.window[0] != 1 || a.window[3] != 1 || strides[0] != 1 || strides[3] != 1 {
		return nil
	}
	g := kernels.Geometry{Batch: dims(x)[0], In: [2]int(dims(x)[1:3]), Out: [2]int(dims(y)[1:3]), InC: dims(x)[3], OutC: dims(x)[3],
		Kernel: [2]int(a.window[1:3]), Stride: [2]int(strides[1:3]), KernelDilation: [2]int{1, 1}, InDilation: [2]int{1, 1}, Groups: 1}
	for i, p := range a.paddings {
		if i == 0 || i == 3 {
			if p != [2]int{} {
				return nil
			}
			continue
		}
		g.Pad[i-1] = p[0]
	}
	size := n.outputs[0].shape.Size()
	switch {
	case n.op == compute.OpTypeSelectAndScatterMax:
		return &maker{what: "max pool gradient", reads: n.inputs, run: func(r *run, in, out []int, after func(y []float32) kernels.After) {
			kernels.MaxPoolGradient(r.team(), r.output(out[0], size), r.floats(in[0]), r.floats(in[1]), g)
		}}
	case a.kind == compute.ReduceOpMax:
		return &maker{what: "max pool", reads: n.inputs, run: func(r *run, in, out []int, after func(y []float32) kernels.After) {
			kernels.MaxPool(r.team(), r.output(out[0], size), r.floats(in[0]), g)
		}}
	case a.kind == compute.ReduceOpSum:
		return &maker{what: "sum pool", reads: n.inputs, run: func(r *run, in, out []int, after func(y []float32) kernels.After) {
			kernels.SumPool(r.team(), r.output(out[0], size), r.floats(in[0]), g)
		}}
	}
	return nil
}

// sumSizes returns the sizes of a sum over neighbouring axes: those before them, of them, and behind them. ok is false
// for a sum over others.
func sumSizes(n *node) (outer, middle, inner int, ok bool) {
	axes := slices.Sorted(slices.Values(n.attrs.([]int)))
	d := dims(n.inputs[0])
	first, last := 0, len(d)
	if len(axes) > 0 {
		first, last = axes[0], axes[len(axes)-1]+1
	}
	outer, middle, inner = 1, 1, 1
	for i, size := range d {
		switch {
		case i < first:
			outer *= size
		case i < last:
			middle *= size
		default:
			inner *= size
		}
	}
	return outer, middle, inner, len(axes) == 0 || last-first == len(axes)
}

// sumStep computes sums over neighbouring axes.
func sumStep(n *node) *maker {
	outer, middle, inner, ok := sumSizes(n)
	if !ok {
		return nil
	}
	return &maker{what: "sum", reads: n.inputs, run: func(r *run, in, out []int, after func(y []float32) kernels.After) {
		x := r.floats(in[0])
		kernels.SumRows(r.team(), r.output(out[0], outer*inner), x, outer, middle, inner)
	}}
}
