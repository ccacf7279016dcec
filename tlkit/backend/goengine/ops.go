package goengine

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// The operations of compute.Function. Each is recorded together with a function that builds it in GoMLX's engine;
// Compile decides which of them this engine computes itself.

type (
	fn  = compute.Function
	val = compute.Value
)

func (f *Function) ReduceBitwiseAnd(x val, axes ...int) (val, error) {
	axes = slices.Clone(axes)
	return f.one(compute.OpTypeReduceBitwiseAnd, axes, func(g fn, in []val) (val, error) { return g.ReduceBitwiseAnd(in[0], axes...) }, x)
}

func (f *Function) ReduceBitwiseOr(x val, axes ...int) (val, error) {
	axes = slices.Clone(axes)
	return f.one(compute.OpTypeReduceBitwiseOr, axes, func(g fn, in []val) (val, error) { return g.ReduceBitwiseOr(in[0], axes...) }, x)
}

func (f *Function) ReduceBitwiseXor(x val, axes ...int) (val, error) {
	axes = slices.Clone(axes)
	return f.one(compute.OpTypeReduceBitwiseXor, axes, func(g fn, in []val) (val, error) { return g.ReduceBitwiseXor(in[0], axes...) }, x)
}

func (f *Function) ReduceLogicalAnd(x val, axes ...int) (val, error) {
	axes = slices.Clone(axes)
	return f.one(compute.OpTypeReduceLogicalAnd, axes, func(g fn, in []val) (val, error) { return g.ReduceLogicalAnd(in[0], axes...) }, x)
}

func (f *Function) ReduceLogicalOr(x val, axes ...int) (val, error) {
	axes = slices.Clone(axes)
	return f.one(compute.OpTypeReduceLogicalOr, axes, func(g fn, in []val) (val, error) { return g.ReduceLogicalOr(in[0], axes...) }, x)
}

func (f *Function) ReduceLogicalXor(x val, axes ...int) (val, error) {
	axes = slices.Clone(axes)
	return f.one(compute.OpTypeReduceLogicalXor, axes, func(g fn, in []val) (val, error) { return g.ReduceLogicalXor(in[0], axes...) }, x)
}

func (f *Function) ReduceMax(x val, axes ...int) (val, error) {
	axes = slices.Clone(axes)
	return f.one(compute.OpTypeReduceMax, axes, func(g fn, in []val) (val, error) { return g.ReduceMax(in[0], axes...) }, x)
}

func (f *Function) ReduceMin(x val, axes ...int) (val, error) {
	axes = slices.Clone(axes)
	return f.one(compute.OpTypeReduceMin, axes, func(g fn, in []val) (val, error) { return g.ReduceMin(in[0], axes...) }, x)
}

func (f *Function) ReduceProduct(x val, axes ...int) (val, error) {
	axes = slices.Clone(axes)
	return f.one(compute.OpTypeReduceProduct, axes, func(g fn, in []val) (val, error) { return g.ReduceProduct(in[0], axes...) }, x)
}

func (f *Function) ReduceSum(x val, axes ...int) (val, error) {
	axes = slices.Clone(axes)
	return f.one(compute.OpTypeReduceSum, axes, func(g fn, in []val) (val, error) { return g.ReduceSum(in[0], axes...) }, x)
}

func (f *Function) ArgMinMax(x val, axis int, dtype dtypes.DType, isMin bool) (val, error) {
	return f.one(compute.OpTypeArgMinMax, nil, func(g fn, in []val) (val, error) {
		return g.ArgMinMax(in[0], axis, dtype, isMin)
	}, x)
}

func (f *Function) Bitcast(x val, dtype dtypes.DType) (val, error) {
	return f.one(compute.OpTypeBitcast, nil, func(g fn, in []val) (val, error) {
		return g.Bitcast(in[0], dtype)
	}, x)
}

func (f *Function) BroadcastInDim(x val, shape shapes.Shape, axes []int) (val, error) {
	shape, axes = shape.Clone(), slices.Clone(axes)
	return f.one(compute.OpTypeBroadcastInDim, axes, func(g fn, in []val) (val, error) {
		return g.BroadcastInDim(in[0], shape, axes)
	}, x)
}

