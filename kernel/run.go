package kernel

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

const (
	// envKernelDir marks every process below a kernel with the kernel's folder; by it, the janitor finds the processes
	// that are left at the end.
	envKernelDir = "TLKIT_KERNEL_DIR"
	// envKernelLog names a file that the kernel's log goes to, for looking into trouble.
	envKernelLog = "TLKIT_KERNEL_LOG"
	// envJupyterPid is set by Jupyter to its own process id.
	envJupyterPid = "JPY_PARENT_PID"

	// termGrace is the time for the kernel to end after SIGTERM, and strayGrace the time for processes that its cells
	// left running. Jupyter gives a kernel five seconds for everything, on a busy machine too.
	termGrace  = 2 * time.Second
	strayGrace = time.Second
)

// Run runs a kernel for Jupyter: it gives the kernel proper, GoNB or the live one, a folder and a PATH, passes signals
// on, and leaves nothing behind. It returns the kernel's exit code.
func Run(p Prefix, connectionFile string, live bool) (int, error) {
	m, err := ReadManifest(p)
	if err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp("", "tlkit-kernel-")
	if err != nil {
		return 1, fmt.Errorf("kernel: %w", err)
	}
	// Symbolic links resolved: GoNB compares paths as text.
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	// The kernel proper ends with the thread that starts it: see endsWithUs.
	runtime.LockOSThread()
	finish, err := startJanitor(p, dir)
	if err != nil {
		os.RemoveAll(dir)
		return 1, err
	}
	defer finish()
	own, err := m.forUser(p, dir)
	if err != nil {
		return 1, err
	}
	cmd := exec.Command(p.Bin("tlkernel"), "live", connectionFile)
	if !live {
		// GoNB compiles without -trimpath: modules at another path would all be compiled again.
		own.GoModCache = m.GoModCache
		cmd = gonbCommand(p, connectionFile)
	}
	cmd.Env = kernelEnv(os.Environ(), p, own, dir)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return supervise(p, cmd, live)
}

// supervise runs the kernel proper until it ends, and returns its exit code. It passes signals on, and ends the kernel
// when Jupyter has ended.
func supervise(p Prefix, cmd *exec.Cmd, live bool) (int, error) {
	// The kernel gets a separate process group, because an interrupt must reach a cell once. Jupyter signals our group
	// and GoNB passes the signal to the cell; in one group the cell would get two, and treat the second as "stop at
	// once".
	ownGroup(cmd)
	endsWithUs(cmd)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("kernel: starting %s: %w; run %s again", cmd.Path, err, p.installer())
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()

	parent := os.Getppid()
	var orphaned <-chan time.Time
	if os.Getenv(envJupyterPid) != "" {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		orphaned = ticker.C
	}
	var kill <-chan time.Time
	stop := func() {
		if kill == nil {
			cmd.Process.Signal(syscall.SIGTERM)
			kill = time.After(termGrace)
		}
	}
	for {
		select {
		case err := <-done:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return 1, fmt.Errorf("kernel: %s: %w", filepath.Base(cmd.Path), err)
			}
			return cmd.ProcessState.ExitCode(), nil
		case sig := <-signals:
			if sig != os.Interrupt {
				stop()
				continue
			}
			cmd.Process.Signal(os.Interrupt)
			if !live { // GoNB does not pass it to the compiler
				interruptBuilds(cmd.Process.Pid)
			}
		case <-orphaned:
			if os.Getppid() != parent {
				orphaned = nil
				stop() // Jupyter died without a message
			}
		case <-kill:
			cmd.Process.Kill()
		}
	}
}

// gonbCommand starts GoNB for a connection.
func gonbCommand(p Prefix, connectionFile string) *exec.Cmd {
	// GoNB's log would appear in the terminal of JupyterLab, or of tlkernel exec.
	args := []string{"-kernel", connectionFile, "-raw_error", "-logtostderr=false", "-stderrthreshold=FATAL"}
	if log, err := envpath.Get(envKernelLog); err == nil && log != "" {
		args = append(args, "-v=2", "-extra_log="+log)
	}
	return exec.Command(p.Bin("gonb"), args...)
}

// kernelEnv returns the environment of the kernel and of everything below it: the kernelspec's env again, for clients
// that do not apply it, and the mark.
func kernelEnv(base []string, p Prefix, m *Manifest, dir string) []string {
	path := []string{p.shimDir(), p.binDir(), filepath.Join(m.GoRoot, "bin")}
	var rest, home string
	var env []string
	for _, kv := range build.CleanEnv(base, dir) {
		name, value, _ := strings.Cut(kv, "=")
		switch name {
		case "PATH":
			rest = value
		case envGonbDir:
			// Of a kernel that this one was started from.
		case "HOME":
			if home = value; home != "" {
				env = append(env, kv)
			}
		default:
			env = append(env, kv)
		}
	}
	if u, err := user.Current(); home == "" && err == nil && canWrite(u.HomeDir) { // libraries print notes without it
		env = append(env, "HOME="+u.HomeDir)
	}
	dirs := filepath.SplitList(rest)
	for _, d := range dirs {
		if d != pathReference && d != "" && !slices.Contains(path, d) {
			path = append(path, d)
		}
	}
	if len(path) == 3 || slices.Contains(dirs, pathReference) { // nothing of the user's PATH arrived
		path = append(path, filepath.Dir(m.BaseGo), "/usr/local/bin", "/usr/bin", "/bin")
	}
	env = append(env,
		"PATH="+strings.Join(path, string(os.PathListSeparator)),
		"TLKIT_HOME="+string(p),
		"GOTOOLCHAIN="+toolchainSetting(),
		"GOMODCACHE="+m.GoModCache,
		"TMPDIR="+dir,
		envUserCache+"="+filepath.Dir(userCache(p, dir)),
		envKernelDir+"="+dir)
	return append(env, cellEnv(m.GoCache)...)
}
