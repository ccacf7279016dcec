package kernel

import (
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

func TestClassifyGo(t *testing.T) {
	cases := []struct {
		args    string
		autoGet bool
		want    shimAction
	}{
		{"mod init gonb_12345678", false, shimInit},
		{"mod init", false, shimPass},
		{"mod tidy", false, shimNoTidy},
		{"mod tidy -v", true, shimNoTidy},
		{"mod download", false, shimPass},
		{"get", false, shimNoGet},
		{"get -t", false, shimNoGet},
		{"get", true, shimPass},
		{"get example.com/x@latest", false, shimPass},
		{"get -u", false, shimPass},
		{"build -o x", false, shimBuild},
		{"build -C elsewhere", false, shimPass},
		{"test -c -o x", false, shimBuild},
		{"list -m all", false, shimBuild},
		{"env GOROOT", false, shimPass},
		{"install example.com/x@latest", false, shimPass},
		{"work init", false, shimPass},
		{"", false, shimPass},
	}
	for _, c := range cases {
		if got := classifyGo(strings.Fields(c.args), c.autoGet); got != c.want {
			t.Errorf("go %s (autoget %v): action %d, want %d", c.args, c.autoGet, got, c.want)
		}
	}
}

// TestWithoutCellSettings: the go command in a folder of the user's own has none of the kernel's settings, and those of
// %env.
func TestWithoutCellSettings(t *testing.T) {
	t.Setenv("GOTMPDIR", "/tmp/k")
	own := []string{"HOME=/h", "GOFLAGS=-race", "GOPROXY=off"}
	env := slices.Concat(build.CleanEnv(nil, "/tmp/k"), own)
	env = slices.DeleteFunc(env, func(kv string) bool { return kv == "GOFLAGS=-buildvcs=false" }) // %env replaced it
	if got := withoutCellSettings(env); !slices.Equal(got, own) {
		t.Errorf("%q, want %q", got, own)
	}
}

func TestKernelEnv(t *testing.T) {
	m := &Manifest{GoRoot: "/go", GoModCache: "/mods", GoCache: "/cache", BaseGo: "/base/bin/go"}
	get := func(env []string, name string) (value string, n int) {
		for _, kv := range env {
			if k, v, _ := strings.Cut(kv, "="); k == name {
				value, n = v, n+1
			}
		}
		return value, n
	}
	cases := []struct{ have, want string }{
		{"/usr/bin:/bin", "/p/shim:/p/bin:/go/bin:/usr/bin:/bin"},
		// What a client that does not replace ${PATH} hands on.
		{"/p/shim:/p/bin:/go/bin:${PATH}", "/p/shim:/p/bin:/go/bin:/base/bin:/usr/local/bin:/usr/bin:/bin"},
		{"/link/to/p/shim:/link/to/p/bin:/go/bin:${PATH}", "/p/shim:/p/bin:/go/bin:/link/to/p/shim:/link/to/p/bin:/base/bin:/usr/local/bin:/usr/bin:/bin"},
		// What one that does, does.
		{"/p/shim:/p/bin:/go/bin:/opt/bin", "/p/shim:/p/bin:/go/bin:/opt/bin"},
	}
	for _, c := range cases {
		env := kernelEnv([]string{"PATH=" + c.have, "HOME=/h", envGonbDir + "=/other"}, "/p", m, "/tmp/tlkit-kernel-1")
		if got, _ := get(env, "PATH"); got != c.want {
			t.Errorf("PATH %q became %q, want %q", c.have, got, c.want)
		}
		for name, want := range map[string]string{"HOME": "/h", "TMPDIR": "/tmp/tlkit-kernel-1", envKernelDir: "/tmp/tlkit-kernel-1", "GOCACHE": "/cache", "GOMODCACHE": "/mods"} {
			if got, _ := get(env, name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if _, n := get(env, envGonbDir); n != 0 {
			t.Errorf("%s of another kernel was kept", envGonbDir)
		}
	}
	u, err := user.Current()
	if err != nil {
		t.Skipf("this account is in no list of users: %v", err)
	}
	for _, base := range [][]string{nil, {"HOME="}} {
		want, times := "", 0
		if canWrite(u.HomeDir) {
			want, times = u.HomeDir, 1
		}
		if got, n := get(kernelEnv(base, "/p", m, "/tmp/k"), "HOME"); got != want || n != times {
			t.Errorf("from %q, HOME is %q (%d times), want %q", base, got, n, want)
		}
	}
}

func TestVersionAtLeast(t *testing.T) {
	for v, want := range map[string]bool{"go1.21": true, "go1.21.0": true, "go1.20.14": false, "go1.27rc1": true, "go2.0": true,
		"1.22.3": true, "devel": false, "": false} {
		if got := versionAtLeast(v, 1, 21); got != want {
			t.Errorf("versionAtLeast(%q, 1, 21) = %v", v, got)
		}
	}
}

func TestCellExperiment(t *testing.T) {
	if cellExperiment() == "" && !strings.Contains(os.Getenv("GOEXPERIMENT"), "simd") {
		t.Skip("not amd64")
	}
	for have, want := range map[string]string{"": "simd", "nosimd": "nosimd", "simd": "simd", "jsonv2": "jsonv2,simd"} {
		t.Setenv("GOEXPERIMENT", have)
		if got := cellExperiment(); got != want {
			t.Errorf("with GOEXPERIMENT=%q: %q, want %q", have, got, want)
		}
	}
}

func TestWorkspaceGoMod(t *testing.T) {
	const repo = `module github.com/tlkit-go/tlkit-notebooks

go 1.27.0

require (
	example.com/a v1.2.3
	example.com/b v0.1.0 // indirect
)

tool example.com/a/cmd/a
`
	got, err := workspaceGoMod([]byte(repo), "/p/src")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"module tlkit_notebook\n", "go 1.27.0\n", "example.com/a v1.2.3\n", "example.com/b v0.1.0 // indirect\n",
		modulePath + " v0.0.0\n", "replace " + modulePath + " => /p/src\n"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(string(got), "tool ") {
		t.Errorf("tools are still there:\n%s", got)
	}
	if _, err := workspaceGoMod([]byte(repo+"\nreplace example.com/a => ../a\n"), "/p/src"); err == nil || !strings.Contains(err.Error(), "example.com/a") {
		t.Errorf("a relative replacement: %v", err)
	}
}

func TestImportable(t *testing.T) {
	for path, want := range map[string]bool{"github.com/gomlx/gomlx/core/graph": true, "github.com/gomlx/gomlx/core/graph/graphtest": false,
		"github.com/gomlx/gomlx/support/testutil": false, "example.com/internal/x": false, "github.com/janpfeifer/gonb/gonbui/wasm": false,
		modulePath + "/datasets": true} {
		if got := importable(path); got != want {
			t.Errorf("importable(%q) = %v", path, got)
		}
	}
}

// TestSnapshot: a second snapshot writes what changed and removes what is gone.
func TestSnapshot(t *testing.T) {
	root, dst := t.TempDir(), filepath.Join(t.TempDir(), "src")
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "LICENSE", "a/a.go", "a/data/x.bin", "b/b.go"} {
		write(name, name)
	}
	a := listedPackage{Dir: filepath.Join(root, "a"), ImportPath: modulePath + "/a", Name: "a", GoFiles: []string{"a.go"}, EmbedFiles: []string{"data/x.bin"}}
	b := listedPackage{Dir: filepath.Join(root, "b"), ImportPath: modulePath + "/b", Name: "b", GoFiles: []string{"b.go"}}
	if n, err := snapshot(root, dst, []listedPackage{a, b}); n != 6 || err != nil {
		t.Fatalf("first: %d files, %v; want 6", n, err)
	}
	write("a/a.go", "new")
	if n, err := snapshot(root, dst, []listedPackage{a}); n != 1 || err != nil {
		t.Fatalf("second: %d files, %v; want 1", n, err)
	}
	if data, err := os.ReadFile(filepath.Join(dst, "a", "a.go")); err != nil || string(data) != "new" {
		t.Errorf("a.go is %q, %v", data, err)
	}
	if _, err := os.Stat(filepath.Join(dst, "b")); !os.IsNotExist(err) {
		t.Errorf("package b is still there: %v", err)
	}
	if forNotebooks(listedPackage{ImportPath: modulePath + "/kernel", Name: "kernel"}) || !forNotebooks(a) {
		t.Error("the kernel belongs in no snapshot, package a does")
	}
}

func TestCheckNotebook(t *testing.T) {
	dir := t.TempDir()
	cases := map[string]string{
		"":                          "is no notebook",
		"{":                         "is no notebook",
		`{"cells": []}`:             "format 4",
		`{"nbformat": 3}`:           "format 4",
		`{"cells":[],"nbformat":4}`: "",
	}
	for text, want := range cases {
		path := filepath.Join(dir, "x.ipynb")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		err := checkNotebook(path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if err := checkNotebook(filepath.Join(dir, "none.ipynb")); err == nil || !strings.Contains(err.Error(), "none.ipynb") {
		t.Errorf("missing file: %v", err)
	}
}

func TestOutputs(t *testing.T) {
	cases := []struct {
		opts      ExecuteOptions
		out, html string
	}{
		{ExecuteOptions{}, "out/quick.ipynb", "out/quick.html"},
		{ExecuteOptions{Out: "a/b.ipynb"}, "a/b.ipynb", "a/b.html"},
		{ExecuteOptions{Out: "a/b.ipynb", HTML: "none"}, "a/b.ipynb", ""},
		{ExecuteOptions{HTML: "c.html"}, "out/quick.ipynb", "c.html"},
	}
	for _, c := range cases {
		if out, html := c.opts.outputs("notebooks/quick.ipynb"); out != c.out || html != c.html {
			t.Errorf("%+v: %q, %q; want %q, %q", c.opts, out, html, c.out, c.html)
		}
	}
}

func TestJanitorRefusesForeignFolders(t *testing.T) {
	dir := t.TempDir()
	if err := Janitor(dir); err == nil || !strings.Contains(err.Error(), "tlkit-kernel-") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}

func TestModuleRoot(t *testing.T) {
	root, err := moduleRoot(".")
	if err != nil || filepath.Base(root) == "kernel" {
		t.Errorf("got %q, %v", root, err)
	}
	if _, err := moduleRoot(t.TempDir()); err == nil || !strings.Contains(err.Error(), "--source") {
		t.Errorf("outside of a checkout: %v", err)
	}
}
