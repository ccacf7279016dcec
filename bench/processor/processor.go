// Package processor says what a measurement was made on.
package processor

import (
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/cpu"
)

// Features lists what this processor has of the instructions that neural networks are computed with. PyTorch and
// OpenVINO use them where they are there, so that ratios on two processors differ.
func Features() []string {
	known := []struct {
		name string
		has  bool
	}{
		{"avx2", cpu.X86.HasAVX2}, {"fma", cpu.X86.HasFMA}, {"avx512f", cpu.X86.HasAVX512F}, {"avx512_vnni", cpu.X86.HasAVX512VNNI},
		{"avx512_bf16", cpu.X86.HasAVX512BF16}, {"amx_bf16", cpu.X86.HasAMXBF16}, {"amx_int8", cpu.X86.HasAMXInt8},
		{"asimd", runtime.GOARCH == "arm64"}, {"asimddp", cpu.ARM64.HasASIMDDP}, {"sve", cpu.ARM64.HasSVE},
	}
	var names []string
	for _, f := range known {
		if f.has {
			names = append(names, f.name)
		}
	}
	return names
}

// FastBF16 reports whether a processor with these features computes in bfloat16 faster than in float32.
func FastBF16(features []string) bool {
	return slices.Contains(features, "avx512_bf16") || slices.Contains(features, "amx_bf16")
}

// Name returns the name of this processor, "unknown" if the system does not tell.
func Name() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
