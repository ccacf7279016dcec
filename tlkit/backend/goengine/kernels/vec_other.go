//go:build !((amd64 || wasm) && goexperiment.simd)

package kernels

func vecAdd8(_, _, _ []float32) int          { return 0 }
func vecSub8(_, _, _ []float32) int          { return 0 }
func vecMul8(_, _, _ []float32) int          { return 0 }
func vecDiv8(_, _, _ []float32) int          { return 0 }
func vecGreater8(_, _, _ []float32) int      { return 0 }
func vecGreaterEqual8(_, _, _ []float32) int { return 0 }
func vecLess8(_, _, _ []float32) int         { return 0 }
func vecLessEqual8(_, _, _ []float32) int    { return 0 }
func vecEqual8(_, _, _ []float32) int        { return 0 }
func vecNotEqual8(_, _, _ []float32) int     { return 0 }
func vecMax8(_, _, _ []float32) int          { return 0 }
func vecMin8(_, _, _ []float32) int          { return 0 }
func vecAnd8(_, _, _ []float32) int          { return 0 }
func vecOr8(_, _, _ []float32) int           { return 0 }
func vecNeg8(_, _ []float32) int             { return 0 }
func vecNot8(_, _ []float32) int             { return 0 }
func vecAbs8(_, _ []float32) int             { return 0 }
func vecSqrt8(_, _ []float32) int            { return 0 }
func vecRsqrt8(_, _ []float32) int           { return 0 }
func vecMulAdd8(_, _, _, _ []float32) int    { return 0 }
func vecWhere8(_, _, _, _ []float32) int     { return 0 }
