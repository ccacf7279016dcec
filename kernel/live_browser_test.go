package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil/browser"
)

// startLab starts the installation's JupyterLab on a free port, in dir, and returns the address below which it shows
// notebooks, and its token. With TLKIT_NOTEBOOK=PROGRAM it starts Jupyter Notebook 7 by that jupyter.
func startLab(t *testing.T, p Prefix, dir string) (url, token string) {
	t.Helper()
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	program, app, class, path := venvProgram(m.Venv, "jupyter"), "lab", "LabApp", "lab/tree/"
	if other := os.Getenv("TLKIT_NOTEBOOK"); other != "" {
		program, app, class, path = other, "notebook", "JupyterNotebookApp", "notebooks/"
	}
	cmd := exec.Command(program, app, "--no-browser", "--allow-root", "--port=0", "--ServerApp.port_retries=0",
		"--ServerApp.root_dir="+dir, "--"+class+".expose_app_in_browser=True")
	cmd.Env = append(os.Environ(), "JUPYTER_PATH="+jupyterPath(p))
	url, token = testutil.StartJupyter(t, cmd)
	return url + path, token
}

// Expressions for the page. The shell's current widget is null while a headless page has no focus.
const (
	pagePanel  = `[...(window.jupyterapp?.shell?.widgets("main") ?? [])].find(w => w.sessionContext)`
	pageStatus = `(` + pagePanel + `)?.sessionContext?.session?.kernel?.status`
	pageIdle   = pageStatus + ` === "idle"`
	pageRun    = `((panel) => {
		window.jupyterapp.shell.activateById(panel.id);
		window.jupyterapp.commands.execute("notebook:run-all-cells");
		return panel.sessionContext.kernelDisplayName;
	})(` + pagePanel + `)`
	pageFinished = `((panel) => {
		const code = panel.content.widgets.filter(w => w.model.type === "code");
		return code.every(w => w.model.executionState !== "running" && w.model.executionCount !== null);
	})(` + pagePanel + `) && ` + pageIdle
	// JupyterLab draws what is in view, and the rest when it is idle, which a busy machine never is: scroll.
	pageDraw = `((panel) => {
		window.tlkitTurn = (window.tlkitTurn || 0) + 1;
		panel.content.scrollToItem(window.tlkitTurn % panel.content.widgets.length);
		return document.querySelectorAll(".vega-embed canvas, .vega-embed svg.marks").length;
	})(` + pagePanel + `)`
	pageOutput = `[...document.querySelectorAll(".jp-OutputArea-output")].map(e => e.innerText).join("\n")`
)

// browserPage is a notebook open in a real JupyterLab in a real browser.
type browserPage struct {
	t   *testing.T
	ctx context.Context
}

// openNotebook opens a notebook of testdata, for a kernel, and waits until that is ready.
func openNotebook(t *testing.T, p Prefix, fixture, kernel string, flags ...chromedp.ExecAllocatorOption) browserPage {
	t.Helper()
	ctx, dir := browser.Open(t, 1280, 1500, flags...), t.TempDir()
	data, err := os.ReadFile(filepath.Join("testdata", fixture))
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.Replace(data, []byte(`"name": "tlkit"`), []byte(`"name": "`+kernel+`"`), 1)
	if err := os.WriteFile(filepath.Join(dir, fixture), data, 0o644); err != nil {
		t.Fatal(err)
	}
	url, token := startLab(t, p, dir)
	ctx, cancel := context.WithTimeout(ctx, 8*time.Minute)
	t.Cleanup(cancel)
	page := browserPage{t, ctx}
	page.do("opening the notebook", chromedp.Navigate(fmt.Sprintf("%s%s?token=%s&reset", url, fixture, token)))
	page.wait("the kernel", pageIdle)
	page.text(`(() => {
		const log = console.error;
		window.tlkitErrors = [];
		console.error = (...all) => { window.tlkitErrors.push(all.join(" ")); log(...all); };
		return "";
	})()`)
	return page
}

// runCell puts a cell below the last one and runs it.
func (b browserPage) runCell(code string) {
	b.t.Helper()
	source, err := json.Marshal(code)
	if err != nil {
		b.t.Fatal(err)
	}
	b.text(`((panel) => {
		panel.content.activeCellIndex = panel.content.widgets.length - 1;
		window.jupyterapp.commands.execute("notebook:insert-cell-below").then(() => {
			panel.content.activeCell.model.sharedModel.setSource(` + string(source) + `);
			window.jupyterapp.commands.execute("notebook:run-cell");
		});
		return "";
	})(` + pagePanel + `)`)
}

