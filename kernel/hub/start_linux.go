package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownerOf is the number of the user to whom a file belongs.
func ownerOf(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }

// noFollow is the flag that opens no link.
const noFollow = syscall.O_NOFOLLOW

func setUmask(mask int) { syscall.Umask(mask) }

// Start replaces this process by JupyterHub in a prepared folder. Its children see a /proc without the processes of
// other users. Start returns only when that fails.
func Start(opts Options) error {
	o, _, err := opts.complete()
	if err != nil {
		return err
	}
	if err := os.Chdir(o.Dir); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	runtime.LockOSThread() // the mount namespace is this thread's, which exec makes the process
	if err := hideProcesses(); err != nil {
		return hideError(err)
	}
	setUmask(0o077) // for the hub's secrets, and for users' files
	env := []string{"PATH=" + filepath.Join(o.Dir, "venv", "bin") + string(os.PathListSeparator) + os.Getenv("PATH")}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PATH=") && !strings.HasPrefix(kv, "PYTHONPATH=") && !strings.HasPrefix(kv, "PYTHONHOME=") {
			env = append(env, kv)
		}
	}
	program := o.venvProgram("jupyterhub")
	if err := syscall.Exec(program, []string{program, "-f", filepath.Join(o.Dir, configFile)}, env); err != nil {
		return fmt.Errorf("hub: starting %s: %w; run tlkernel hub again, which prepares it", program, err)
	}
	return nil
}

// hideOption lets users see their own processes only. Linux takes the number since 3.3, the word "invisible" since 5.8.
const hideOption = "hidepid=2"

// hideError says why users' processes can't be hidden from each other. Only a missing right has to do with containers.
func hideError(err error) error {
	err = fmt.Errorf("hub: users would see each other's processes: %w", err)
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w; start the hub where it may mount, not in a container without that right", err)
	}
	return err
}

// hideProcesses mounts a /proc in which users see their own processes only, for this process and what it starts.
func hideProcesses() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("the mount namespace: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, hideOption); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	return nil
}
