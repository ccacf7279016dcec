//go:build !cgo || !linux || !amd64

package backend

import "errors"

// oneDNNLibrary finds nothing.
func oneDNNLibrary(func(string) string) string { return "" }

func prepareOneDNN() error {
	return errors.New("oneDNN needs a program built with cgo on linux/amd64")
}
