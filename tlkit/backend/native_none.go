//go:build !cgo || !(linux || darwin)

package backend

import (
	"errors"

	"github.com/gomlx/compute"
)

// native lists nothing: without cgo only the pure-Go engine can be linked.
func native(func(string) string) []candidate { return nil }

func prepareONNX() error {
	return errors.New("ONNX Runtime needs a program built with cgo on Linux or macOS")
}

// openVINOLibrary finds nothing.
func openVINOLibrary(func(string) string) string { return "" }

func prepareOpenVINO() error {
	return errors.New("OpenVINO needs a program built with cgo on Linux or macOS")
}

// keepPrograms does nothing: XLA can't be linked.
func keepPrograms(compute.Backend) {}
