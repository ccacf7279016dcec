package build

import (
	"fmt"
	"strings"
	"testing"
)

// TestToolError: what a person reads is a screenful, what the builder reads is all.
func TestToolError(t *testing.T) {
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, "main.f: relocation target simd.m%d not defined\n", i)
	}
	err := fmt.Errorf("build: %w", &ToolError{Tool: "link", Text: strings.TrimSpace(text.String())})
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 25 || lines[24] != "... and 76 more lines" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	if names := undefined(err); len(names) != 100 || names[99] != "simd.m99" {
		t.Errorf("%d undefined symbols", len(names))
	}
}
