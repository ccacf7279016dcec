//go:build !(amd64 && goexperiment.simd)

package kernels

func vecMoments8(_, _, _, _ []float32) int                { return 0 }
func vecProducts8(_, _, _, _, _ []float32) int            { return 0 }
func vecSum8(*[8]float32, []float32) int                  { return 0 }
func vecSumRows8(_, _ []float32) int                      { return 0 }
func vecScaleRows8(_, _, _, _ []float32) int              { return 0 }
func vecCombineRows8(_, _, _, _, _, _ []float32) int      { return 0 }
func vecLarger8([]float32, []int32, []float32, int32) int { return 0 }
func transpose16(_, _ []float32, _, _ int) bool           { return false }
