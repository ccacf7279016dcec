package hub

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tlkit-go/tlkit-notebooks/internal/environ"
	"github.com/tlkit-go/tlkit-notebooks/kernel"
)

// Session does, as the user, what goes before the user's server, and then replaces this process by command. It returns
// only when that fails.
func Session(opts SessionOptions, command []string) error {
	if len(command) == 0 {
		return errors.New("hub: hub-session needs a command to start; JupyterHub calls it")
	}
	setUmask(0o077)
	home, err := os.UserHomeDir()
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	if err := os.Chdir(home); err != nil {
		return fmt.Errorf("hub: the home folder: %w; make it, or let useradd make it (--create-home)", err)
	}
	if opts.Lessons != "" {
		GiveLessons(opts.Lessons, filepath.Join(home, "lessons"))
	}
	sockets, err := socketFolder()
	if err != nil {
		return err
	}
	if err := opts.limit(); err != nil {
		return err
	}
	env := kernel.JupyterEnv(os.Environ(), kernel.Prefix(opts.Prefix), sockets)
	env = kernel.KeepOutputs(env, kernel.Prefix(opts.Prefix))
	env = environ.Set(env, "JUPYTER_RUNTIME_DIR="+sockets, "TLKIT_HOME="+opts.Prefix)
	if opts.Data != "" && os.Getenv("TLKIT_DATA") == "" {
		env = environ.Set(env, "TLKIT_DATA="+opts.Data)
	}
	if opts.Memory > 0 && os.Getenv("GOMEMLIMIT") == "" {
		env = append(env, fmt.Sprint("GOMEMLIMIT=", opts.Memory/10*7)) // the collector works harder before the limit is met
	}
	if err := syscall.Exec(command[0], command, env); err != nil {
		return fmt.Errorf("hub: starting %s: %w", command[0], err)
	}
	return nil
}

// maxSocketFolder is the length that leaves room for Jupyter's names of sockets: their paths have at most 107 bytes.
const maxSocketFolder = 50

// socketFolder returns a folder of this user's for the sockets of kernels, which nobody else can enter.
func socketFolder() (string, error) {
	uid := os.Getuid()
	candidates := []string{fmt.Sprintf("/run/user/%d", uid), cmp.Or(os.Getenv("TMPDIR"), "/tmp"), "/tmp"}
	for _, parent := range candidates {
		dir := filepath.Join(parent, fmt.Sprint("tlkit-", uid))
		if len(dir) > maxSocketFolder {
			continue
		}
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			continue
		}
		// Another user may have made it before, in /tmp.
		var s unix.Stat_t
		if err := unix.Lstat(dir, &s); err == nil && s.Mode&unix.S_IFMT == unix.S_IFDIR && int(s.Uid) == uid && s.Mode&0o077 == 0 {
			return dir, nil
		}
		if dir, err := os.MkdirTemp(parent, "tlkit-"); err == nil && len(dir) <= maxSocketFolder {
			return dir, nil
		}
	}
	return "", fmt.Errorf("hub: no folder for the kernels' sockets could be made in %s", strings.Join(candidates, ", "))
}

// limit sets the limits that no control group sets. A limit of memory holds for each process.
func (o SessionOptions) limit() error {
	if o.Limits != limitsRlimit {
		return nil
	}
	const processes = 4096
	if err := lower(unix.RLIMIT_NPROC, processes); err != nil {
		return err
	}
	if o.Memory > 0 {
		// Of the address space, Go and engines reserve far more than they use; RLIMIT_DATA counts what is written to.
		if err := lower(unix.RLIMIT_DATA, uint64(o.Memory)); err != nil {
			return err
		}
	}
	if o.Cores <= 0 {
		return nil
	}
	var all, few unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	var cpus []int
	for cpu := range len(all) * 64 {
		if all.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	for i := range min(len(cpus), int(math.Ceil(o.Cores))) {
		few.Set(cpus[(os.Getuid()+i)%len(cpus)]) // other users get other cores
	}
	runtime.LockOSThread() // exec keeps the setting of this thread
	if err := unix.SchedSetaffinity(0, &few); err != nil {
		return fmt.Errorf("hub: limiting cores: %w", err)
	}
	return nil
}

// lower sets a resource limit that the user can't raise again.
func lower(resource int, most uint64) error {
	var have unix.Rlimit
	if err := unix.Getrlimit(resource, &have); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	limit := min(have.Max, most)
	if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		return fmt.Errorf("hub: limiting resource %d to %d: %w", resource, limit, err)
	}
	return nil
}
