//go:build unix

package sweep

import (
	"os/exec"
	"syscall"
)

// apart gives a program a process group of its own: Ctrl-C and a notebook's stop button signal the whole group of this
// process, and sbatch must not end between its request and the answer.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
