package xlacache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// machine describes the processor and the NVIDIA GPUs of this machine as the system does: compiled programs use all
// that these have, and a home folder may be on several machines.
func machine() []byte {
	var b bytes.Buffer
	// XLA divides loops among the cores that the process may use.
	fmt.Fprintf(&b, "%s %s, %d cores, CUDA_VISIBLE_DEVICES=%s\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), os.Getenv("CUDA_VISIBLE_DEVICES"))
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range bytes.Lines(firstParagraph(text)) {
			name, _, _ := bytes.Cut(line, []byte(":"))
			switch string(bytes.TrimSpace(name)) {
			case "vendor_id", "cpu family", "model", "model name", "stepping", "flags", "Features", "CPU implementer", "CPU part":
				b.Write(line)
			}
		}
	}
	drivers, _ := filepath.Glob("/proc/driver/nvidia/gpus/*/information")
	for _, path := range append([]string{"/proc/driver/nvidia/version"}, drivers...) {
		text, _ := os.ReadFile(path)
		b.Write(text)
	}
	return b.Bytes()
}

// firstParagraph returns the lines before the first empty one: those of the first core.
func firstParagraph(text []byte) []byte {
	first, _, _ := bytes.Cut(text, []byte("\n\n"))
	return first
}
