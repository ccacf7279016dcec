package kernel

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/tlkit-go/tlkit-notebooks/internal/environ"
	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

const (
	// envGonbDir is set by GoNB to the folder in which it builds cells.
	envGonbDir = "GONB_TMP_DIR"
	// envAutoGet, set to 1 in a cell with %env, gives GoNB's automatic `go get` back.
	envAutoGet = "TLKIT_AUTOGET"
)

// shimAction is the go shim's action for one call.
type shimAction int

const (
	shimPass   shimAction = iota // run the real go, unchanged
	shimInit                     // go mod init: copy the prepared workspace
	shimNoGet                    // GoNB's automatic go get: nothing to do
	shimNoTidy                   // go mod tidy: it would drop all modules that no cell imports yet
	shimBuild                    // run the real go offline, with the flags of cells
)

// classifyGo decides what to do with `go args` called in GoNB's folder.
func classifyGo(args []string, autoGet bool) shimAction {
	if len(args) == 0 {
		return shimPass
	}
	switch args[0] {
	case "mod":
		if len(args) == 3 && args[1] == "init" {
			return shimInit
		}
		if len(args) > 1 && args[1] == "tidy" {
			return shimNoTidy
		}
	case "get":
		bare := len(args) == 1 || len(args) == 2 && args[1] == "-t"
		if bare && !autoGet {
			return shimNoGet
		}
	case "build", "test", "list", "vet", "doc":
		if len(args) > 1 && args[1] == "-C" {
			return shimPass
		}
		return shimBuild
	}
	return shimPass
}

// IsGoShim reports whether the program was called by the name go, as the link in the prefix's shim folder does.
func IsGoShim(argv0 string) bool {
	return filepath.Base(argv0) == "go"
}

// GoShim replaces the go command inside a kernel; see the package comment. It returns the exit code when it handled the
// call itself or failed; a call for the real go replaces this process.
func GoShim(args []string) int {
	p, ok := prefixOfExecutable()
	if !ok {
		fmt.Fprintf(os.Stderr, "tlkit: this go belongs to a TLKit installation whose manifest.json is gone; run %s again\n", p.installer())
		return 1
	}
	wd, err := os.Getwd()
	if err != nil {
		wd = ""
	}
	autoGet := os.Getenv(envAutoGet) == "1"
	env := os.Environ()
	action := shimPass
	if gonbDir := os.Getenv(envGonbDir); gonbDir != "" && sameDir(wd, gonbDir) {
		action = classifyGo(args, autoGet)
		// Settings for the user's own projects would break cells.
		env = environ.Set(env, "GO111MODULE=on")
		if _, err := os.Stat(filepath.Join(wd, "go.work")); err != nil {
			env = environ.Set(env, "GOWORK=off")
		}
	} else {
		env = withoutCellSettings(env)
	}
	switch action {
	case shimInit:
		if err := placeWorkspace(p, wd, args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "tlkit:", err)
			return 1
		}
		return 0
	case shimNoGet:
		fmt.Fprintf(os.Stderr, "tlkit: the automatic go get is off; add a module with !*go get PATH@VERSION, or turn it on with %%env %s=1\n", envAutoGet)
		return 0
	case shimNoTidy:
		fmt.Fprintln(os.Stderr, "tlkit: go.mod is as before: go mod tidy would drop all modules that no cell imports yet; drop one with !*go get PATH@none")
		return 0
	case shimBuild:
		if !autoGet {
			env = environ.Set(env, "GOPROXY=off")
		}
		env = environ.Set(env, "GOFLAGS="+cellGoFlags)
	}
	if cache := os.Getenv("GOMODCACHE"); len(args) > 1 && args[0] == "get" && cache != "" && !canWrite(cache) {
		fmt.Fprintf(os.Stderr, "tlkit: modules can't be added here, as %s can't be written; in the kernel %q they can\n", cache, DisplayName)
		return 1
	}
	real, err := realGo(p)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tlkit:", err)
		return 1
	}
	if err := syscall.Exec(real, append([]string{real}, args...), env); err != nil {
		fmt.Fprintf(os.Stderr, "tlkit: starting %s: %v\n", real, err)
	}
	return 1
}

// withoutCellSettings returns env without the kernel's settings for cells, for a module of the user's own. A variable
// that %env has set to another value stays.
func withoutCellSettings(env []string) []string {
	ours := build.CleanEnv(nil, os.Getenv("GOTMPDIR"))
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool { return slices.Contains(ours, kv) })
}

// realGo returns the go program behind the shim: the toolchain recorded at install, else any other go on PATH.
func realGo(p Prefix) (string, error) {
	m, err := ReadManifest(p)
	if err != nil {
		return "", err
	}
	for _, candidate := range []string{filepath.Join(m.GoRoot, "bin", "go"), m.BaseGo} {
		if _, err := os.Stat(candidate); err == nil {
			return candidate, nil
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if sameDir(dir, p.shimDir()) {
			continue
		}
		if found, err := exec.LookPath(filepath.Join(dir, "go")); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("no Go toolchain: %s and %s are gone, and PATH has no other; run %s again", m.GoRoot, m.BaseGo, Prefix(m.Prefix).installer())
}