func (f *Function) Clamp(low, x, high val) (val, error) {
	return f.one(compute.OpTypeClamp, nil, func(g fn, in []val) (val, error) {
		return g.Clamp(in[0], in[1], in[2])
	}, low, x, high)
}

func (f *Function) Concatenate(axis int, operands ...val) (val, error) {
	return f.one(compute.OpTypeConcatenate, axis, func(g fn, in []val) (val, error) {
		return g.Concatenate(axis, in...)
	}, operands...)
}

func (f *Function) ConvertDType(x val, dtype dtypes.DType) (val, error) {
	return f.one(compute.OpTypeConvertDType, nil, func(g fn, in []val) (val, error) {
		return g.ConvertDType(in[0], dtype)
	}, x)
}

func (f *Function) CumSum(x val, axis int, options compute.CumSumOptions) (val, error) {
	return f.one(compute.OpTypeCumSum, nil, func(g fn, in []val) (val, error) {
		return g.CumSum(in[0], axis, options)
	}, x)
}

func (f *Function) DynamicSlice(x val, starts []val, dims []int) (val, error) {
	dims = slices.Clone(dims)
	return f.one(compute.OpTypeDynamicSlice, nil, func(g fn, in []val) (val, error) {
		return g.DynamicSlice(in[0], in[1:], dims)
	}, append([]val{x}, starts...)...)
}

func (f *Function) DynamicUpdateSlice(x, update val, starts []val) (val, error) {
	return f.one(compute.OpTypeDynamicUpdateSlice, nil, func(g fn, in []val) (val, error) {
		return g.DynamicUpdateSlice(in[0], in[1], in[2:])
	}, append([]val{x, update}, starts...)...)
}

func (f *Function) FFT(x val, kind compute.FFTType, length []int) (val, error) {
	length = slices.Clone(length)
	return f.one(compute.OpTypeFFT, nil, func(g fn, in []val) (val, error) {
		return g.FFT(in[0], kind, length)
	}, x)
}

func (f *Function) Reshape(x val, dims ...int) (val, error) {
	dims = slices.Clone(dims)
	return f.one(compute.OpTypeReshape, nil, func(g fn, in []val) (val, error) {
		return g.Reshape(in[0], dims...)
	}, x)
}

func (f *Function) Reverse(x val, axes ...int) (val, error) {
	axes = slices.Clone(axes)
	return f.one(compute.OpTypeReverse, axes, func(g fn, in []val) (val, error) {
		return g.Reverse(in[0], axes...)
	}, x)
}

func (f *Function) Transpose(x val, permutation ...int) (val, error) {
	permutation = slices.Clone(permutation)
	return f.one(compute.OpTypeTranspose, permutation, func(g fn, in []val) (val, error) {
		return g.Transpose(in[0], permutation...)
	}, x)
}

func (f *Function) Where(condition, onTrue, onFalse val) (val, error) {
	return f.one(compute.OpTypeWhere, nil, func(g fn, in []val) (val, error) {
		return g.Where(in[0], in[1], in[2])
	}, condition, onTrue, onFalse)
}

func (f *Function) Slice(x val, starts, limits, strides []int) (val, error) {
	starts, limits, strides = slices.Clone(starts), slices.Clone(limits), slices.Clone(strides)
	return f.one(compute.OpTypeSlice, sliceAttrs{starts, strides}, func(g fn, in []val) (val, error) {
		return g.Slice(in[0], starts, limits, strides)
	}, x)
}

func (f *Function) Pad(x, fill val, axes ...compute.PadAxis) (val, error) {
	axes = slices.Clone(axes)
	return f.one(compute.OpTypePad, padAttrs(axes), func(g fn, in []val) (val, error) {
		return g.Pad(in[0], in[1], axes...)
	}, x, fill)
}

func (f *Function) SchedulingBarrier(x val, dependencies ...val) (val, error) {
	return f.one(compute.OpTypeSchedulingBarrier, nil, func(g fn, in []val) (val, error) {
		return g.SchedulingBarrier(in[0], in[1:]...)
	}, append([]val{x}, dependencies...)...)
}

