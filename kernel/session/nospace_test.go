//go:build linux

package session

import (
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// TestNoSpace: a full disk is named as what it is, with the folder.
func TestNoSpace(t *testing.T) {
	s := &Session{cfg: Config{Dir: "/tmp/kernel"}}
	err := s.buildError(t.Context(), &build.ToolError{Tool: "link", Text: "cell 1:1: x\n/tmp/kernel/r1.so: write: no space left on device"}, &source{count: 1})
	if err.Name != "DiskFull" || !strings.Contains(err.Value, "no space left in /tmp/kernel") || !strings.Contains(err.Value, "TMPDIR") {
		t.Errorf("%s: %s", err.Name, err.Value)
	}
}
