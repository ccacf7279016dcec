package kernel

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// executeScript runs a notebook with nbclient; it is passed to Python as text, so that nothing has to be
// installed for it.
//
//go:embed execute.py
var executeScript string

// progressEvery is the time between Execute's reports on a cell that is still running.
const progressEvery = 15 * time.Second

// ExecuteOptions set the kernel, the limits and the output files. The zero value writes out/NAME.ipynb and
// out/NAME.html, with no time limit.
type ExecuteOptions struct {
	// Prefix is the folder of the installation; empty means DefaultPrefix.
	Prefix string
	// Kernel is KernelName or GonbKernelName; empty means KernelName.
	Kernel string
	// Out is the executed notebook; empty means out/NAME.ipynb in the working folder.
	Out string
	// HTML is the page made of it; empty means next to Out. "none" makes no page.
	HTML string
	// Timeout is the limit for each cell; 0 means none.
	Timeout time.Duration
	// Log receives progress, one line per event; nil discards it.
	Log io.Writer
}

// CellError reports which cell of a notebook failed, and how.
type CellError struct {
	// Notebook is the path that was executed.
	Notebook string
	// Cell is the cell's number among the notebook's non-empty code cells, from 1; Of is their number.
	Cell, Of int
	// Source is the cell's first line that is not blank or a bare %%.
	Source string
	// Name and Value are the error as the kernel reported it.
	Name, Value string
	// Traceback is the kernel's text with the place of the error, without colours.
	Traceback string
	// Stderr is the cell's text on standard error.
	Stderr string
}

// Error names the cell and includes the kernel's text.
func (e *CellError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "kernel: %s: cell %d of %d failed: %s", e.Notebook, e.Cell, e.Of, e.Source)
	text := cmp.Or(e.Traceback, e.Value)
	if e.Stderr != "" {
		text = e.Stderr + "\n" + text
	}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		b.WriteString("\n    " + line)
	}
	return b.String()
}

// executeEvent is one line of executeScript's report.
type executeEvent struct {
	Event     string   `json:"event"`
	Cell      int      `json:"cell"`
	Of        int      `json:"of"`
	Source    string   `json:"source"`
	Status    string   `json:"status"`
	Seconds   float64  `json:"seconds"`
	Path      string   `json:"path"`
	Message   string   `json:"message"`
	Name      string   `json:"name"`
	Value     string   `json:"value"`
	Traceback []string `json:"traceback"`
	Stderr    string   `json:"stderr"`
}

// Execute runs the notebook's cells in order through the installed kernel, as JupyterLab would, and writes the executed
// notebook and a page of it. It stops at the first failing cell; the error is then a *CellError, and the results so far
// are written all the same.
func Execute(ctx context.Context, notebook string, opts ExecuteOptions) error {
	p, m, err := openInstallation(opts.Prefix)
	if err != nil {
		return err
	}
	opts.Kernel = cmp.Or(opts.Kernel, KernelName)
	if err := checkKernelName(opts.Kernel); err != nil {
		return err
	}
	if err := checkNotebook(notebook); err != nil {
		return err
	}
	out, html, err := opts.makeOutputs(notebook)
	if err != nil {
		return err
	}
	say := func(format string, args ...any) {
		if opts.Log != nil {
			fmt.Fprintf(opts.Log, format+"\n", args...)
		}
	}
	scratch, err := os.MkdirTemp("", "tlkit-exec-")
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	defer os.RemoveAll(scratch)
	cmd := exec.CommandContext(ctx, venvProgram(m.Venv, "python"), "-c", executeScript,
		notebook, out, html, opts.Kernel, fmt.Sprint(opts.Timeout.Seconds()))
	cmd.Env = append(JupyterEnv(os.Environ(), p, scratch), "PYTHONUTF8=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	// SIGINT makes nbclient stop the kernel first.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	ownGroup(cmd) // Ctrl-C reaches it once, through ctx
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("kernel: starting Python: %w; run %s again", err, p.installer())
	}
	failure := follow(readEvents(stdout), notebook, say)
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("kernel: %s: stopped: %w", notebook, context.Cause(ctx))
	case failure != nil:
		return failure
	case err != nil:
		return commandError("kernel: "+notebook+": running it with nbclient", err, stderr.String())
	}
	return nil
}

