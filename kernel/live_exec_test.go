package kernel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

func TestExecute(t *testing.T) { eachKernel(t, testExecute) }

func testExecute(t *testing.T, kernel string) {
	p, tmp := installed(t)
	out := filepath.Join(t.TempDir(), "results", "gomlx.ipynb")
	var log bytes.Buffer
	if err := Execute(context.Background(), "testdata/gomlx.ipynb", ExecuteOptions{Prefix: string(p), Kernel: kernel, Out: out, Log: &log, Timeout: time.Minute}); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	text, err := streamText(data, "stdout")
	if want := "[2 4 6]\nthe second cell still knows [42]"; err != nil || text != want {
		t.Errorf("executed notebook printed %q, %v; want %q", text, err, want)
	}
	page, err := os.ReadFile(strings.TrimSuffix(out, ".ipynb") + ".html")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"the second cell still knows", `<b id="tlkit-fixture">made by a cell</b>`, "GoMLX and GoNB in the first cell", "<style>:root { color-scheme: light; }</style>\n</head>"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, want := range []string{"cell 1 of 2: \"github.com/gomlx", "cell 2 of 2: ok, ", "wrote " + out} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the progress lacks %q:\n%s", want, &log)
		}
	}
	wantNothingLeft(t, tmp)
}

// TestExecuteOwnKernel: another installation that has taken over the user's kernelspec is not what tlkernel exec runs.
func TestExecuteOwnKernel(t *testing.T) {
	p, _ := installed(t)
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	user := filepath.Join(os.Getenv("JUPYTER_DATA_DIR"), "kernels", KernelName)
	if !slices.Contains(m.KernelSpecs, user) {
		t.Fatalf("install wrote %q, not %s", m.KernelSpecs, user)
	}
	if err := writeKernelSpec(user, "/elsewhere", m); err != nil {
		t.Fatal(err)
	}
	defer writeKernelSpec(user, p, m)
	text, err := runCell(context.Background(), p, KernelName, "!echo $TLKIT_HOME", time.Minute)
	if err != nil || text != string(p) {
		t.Errorf("the kernel's prefix is %q, %v; want %q", text, err, p)
	}
}

// TestExecuteFailures: the first failing cell is named, the results so far are kept, the cells after it do not run.
func TestExecuteFailures(t *testing.T) { eachKernel(t, testExecuteFailures) }

func testExecuteFailures(t *testing.T, kernel string) {
	line := func(cell, line int) string { return fmt.Sprintf("cell %d, line %d", cell, line) }
	panicLine, prose := line(1, 4), line(1, 1)
	if kernel == GonbKernelName {
		line = func(cell, line int) string { return fmt.Sprintf("Cell[%d]: Line %d", cell, line) }
		// GoNB adds the cell's line where it reads path and number of a stack in one piece, which on a
		// busy machine it does not.
		panicLine, prose = "main.main()", "expected declaration, found this"
	}
	loop := "%%\nfor i := 0; ; i++ { fmt.Println(\"turn\", i); time.Sleep(100 * time.Millisecond) }"
	cases := []struct {
		name     string
		cells    []string // empty: the fixture of that name
		timeout  time.Duration
		cell, of int
		source   string
		wants    []string
		output   string // in the executed notebook
	}{
		{name: "compile_error", cell: 2, of: 3, source: "func half(x int) int {",
			wants: []string{"cell 2 of 3 failed: func half", line(2, 6), "cannot use \"seven\""}, output: "fine"},
		{name: "panic", cell: 1, of: 1, source: "fmt.Println(\"before\")",
			wants: []string{"cell 1 of 1", "assignment to entry in nil map", panicLine}, output: "before"},
		{name: "too_long", cells: []string{"%%\nfmt.Println(1)", loop}, timeout: 10 * time.Second, cell: 2, of: 2,
			source: "for i := 0; ; i++", wants: []string{"cell 2 of 2", "timeout: ", "after 10 s"}, output: "1\nturn 0"},
		{name: "not_go", cells: []string{"this is prose"}, cell: 1, of: 1, source: "this is prose",
			wants: []string{"cell 1 of 1", prose}},
		{name: "exit", cells: []string{"%%\nfmt.Println(\"before\")\nos.Exit(3)", "%%\nfmt.Println(\"after\")"}, cell: 1, of: 2,
			source: "fmt.Println(\"before\")", wants: []string{"exit status 3"}, output: "before"},
	}
	if kernel == GonbKernelName {
		cases = cases[:2] // the others are no different there, and its build may take longer than too_long
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, tmp := installed(t)
			dir := t.TempDir()
			in, out := filepath.Join("testdata", c.name+".ipynb"), filepath.Join(dir, "out.ipynb")
			if c.cells != nil {
				in = filepath.Join(dir, c.name+".ipynb")
				if err := writeNotebook(in, c.cells...); err != nil {
					t.Fatal(err)
				}
			}
			err := Execute(context.Background(), in, ExecuteOptions{Prefix: string(p), Kernel: kernel, Out: out, HTML: "none", Timeout: c.timeout})
			var cell *CellError
			if !errors.As(err, &cell) {
				t.Fatalf("got %v, want a *CellError", err)
			}
			if cell.Cell != c.cell || cell.Of != c.of || !strings.HasPrefix(cell.Source, c.source) {
				t.Errorf("cell %d of %d, %q; want %d of %d, %q", cell.Cell, cell.Of, cell.Source, c.cell, c.of, c.source)
			}
			for _, want := range c.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q:\n%v", want, err)
				}
			}
			data, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			text, err := streamText(data, "stdout")
			if err != nil || !strings.HasPrefix(text, c.output) || strings.Contains(text, "after") || strings.Contains(text, "never") {
				t.Errorf("the executed notebook printed %q, %v; want %q first and nothing of later cells", text, err, c.output)
			}
			wantNothingLeft(t, tmp)
		})
	}
}

