//go:build !amd64

package kernels

import "unsafe"

func pairs() bool { return false }

func igemm6x32(_ *unsafe.Pointer, _ *int, _, _ int, _ *float32, _ int, _ *unsafe.Pointer, _ *float32, _ int) {
}

func igemm12x16(_, _ *unsafe.Pointer, _ *int, _, _ int, _ *float32, _, _ *unsafe.Pointer, _ *float32, _ int) {
}

func igemm12x32(_, _ *unsafe.Pointer, _ *int, _, _ int, _ *float32, _ int, _, _ *unsafe.Pointer, _ *float32, _ int) {
}

func outer12x32(_ *unsafe.Pointer, _, _ int, _ *float32, _, _ int, _ *float32, _, _ int) {}

func outer8x32(_ *unsafe.Pointer, _, _ int, _ *float32, _, _ int, _ *float32, _, _ int) {}

func outer12x16(_ *unsafe.Pointer, _, _ int, _ *float32, _ int, _ *float32, _ int) {}

func outer6x32(_ *unsafe.Pointer, _, _ int, _ *float32, _, _ int, _ *float32, _, _ int) {}

func dotSteps(_, _ *float32, _, _ int, _ *float32, _, _ int) bool { return false }

func copyRunsFast(_, _ *float32, _, _, _ int) bool { return false }

func copyTwelvesFast(_ *float32, _ *unsafe.Pointer, _, _ int) bool { return false }

// Wide reports whether there are kernels with vectors of 512 bits for this processor.
func Wide() bool { return false }
