package kernel

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// Check is one link of the chain from Jupyter to a computed result.
type Check struct {
	// Name is the link: "go", "gcc", "prefix", ...
	Name string
	// OK reports whether it works.
	OK bool
	// Detail is the result of the check.
	Detail string
	// Mend is the remedy when it does not work.
	Mend string
}

// DoctorOptions set what to examine. The zero value examines the default prefix.
type DoctorOptions struct {
	// Prefix is the folder of the installation; empty means DefaultPrefix.
	Prefix string
	// Log receives one line per link as soon as it is known; nil discards them.
	Log io.Writer
	// Timeout is the limit for each cell of the live test; 0 means two minutes.
	Timeout time.Duration

	noCells bool // for tests of the checks before the cells
}

// Doctor tests each link from Go to a cell that computes. It returns all checks, and an error with the number of failed
// ones.
func Doctor(ctx context.Context, opts DoctorOptions) ([]Check, error) {
	var checks []Check
	failed := 0
	add := func(c Check) bool {
		checks = append(checks, c)
		word := "ok  "
		if !c.OK {
			word = "FAIL"
			failed++
		}
		if opts.Log != nil {
			fmt.Fprintf(opts.Log, "%s %s: %s\n", word, c.Name, indentFollowing(c.Detail))
			if !c.OK && c.Mend != "" {
				fmt.Fprintf(opts.Log, "     to mend: %s\n", c.Mend)
			}
		}
		return c.OK
	}
	p, err := installPrefix(opts.Prefix)
	if err != nil {
		add(Check{Name: "prefix", Detail: err.Error(), Mend: "set TLKIT_HOME or HOME"})
		return checks, errors.New("kernel: doctor: 1 check failed")
	}
	add(checkGo(ctx))
	add(checkGcc(ctx))
	m, c := checkPrefix(p)
	if add(c) {
		m, c = checkEnvironment(p, m)
		add(c)
		add(checkToolchain(ctx, p, m))
		add(checkModules(ctx, p, m))
		add(checkKernelSpec(p, m))
		if c, ok := checkOneDNN(ctx, p, m); ok {
			add(c)
		}
		if add(checkJupyter(ctx, p, m)) && !opts.noCells {
			for _, c := range liveChecks(ctx, p, m, cmp.Or(opts.Timeout, 2*time.Minute)) {
				add(c)
			}
		}
	}
	if failed > 0 {
		return checks, fmt.Errorf("kernel: doctor: %d of %d checks failed", failed, len(checks))
	}
	return checks, nil
}

func indentFollowing(s string) string {
	return strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n     ")
}

// checkGo: any go from 1.21 on can fetch the toolchain that go.mod names.
func checkGo(ctx context.Context) Check {
	c := Check{Name: "go", Mend: "install Go 1.21 or newer (https://go.dev/dl, or apt install golang) and put it on PATH"}
	gt, err := findGo()
	if err != nil {
		c.Detail = err.Error()
		return c
	}
	// Run outside of any module, so that the version is that of the program itself.
	vars, err := goTool{path: gt.path, env: []string{"GOTOOLCHAIN=local"}}.variables(ctx, os.TempDir(), "GOVERSION")
	if err != nil {
		c.Detail = err.Error()
		return c
	}
	c.Detail = fmt.Sprintf("%s, %s", vars[0], gt.path)
	c.OK = versionAtLeast(vars[0], 1, 21)
	if !c.OK {
		c.Detail += "; 1.21 or newer is needed"
	}
	return c
}

// checkGcc compiles a line of C: a compiler without the C library's headers runs --version successfully all the same.
func checkGcc(ctx context.Context) Check {
	c := Check{Name: "gcc", Mend: "install a C compiler with its headers, for the engines below GoMLX (on Debian: apt install gcc libc6-dev)"}
	words := build.CCompiler()
	cc, err := exec.LookPath(words[0])
	if err != nil {
		c.Detail = err.Error()
		return c
	}
	words[0] = cc
	cmd := build.CompilerCommand(ctx, "-x", "c", "-fsyntax-only", "-")
	cmd.Stdin = strings.NewReader("#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		c.Detail = commandError(cc, err, string(out)).Error()
		return c
	}
	version, _ := build.CompilerCommand(ctx, "-dumpfullversion").Output()
	c.OK, c.Detail = true, strings.TrimSpace(fmt.Sprintf("%s %s", strings.Join(words, " "), version))
	return c
}

func checkPrefix(p Prefix) (*Manifest, Check) {
	c := Check{Name: "prefix", Mend: "run " + p.installer()}
	m, err := ReadManifest(p)
	if err != nil {
		c.Detail = err.Error()
		return nil, c
	}
	needed := []string{p.Bin("tlkernel"), p.Bin("gonb"), p.Bin("goimports"), p.Bin("gopls"),
		filepath.Join(p.shimDir(), "go"), filepath.Join(p.workspaceDir(), "go.mod"), filepath.Join(p.workspaceDir(), "go.sum")}
	var missing []string
	for _, f := range needed {
		if _, err := os.Stat(f); err != nil {
			missing = append(missing, f)
		}
	}
	if len(missing) > 0 {
		c.Detail = "missing: " + strings.Join(missing, ", ")
		return m, c
	}
	c.OK, c.Detail = true, fmt.Sprintf("%s, from %s", p, m.Source)
	return m, c
}