// TestExecuteStopped: Ctrl-C at a terminal ends kernel and cell.
func TestExecuteStopped(t *testing.T) { eachKernel(t, testExecuteStopped) }

func testExecuteStopped(t *testing.T, kernel string) {
	p, tmp := installed(t)
	dir := t.TempDir()
	in, stamp := filepath.Join(dir, "long.ipynb"), filepath.Join(dir, "running")
	if err := writeNotebook(in, "%%\nos.WriteFile(\""+stamp+"\", nil, 0o644)\ntime.Sleep(time.Hour)"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		await(time.Minute, func() bool { _, err := os.Stat(stamp); return err == nil })
		cancel()
	}()
	err := Execute(ctx, in, ExecuteOptions{Prefix: string(p), Kernel: kernel, Out: filepath.Join(dir, "out.ipynb"), HTML: "none"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	wantNothingLeft(t, tmp)
}

func TestDoctor(t *testing.T) {
	p, tmp := installed(t)
	var log bytes.Buffer
	checks, err := Doctor(context.Background(), DoctorOptions{Prefix: string(p), Log: &log})
	if err != nil {
		t.Errorf("%v\n%s", err, &log)
	}
	var names []string
	for _, c := range checks {
		names = append(names, c.Name)
		if !strings.Contains(log.String(), "ok   "+c.Name+": "+indentFollowing(c.Detail)+"\n") {
			t.Errorf("no line for %q:\n%s", c.Name, &log)
		}
	}
	want := []string{"go", "gcc", "prefix", "environment", "toolchain", "workspace", "kernelspec", "jupyter", "live kernel", "GoNB kernel", "engine"}
	if !slices.Equal(names, want) {
		t.Errorf("checked %q, want %q", names, want)
	}
	wantNothingLeft(t, tmp)
}

// TestDoctorFindsFaults breaks one link at a time in a copy of the installation.
func TestDoctorFindsFaults(t *testing.T) {
	p, _ := installed(t)
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	broken := Prefix(filepath.Join(t.TempDir(), "broken"))
	reset := func(t *testing.T) {
		t.Helper()
		os.RemoveAll(string(broken))
		// Links: what spoils a file must replace it.
		if out, err := exec.Command("cp", "-al", string(p), string(broken)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		m2 := *m
		m2.Prefix, m2.KernelSpecs = string(broken), nil
		for _, kernel := range []string{KernelName, GonbKernelName} { // copied, they would start the original
			dir := filepath.Join(broken.jupyterDir(), "kernels", kernel)
			if err := writeKernelSpec(dir, broken, &m2); err != nil {
				t.Fatal(err)
			}
			m2.KernelSpecs = append(m2.KernelSpecs, dir)
		}
		if err := m2.write(broken); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		name  string
		spoil func(t *testing.T)
		check string
		mend  string
	}{
		{"nothing installed", func(t *testing.T) { os.Remove(broken.manifestPath()) }, "prefix", "./install.sh"},
		{"program gone", func(t *testing.T) { os.Remove(broken.Bin("gopls")) }, "prefix", "./install.sh"},
		{"checksums gone", func(t *testing.T) {
			if err := atomicfile.WriteBytes(filepath.Join(broken.workspaceDir(), "go.sum"), nil); err != nil {
				t.Fatal(err)
			}
		}, "workspace", "./install.sh"},
		{"kernelspec of another", func(t *testing.T) {
			m2, err := ReadManifest(broken)
			if err != nil {
				t.Fatal(err)
			}
			if err := writeKernelSpec(m2.KernelSpecs[0], "/elsewhere", m2); err != nil {
				t.Fatal(err)
			}
		}, "kernelspec", "tlkernel install"},
		{"gonb does not start", func(t *testing.T) {
			os.Remove(broken.Bin("gonb"))
			if err := os.WriteFile(broken.Bin("gonb"), []byte("#!/bin/sh\nexit 7\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			// The live kernel's cells are tried by TestDoctor.
			m2, err := ReadManifest(broken)
			if err != nil {
				t.Fatal(err)
			}
			m2.Live, m2.WhyNotLive = false, "left out"
			if err := m2.write(broken); err != nil {
				t.Fatal(err)
			}
		}, "GoNB kernel", envKernelLog},
		// Without the manifest no cell runs, which would compile everything anew without C.
		{"no gcc", func(t *testing.T) {
			os.Remove(broken.manifestPath())
			t.Setenv("CC", "no-such-compiler")
		}, "gcc", "apt install gcc"},
		{"no go", func(t *testing.T) {
			os.Remove(broken.manifestPath())
			t.Setenv("PATH", t.TempDir())
		}, "go", "1.21"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			reset(t)
			t.Setenv("TLKIT_HOME", string(broken))
			c.spoil(t)
			var log bytes.Buffer
			checks, err := Doctor(context.Background(), DoctorOptions{Prefix: string(broken), Log: &log, noCells: c.check != "GoNB kernel"})
			if err == nil {
				t.Error("no error")
			}
			i := slices.IndexFunc(checks, func(k Check) bool { return k.Name == c.check })
			if i < 0 || checks[i].OK || !strings.Contains(checks[i].Mend, c.mend) {
				t.Errorf("want check %q to fail and to say %q:\n%s", c.check, c.mend, &log)
			}
			if !strings.Contains(log.String(), "FAIL "+c.check+": ") {
				t.Errorf("no FAIL line for %q:\n%s", c.check, &log)
			}
		})
	}
}

// tree lists all files below dir with their sizes and, for links, their targets.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		line := path + " " + info.Mode().String()
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %x", sha256.Sum256(data))
		}
		all = append(all, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestInstallUninstall: what install adds to a home folder with things of the user's in it, uninstall takes away, and
// nothing else; both can be repeated.
func TestInstallUninstall(t *testing.T) {
	p, _ := installed(t)
	shared, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("TLKIT_HOME", "")
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir()) // where go counts its calls, as it does for any use of it
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("JUPYTER_DATA_DIR", "")
	other := filepath.Join(home, ".local", "share", "jupyter", "kernels", "other", "kernel.json")
	if err := os.MkdirAll(filepath.Dir(other), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, []byte(`{"argv": ["other"]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	before := tree(t, home)

	opts := InstallOptions{Venv: shared.Venv, GoCache: shared.GoCache, LiveCache: shared.LiveCache}
	for try := range 2 {
		var log bytes.Buffer
		opts.Log = &log
		if err := kernelWorks(Install(context.Background(), opts)); err != nil {
			t.Fatalf("install %d: %v\n%s", try+1, err, &log)
		}
	}
	prefix := Prefix(filepath.Join(home, ".local", "share", "tlkit"))
	spec := filepath.Join(home, ".local", "share", "jupyter", "kernels", KernelName)
	if got := kernelSpecPrefix(spec); got != string(prefix) {
		t.Errorf("kernelspec points to %q, want %q", got, prefix)
	}
	list := exec.Command(venvProgram(shared.Venv, "jupyter"), "kernelspec", "list")
	list.Env = append(os.Environ(), "JUPYTER_PREFER_ENV_PATH=0", "IPYTHONDIR="+t.TempDir())
	out, err := list.CombinedOutput()
	if err != nil || !strings.Contains(string(out), spec) {
		t.Errorf("jupyter kernelspec list does not name %s: %v\n%s", spec, err, out)
	}

	// A file of the user's in the prefix stays, and so does the folder.
	mine := filepath.Join(string(prefix), "mine.txt")
	if err := os.WriteFile(mine, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Uninstall(UninstallOptions{}); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(string(prefix)); err != nil || len(entries) != 2 || entries[0].Name() != "mine.txt" || entries[1].Name() != uninstalledFile {
		t.Errorf("in the prefix: %v, %v; want mine.txt and %s", entries, err, uninstalledFile)
	}
	if err := refuseForeign(prefix); err != nil {
		t.Errorf("install takes the folder again: %v", err)
	}
	// Without the foreign file the folder goes too.
	if err := os.Remove(mine); err != nil {
		t.Fatal(err)
	}
	if err := (&Manifest{Prefix: string(prefix), Source: "/source", GoRoot: "/go"}).write(prefix); err != nil {
		t.Fatal(err)
	}
	if err := Uninstall(UninstallOptions{}); err != nil {
		t.Fatal(err)
	}
	if after := tree(t, home); !slices.Equal(before, after) {
		t.Errorf("home folder before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if err := Uninstall(UninstallOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("second uninstall: %v, want fs.ErrNotExist", err)
	}
}
