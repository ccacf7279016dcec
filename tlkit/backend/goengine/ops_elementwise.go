package goengine

import (
	"github.com/gomlx/compute"
)

// The operations of compute.Function on each element; see ops.go for the others.

func (f *Function) Abs(x val) (val, error) {
	return f.one(compute.OpTypeAbs, nil, func(g fn, in []val) (val, error) { return g.Abs(in[0]) }, x)
}

func (f *Function) BitCount(x val) (val, error) {
	return f.one(compute.OpTypeBitCount, nil, func(g fn, in []val) (val, error) { return g.BitCount(in[0]) }, x)
}

func (f *Function) BitwiseNot(x val) (val, error) {
	return f.one(compute.OpTypeBitwiseNot, nil, func(g fn, in []val) (val, error) { return g.BitwiseNot(in[0]) }, x)
}

func (f *Function) Ceil(x val) (val, error) {
	return f.one(compute.OpTypeCeil, nil, func(g fn, in []val) (val, error) { return g.Ceil(in[0]) }, x)
}

func (f *Function) Clz(x val) (val, error) {
	return f.one(compute.OpTypeClz, nil, func(g fn, in []val) (val, error) { return g.Clz(in[0]) }, x)
}

func (f *Function) Conj(x val) (val, error) {
	return f.one(compute.OpTypeConj, nil, func(g fn, in []val) (val, error) { return g.Conj(in[0]) }, x)
}

func (f *Function) Cos(x val) (val, error) {
	return f.one(compute.OpTypeCos, nil, func(g fn, in []val) (val, error) { return g.Cos(in[0]) }, x)
}

func (f *Function) Erf(x val) (val, error) {
	return f.one(compute.OpTypeErf, nil, func(g fn, in []val) (val, error) { return g.Erf(in[0]) }, x)
}

func (f *Function) Exp(x val) (val, error) {
	return f.one(compute.OpTypeExp, nil, func(g fn, in []val) (val, error) { return g.Exp(in[0]) }, x)
}

func (f *Function) Expm1(x val) (val, error) {
	return f.one(compute.OpTypeExpm1, nil, func(g fn, in []val) (val, error) { return g.Expm1(in[0]) }, x)
}

func (f *Function) Floor(x val) (val, error) {
	return f.one(compute.OpTypeFloor, nil, func(g fn, in []val) (val, error) { return g.Floor(in[0]) }, x)
}

// Identity returns x itself in the main function. GoMLX's engine computes closures and other functions, and needs
// another value there for each result.
func (f *Function) Identity(x val) (val, error) {
	if f != f.builder.main {
		return f.one(compute.OpTypeIdentity, nil, func(g fn, in []val) (val, error) { return g.Identity(in[0]) }, x)
	}
	own, err := cast("Identity", x)
	if err == nil {
		_, err = f.shadow.Identity(own[0].shadow)
	}
	return x, err
}

func (f *Function) Imag(x val) (val, error) {
	return f.one(compute.OpTypeImag, nil, func(g fn, in []val) (val, error) { return g.Imag(in[0]) }, x)
}

func (f *Function) IsFinite(x val) (val, error) {
	return f.one(compute.OpTypeIsFinite, nil, func(g fn, in []val) (val, error) { return g.IsFinite(in[0]) }, x)
}

func (f *Function) IsNaN(x val) (val, error) {
	return f.one(compute.OpTypeIsNaN, nil, func(g fn, in []val) (val, error) { return g.IsNaN(in[0]) }, x)
}

func (f *Function) Log(x val) (val, error) {
	return f.one(compute.OpTypeLog, nil, func(g fn, in []val) (val, error) { return g.Log(in[0]) }, x)
}

func (f *Function) Log1p(x val) (val, error) {
	return f.one(compute.OpTypeLog1p, nil, func(g fn, in []val) (val, error) { return g.Log1p(in[0]) }, x)
}

func (f *Function) LogicalNot(x val) (val, error) {
	return f.one(compute.OpTypeLogicalNot, nil, func(g fn, in []val) (val, error) { return g.LogicalNot(in[0]) }, x)
}

func (f *Function) Logistic(x val) (val, error) {
	return f.one(compute.OpTypeLogistic, nil, func(g fn, in []val) (val, error) { return g.Logistic(in[0]) }, x)
}

func (f *Function) Neg(x val) (val, error) {
	return f.one(compute.OpTypeNeg, nil, func(g fn, in []val) (val, error) { return g.Neg(in[0]) }, x)
}

func (f *Function) Real(x val) (val, error) {
	return f.one(compute.OpTypeReal, nil, func(g fn, in []val) (val, error) { return g.Real(in[0]) }, x)
}

func (f *Function) Round(x val) (val, error) {
	return f.one(compute.OpTypeRound, nil, func(g fn, in []val) (val, error) { return g.Round(in[0]) }, x)
}

func (f *Function) Rsqrt(x val) (val, error) {
	return f.one(compute.OpTypeRsqrt, nil, func(g fn, in []val) (val, error) { return g.Rsqrt(in[0]) }, x)
}

