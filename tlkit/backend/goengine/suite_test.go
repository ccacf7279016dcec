package goengine_test

import (
	"testing"

	"github.com/gomlx/compute/support/backendtest"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine"
)

// TestCompliance runs the suite that GoMLX's own engines must pass.
func TestCompliance(t *testing.T) {
	b, err := goengine.New("")
	if err != nil {
		t.Fatal(err)
	}
	backendtest.RunAll(t, b, nil)
}