// do runs a step that must succeed.
func (b browserPage) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.fail(what, err)
	}
}

// wait polls until an expression is true.
func (b browserPage) wait(what, expression string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingInterval(300*time.Millisecond),
		chromedp.WithPollingTimeout(3*time.Minute))); err != nil {
		b.fail("waiting for "+what, err)
	}
}

// text evaluates an expression.
func (b browserPage) text(expression string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.fail(expression, err)
	}
	return text
}

func (b browserPage) fail(what string, err error) {
	b.t.Helper()
	state, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`String(`+pageStatus+`) + "\n" + `+pageOutput+` + "\n" + (window.tlkitErrors ?? []).join("\n")`))
	b.shot("failed")
	b.t.Fatalf("in the browser: %s: %v; kernel %s", what, err, state)
}

// shot takes a picture. With TLKIT_SCREENSHOTS=DIR it is kept there.
func (b browserPage) shot(name string) {
	b.t.Helper()
	shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Errorf("screenshot: %v", err)
		return
	}
	if keep := os.Getenv("TLKIT_SCREENSHOTS"); keep != "" {
		name = strings.ReplaceAll(b.t.Name(), "/", "-") + "-" + name + ".png"
		if err := os.WriteFile(filepath.Join(keep, name), shot, 0o644); err != nil {
			b.t.Error(err)
		}
	}
	if img, _, err := image.Decode(bytes.NewReader(shot)); err != nil || img.Bounds().Dx() < 1000 {
		b.t.Errorf("screenshot: %v, %d bytes", err, len(shot))
	}
}

// TestJupyterLab opens a notebook in a real JupyterLab in a real browser, runs all its cells and looks at what is
// drawn: text and HTML of the first cell, a Vega-Lite chart without a CDN, the compiler's error of the second.
func TestJupyterLab(t *testing.T) { eachKernel(t, testJupyterLab) }