func (f *Function) FusedSoftmax(x val, axis int) (val, error) {
	return f.one(compute.OpTypeFusedSoftmax, nil, func(g fn, in []val) (val, error) {
		return g.FusedSoftmax(in[0], axis)
	}, x)
}

func (f *Function) FusedActivation(x val, cfg compute.ActivationConfig) (val, error) {
	return f.one(compute.OpTypeFusedActivation, nil, func(g fn, in []val) (val, error) {
		return g.FusedActivation(in[0], cfg)
	}, x)
}

func (f *Function) SelectAndScatterMax(x, source val, window, strides []int, paddings [][2]int) (val, error) {
	window, strides, paddings = slices.Clone(window), slices.Clone(strides), slices.Clone(paddings)
	return f.one(compute.OpTypeSelectAndScatterMax, poolAttrs{window, strides, paddings, 0}, func(g fn, in []val) (val, error) {
		return g.SelectAndScatterMax(in[0], in[1], window, strides, paddings)
	}, x, source)
}

func (f *Function) SelectAndScatterMin(x, source val, window, strides []int, paddings [][2]int) (val, error) {
	window, strides, paddings = slices.Clone(window), slices.Clone(strides), slices.Clone(paddings)
	return f.one(compute.OpTypeSelectAndScatterMin, poolAttrs{window, strides, paddings, 0}, func(g fn, in []val) (val, error) {
		return g.SelectAndScatterMin(in[0], in[1], window, strides, paddings)
	}, x, source)
}

func (f *Function) ScatterMax(x, indices, updates val, vectorAxis int, updateAxes, insertedAxes, operandAxes []int, sorted, unique bool) (val, error) {
	updateAxes, insertedAxes, operandAxes = slices.Clone(updateAxes), slices.Clone(insertedAxes), slices.Clone(operandAxes)
	return f.one(compute.OpTypeScatterMax, nil, func(g fn, in []val) (val, error) {
		return g.ScatterMax(in[0], in[1], in[2], vectorAxis, updateAxes, insertedAxes, operandAxes, sorted, unique)
	}, x, indices, updates)
}

func (f *Function) ScatterMin(x, indices, updates val, vectorAxis int, updateAxes, insertedAxes, operandAxes []int, sorted, unique bool) (val, error) {
	updateAxes, insertedAxes, operandAxes = slices.Clone(updateAxes), slices.Clone(insertedAxes), slices.Clone(operandAxes)
	return f.one(compute.OpTypeScatterMin, nil, func(g fn, in []val) (val, error) {
		return g.ScatterMin(in[0], in[1], in[2], vectorAxis, updateAxes, insertedAxes, operandAxes, sorted, unique)
	}, x, indices, updates)
}

func (f *Function) ScatterSum(x, indices, updates val, vectorAxis int, updateAxes, insertedAxes, operandAxes []int, sorted, unique bool) (val, error) {
	updateAxes, insertedAxes, operandAxes = slices.Clone(updateAxes), slices.Clone(insertedAxes), slices.Clone(operandAxes)
	return f.one(compute.OpTypeScatterSum, nil, func(g fn, in []val) (val, error) {
		return g.ScatterSum(in[0], in[1], in[2], vectorAxis, updateAxes, insertedAxes, operandAxes, sorted, unique)
	}, x, indices, updates)
}

func (f *Function) Gather(x, starts val, vectorAxis int, offsetAxes, collapsed, startMap, sizes []int, sorted bool) (val, error) {
	offsetAxes, collapsed, startMap, sizes = slices.Clone(offsetAxes), slices.Clone(collapsed), slices.Clone(startMap), slices.Clone(sizes)
	return f.one(compute.OpTypeGather, nil, func(g fn, in []val) (val, error) {
		return g.Gather(in[0], in[1], vectorAxis, offsetAxes, collapsed, startMap, sizes, sorted)
	}, x, starts)
}

func (f *Function) Iota(shape shapes.Shape, axis int) (val, error) {
	shape = shape.Clone()
	return f.one(compute.OpTypeIota, nil, func(g fn, _ []val) (val, error) { return g.Iota(shape, axis) })
}