// readEvents reads the script's report.
func readEvents(stdout io.Reader) <-chan executeEvent {
	events := make(chan executeEvent)
	go func() {
		defer close(events)
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			var e executeEvent
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				events <- e
			}
		}
		io.Copy(io.Discard, stdout) // a line too long: let the script go on
	}()
	return events
}

// follow converts events to progress lines until the script ends, and returns the failure that the script reported.
func follow(events <-chan executeEvent, notebook string, say func(string, ...any)) error {
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	began := time.Now()
	var now executeEvent
	var cellBegan time.Time
	var failure error
	for {
		select {
		case <-ticker.C:
			if now.Cell > 0 {
				say("cell %d of %d: running, %.0f s", now.Cell, now.Of, time.Since(cellBegan).Seconds())
			}
		case e, ok := <-events:
			if !ok {
				return failure
			}
			switch e.Event {
			case "kernel":
				say("%s: starting kernel %q", notebook, e.Name)
			case "start":
				if now.Cell == 0 {
					say("kernel ready after %.1f s", time.Since(began).Seconds())
				}
				now, cellBegan = e, time.Now()
				say("cell %d of %d: %s", e.Cell, e.Of, e.Source)
			case "done":
				say("cell %d of %d: %s, %.1f s", e.Cell, e.Of, e.Status, e.Seconds)
			case "saved":
				say("wrote %s", e.Path)
			case "failed":
				failure = &CellError{Notebook: notebook, Cell: now.Cell, Of: now.Of, Source: now.Source, Name: e.Name,
					Value: plainText(e.Value), Traceback: plainText(strings.Join(e.Traceback, "\n")), Stderr: plainText(e.Stderr)}
			case "error":
				failure = fmt.Errorf("kernel: %s: %s", notebook, e.Message)
			}
		}
	}
}

// outputs returns the files to write; html is empty for none.
func (o ExecuteOptions) outputs(notebook string) (out, html string) {
	out, html = o.Out, o.HTML
	if out == "" {
		out = filepath.Join("out", filepath.Base(notebook))
	}
	switch html {
	case "none":
		html = ""
	case "":
		html = strings.TrimSuffix(out, filepath.Ext(out)) + ".html"
	}
	return out, html
}

// makeOutputs returns the files to write, as outputs does, and makes their folders.
func (o ExecuteOptions) makeOutputs(notebook string) (out, html string, err error) {
	out, html = o.outputs(notebook)
	if out == "" || sameDir(out, notebook) {
		return "", "", fmt.Errorf("kernel: %s: the result would overwrite the notebook; give another file with -o", notebook)
	}
	for _, f := range []string{out, html} {
		if f == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			return "", "", fmt.Errorf("kernel: %w", err)
		}
	}
	return out, html, nil
}

// checkNotebook returns a plain error where nbformat would print a page of Python.
func checkNotebook(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("kernel: notebook: %w", err)
	}
	var nb struct {
		Cells    []json.RawMessage `json:"cells"`
		NBFormat int               `json:"nbformat"`
	}
	if err := json.Unmarshal(data, &nb); err != nil {
		return fmt.Errorf("kernel: %s is no notebook: %w; expected a .ipynb file as JupyterLab saves it", path, err)
	}
	if nb.NBFormat < 4 || nb.Cells == nil {
		return fmt.Errorf("kernel: %s is no notebook of format 4 (nbformat is %d); open and save it with JupyterLab", path, nb.NBFormat)
	}
	return nil
}

// jupyterPath returns a path with which any Jupyter uses the kernelspec of this installation, even when the user's has
// since come to point to another one.
func jupyterPath(p Prefix) string {
	dirs := []string{p.jupyterDir()}
	if have := os.Getenv("JUPYTER_PATH"); have != "" {
		dirs = append(dirs, have)
	}
	return strings.Join(dirs, string(os.PathListSeparator))
}

// ansi matches terminal colour sequences.
var ansi = regexp.MustCompile(`\x1b\[[0-9;]*m`)

func plainText(s string) string { return ansi.ReplaceAllString(s, "") }
