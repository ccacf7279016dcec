package kernel

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// goTool runs the go command with settings of our own.
type goTool struct {
	path string   // the go program
	env  []string // added to the environment, later ones win
}

// findGo returns the go on PATH, set to fetch the toolchain that go.mod requires. Debian's go has GOTOOLCHAIN=local in
// its go.env, which would prevent that.
func findGo() (goTool, error) {
	p, err := exec.LookPath("go")
	if err != nil {
		return goTool{}, fmt.Errorf("kernel: no go on PATH: %w; install Go 1.21 or newer (https://go.dev/dl, or apt install golang)", err)
	}
	return goTool{path: p, env: []string{"GOTOOLCHAIN=" + toolchainSetting()}}, nil
}

// toolchainSetting returns "auto", unless the user selected a toolchain by name.
func toolchainSetting() string {
	if v := os.Getenv("GOTOOLCHAIN"); v != "" && v != "local" {
		return v
	}
	return "auto"
}

// cellEnv returns the settings of cells' builds. The build cache depends on them: install, kernel and the go shim must
// use the same.
func cellEnv(goCache string) []string {
	env := []string{"GOCACHE=" + goCache}
	if exp := cellExperiment(); exp != "" {
		env = append(env, "GOEXPERIMENT="+exp)
	}
	return env
}

// cellGo returns the installation's go with the settings of cells. It is the toolchain that they need, so none is
// fetched, whatever GOTOOLCHAIN says.
func (m *Manifest) cellGo() goTool {
	return goTool{path: filepath.Join(m.GoRoot, "bin", "go"),
		env: append(cellEnv(m.GoCache), "GOTOOLCHAIN=local", "GOMODCACHE="+m.GoModCache)}
}

// cellExperiment returns the GOEXPERIMENT of cells: simd makes the pure-Go engine up to half faster, and exists on
// amd64 only. The user's own setting is kept.
func cellExperiment() string {
	have := os.Getenv("GOEXPERIMENT")
	if runtime.GOARCH != "amd64" {
		return have
	}
	for _, e := range strings.Split(have, ",") {
		if e == "simd" || e == "nosimd" {
			return have
		}
	}
	if have == "" {
		return "simd"
	}
	return have + ",simd"
}

func (g goTool) with(env ...string) goTool {
	g.env = append(append([]string(nil), g.env...), env...)
	return g
}

func (g goTool) command(ctx context.Context, dir string, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, g.path, args...)
	cmd.Dir = dir
	cmd.Env = append(append(build.CleanEnv(os.Environ(), os.TempDir()), g.env...), env...)
	return cmd
}

// output runs go in dir and returns its standard output. The error holds what go wrote to standard error, shortened.
func (g goTool) output(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	cmd := g.command(ctx, dir, env, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.Bytes(), commandError("go "+shorten(strings.Join(args, " "), 120), err, stderr.String())
	}
	return stdout.Bytes(), nil
}

// variables reads the named variables from go env and returns their values in that order.
func (g goTool) variables(ctx context.Context, dir string, names ...string) ([]string, error) {
	out, err := g.output(ctx, dir, nil, append([]string{"env"}, names...)...)
	if err != nil {
		return nil, err
	}
	values := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(values) != len(names) {
		return nil, fmt.Errorf("kernel: go env answered %d lines, expected %d: %q", len(values), len(names), out)
	}
	return values, nil
}

// commandError reports which command failed, how, and the end of its output.
func commandError(what string, err error, output string) error {
	output = strings.TrimSpace(output)
	if lines := strings.Split(output, "\n"); len(lines) > 40 {
		output = "...\n" + strings.Join(lines[len(lines)-40:], "\n")
	}
	if output == "" {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %w\n%s", what, err, output)
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "..."
}

// versionAtLeast reports whether a version such as "go1.26.8" or "go1.27rc1" is at least major.minor.
func versionAtLeast(v string, major, minor int) bool {
	v = strings.TrimPrefix(v, "go")
	parts := strings.SplitN(v, ".", 3)
	if len(parts) < 2 {
		return false
	}
	ma, err1 := strconv.Atoi(parts[0])
	digits := strings.IndexFunc(parts[1], func(r rune) bool { return r < '0' || r > '9' })
	if digits < 0 {
		digits = len(parts[1])
	}
	mi, err2 := strconv.Atoi(parts[1][:digits])
	if err1 != nil || err2 != nil {
		return false
	}
	return ma > major || ma == major && mi >= minor
}

// oneLine returns an error's text in one line of at most 300 letters.
func oneLine(err error) string { return shorten(strings.Join(strings.Fields(err.Error()), " "), 300) }
