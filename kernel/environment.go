package kernel

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tlkit-go/tlkit-notebooks/internal/environ"
	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
)

// This file makes the kernel work in the environments that people bring: a temporary folder that is not usable, an
// installation that another user made, a home folder that can't be written, settings of another Python.

// envUserCache names the folder for this user's caches; empty means tlkit in the user's cache folder.
const envUserCache = "TLKIT_CACHE"

// UseTemp sets TMPDIR to a folder in which programs can be written and started. If it changes TMPDIR, it writes that to
// w. The error names the variable to set.
func UseTemp(w io.Writer) error {
	dir, why, err := usableTemp(tempCandidates())
	if err != nil {
		return err
	}
	if why != nil {
		fmt.Fprintf(w, "tlkernel: temporary files go to %s, as %v\n", dir, why)
	}
	return os.Setenv("TMPDIR", dir)
}

func tempCandidates() []string {
	dirs := []string{os.TempDir(), "/tmp", "/var/tmp"}
	if cache, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(cache, "tlkit", "tmp"))
	}
	return dirs
}

// usableTemp returns the first usable folder, and the reason why the first of all is not usable.
func usableTemp(dirs []string) (dir string, why, err error) {
	for i, dir := range dirs {
		if i > 0 && i == len(dirs)-1 {
			os.MkdirAll(dir, 0o700) // the user's own folder, which may not exist yet
		}
		reason := tryTemp(dir)
		if reason == nil {
			return dir, why, nil
		}
		if i == 0 {
			why = reason
		}
	}
	return "", why, fmt.Errorf("kernel: %w; set TMPDIR to a folder in which files can be written and programs started", why)
}

// leastFree is the space that compiling a cell takes, in bytes.
const leastFree = 64 << 20

// tryTemp returns the reason why no program can be written to dir and started there: dir may be missing, read-only,
// full, or mounted noexec; from a noexec folder plugins could not be loaded.
func tryTemp(dir string) error {
	own, err := os.MkdirTemp(dir, "tlkit-try-")
	if err != nil {
		return fmt.Errorf("nothing can be written to %s (%w)", dir, errors.Unwrap(err))
	}
	defer os.RemoveAll(own)
	var space unix.Statfs_t
	if err := unix.Statfs(own, &space); err == nil && uint64(space.Bavail)*uint64(space.Bsize) < leastFree {
		return fmt.Errorf("only %d MB are free in %s", uint64(space.Bavail)*uint64(space.Bsize)>>20, dir)
	}
	program := filepath.Join(own, "try")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
		return fmt.Errorf("nothing can be written to %s (%w)", dir, errors.Unwrap(err))
	}
	if err := exec.Command(program).Run(); err != nil {
		return fmt.Errorf("no program can be started in %s, which may be mounted noexec (%w)", dir, err)
	}
	return nil
}

// canWrite reports whether files can be made in dir or, if dir does not exist, whether dir can be made.
func canWrite(dir string) bool {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return unix.Access(dir, unix.W_OK|unix.X_OK) == nil
		}
		dir = filepath.Dir(dir)
	}
}

// userCache returns this user's folder for files of the installation p that can't be written there. It is below tmp if
// the home folder can't be written either.
func userCache(p Prefix, tmp string) string {
	base, err := envpath.Get(envUserCache)
	if base == "" && err == nil {
		if cache, err := os.UserCacheDir(); err == nil {
			base = filepath.Join(cache, "tlkit")
		}
	}
	if base == "" || !canWrite(base) {
		base = filepath.Join(tmp, "cache")
	}
	sum := sha256.Sum256([]byte(p))
	return filepath.Join(base, fmt.Sprintf("prefix-%x", sum[:6]))
}

// forUser returns the installation in the form that this user can use. Caches that can be read but not written, as in
// an installation that root made for all, get overlays in folders of this user (see overlay.go).
func (m *Manifest) forUser(p Prefix, tmp string) (*Manifest, error) {
	goProgram := filepath.Join(m.GoRoot, "bin", "go")
	if err := unix.Access(goProgram, unix.X_OK); err != nil {
		return nil, fmt.Errorf("kernel: the installation in %s compiles with %s, which can't be started (%w); run %s again%s",
			p, goProgram, err, p.installer(), sharedModulesHint(err, p))
	}
	if _, err := os.ReadDir(m.GoModCache); err != nil {
		return nil, fmt.Errorf("kernel: the installation in %s needs the modules in %s: %w; run %s again%s",
			p, m.GoModCache, err, p.installer(), sharedModulesHint(err, p))
	}
	record, err := os.Stat(p.manifestPath())
	if err != nil {
		return nil, fmt.Errorf("kernel: manifest: %w", err)
	}
	own := *m
	own.LiveCache = m.liveCache(p)
	cache := userCache(p, tmp)
	for _, c := range []struct {
		dir  *string
		name string
		kind overlayKind
	}{{&own.GoCache, "gocache", buildCache}, {&own.GoModCache, "modules", moduleCache}, {&own.LiveCache, "live", workerCache}} {
		if canWrite(*c.dir) {
			continue
		}
		to := filepath.Join(cache, c.name)
		if err := overlay(to, *c.dir, c.kind, record.ModTime()); err != nil {
			return nil, fmt.Errorf("kernel: %s can't be written, and no folder of your own can be laid over it: %w; set %s to a folder that can be written", *c.dir, err, envUserCache)
		}
		*c.dir = to
	}
	return &own, nil
}

// ClosedTo returns the outermost folder on the way to dir that other users can't enter; empty when they can enter all.
func ClosedTo(dir string) string {
	closed := ""
	for ; ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o001 == 0 {
			closed = dir
		}
		if dir == filepath.Dir(dir) {
			return closed
		}
	}
}

// sharedModulesHint returns a hint to append to an error about another user's files that can't be read; empty for other
// errors.
func sharedModulesHint(err error, p Prefix) string {
	if !errors.Is(err, os.ErrPermission) {
		return ""
	}
	return fmt.Sprintf(" as its owner, with GOMODCACHE set to a folder that all can read, such as %s-modules", p)
}

// PythonEnv returns env for a Python of our own, without settings that lead another Python or pip elsewhere.
func PythonEnv(env []string) []string {
	return environ.Without(env, "PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV")
}

// JupyterEnv returns env for a Jupyter of this user. Jupyter then uses the kernelspecs of the installation in p, even
// when the user's have since come to point to another one. If Jupyter's folders in the home folder can't be written,
// they are placed below tmp.
func JupyterEnv(env []string, p Prefix, tmp string) []string {
	env = environ.Set(PythonEnv(env), "JUPYTER_PATH="+jupyterPath(p))
	home, err := os.UserHomeDir()
	if err != nil {
		home = "/nonexistent"
	}
	data, err := jupyterDataDir()
	if err != nil {
		data = filepath.Join(home, "jupyter")
	}
	for _, d := range []struct{ name, usual string }{
		{"JUPYTER_DATA_DIR", data},
		{"JUPYTER_RUNTIME_DIR", filepath.Join(data, "runtime")},
		{"JUPYTER_CONFIG_DIR", filepath.Join(home, ".jupyter")},
		{"IPYTHONDIR", filepath.Join(home, ".ipython")},
	} {
		dir := cmp.Or(os.Getenv(d.name), d.usual)
		if !canWrite(dir) {
			env = environ.Set(env, d.name+"="+filepath.Join(tmp, "jupyter", strings.ToLower(d.name)))
		}
	}
	return env
}
