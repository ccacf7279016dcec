package kernel

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ToolOptions set the installation and the streams of a tool. The zero value uses DefaultPrefix and discards output.
type ToolOptions struct {
	// Prefix is the folder of the installation; empty means DefaultPrefix.
	Prefix string
	// Stdout and Stderr receive the tool's output; nil discards it.
	Stdout, Stderr io.Writer
}

// toolMain is the program of a tool: the kernel knows no package of TLKit, so the function is a name in this text.
const toolMain = `package main

import (
	"os"

	"` + modulePath + `/tlkit/tools"
)

func main() { os.Exit(tools.%s(os.Args[1:], os.Stdout, os.Stderr)) }
`

// RunTool compiles a function of the package tlkit/tools in the installation's workspace, without a network, and runs
// it with the arguments in the working folder. When ctx ends, the tool gets SIGTERM and ends by itself. RunTool returns
// the tool's exit code, and an error if the tool could not be compiled or started, or has none. function is the Go
// name, such as "Project".
func RunTool(ctx context.Context, function string, args []string, opts ToolOptions) (int, error) {
	p, m, err := openInstallation(opts.Prefix)
	if err != nil {
		return 1, err
	}
	tmp, err := os.MkdirTemp("", "tlkit-tool-")
	if err != nil {
		return 1, fmt.Errorf("kernel: %w", err)
	}
	defer os.RemoveAll(tmp)
	if m, err = m.forUser(p, tmp); err != nil {
		return 1, err
	}
	program, err := buildTool(ctx, p, m, tmp, function)
	if err != nil {
		return 1, err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = toolEnv(p, m)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, opts.Stdout, opts.Stderr
	return runTool(cmd)
}

// runTool runs a tool and returns its exit code. When the command's context ends, the tool gets SIGTERM.
func runTool(cmd *exec.Cmd) (int, error) {
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Minute // a training saves when it is told to stop
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("kernel: starting the tool: %w", err)
	}
	err := cmd.Wait()
	if cmd.ProcessState.Exited() {
		return cmd.ProcessState.ExitCode(), nil // also after a signal, of which the tool knows what it means
	}
	return 1, fmt.Errorf("kernel: the tool was ended: %w", err)
}

// buildTool compiles the tool in dir with the settings of cells, whose compiled packages it then links.
func buildTool(ctx context.Context, p Prefix, m *Manifest, dir, function string) (program string, err error) {
	src := filepath.Join(dir, "src")
	if err := os.Mkdir(src, 0o755); err != nil {
		return "", fmt.Errorf("kernel: %w", err)
	}
	if err := placeWorkspace(p, src, workspaceModule); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(src, "main.go"), fmt.Appendf(nil, toolMain, function), 0o644); err != nil {
		return "", fmt.Errorf("kernel: %w", err)
	}
	program = filepath.Join(dir, strings.ToLower(function))
	if _, err := m.cellGo().output(ctx, src, []string{"GOPROXY=off", "GOFLAGS=" + cellGoFlags}, "build", "-o", program, "."); err != nil {
		return "", fmt.Errorf("kernel: compiling the tool: %w; run %s again", err, p.installer())
	}
	return program, nil
}

// toolEnv returns the environment of a tool: the installation, and its Go first on PATH, for tools that compile.
func toolEnv(p Prefix, m *Manifest) []string {
	path := filepath.Join(m.GoRoot, "bin") + string(os.PathListSeparator) + os.Getenv("PATH")
	return append(os.Environ(), "PATH="+path, "TLKIT_HOME="+string(p), "GOTOOLCHAIN=local", "GOMODCACHE="+m.GoModCache)
}
