//go:build !amd64

package kernels

func assembly() []bool         { return []bool{false} }
func setAssembly(on bool) bool { return false }
