package kernel

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
)

// inMounts runs a command in a mount namespace of its own, after a shell script that may mount. It skips the test where
// that is not allowed.
func inMounts(t *testing.T, script string, env []string, command ...string) (output string, err error) {
	t.Helper()
	namespace := func(script string, args ...string) *exec.Cmd {
		cmd := exec.Command("sh", append([]string{"-ec", script, "sh"}, args...)...)
		cmd.SysProcAttr = mountNamespace()
		return cmd
	}
	if out, err := namespace("mount -t tmpfs none /mnt").CombinedOutput(); err != nil {
		t.Skipf("no mount namespaces here: %v %s", err, out)
	}
	cmd := namespace(script+"\nexec \"$@\"", command...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// readOnly is a script that makes a folder read-only, for root too.
func readOnly(dir string) string {
	return fmt.Sprintf("mount --bind '%[1]s' '%[1]s'; mount -o remount,ro,bind '%[1]s'\n", dir)
}

// TestInstallerTemp: where /tmp is mounted noexec, install.sh says which folder it takes in its place, also without
// TMPDIR.
func TestInstallerTemp(t *testing.T) {
	installer, err := filepath.Abs(filepath.Join("..", "install.sh"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "Temporary files go to /var/tmp: /tmp is missing, read-only or mounted noexec"
	said, err := inMounts(t, "mount -t tmpfs -o noexec none /tmp\nunset TMPDIR\n", []string{"CC=/nonexistent"}, "bash", installer, "--prefix", "/nonexistent")
	if err == nil || !strings.Contains(said, want) || !strings.Contains(said, "gcc with the C library's headers") {
		t.Errorf("install.sh without a C compiler ended with %v and printed %q, want %q and the missing compiler", err, said, want)
	}
}

// TestCompilerOfSeveralWords: CC may name a compiler with flags, or one behind another program.
func TestCompilerOfSeveralWords(t *testing.T) {
	for cc, ok := range map[string]bool{"": true, " ": true, "gcc -O2": true, "env gcc": true, "env no-such-compiler": false, "no-such-compiler -O2": false} {
		t.Setenv("CC", cc)
		if c := checkGcc(t.Context()); c.OK != ok {
			t.Errorf("doctor on CC=%q: %+v, want %v", cc, c, ok)
		}
	}
}

// TestToolchainOfCells: what compiles for cells takes the installation's toolchain, whatever GOTOOLCHAIN names.
func TestToolchainOfCells(t *testing.T) {
	p, _ := installed(t)
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOTOOLCHAIN", "go1.26.8")
	t.Setenv("GOPROXY", "off")
	if c := checkToolchain(t.Context(), p, m); !c.OK {
		t.Errorf("doctor with GOTOOLCHAIN=go1.26.8: %+v", c)
	}
	if _, err := buildTool(t.Context(), p, m, t.TempDir(), "Runs"); err != nil {
		t.Error(err)
	}
}

// notebookOf writes a notebook of cells.
func notebookOf(t *testing.T, source ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cells.ipynb")
	if err := writeNotebook(file, source...); err != nil {
		t.Fatal(err)
	}
	return file
}

// ownInstall is a small copy of the tests' installation with caches of its own in place of the user's: what is
// read-only for a kernel must not be shared with other tests. The big caches are linked, not copied.
func ownInstall(t *testing.T, p Prefix) (Prefix, *Manifest) {
	t.Helper()
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	own := Prefix(filepath.Join(t.TempDir(), "prefix"))
	if out, err := exec.Command("cp", "-a", string(p), string(own)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m.Prefix, m.KernelSpecs = string(own), nil
	for name := range kernelNames {
		if err := writeKernelSpec(filepath.Join(own.jupyterDir(), "kernels", name), own, m); err != nil {
			t.Fatal(err)
		}
	}
	if err := linkTo(own.Bin("tlkernel"), filepath.Join(own.shimDir(), "go")); err != nil {
		t.Fatal(err)
	}
	if err := m.write(own); err != nil {
		t.Fatal(err)
	}
	return own, m
}

// TestEnvironments: in each environment a notebook runs on the kernel, from tlkernel exec to its last cell.
func TestEnvironments(t *testing.T) {
	p, _ := installed(t)
	needLive(t, p, KernelName)
	own, m := ownInstall(t, p)
	home := t.TempDir()
	t.Setenv("HOME", home)
	for _, name := range []string{"JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TMPDIR"} {
		t.Setenv(name, "")
	}
	t.Setenv("TLKIT_HOME", string(own))
	hub := readOnly(string(own)) + readOnly(m.GoCache) + readOnly(m.LiveCache) + readOnly(m.GoModCache)
	noexec := "mount -t tmpfs -o noexec none /mnt\n"
	odd := "mount -t tmpfs none /mnt\nmkdir -p \"$TMPDIR\" \"$TMPDIR/../日本 語\"\n"
	project := "mkdir own\nprintf 'module example.com/own\\n\\ngo 1.26\\n' > own/go.mod\nprintf 'package own\\n\\nconst Six = 6\\n' > own/own.go\n"
	cases := []struct {
		name   string
		script string // run as root of a namespace, before the kernel starts
		env    []string
		told   string // on the way to the kernel's start
		rare   bool   // only with -tags slow
	}{
		{"settings of Go and Python", "", []string{"PYTHONHOME=/nonexistent", "PYTHONPATH=/nonexistent", "PIP_USER=1", "GOROOT=/nonexistent", "GOOS=windows", "GOARCH=arm", "GOAMD64=v4", "GOTMPDIR=/nonexistent",
			"GOFLAGS=-mod=vendor -race", "GO111MODULE=off", "GOWORK=/nonexistent", "GOPATH=nonexistent", "GOTOOLCHAIN=go1.26.8", "CGO_CFLAGS=-DNONE=/nonexistent", "CGO_LDFLAGS=-L/nonexistent"}, "", false},
		{"TMPDIR is missing", "", []string{"TMPDIR=/nonexistent"}, "temporary files go to /tmp, as nothing can be written to /nonexistent", true},
		{"TMPDIR is read-only", "mount -t tmpfs -o ro none /mnt\n", []string{"TMPDIR=/mnt"}, "as nothing can be written to /mnt", true},
		{"TMPDIR is noexec", noexec, []string{"TMPDIR=/mnt"}, "as no program can be started in /mnt", false},
		{"the installation is read-only", hub, nil, "", true},
		{"home is read-only", readOnly(home), nil, "", true},
		{"home and the installation are read-only", readOnly(home) + hub, nil, "", false},
		{"no home", "unset HOME\n", nil, "", true},
		{"settings of modules", "", []string{"GOTOOLCHAIN=local", "CGO_ENABLED=0", "GOPROXY=http://127.0.0.1:1", "GOSUMDB=off", "GONOSUMDB=*", "GOPRIVATE=*", "GOINSECURE=*", "GOVCS=*:off",
			"GOFLAGS=-tags=nonexistent -trimpath", "GOEXPERIMENT=", "GODEBUG=", "GOENV=/nonexistent", "GOBIN=/nonexistent", "GOPATH=/nonexistent", "LANG=", "LC_ALL=", "LANGUAGE="}, "", true},
		{"folders with blanks and letters of all kinds", odd + "cd \"$TMPDIR/../日本 語\"\n", []string{"TMPDIR=/mnt/é ü/a; b (c)"}, "", true},
		{"a compiler of two words", "", []string{"CC=env gcc"}, "", true},
		{"TMPDIR is small", "mount -t tmpfs -o size=8m none /mnt\n", []string{"TMPDIR=/mnt"}, "as only 8 MB are free in /mnt", true},
		{"a workspace around the notebook", project + "printf 'go 1.26\\nuse ./own\\n' > go.work\n", nil, "", true},
		{"a module around the notebook, whose own modules can't be had", project + "printf 'require example.com/none v1.0.0\\n' >> own/go.mod\ncd own\n", []string{"GOPROXY=off"}, "", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.rare && !slow {
				t.Skip("run with -tags slow")
			}
			// A package that is in no cache yet is compiled, too.
			notebook := notebookOf(t, "import \"compress/lzw\"\nkept := 6\nfmt.Println(os.Getenv(\"GOROOT\"), lzw.LSB)",
				"// static int seven() { return 7; }\nimport \"C\"\nseven := int(C.seven())", "fmt.Println(kept * seven)")
			out := filepath.Join(t.TempDir(), "out.ipynb")
			said, err := inMounts(t, c.script, c.env, own.Bin("tlkernel"), "exec", notebook, "-o", out, "--html", "none", "--timeout", "2m")
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			data, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := streamText(data, "stdout"); err != nil || !strings.HasSuffix(text, "\n42") || strings.Contains(text, "nonexistent") {
				t.Errorf("the cells printed %q, %v", text, err)
			}
			if !strings.Contains(said, c.told) || (c.told == "") != !strings.Contains(said, "tlkernel:") {
				t.Errorf("want to be told %q:\n%s", c.told, said)
			}
		})
	}
}

// TestCopiedInstallation: a copy says what it is and is mended or removed, and the original stays.
func TestCopiedInstallation(t *testing.T) {
	p, _ := installed(t)
	moved := Prefix(filepath.Join(t.TempDir(), "moved"))
	if out, err := exec.Command("cp", "-a", string(p), string(moved)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(moved.Bin("tlkernel"), "exec", "--prefix", string(moved), "testdata/live.ipynb").CombinedOutput()
	if want := fmt.Sprintf("%s was copied or moved from %s", moved, p); err == nil || !strings.Contains(string(out), want) || strings.Count(string(out), "\n") != 1 {
		t.Errorf("%v, want one line with %q:\n%s", err, want, out)
	}
	if err := Uninstall(UninstallOptions{Prefix: string(moved)}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(string(moved)); err == nil {
		t.Error("the copy is still there")
	}
	for _, dir := range m.KernelSpecs {
		if kernelSpecPrefix(dir) != string(p) {
			t.Errorf("the original's kernelspec %s is gone", dir)
		}
	}
}

// TestLabAsRoot: JupyterLab refuses to run as root unless it is told to.
func TestLabAsRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	p, _ := installed(t)
	cmd := exec.Command(p.Bin("tlkernel"), "lab", "--no-browser", "--port=0", "--ServerApp.port_retries=0")
	if url, _ := testutil.StartJupyter(t, cmd); !strings.HasPrefix(url, "http") {
		t.Errorf("JupyterLab serves at %q", url)
	}
}

func TestUsableTemp(t *testing.T) {
	good := t.TempDir()
	missing := filepath.Join(t.TempDir(), "missing") // no fixed name: another program may make a folder of it
	for _, c := range []struct {
		name string
		dirs []string
		dir  string
		why  string
	}{
		{"the first", []string{good, missing}, good, ""},
		{"the second", []string{missing, good, missing}, good, "nothing can be written to " + missing},
		{"made for it", []string{missing, filepath.Join(good, "made")}, filepath.Join(good, "made"), missing},
		{"none", []string{missing, "/proc/nothing"}, "", missing},
	} {
		dir, why, err := usableTemp(c.dirs)
		if dir != c.dir || (why == nil) != (c.why == "") || why != nil && !strings.Contains(why.Error(), c.why) || (err == nil) != (c.dir != "") {
			t.Errorf("%s: %q, %v, %v", c.name, dir, why, err)
		}
	}
}

func TestClosedTo(t *testing.T) {
	dir := t.TempDir()
	inner := filepath.Join(dir, "closed", "inner")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	before := ClosedTo(inner) // the temporary folder may itself be closed
	if err := os.Chmod(filepath.Join(dir, "closed"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := ClosedTo(inner); got == "" || before == "" && got != filepath.Join(dir, "closed") {
		t.Errorf("closed to others: %q, before %q", got, before)
	}
}

// TestOverlay: what was there shows, what is gone does not, what is written stays above.
func TestOverlay(t *testing.T) {
	src, dst := t.TempDir(), filepath.Join(t.TempDir(), "over")
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(path string) string {
		data, _ := os.ReadFile(path)
		return string(data)
	}
	for name, kind := range map[string]overlayKind{"build": buildCache, "modules": moduleCache, "workers": workerCache} {
		t.Run(name, func(t *testing.T) {
			shown, hidden, fresh := "aa/1-d", "trim.txt", "aa/2-d"
			switch name {
			case "modules":
				shown, hidden, fresh = "example.com/a@v1/a.go", "cache/lock", "example.com/b@v1/b.go"
			case "workers":
				shown, hidden, fresh = "worker-1/worker", "lock", "worker-2/worker"
			}
			src, dst := filepath.Join(src, name), filepath.Join(dst, name)
			write(filepath.Join(src, shown), "below")
			write(filepath.Join(src, hidden), "below")
			if err := overlay(dst, src, kind, time.Now()); err != nil {
				t.Fatal(err)
			}
			if got := read(filepath.Join(dst, shown)); got != "below" {
				t.Errorf("%s shows %q", shown, got)
			}
			if got := read(filepath.Join(dst, hidden)); got != "" {
				t.Errorf("%s shows %q", hidden, got)
			}
			write(filepath.Join(dst, fresh), "above")
			if got := read(filepath.Join(src, fresh)); got != "" {
				t.Errorf("%s was written below", fresh)
			}
			// Installed again: other files.
			os.RemoveAll(filepath.Join(src, strings.SplitN(shown, "/", 2)[0]))
			if err := overlay(dst, src, kind, time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			if got := read(filepath.Join(dst, shown)); got != "" {
				t.Errorf("%s is gone below and shows %q", shown, got)
			}
			if got := read(filepath.Join(dst, fresh)); got != "above" {
				t.Errorf("%s, of above, is %q", fresh, got)
			}
		})
	}
}

func TestJupyterEnv(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("HOME", "/dev/null/nothing")
	for _, name := range []string{"JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "XDG_DATA_HOME"} {
		t.Setenv(name, "")
	}
	env := JupyterEnv([]string{"PYTHONHOME=/x", "A=1", "JUPYTER_PATH=/other"}, "/p", tmp)
	if slices.Contains(env, "JUPYTER_PATH=/other") {
		t.Errorf("two values of one name, of which Python takes the first: %q", env)
	}
	for _, want := range []string{"A=1", "JUPYTER_RUNTIME_DIR=" + filepath.Join(tmp, "jupyter", "jupyter_runtime_dir")} {
		if !slices.Contains(env, want) {
			t.Errorf("lacks %q: %q", want, env)
		}
	}
	if slices.Contains(env, "PYTHONHOME=/x") {
		t.Error("PYTHONHOME was kept")
	}
	if runtime.GOOS == "linux" {
		t.Setenv("HOME", tmp)
		if env := JupyterEnv(nil, "/p", tmp); len(env) != 1 {
			t.Errorf("with a home folder that can be written: %q", env)
		}
	}
}

// TestPathsInHome: "~" in TLKIT_CACHE, TLKIT_HOME and --prefix is the home folder.
func TestPathsInHome(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv(envUserCache, "~/cache")
	if got := userCache("/p", t.TempDir()); filepath.Dir(got) != filepath.Join(home, "cache") {
		t.Errorf("the user's cache is %s", got)
	}
	t.Setenv("TLKIT_HOME", "~/tlkit")
	if got, err := DefaultPrefix(); err != nil || string(got) != filepath.Join(home, "tlkit") {
		t.Errorf("the default prefix is %s, %v", got, err)
	}
	if got, err := absolutePrefix("~/other"); err != nil || string(got) != filepath.Join(home, "other") {
		t.Errorf("--prefix=~/other is %s, %v", got, err)
	}
}
