//go:build !cgo || !(linux || darwin)

package backend

import "errors"

// native lists nothing: without cgo only the pure-Go engine can be linked.
func native(func(string) string) []candidate { return nil }

func prepareONNX() error {
	return errors.New("ONNX Runtime needs a program built with cgo on Linux or macOS")
}
