package kernel

import (
	"fmt"
	"os"
	"syscall"
)

// Lab replaces this process by the installation's JupyterLab. It returns only
// when that fails.
func Lab(args []string) error {
	p, err := DefaultPrefix()
	if err != nil {
		return err
	}
	m, err := ReadManifest(p)
	if err != nil {
		return err
	}
	jupyter := venvProgram(m.Venv, "jupyter")
	env := append(os.Environ(), "JUPYTER_PATH="+jupyterPath(p))
	if err := syscall.Exec(jupyter, append([]string{jupyter, "lab"}, args...), env); err != nil {
		return fmt.Errorf("kernel: starting %s: %w; run ./install.sh again", jupyter, err)
	}
	return nil
}
