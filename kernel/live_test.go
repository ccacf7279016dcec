package kernel

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tests in this file and its neighbours named live_* use a real kernel through a real Jupyter. They need what
// ./install.sh made: its JupyterLab and its build cache. Programs, shim, workspace and kernelspec are installed anew
// from the code under test, into a folder of their own.

//go:embed testdata/session.py
var sessionScript string

// testInstall is the installation that the live tests share.
var testInstall struct {
	once   sync.Once
	dir    string // holds all of it, and a home folder
	prefix Prefix
	log    string
	err    error
}

// errNotInstalled makes the live tests skip.
var errNotInstalled = errors.New("run ./install.sh first: the live tests use its JupyterLab and build cache")

func TestMain(m *testing.M) {
	code := m.Run()
	if dir := testInstall.dir; dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// installed returns the shared installation, and points this test's environment at it, with a temporary folder that
// must be empty when the test ends.
func installed(t *testing.T) (p Prefix, tmp string) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real kernels; not under -short")
	}
	folders, err := goFolders()
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range folders {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	testInstall.once.Do(func() { testInstall.err = installForTests() })
	if errors.Is(testInstall.err, errNotInstalled) {
		t.Skip(testInstall.err)
	}
	if testInstall.err != nil {
		t.Fatalf("installing for the tests: %v\n%s", testInstall.err, testInstall.log)
	}
	home := filepath.Join(testInstall.dir, "home")
	t.Setenv("HOME", home)
	t.Setenv("JUPYTER_DATA_DIR", filepath.Join(home, "jupyter"))
	t.Setenv("JUPYTER_RUNTIME_DIR", filepath.Join(home, "runtime"))
	t.Setenv("JUPYTER_CONFIG_DIR", filepath.Join(home, "config"))
	t.Setenv("JUPYTER_PATH", "")
	t.Setenv("TLKIT_HOME", string(testInstall.prefix))
	tmp = t.TempDir()
	t.Setenv("TMPDIR", tmp)
	return testInstall.prefix, tmp
}

// installForTests runs Install as a user would, but for the slow parts, which come from the installation that is there.
func installForTests() error {
	user, err := DefaultPrefix()
	if err != nil {
		return errNotInstalled
	}
	m, err := ReadManifest(user)
	if err != nil || checkVenv(context.Background(), m.Venv) != nil {
		return errNotInstalled
	}
	if testInstall.dir, err = os.MkdirTemp("", "tlkit-test-"); err != nil {
		return err
	}
	home := filepath.Join(testInstall.dir, "home")
	testInstall.prefix = Prefix(filepath.Join(testInstall.dir, "prefix"))
	var log strings.Builder
	defer func() { testInstall.log = log.String() }()
	defer setenv("HOME", home)()
	defer setenv("JUPYTER_DATA_DIR", filepath.Join(home, "jupyter"))()
	return kernelWorks(Install(context.Background(), InstallOptions{
		Prefix: string(testInstall.prefix), Venv: m.Venv, GoCache: m.GoCache, LiveCache: m.liveCache(user), Log: &log}))
}

// kernelWorks is err, but nil when only packages above the kernel do not compile: their own tests say so, and
// the kernel's can go on.
func kernelWorks(err error) error {
	var broken *BrokenError
	if errors.As(err, &broken) {
		return nil
	}
	return err
}

// goFolders are Go's caches as they are without the tests' home folder.
var goFolders = sync.OnceValues(func() ([]string, error) {
	gt, err := findGo()
	if err != nil {
		return nil, err
	}
	names := []string{"GOCACHE", "GOMODCACHE", "GOPATH"}
	values, err := gt.variables(context.Background(), ".", names...)
	for i := range values {
		values[i] = names[i] + "=" + values[i]
	}
	return values, err
})

// setenv is testing.T.Setenv for places without a T.
func setenv(name, value string) (undo func()) {
	old, had := os.LookupEnv(name)
	os.Setenv(name, value)
	return func() {
		if had {
			os.Setenv(name, old)
		} else {
			os.Unsetenv(name)
		}
	}
}

// reply is a reply of session.py.
type reply struct {
	OK        bool     `json:"ok"`
	Error     string   `json:"error"`
	PID       int      `json:"pid"`
	Seconds   float64  `json:"seconds"`
	Status    string   `json:"status"`
	Stdout    string   `json:"stdout"`
	Stderr    string   `json:"stderr"`
	HTML      string   `json:"html"`
	Traceback string   `json:"traceback"`
	Result    string   `json:"result"`
	Matches   []string `json:"matches"` // completions
	Start     int      `json:"start"`   // of what they replace
	Text      string   `json:"text"`    // of an inspection
}