// checkEnvironment does to the environment what the kernel's start does: it chooses the places of temporary files and
// caches, and lists the settings that are not used. It returns the installation in the form that this user can use.
func checkEnvironment(p Prefix, m *Manifest) (*Manifest, Check) {
	c := Check{Name: "environment", Mend: "see the sentence above; TMPDIR and " + envUserCache + " name other folders"}
	temp, why, err := usableTemp(tempCandidates())
	if err != nil {
		c.Detail = err.Error()
		return m, c
	}
	own, err := m.forUser(p, temp)
	if err != nil {
		c.Detail = err.Error()
		return m, c
	}
	c.OK, c.Detail = true, "temporary files in "+temp
	if why != nil {
		c.Detail += fmt.Sprintf(", as %v", why)
	}
	if own.GoCache != m.GoCache || own.LiveCache != m.liveCache(p) {
		c.Detail += ", caches in " + filepath.Dir(own.GoCache) + ", as those of the installation can't be written"
	}
	if names := build.ForeignSettings(os.Environ()); len(names) > 0 {
		c.Detail += "; not used for cells: " + strings.Join(names, ", ")
	}
	return own, c
}

func checkToolchain(ctx context.Context, p Prefix, m *Manifest) Check {
	c := Check{Name: "toolchain", Mend: "run " + p.installer() + ", which fetches it again (go clean -modcache removes it)"}
	vars, err := m.cellGo().variables(ctx, os.TempDir(), "GOVERSION")
	if err != nil {
		c.Detail = err.Error()
		return c
	}
	c.OK, c.Detail = true, fmt.Sprintf("%s for cells, %s", vars[0], m.GoRoot)
	return c
}

// checkModules resolves all packages that notebooks may import, as a cell would.
func checkModules(ctx context.Context, p Prefix, m *Manifest) Check {
	c := Check{Name: "workspace", Mend: "run " + p.installer() + ", which fetches missing modules again"}
	tmp, err := os.MkdirTemp("", "tlkit-doctor-")
	if err != nil {
		c.Detail = err.Error()
		return c
	}
	defer os.RemoveAll(tmp)
	if err := placeWorkspace(p, tmp, workspaceModule); err != nil {
		c.Detail = err.Error()
		return c
	}
	args := append([]string{"list", "-deps", "-f", ""}, m.Packages...)
	if _, err := m.cellGo().output(ctx, tmp, []string{"GOPROXY=off", "GOWORK=off", "GOFLAGS=-mod=readonly"}, args...); err != nil {
		c.Detail = err.Error()
		return c
	}
	c.OK, c.Detail = true, fmt.Sprintf("%d packages to import, offline", len(m.Packages))
	return c
}

func checkKernelSpec(p Prefix, m *Manifest) Check {
	c := Check{Name: "kernelspec", Mend: "run " + p.command("install") + " --source " + shellWord(m.Source)}
	if len(m.KernelSpecs) == 0 {
		c.Detail = "none was written"
		return c
	}
	var usable []string
	for _, dir := range m.KernelSpecs {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrPermission) {
			continue // in the home folder of the installation's owner, for whom it is
		}
		if owner := kernelSpecPrefix(dir); owner != string(p) {
			c.Detail = fmt.Sprintf("%s is missing or points elsewhere (%q)", dir, owner)
			return c
		}
		usable = append(usable, dir)
	}
	c.OK, c.Detail = len(usable) > 0, strings.Join(usable, ", ")
	if !c.OK {
		c.Detail = "none that this user can read"
	}
	return c
}

func checkJupyter(ctx context.Context, p Prefix, m *Manifest) Check {
	c := Check{Name: "jupyter", Mend: "run " + p.installer()}
	if err := checkVenv(ctx, m.Venv); err != nil {
		c.Detail = err.Error()
		return c
	}
	out, err := exec.CommandContext(ctx, venvProgram(m.Venv, "jupyter"), "lab", "--version").Output()
	if err != nil {
		c.Detail = commandError("jupyter lab --version", err, "").Error()
		return c
	}
	c.OK, c.Detail = true, fmt.Sprintf("JupyterLab %s, %s", strings.TrimSpace(string(out)), m.Venv)
	return c
}