func (f *Function) Constant(flat any, dims ...int) (val, error) {
	flat, dims = cloneFlat(flat), slices.Clone(dims)
	return f.one(compute.OpTypeConstant, flat, func(g fn, _ []val) (val, error) { return g.Constant(flat, dims...) })
}

func (f *Function) RNGBitGenerator(state val, shape shapes.Shape) (val, val, error) {
	shape = shape.Clone()
	out, err := f.many(compute.OpTypeRNGBitGenerator, nil, nil, func(g fn, in []val) ([]val, error) {
		next, bits, err := g.RNGBitGenerator(in[0], shape)
		return []val{next, bits}, err
	}, state)
	if err != nil {
		return nil, nil, err
	}
	return out[0], out[1], nil
}

func (f *Function) OptimizationBarrier(operands ...val) ([]val, error) {
	return f.many(compute.OpTypeOptimizationBarrier, nil, nil, func(g fn, in []val) ([]val, error) {
		return g.OptimizationBarrier(in...)
	}, operands...)
}

func (f *Function) FusedActivationVJP(y, x, v val, cfg compute.ActivationConfig) (val, error) {
	o := optional{}
	o.add(y, x, v)
	return f.one(compute.OpTypeFusedActivationVJP, nil, func(g fn, in []val) (val, error) {
		a := o.spread(in)
		return g.FusedActivationVJP(a[0], a[1], a[2], cfg)
	}, o.values...)
}

func (f *Function) FusedLayerNorm(x val, axes []int, epsilon float64, gamma, beta val) (val, error) {
	axes = slices.Clone(axes)
	o := optional{}
	o.add(x, gamma, beta)
	return f.one(compute.OpTypeFusedLayerNorm, nil, func(g fn, in []val) (val, error) {
		a := o.spread(in)
		return g.FusedLayerNorm(a[0], axes, epsilon, a[1], a[2])
	}, o.values...)
}

func (f *Function) ReduceWindow(x val, kind compute.ReduceOpType, window, strides, inDilations, windowDilations []int,
	paddings [][2]int) (val, error) {
	window, strides, paddings = slices.Clone(window), slices.Clone(strides), slices.Clone(paddings)
	inDilations, windowDilations = slices.Clone(inDilations), slices.Clone(windowDilations)
	var attrs any
	if !isDilated(inDilations) && !isDilated(windowDilations) {
		attrs = poolAttrs{window, strides, paddings, kind}
	}
	return f.one(compute.OpTypeReduceWindow, attrs, func(g fn, in []val) (val, error) {
		return g.ReduceWindow(in[0], kind, window, strides, inDilations, windowDilations, paddings)
	}, x)
}

// isDilated reports whether any dilation is more than 1.
func isDilated(dilations []int) bool {
	return slices.ContainsFunc(dilations, func(d int) bool { return d > 1 })
}

func (f *Function) ConvGeneral(input, kernel val, axes compute.ConvolveAxesConfig, strides []int, paddings [][2]int,
	inDilations, kernelDilations []int, groups, batchGroups int) (val, error) {
	a := convAttrs{axes.Clone(), slices.Clone(strides), slices.Clone(paddings), slices.Clone(inDilations),
		slices.Clone(kernelDilations), groups, batchGroups}
	return f.one(compute.OpTypeConvGeneral, a, func(g fn, in []val) (val, error) {
		return g.ConvGeneral(in[0], in[1], a.axes, a.strides, a.paddings, a.inDilations, a.kernelDilations, a.groups, a.batchGroups)
	}, input, kernel)
}

func (f *Function) DotGeneral(lhs val, lhsContracting, lhsBatch []int, rhs val, rhsContracting, rhsBatch []int,
	config compute.DotGeneralConfig) (val, error) {
	a := dotAttrs{slices.Clone(lhsContracting), slices.Clone(lhsBatch), slices.Clone(rhsContracting), slices.Clone(rhsBatch), config}
	return f.one(compute.OpTypeDotGeneral, a, func(g fn, in []val) (val, error) {
		return g.DotGeneral(in[0], a.lhsContracting, a.lhsBatch, in[1], a.rhsContracting, a.rhsBatch, a.config)
	}, lhs, rhs)
}
