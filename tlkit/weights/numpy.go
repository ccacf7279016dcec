package weights

import (
	"bytes"
	"fmt"
	"slices"
)

// NumPy's arrays within a pickle. Old checkpoints and model zoos (Detectron2's .pkl) hold them in place of tensors.
// They are read as data: an element type, a shape and bytes.

// numpyDTypes are NumPy's codes of element types (numpy.dtype(code), kind and bytes).
var numpyDTypes = map[string]DType{
	"f2": F16, "f4": F32, "f8": F64, "i1": I8, "i2": I16, "i4": I32, "i8": I64, "u1": U8, "u2": U16, "u4": U32, "u8": U64, "b1": Bool,
}

// buildArray sets the content of an array that numpy._core.multiarray._reconstruct made, from the state of
// ndarray.__reduce__: (version, shape, dtype, in Fortran's order, bytes). Arrays of objects and texts stay objects
// without meaning.
func (u *unpickler) buildArray(o *object, state any) error {
	s, ok := state.(tuple)
	if !ok || len(s) < 4 {
		return nil
	}
	s = s[len(s)-4:] // without the version, which NumPy 1.0 left out
	fortran, _ := s[2].(bool)
	return u.setArray(o, s[0], s[1], s[3], fortran)
}

// arrayFrom is numpy._core.numeric._frombuffer of pickle protocol 5: (bytes, dtype, shape, order).
func (u *unpickler) arrayFrom(g *global, args tuple) (any, error) {
	o := &object{class: g}
	return o, u.setArray(o, arg(args, 2), arg(args, 1), arg(args, 0), arg(args, 3) == any("F"))
}

// setArray makes the object a tensor whose elements are the bytes of the pickle.
func (u *unpickler) setArray(o *object, shape, dtype, data any, fortran bool) error {
	d, big, known := numpyType(dtype)
	raw, isBytes := data.([]byte)
	if text, isText := data.(string); isText { // Python 2
		raw, isBytes = []byte(text), true
		if err := u.charge(len(raw)); err != nil {
			return err
		}
	}
	if !known || !isBytes {
		return nil
	}
	sizes, err := ints(shape)
	if err != nil {
		return fmt.Errorf("%s: shape: %w", o.class.name, err)
	}
	n, err := elements(sizes)
	if err != nil {
		return fmt.Errorf("%s: %w", o.class.name, err)
	}
	if n*d.Size() != len(raw) {
		return fmt.Errorf("%s: an array of shape %v and %v has %d bytes, expected %d; the file is damaged", o.class.name, sizes, d, len(raw), n*d.Size())
	}
	if big && d.Size() > 1 {
		if err := u.charge(len(raw)); err != nil {
			return err
		}
		raw = bytes.Clone(raw)
		for element := range slices.Chunk(raw, d.Size()) {
			slices.Reverse(element)
		}
	}
	o.array = &Tensor{Shape: sizes, DType: d, src: bytes.NewReader(raw), inPickle: true}
	if fortran && n > 0 {
		stride, step := make([]int, len(sizes)), 1
		for i, size := range sizes {
			stride[i] = step
			step *= size
		}
		if !isContiguous(sizes, stride) {
			o.array.stride = stride
		}
	}
	u.tensors++
	return u.charge(160 + 16*len(sizes))
}

// numpyType reads a numpy.dtype that was called with its code, and whose state holds the byte order.
func numpyType(v any) (d DType, big, ok bool) {
	o, isObject := v.(*object)
	if !isObject || o.class.name != "numpy.dtype" {
		return 0, false, false
	}
	code, _ := arg(o.args, 0).(string)
	state, _ := o.state.(tuple)
	d, ok = numpyDTypes[code]
	return d, arg(state, 1) == any(">"), ok
}

// tensorOf returns the tensor that an object of the pickle stands for, or v itself.
func tensorOf(v any) any {
	if o, ok := v.(*object); ok && o.array != nil {
		return o.array
	}
	return v
}
