//go:build !(amd64 && goexperiment.simd)

package kernels

func vecExp8(_, _ []float32) int     { return 0 }
func vecErf8(_, _ []float32) int     { return 0 }
func vecSigmoid8(_, _ []float32) int { return 0 }
