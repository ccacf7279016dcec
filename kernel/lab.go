package kernel

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Lab replaces this process by the installation's JupyterLab. New notebooks in it get the kernel of that name; empty
// means KernelName. Lab returns only when that fails.
func Lab(kernelName string, args []string) error {
	if kernelName == "" {
		kernelName = KernelName
	}
	if err := checkKernelName(kernelName); err != nil {
		return err
	}
	p, err := DefaultPrefix()
	if err != nil {
		return err
	}
	m, err := ReadManifest(p)
	if err != nil {
		return err
	}
	jupyter := venvProgram(m.Venv, "jupyter")
	command := append([]string{jupyter, "lab", "--MultiKernelManager.default_kernel_name=" + kernelName}, args...)
	if os.Geteuid() == 0 && !slices.Contains(args, "--allow-root") {
		command = append(command, "--allow-root") // in a container, root is who works there
	}
	scratch, err := os.MkdirTemp("", "tlkit-lab-")
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	env := jupyterEnv(os.Environ(), p, scratch)
	if !slices.ContainsFunc(env, func(kv string) bool { return strings.Contains(kv, scratch) }) {
		os.Remove(scratch) // the home folder is used instead
	}
	if err := syscall.Exec(jupyter, command, env); err != nil {
		return fmt.Errorf("kernel: starting %s: %w; run ./install.sh again", jupyter, err)
	}
	return nil
}

// checkKernelName refuses names that install does not write.
func checkKernelName(name string) error {
	if kernelNames[name] == "" {
		return fmt.Errorf("kernel: unknown kernel %q; expected %s (the live one) or %s", name, KernelName, GonbKernelName)
	}
	return nil
}
