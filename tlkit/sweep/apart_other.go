//go:build !unix

package sweep

import "os/exec"

func apart(*exec.Cmd) {}
