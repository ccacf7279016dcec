package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// findBrowser returns a Chromium or Chrome on PATH.
func findBrowser() (string, bool) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p, true
		}
	}
	return "", false
}

// startLab starts the installation's JupyterLab on a free port, in dir, and
// returns its address with its token.
func startLab(t *testing.T, p Prefix, dir string) (url, token string) {
	t.Helper()
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	runtime := t.TempDir()
	cmd := exec.Command(venvProgram(m.Venv, "jupyter"), "lab", "--no-browser", "--allow-root", "--port=0", "--ServerApp.port_retries=0",
		"--ServerApp.root_dir="+dir, "--LabApp.expose_app_in_browser=True")
	cmd.Env = append(os.Environ(), "JUPYTER_PATH="+jupyterPath(p), "JUPYTER_RUNTIME_DIR="+runtime)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-done
		}
		if t.Failed() {
			t.Logf("JupyterLab:\n%s", &log)
		}
	})
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		files, _ := filepath.Glob(filepath.Join(runtime, "jpserver-*.json"))
		if len(files) == 0 {
			continue
		}
		data, err := os.ReadFile(files[0])
		var server struct {
			URL   string `json:"url"`
			Token string `json:"token"`
		}
		if err == nil && json.Unmarshal(data, &server) == nil && server.URL != "" {
			return server.URL, server.Token
		}
	}
	t.Fatal("JupyterLab did not start within a minute")
	return "", ""
}

// TestJupyterLab opens a notebook in a real JupyterLab in a real browser, runs
// all its cells and looks at what is drawn: text and HTML of the first cell, a
// Vega-Lite chart without a CDN, the compiler's error of the second. With
// TLKIT_SCREENSHOTS=DIR the picture is kept there.
func TestJupyterLab(t *testing.T) {
	p, _ := installed(t)
	browser, ok := findBrowser()
	if !ok {
		t.Skip("no Chromium or Chrome on PATH (on Debian: apt install chromium)")
	}
	dir := t.TempDir()
	data, err := os.ReadFile("testdata/jupyterlab.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "squares.ipynb"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	url, token := startLab(t, p, dir)

	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox,
		chromedp.WindowSize(1280, 1500), chromedp.Env("TMPDIR="+t.TempDir()),
		// Nothing but this machine can be reached: what is drawn came from here.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 8*time.Minute)
	defer cancel()

	// The shell's current widget is null while a headless page has no focus.
	const panel = `[...(window.jupyterapp?.shell?.widgets("main") ?? [])].find(w => w.sessionContext)`
	const idle = `((panel) => panel?.sessionContext?.session?.kernel?.status === "idle")(` + panel + `)`
	const run = `((panel) => {
		window.jupyterapp.shell.activateById(panel.id);
		window.jupyterapp.commands.execute("notebook:run-all-cells");
		return panel.sessionContext.kernelDisplayName;
	})(` + panel + `)`
	const finished = `((panel) => {
		const code = panel.content.widgets.filter(w => w.model.type === "code");
		return code.every(w => w.model.executionState !== "running" && w.model.executionCount !== null);
	})(` + panel + `) && ` + idle
	begin := time.Now()
	var kernelName, text string
	var charts int
	err = func() error {
		if err := chromedp.Do(ctx, chromedp.Navigate(fmt.Sprintf("%slab/tree/squares.ipynb?token=%s&reset", url, token))); err != nil {
			return fmt.Errorf("opening the notebook: %w", err)
		}
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](idle, chromedp.WithPollingTimeout(2*time.Minute))); err != nil {
			state, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`JSON.stringify([(`+panel+`)?.title?.label, (`+panel+`)?.sessionContext?.session?.kernel?.status])`))
			return fmt.Errorf("waiting for the kernel, panel and status %s: %w", state, err)
		}
		// The command's promise is not waited for: it ends with the last cell.
		if kernelName, err = chromedp.Run(ctx, chromedp.Evaluate[string](run)); err != nil {
			return fmt.Errorf("running all cells: %w", err)
		}
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](finished, chromedp.WithPollingTimeout(3*time.Minute))); err != nil {
			return fmt.Errorf("waiting for the cells: %w", err)
		}
		// JupyterLab draws what is in view, and the rest when it is idle, which a busy machine never is: scroll.
		draw := `((panel) => {
			window.tlkitTurn = (window.tlkitTurn || 0) + 1;
			panel.content.scrollToItem(window.tlkitTurn % panel.content.widgets.length);
			return document.querySelectorAll(".vega-embed canvas, .vega-embed svg.marks").length;
		})(` + panel + `)`
		if charts, err = chromedp.Run(ctx, chromedp.Poll[int](draw,
			chromedp.WithPollingInterval(time.Second), chromedp.WithPollingTimeout(2*time.Minute))); err != nil {
			return fmt.Errorf("waiting for the chart: %w", err)
		}
		text, err = chromedp.Run(ctx, chromedp.Evaluate[string](`[...document.querySelectorAll(".jp-OutputArea-output")].map(e => e.innerText).join("\n")`))
		return err
	}()
	shot, shotErr := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if shotErr != nil {
		t.Errorf("screenshot: %v", shotErr)
	}
	if keep := os.Getenv("TLKIT_SCREENSHOTS"); keep != "" && len(shot) > 0 {
		if err := os.WriteFile(filepath.Join(keep, "jupyterlab.png"), shot, 0o644); err != nil {
			t.Error(err)
		}
	}
	if err != nil {
		t.Fatalf("in the browser: %v", err)
	}
	t.Logf("opened, run and drawn in %.1f s", time.Since(begin).Seconds())
	if kernelName != DisplayName {
		t.Errorf("the notebook runs on kernel %q, want %q", kernelName, DisplayName)
	}
	if charts != 1 {
		t.Errorf("%d Vega-Lite charts drawn, want 1", charts)
	}
	for _, want := range []string{"squares: [1 4 9 16 25]", "made by a cell", "Cell[2]: Line 2", `cannot use "seven"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the outputs lack %q:\n%s", want, text)
		}
	}
	if img, _, err := image.Decode(bytes.NewReader(shot)); err != nil || img.Bounds().Dx() < 1000 {
		t.Errorf("screenshot: %v, %d bytes", err, len(shot))
	}
}
