package goengine

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// run is one execution of a plan.
type run struct {
	plan  *plan
	slots []held
	// dying has the slots of which the current step is the last reader.
	dying map[int]bool
}

// held is the content of a slot: values of this engine (flat alone), or a buffer of GoMLX's engine (inner) with its
// values (flat).
type held struct {
	flat  any
	inner compute.Buffer
	// owned: this run may reuse the memory. Constants, and inputs that the caller keeps, are not owned.
	owned bool
}

// team computes the operations.
func (r *run) team() kernels.Team { return r.plan.engine.Team }

// floats returns the values of a slot.
func (r *run) floats(slot int) []float32 { return r.slots[slot].flat.([]float32) }

// output returns memory for the n values of a slot: that of a slot in inPlace if that slot is dying and has the size,
// else new memory.
func (r *run) output(slot, n int, inPlace ...int) []float32 {
	for _, in := range inPlace {
		h := &r.slots[in]
		if f, ok := h.flat.([]float32); ok && h.owned && r.dying[in] && len(f) == n {
			r.slots[slot] = *h
			h.owned = false // now the output's
			return f
		}
	}
	f := r.plan.engine.memory.get(n)
	r.slots[slot] = held{flat: f, owned: true}
	return f
}

// Finalize releases the plan.
func (p *plan) Finalize() { p.steps, p.constants = nil, nil }

// Inputs returns names and shapes of the parameters.
func (p *plan) Inputs() ([]string, []shapes.Shape) { return p.names, p.inShapes }

// Outputs returns the shapes of the results.
func (p *plan) Outputs() []shapes.Shape { return p.outShapes }

// Execute runs the plan. Donated inputs may be overwritten.
func (p *plan) Execute(inputs []compute.Buffer, donate []bool, _ compute.DeviceNum) (outputs []compute.Buffer, err error) {
	if p.runner == nil {
		return p.execute(inputs, donate)
	}
	p.runner(func() { outputs, err = p.execute(inputs, donate) })
	return outputs, err
}

func (p *plan) execute(inputs []compute.Buffer, donate []bool) ([]compute.Buffer, error) {
	r, err := p.start(inputs, donate)
	if err != nil {
		return nil, err
	}
	times := p.newProfile()
	for i, s := range p.steps {
		clear(r.dying)
		for _, slot := range p.release[i] {
			r.dying[slot] = true
		}
		if err := times.timed(s, r); err != nil {
			return nil, err
		}
		for _, slot := range p.release[i] {
			r.drop(slot)
		}
	}
	times.print()
	outputs, err := r.outputs()
	if err != nil {
		return nil, err
	}
	for _, slot := range p.params { // donated, and neither read nor returned
		if !slices.Contains(p.outputs, slot) {
			r.drop(slot)
		}
	}
	p.engine.memory.ran()
	return outputs, nil
}

// start makes a run with its constants and inputs. A donated input is taken from the caller.
func (p *plan) start(inputs []compute.Buffer, donate []bool) (*run, error) {
	if len(inputs) != len(p.params) {
		return nil, errors.Errorf("tlgo: %d inputs for a computation with %d parameters", len(inputs), len(p.params))
	}
	r := &run{plan: p, slots: make([]held, p.slots), dying: map[int]bool{}}
	for s, c := range p.constants {
		r.slots[s] = held{flat: c}
	}
	for i, in := range inputs {
		b, ok := in.(*buffer)
		if !ok || b.flat == nil {
			return nil, errors.Errorf("tlgo: input %q is no live buffer of this engine", p.names[i])
		}
		if !b.shape.EqualDimensions(p.inShapes[i]) || b.shape.DType != p.inShapes[i].DType {
			return nil, errors.Errorf("tlgo: input %q has shape %s, want %s", p.names[i], b.shape, p.inShapes[i])
		}
		h := held{flat: b.flat, inner: b.inner}
		if len(donate) > 0 && donate[i] {
			h.owned = true
			b.flat, b.inner, b.donated = nil, nil, true
		}
		r.slots[p.params[i]] = h
	}
	return r, nil
}

// outputs makes the buffers of the results. Memory that the run doesn't own, or that a later result shares, is copied.
func (r *run) outputs() ([]compute.Buffer, error) {
	p := r.plan
	outputs := make([]compute.Buffer, len(p.outputs))
	for i, slot := range p.outputs {
		h := r.slots[slot]
		shape := p.outShapes[i].Clone()
		if !h.owned || slices.Contains(p.outputs[i+1:], slot) {
			copied, err := p.engine.BufferFromFlatData(0, h.flat, shape)
			if err != nil {
				return nil, err
			}
			outputs[i] = copied
			continue
		}
		if h.inner != nil { // an alias may have another shape
			if s, err := h.inner.Shape(); err != nil || !s.EqualDimensions(shape) {
				h.inner = nil
			}
		}
		outputs[i] = &buffer{engine: p.engine, flat: h.flat, inner: h.inner, shape: shape}
	}
	return outputs, nil
}

// drop gives back the memory of a slot.
func (r *run) drop(slot int) {
	h := r.slots[slot]
	r.slots[slot] = held{}
	if !h.owned {
		return
	}
	if h.inner != nil {
		_ = h.inner.Finalize() // an error only means that it was released before
		return
	}
	if f, ok := h.flat.([]float32); ok {
		r.plan.engine.memory.put(f)
	}
}

// foreign runs a piece of GoMLX's engine.
func (r *run) foreign(exec compute.Executable, in []shapes.Shape, inputs, outputs []int) error {
	bufs := make([]compute.Buffer, len(inputs))
	donate := make([]bool, len(inputs))
	for i, slot := range inputs {
		h := &r.slots[slot]
		if h.inner != nil {
			if s, err := h.inner.Shape(); err == nil && s.EqualDimensions(in[i]) {
				bufs[i] = h.inner
				if h.owned && r.dying[slot] && !slices.Contains(inputs[i+1:], slot) {
					donate[i] = true
					h.owned = false
				}
				continue
			}
		}
		copied, err := r.plan.engine.inner.BufferFromFlatData(0, h.flat, in[i])
		if err != nil {
			return err
		}
		bufs[i], donate[i] = copied, true
	}
	outs, err := exec.Execute(bufs, donate, 0)
	if err != nil {
		return err
	}
	for i, o := range outs {
		flat, err := o.Data()
		if err != nil {
			return err
		}
		r.slots[outputs[i]] = held{flat: flat, inner: o, owned: true}
	}
	return nil
}
