package main

import (
	"bytes"
	"os"
	"testing"
)

// TestCurrent: the committed files are what the generator writes.
func TestCurrent(t *testing.T) {
	for _, to := range targets {
		want, err := to.generate()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile("../../" + to.File); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what genvec writes (%v); run go generate in package kernels", to.File, err)
		}
	}
}