// liveChecks sends cells through Jupyter to the kernels: to each one that needs nothing, then one that prints which
// engine tlkit uses. The second can fail alone.
func liveChecks(ctx context.Context, p Prefix, m *Manifest, timeout time.Duration) []Check {
	const hello = "%%\nfmt.Println(6 * 7)"
	const engine = "import \"" + modulePath + "/tlkit/backend\"\n%%\nfmt.Println(backend.Describe())"
	var checks []Check
	worked := ""
	for _, k := range []struct{ check, kernel string }{{"live kernel", KernelName}, {"GoNB kernel", GonbKernelName}} {
		c := Check{Name: k.check, Mend: "run " + envKernelLog + "=/tmp/kernel.log " + p.command("doctor") + ", and read that file"}
		if k.kernel == KernelName && !m.Live {
			// Not a fault: notebooks work, with GoNB.
			checks = append(checks, Check{Name: k.check, OK: true, Detail: "not on this machine, " + KernelName + " is GoNB: " + m.WhyNotLive})
			continue
		}
		began := time.Now()
		text, err := runCell(ctx, p, k.kernel, hello, timeout)
		if err == nil && text != "42" {
			err = fmt.Errorf("a cell that prints 42 gave %q", text)
		}
		if err != nil {
			c.Detail = err.Error()
		} else {
			worked = k.kernel
			c.OK, c.Detail = true, fmt.Sprintf("%s: start, one cell over ZeroMQ and shutdown in %.1f s", k.kernel, time.Since(began).Seconds())
		}
		checks = append(checks, c)
	}
	if worked == "" {
		return checks
	}
	e := Check{Name: "engine", Mend: "read the compiler's or the engine's words above; GOMLX_BACKEND=go selects the pure-Go engine"}
	text, err := runCell(ctx, p, worked, engine, timeout)
	switch {
	case err != nil:
		e.Detail = err.Error()
	case text == "":
		e.Detail = "the cell that asks for the engine printed nothing"
	default:
		e.OK, e.Detail = true, text
	}
	return append(checks, e)
}

// runCell executes one cell through Jupyter and returns what it printed.
func runCell(ctx context.Context, p Prefix, kernelName, source string, timeout time.Duration) (string, error) {
	dir, err := os.MkdirTemp("", "tlkit-doctor-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	in, out := filepath.Join(dir, "doctor.ipynb"), filepath.Join(dir, "out.ipynb")
	if err := writeNotebook(in, source); err != nil {
		return "", err
	}
	if err := Execute(ctx, in, ExecuteOptions{Prefix: string(p), Kernel: kernelName, Out: out, HTML: "none", Timeout: timeout}); err != nil {
		var cell *CellError
		if errors.As(err, &cell) {
			return "", errors.New(strings.TrimSpace(cell.Stderr + "\n" + cell.Traceback))
		}
		return "", err
	}
	data, err := os.ReadFile(out)
	if err != nil {
		return "", err
	}
	return streamText(data, "stdout")
}

// notebookFile is the part of the notebook format that the doctor needs:
// https://nbformat.readthedocs.io/en/stable/format_description.html
type notebookFile struct {
	Cells         []notebookCell `json:"cells"`
	Metadata      map[string]any `json:"metadata"`
	NBFormat      int            `json:"nbformat"`
	NBFormatMinor int            `json:"nbformat_minor"`
}

type notebookCell struct {
	Type     string           `json:"cell_type"`
	ID       string           `json:"id"`
	Count    *int             `json:"execution_count"`
	Metadata map[string]any   `json:"metadata"`
	Outputs  []notebookOutput `json:"outputs"`
	Source   multiline        `json:"source"`
}

type notebookOutput struct {
	Type string    `json:"output_type"`
	Name string    `json:"name"`
	Text multiline `json:"text"`
}

// multiline is text that the notebook format stores as a string or as a list of lines.
type multiline string

// UnmarshalJSON accepts both forms.
func (m *multiline) UnmarshalJSON(data []byte) error {
	var lines []string
	if err := json.Unmarshal(data, &lines); err == nil {
		*m = multiline(strings.Join(lines, ""))
		return nil
	}
	return json.Unmarshal(data, (*string)(m))
}

// writeNotebook makes a notebook of code cells.
func writeNotebook(path string, sources ...string) error {
	nb := notebookFile{NBFormat: 4, NBFormatMinor: 5, Metadata: map[string]any{
		"kernelspec": map[string]string{"name": KernelName, "display_name": DisplayName, "language": "go"}}}
	for i, s := range sources {
		nb.Cells = append(nb.Cells, notebookCell{Type: "code", ID: fmt.Sprintf("cell-%d", i+1),
			Metadata: map[string]any{}, Outputs: []notebookOutput{}, Source: multiline(s)})
	}
	data, err := json.MarshalIndent(nb, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// streamText returns what all cells of an executed notebook wrote to stream "stdout" or "stderr".
func streamText(notebook []byte, stream string) (string, error) {
	var nb notebookFile
	if err := json.Unmarshal(notebook, &nb); err != nil {
		return "", fmt.Errorf("kernel: executed notebook: %w", err)
	}
	var b strings.Builder
	for _, cell := range nb.Cells {
		for _, o := range cell.Outputs {
			if o.Type == "stream" && o.Name == stream {
				b.WriteString(string(o.Text))
			}
		}
	}
	return strings.TrimSpace(b.String()), nil
}
