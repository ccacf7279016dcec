package kernel

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/tlkit-go/tlkit-notebooks/internal/environ"
	"github.com/tlkit-go/tlkit-notebooks/kernel/keep"
)

// LabOptions say how JupyterLab is started. The zero value is what most want.
type LabOptions struct {
	// Prefix is the folder of the installation; empty means DefaultPrefix.
	Prefix string
	// Kernel is the kernel of new notebooks; empty means KernelName.
	Kernel string
	// PageKeepsOutputs leaves outputs to the page alone, as a plain JupyterLab does: those that come while no page is
	// open are lost. Otherwise the server keeps it (kernel/keep).
	PageKeepsOutputs bool
	// Args are further arguments of "jupyter lab".
	Args []string
}

// Lab replaces this process by the installation's JupyterLab. It returns only when that fails.
func Lab(opts LabOptions) error {
	kernelName, args := cmp.Or(opts.Kernel, KernelName), opts.Args
	if err := checkKernelName(kernelName); err != nil {
		return err
	}
	p, m, err := openInstallation(opts.Prefix)
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
	env := JupyterEnv(os.Environ(), p, scratch)
	if !opts.PageKeepsOutputs {
		env = KeepOutputs(env, p)
	}
	if !slices.ContainsFunc(env, func(kv string) bool { return strings.Contains(kv, scratch) }) {
		os.Remove(scratch) // the home folder is used instead
	}
	if err := syscall.Exec(jupyter, command, env); err != nil {
		return fmt.Errorf("kernel: starting %s: %w; run %s again", jupyter, err, p.installer())
	}
	return nil
}

// KeepOutputs returns env for a Jupyter server that keeps the outputs of cells while no page is open. Without the
// extension, as in an installation by an older version, it is env.
func KeepOutputs(env []string, p Prefix) []string {
	config := keep.Config(p.jupyterDir())
	if _, err := os.Stat(config); err != nil {
		return env
	}
	if have := os.Getenv("JUPYTER_CONFIG_PATH"); have != "" {
		config += string(os.PathListSeparator) + have
	}
	return environ.Set(env, "JUPYTER_CONFIG_PATH="+config)
}

// checkKernelName refuses names that install does not write.
func checkKernelName(name string) error {
	if kernelNames[name] == "" {
		return fmt.Errorf("kernel: unknown kernel %q; expected %s (the live one) or %s", name, KernelName, GonbKernelName)
	}
	return nil
}