func testJupyterLab(t *testing.T, kernel string) {
	p, _ := installed(t)
	page := openNotebook(t, p, "jupyterlab.ipynb", kernel)
	// The command's promise is not waited for: it ends with the last cell.
	if name := page.text(pageRun); name != kernelNames[kernel] {
		t.Errorf("the notebook runs on kernel %q, want %q", name, kernelNames[kernel])
	}
	page.wait("the cells", pageFinished)
	page.wait("the chart", pageDraw+" === 1")
	text := page.text(pageOutput)
	line := map[string]string{KernelName: "cell 2, line 2", GonbKernelName: "Cell[2]: Line 2"}[kernel]
	for _, want := range []string{"squares: [1 4 9 16 25]", "made by a cell", line, `cannot use "seven"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the outputs lack %q:\n%s", want, text)
		}
	}
	page.shot("cells")
}

// TestJupyterLabLive does by hand what makes a notebook: a value that stays, a result without a print, the Tab key
// while a cell runs, the interrupt button, and a panic, after which the values are still there.
func TestJupyterLabLive(t *testing.T) {
	p, _ := installed(t)
	needLive(t, p, KernelName)
	page := openNotebook(t, p, "live.ipynb", KernelName)
	page.text(pageRun) // all cells; the last one loops
	page.wait("the loop", pageOutput+`.includes("looping")`)
	page.wait("the result", pageOutput+`.includes("[9 16]")`)
	page.wait("a busy kernel", pageStatus+` === "busy"`)

	// Below the loop, which goes on.
	page.text(`((panel) => {
		panel.content.activeCellIndex = panel.content.widgets.length - 1;
		window.jupyterapp.commands.execute("notebook:insert-cell-below").then(() => window.jupyterapp.commands.execute("notebook:enter-edit-mode"));
		return "";
	})(` + pagePanel + `)`)
	page.wait("the new cell", `document.querySelector(".jp-Notebook .jp-mod-active.jp-mod-selected .cm-content")?.contains(document.activeElement)`)
	page.do("typing", chromedp.KeyEvent("squa"))
	// JupyterLab drops an answer that takes it longer than a second, as it may on a busy machine: again, as one would.
	const completed = `String(document.activeElement.innerText.includes("squares") ||
		[...document.querySelectorAll(".jp-Completer-item")].some(e => e.innerText.includes("squares")))`
	for try := 0; page.text(completed) != "true"; try++ {
		if try == 30 {
			page.fail("completing a name of the session", fmt.Errorf("nothing after %d Tabs", try))
		}
		page.do("Tab", chromedp.KeyEvent("\t"), chromedp.Sleep(2*time.Second))
	}
	page.shot("completion")
	if page.text(`String(document.activeElement.innerText.includes("squares"))`) != "true" {
		page.do("taking the completion", chromedp.KeyEvent("\r"))
		page.wait("the completed name", `document.activeElement.innerText.includes("squares")`)
	}
	page.do("interrupting", chromedp.Click(`.jp-NotebookPanel-toolbar [data-command="notebook:interrupt-kernel"]`))
	page.wait("the end of the loop", pageIdle+` && /interrupt/i.test(`+pageOutput+`)`)

	// The completed name is there, after an interrupt and, below, after a panic.
	page.text(`window.jupyterapp.commands.execute("notebook:run-cell-and-insert-below"), ""`)
	page.wait("the value", `(`+pageOutput+`.match(/\[9 16\]/g) ?? []).length >= 2 && `+pageIdle)
	page.wait("another cell", `document.querySelector(".jp-Notebook .jp-mod-active.jp-mod-selected .cm-content")?.contains(document.activeElement)`)
	page.do("typing", chromedp.KeyEvent("panic(\"as asked\")"))
	page.text(`window.jupyterapp.commands.execute("notebook:run-cell-and-insert-below"), ""`)
	page.wait("the panic", `/panic: as asked[^]*cell \d+, line 1/.test(`+pageOutput+`)`)
	page.wait("another cell", `document.querySelector(".jp-Notebook .jp-mod-active.jp-mod-selected .cm-content")?.contains(document.activeElement) &&
		document.activeElement.innerText.trim() === ""`)
	page.do("typing", chromedp.KeyEvent("len(squares)"))
	page.text(`window.jupyterapp.commands.execute("notebook:run-cell"), ""`)
	page.wait("the value after the panic", pageOutput+`.split("\n").includes("2") && `+pageIdle)
	page.wait("the chart", pageDraw+" === 1")

	// GoNB's widgets: what is clicked and moved reaches the running cell.
	page.runCell(`import "github.com/janpfeifer/gonb/gonbui/widgets"
button := widgets.Button("press me").WithHtmlId("test-button").Done()
presses := button.Listen()
fmt.Println("button ready")
fmt.Println("pressed", <-presses.C)
fmt.Println("pressed", <-presses.C)
slider := widgets.Slider(0, 100, 50).WithHtmlId("test-slider").Done()
fmt.Println("slider ready at", slider.Value())
for slider.Value() != 70 {
	time.Sleep(20 * time.Millisecond)
}
fmt.Println("slid to", slider.Value())`)
	page.wait("the button", pageOutput+`.includes("button ready")`)
	page.do("pressing", chromedp.Click("#test-button"))
	page.wait("the first press", pageOutput+`.includes("pressed 1")`)
	page.do("pressing", chromedp.Click("#test-button"))
	page.wait("the slider", pageOutput+`.includes("slider ready at 50")`)
	page.text(`((s) => { s.value = 70; s.dispatchEvent(new Event("input")); return ""; })(document.getElementById("test-slider"))`)
	page.wait("the slider's value", pageOutput+`.includes("slid to 70") && `+pageIdle)
	page.shot("cells")

	// A save that begins while another one has written the file, and not heard of it yet, as on a busy machine.
	page.text(`((context) => {
		const contents = context._manager.contents, save = contents.save.bind(contents), get = contents.get.bind(contents);
		contents.save = async (...all) => {
			contents.save = save;
			const model = await save(...all);
			const looked = new Promise(resolve => contents.get = async (...all) => {
				contents.get = get;
				const found = await get(...all);
				setTimeout(resolve, 500); // the second save has compared the file with what it knows
				return found;
			});
			const second = context.save();
			await Promise.race([looked, new Promise(resolve => setTimeout(resolve, 2000))]);
			contents.get = get;
			window.tlkitSaved = second.then(() => window.tlkitSaved = true);
			return model;
		};
		context.save();
		return "";
	})((` + pagePanel + `).context)`)
	page.wait("two saves without questions", `window.tlkitSaved === true || document.querySelector(".jp-Dialog")`)
	if page.text(`String(window.tlkitSaved)`) != "true" {
		page.fail("the second of two saves", errors.New("JupyterLab takes it for a conflict"))
	}
}
