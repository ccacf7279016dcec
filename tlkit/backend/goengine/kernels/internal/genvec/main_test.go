package main

import (
	"bytes"
	"os"
	"testing"
)

// TestCurrent: the committed file is what the generator writes.
func TestCurrent(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("../../vec_amd64.go"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("vec_amd64.go is not what genvec writes (%v); run go generate in package kernels", err)
	}
}
