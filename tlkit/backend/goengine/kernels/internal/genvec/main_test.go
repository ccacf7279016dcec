package main

import (
	"bytes"
	"os"
	"testing"
)

// TestCurrent: the committed files are what the generator writes.
func TestCurrent(t *testing.T) {
	for name, generate := range files() {
		want, err := generate()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile("../../" + name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what genvec writes (%v); run go generate in package kernels", name, err)
		}
	}
}
