package kernels

import "testing"

// eachProcessor runs the test with the assembly, where the processor has it, and with plain Go.
func eachProcessor(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	for _, have := range assembly() {
		old := setAssembly(have)
		t.Run(map[bool]string{true: "assembly", false: "plain"}[have], f)
		setAssembly(old)
	}
}
