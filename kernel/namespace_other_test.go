//go:build !linux

package kernel

import "syscall"

// mountNamespace has no meaning here; mounting then fails, and the tests skip.
func mountNamespace() *syscall.SysProcAttr { return nil }
