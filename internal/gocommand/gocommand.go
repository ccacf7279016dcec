// Package gocommand runs the go command for packages that build programs of a user's.
package gocommand

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Output runs the go command in dir, "" for the working folder, with further variables of the environment, and returns
// its output. The error has what the command printed to standard error; it is [exec.ErrNotFound] if there is no go
// command on PATH.
func Output(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if dir != "" {
		cmd.Env = append(cmd.Env, "PWD="+dir)
	}
	var failed strings.Builder
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, strings.TrimSpace(failed.String()))
	}
	return out, nil
}