// jupyter is a kernel behind jupyter_client.
type jupyter struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    *json.Encoder
	close func() error
	out   *bufio.Scanner
}

// eachKernel runs a test with each kernel that install registers.
func eachKernel(t *testing.T, test func(t *testing.T, kernel string)) {
	for _, name := range []string{KernelName, GonbKernelName} {
		t.Run(name, func(t *testing.T) {
			p, _ := installed(t)
			needLive(t, p, name)
			test(t, name)
		})
	}
}

// needLive skips a test of the live kernel where there can be none.
func needLive(t *testing.T, p Prefix, kernel string) {
	t.Helper()
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	if kernel == KernelName && !m.Live {
		t.Skipf("no live kernel here: %s", m.WhyNotLive)
	}
}

// needPackage skips a test whose cells import a package that does not compile in this checkout.
func needPackage(t *testing.T, p Prefix, path string) {
	t.Helper()
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(m.Packages, path) {
		t.Skipf("package %s does not compile in this checkout", path)
	}
}

// newSession starts session.py with a kernel; env is added to the kernel's environment.
func newSession(t *testing.T, kernel string, p Prefix, env ...string) *jupyter {
	t.Helper()
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(venvProgram(m.Venv, "python"), "-c", sessionScript, kernel)
	cmd.Env = append(append(os.Environ(), "JUPYTER_PATH="+jupyterPath(p)), env...)
	cmd.Stderr = testWriter{t}
	cmd.Dir = t.TempDir()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &jupyter{t: t, cmd: cmd, in: json.NewEncoder(stdin), close: stdin.Close, out: bufio.NewScanner(stdout)}
	s.out.Buffer(nil, 16<<20)
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	return s
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("session: %s", strings.TrimSpace(string(p)))
	return len(p), nil
}

// do sends a command, with pairs of further fields, and returns the answer.
func (s *jupyter) do(op string, fields ...any) reply {
	s.t.Helper()
	cmd := map[string]any{"op": op}
	for i := 0; i+1 < len(fields); i += 2 {
		cmd[fmt.Sprint(fields[i])] = fields[i+1]
	}
	if err := s.in.Encode(cmd); err != nil {
		s.t.Fatalf("%s: %v", op, err)
	}
	if !s.out.Scan() {
		s.t.Fatalf("%s: session.py ended: %v", op, s.out.Err())
	}
	var r reply
	if err := json.Unmarshal(s.out.Bytes(), &r); err != nil {
		s.t.Fatalf("%s: %v in %q", op, err, s.out.Text())
	}
	if !r.OK {
		s.t.Fatalf("%s: %s", op, r.Error)
	}
	r.Traceback = plainText(r.Traceback)
	return r
}

// run executes a cell that must succeed and returns its standard output.
func (s *jupyter) run(code string) string {
	s.t.Helper()
	r := s.do("execute", "code", code)
	if r.Status != "ok" {
		s.t.Fatalf("cell failed:\n%s\nstdout: %s\nstderr: %s\n%s", code, r.Stdout, r.Stderr, r.Traceback)
	}
	return r.Stdout
}

// wantNothingLeft waits until no process carries the mark of a kernel below tmp and tmp is empty.
func wantNothingLeft(t *testing.T, tmp string) {
	t.Helper()
	var left []string
	if !await(time.Minute, func() bool {
		left = remains(t, tmp)
		return len(left) == 0
	}) {
		t.Errorf("left behind: %q", left)
	}
}

// await looks again and again until done returns true, for a state of other processes that nothing reports. It returns
// false after limit.
func await(limit time.Duration, done func() bool) bool {
	look, end := time.NewTicker(10*time.Millisecond), time.After(limit)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-end:
			return done()
		}
	}
	return true
}

// remains lists the processes and files of kernels whose temporary folder is tmp.
func remains(t *testing.T, tmp string) []string {
	t.Helper()
	var left []string
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		env, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(env), envKernelDir+"="+tmp) {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if len(line) > 0 { // a zombie has none
			left = append(left, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	err := filepath.WalkDir(tmp, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if path != tmp {
			left = append(left, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}
