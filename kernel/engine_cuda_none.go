//go:build !(linux && amd64)

package kernel

import "errors"

func installCUDA(string) error { return errors.New("the CUDA plugin is for Linux on x86-64") }