func (f *Function) Sign(x val) (val, error) {
	return f.one(compute.OpTypeSign, nil, func(g fn, in []val) (val, error) { return g.Sign(in[0]) }, x)
}

func (f *Function) Sin(x val) (val, error) {
	return f.one(compute.OpTypeSin, nil, func(g fn, in []val) (val, error) { return g.Sin(in[0]) }, x)
}

func (f *Function) Sqrt(x val) (val, error) {
	return f.one(compute.OpTypeSqrt, nil, func(g fn, in []val) (val, error) { return g.Sqrt(in[0]) }, x)
}

func (f *Function) Tanh(x val) (val, error) {
	return f.one(compute.OpTypeTanh, nil, func(g fn, in []val) (val, error) { return g.Tanh(in[0]) }, x)
}

func (f *Function) Add(lhs, rhs val) (val, error) {
	if sum, err := f.joined(lhs, rhs); sum != nil || err != nil {
		return sum, err
	}
	return f.one(compute.OpTypeAdd, nil, func(g fn, in []val) (val, error) { return g.Add(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) Atan2(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeAtan2, nil, func(g fn, in []val) (val, error) { return g.Atan2(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) BitwiseAnd(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeBitwiseAnd, nil, func(g fn, in []val) (val, error) { return g.BitwiseAnd(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) BitwiseOr(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeBitwiseOr, nil, func(g fn, in []val) (val, error) { return g.BitwiseOr(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) BitwiseXor(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeBitwiseXor, nil, func(g fn, in []val) (val, error) { return g.BitwiseXor(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) Complex(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeComplex, nil, func(g fn, in []val) (val, error) { return g.Complex(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) Div(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeDiv, nil, func(g fn, in []val) (val, error) { return g.Div(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) Equal(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeEqual, nil, func(g fn, in []val) (val, error) { return g.Equal(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) EqualTotalOrder(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeEqualTotalOrder, nil, func(g fn, in []val) (val, error) { return g.EqualTotalOrder(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) GreaterOrEqual(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeGreaterOrEqual, nil, func(g fn, in []val) (val, error) { return g.GreaterOrEqual(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) GreaterOrEqualTotalOrder(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeGreaterOrEqualTotalOrder, nil, func(g fn, in []val) (val, error) { return g.GreaterOrEqualTotalOrder(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) GreaterThan(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeGreaterThan, nil, func(g fn, in []val) (val, error) { return g.GreaterThan(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) GreaterThanTotalOrder(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeGreaterThanTotalOrder, nil, func(g fn, in []val) (val, error) { return g.GreaterThanTotalOrder(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) LessOrEqual(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeLessOrEqual, nil, func(g fn, in []val) (val, error) { return g.LessOrEqual(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) LessOrEqualTotalOrder(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeLessOrEqualTotalOrder, nil, func(g fn, in []val) (val, error) { return g.LessOrEqualTotalOrder(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) LessThan(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeLessThan, nil, func(g fn, in []val) (val, error) { return g.LessThan(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) LessThanTotalOrder(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeLessThanTotalOrder, nil, func(g fn, in []val) (val, error) { return g.LessThanTotalOrder(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) LogicalAnd(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeLogicalAnd, nil, func(g fn, in []val) (val, error) { return g.LogicalAnd(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) LogicalOr(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeLogicalOr, nil, func(g fn, in []val) (val, error) { return g.LogicalOr(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) LogicalXor(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeLogicalXor, nil, func(g fn, in []val) (val, error) { return g.LogicalXor(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) Max(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeMax, nil, func(g fn, in []val) (val, error) { return g.Max(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) Min(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeMin, nil, func(g fn, in []val) (val, error) { return g.Min(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) Mul(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeMul, nil, func(g fn, in []val) (val, error) { return g.Mul(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) NotEqual(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeNotEqual, nil, func(g fn, in []val) (val, error) { return g.NotEqual(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) NotEqualTotalOrder(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeNotEqualTotalOrder, nil, func(g fn, in []val) (val, error) { return g.NotEqualTotalOrder(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) Pow(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypePow, nil, func(g fn, in []val) (val, error) { return g.Pow(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) Rem(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeRem, nil, func(g fn, in []val) (val, error) { return g.Rem(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) ShiftLeft(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeShiftLeft, nil, func(g fn, in []val) (val, error) { return g.ShiftLeft(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) ShiftRightArithmetic(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeShiftRightArithmetic, nil, func(g fn, in []val) (val, error) { return g.ShiftRightArithmetic(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) ShiftRightLogical(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeShiftRightLogical, nil, func(g fn, in []val) (val, error) { return g.ShiftRightLogical(in[0], in[1]) }, lhs, rhs)
}

func (f *Function) Sub(lhs, rhs val) (val, error) {
	return f.one(compute.OpTypeSub, nil, func(g fn, in []val) (val, error) { return g.Sub(in[0], in[1]) }, lhs, rhs)
}
