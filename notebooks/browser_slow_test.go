//go:build slow

package notebooks_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil/browser"
)

// Expressions for JupyterLab's page.
const (
	labPanel  = `[...(window.jupyterapp?.shell?.widgets("main") ?? [])].find(w => w.sessionContext)`
	labIdle   = `(` + labPanel + `)?.sessionContext?.session?.kernel?.status === "idle"`
	labButton = `.jp-NotebookPanel-toolbar [data-command="notebook:restart-run-all"]`
	labAccept = `.jp-Dialog .jp-mod-accept`
	labDone   = `(` + labPanel + `)?.content.widgets.filter(w => w.model.type === "code").every(w => w.model.executionState !== "running" && w.model.executionCount !== null) && ` + labIdle
	// labFailed lists what cells report as errors, but for those that are meant to fail.
	labFailed = `(` + labPanel + `).content.widgets.filter(w => w.model.type === "code" && !(w.model.getMetadata("tags") ?? []).includes("raises-exception"))
		.flatMap(w => [...Array(w.model.outputs.length).keys()].map(i => w.model.outputs.get(i)).filter(o => o.type === "error").map(o => w.model.id + ": " + (o.toJSON().evalue ?? ""))).join("\n")`
	// labScroll shows the next page of the notebook, or returns false at its end.
	labScroll = `((box) => { const from = box.scrollTop; box.scrollTop += box.clientHeight - 60; return box.scrollTop > from + 5; })(
		(` + labPanel + `).node.querySelector(".jp-WindowedPanel-outer"))`
	labTop = `((` + labPanel + `).node.querySelector(".jp-WindowedPanel-outer").scrollTop = 0, "")`
	// labDrawn is true once pictures and charts in view are there.
	labDrawn = `[...document.querySelectorAll(".jp-Notebook img")].every(e => e.complete && e.naturalWidth > 0) &&
		[...document.querySelectorAll(".vega-embed")].every(e => e.querySelector("svg.marks, canvas"))`
)

// TestLessonsInJupyterLab runs lessons by JupyterLab's button "Restart the kernel and run all cells", in a browser that
// reaches nothing but this machine, in the light and in the dark theme: all of them, English and Japanese, which takes
// half an hour on two quiet cores, or those that TLKIT_LESSONS="02_x ja/10_y" names. With TLKIT_SCREENSHOTS=DIR
// pictures of all pages of the lesson are kept there, with TLKIT_EXECUTED=DIR the executed lesson, of which
// notebooks/gallery makes its page. The lesson on long work is also stopped in a training by the button ■, and goes on.
func TestLessonsInJupyterLab(t *testing.T) {
	for _, name := range labLessons() {
		// A short name: the browser keeps a socket in the test's folder, whose path has a limit.
		short := strings.Replace(name, "ja/", "j", 1)
		t.Run(short[:min(3, len(short))], func(t *testing.T) { inJupyterLab(t, strings.TrimSuffix(name, ".ipynb")) })
	}
}

// labLessons returns the lessons that TLKIT_LESSONS names, without it all, English and Japanese.
func labLessons() []string {
	names := strings.Fields(os.Getenv("TLKIT_LESSONS"))
	if len(names) > 0 {
		return names
	}
	for _, dir := range []string{"", "ja/"} {
		for _, l := range lessons {
			names = append(names, dir+strings.TrimSuffix(l.name, ".ipynb"))
		}
	}
	return names
}

func inJupyterLab(t *testing.T, name string) {
	tlkernel := filepath.Join(prefix(t), "bin", "tlkernel")
	if _, err := os.Stat(tlkernel); err != nil {
		t.Skipf("the kernel is not installed: %v; run ./install.sh first", err)
	}
	ctx, dir := browser.Open(t, 1280, 1800), t.TempDir()
	layOut(t, name, dir)
	photographs(t)
	cmd := exec.Command(tlkernel, "lab", "--no-browser", "--allow-root", "--port=0", "--ServerApp.port_retries=0",
		"--ServerApp.root_dir="+dir, "--LabApp.expose_app_in_browser=True")
	// Runs lie beside the lesson, so that no output names a folder of the test.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TLKIT_RUNS=") })
	cmd.Env = append(cmd.Env, "JUPYTER_DATA_DIR="+t.TempDir())
	if strings.HasPrefix(name, "ja/") {
		cmd.Env = append(cmd.Env, "TLKIT_LANG=ja")
	}
	url, token := testutil.StartJupyter(t, cmd)
	l := labPage{t, ctx, name}
	if err := chromedp.Do(ctx, chromedp.Navigate(fmt.Sprintf("%slab/tree/%s.ipynb?token=%s&reset", url, name, token))); err != nil {
		t.Fatal(err)
	}
	l.wait("the kernel", labIdle, 3*time.Minute)
	for _, button := range []string{labButton, labAccept} { // the second answers the question whether to restart
		l.wait(button, fmt.Sprintf("!!document.querySelector(%q)", button), time.Minute)
		if err := chromedp.Do(ctx, chromedp.Click(button)); err != nil {
			t.Fatalf("%s: %v", button, err)
		}
	}
	l.wait("the first cell", `(`+labPanel+`).content.widgets.some(w => w.model.executionState === "running")`, 3*time.Minute)
	l.wait("the cells", labDone, 15*time.Minute)
	if failed := l.eval(labFailed); failed != "" {
		t.Errorf("cells failed:\n%s", failed)
	}
	l.save(dir)
	for _, theme := range []string{"Light", "Dark"} {
		l.theme(theme)
		l.shots(strings.ToLower(theme))
	}
	if strings.HasSuffix(name, longWork) {
		l.stopAndResume()
	}
}

// layOut writes a lesson and its pictures to a folder as JupyterLab opens it: the Japanese lessons are one folder down.
func layOut(t *testing.T, name, dir string) {
	t.Helper()
	data, err := os.ReadFile(name + ".ipynb")
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, name+".ipynb")
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "images"), os.DirFS("images")); err != nil {
		t.Fatal(err)
	}
}

// labPage is a lesson that is open in JupyterLab.
type labPage struct {
	t    *testing.T
	ctx  context.Context
	name string
}

// eval returns the text that an expression gives.
func (l labPage) eval(expression string) string {
	l.t.Helper()
	text, err := chromedp.Run(l.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		l.t.Fatalf("%s: %v", expression, err)
	}
	return text
}

// wait polls until an expression is true.
func (l labPage) wait(what, expression string, limit time.Duration) {
	l.t.Helper()
	if _, err := chromedp.Run(l.ctx, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingInterval(300*time.Millisecond), chromedp.WithPollingTimeout(limit))); err != nil {
		state, _ := chromedp.Run(l.ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 4000)`))
		l.t.Fatalf("waiting for %s: %v; the page has\n%s", what, err, state)
	}
}

// save saves the notebook in JupyterLab and compares its outputs with the lesson's claims. With
// TLKIT_EXECUTED it keeps a copy.
func (l labPage) save(dir string) {
	l.t.Helper()
	// The last cell's reply may come before its outputs: the kernel's next reply and what it says of its state come
	// after them. A command to save does nothing while JupyterLab saves by itself.
	l.eval(`((panel) => {
		window.saved = "";
		panel.sessionContext.session.kernel.requestKernelInfo().then(() => panel.context.save()).then(() => { window.saved = "yes"; }, (e) => { window.saved = "no: " + e; });
		return "";
	})(` + labPanel + `)`)
	l.wait("the saved notebook", `window.saved`, 2*time.Minute)
	if saved := l.eval(`window.saved`); saved != "yes" {
		l.t.Fatalf("the notebook is not saved: %s", saved)
	}
	path := filepath.Join(dir, l.name+".ipynb")
	keepsClaims(l.t, strings.TrimPrefix(l.name, "ja/")+".ipynb", read(l.t, path))
	keep := os.Getenv("TLKIT_EXECUTED")
	if keep == "" {
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		l.t.Fatal(err)
	}
	to := filepath.Join(keep, l.name+".ipynb")
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		l.t.Fatal(err)
	}
}

// theme changes JupyterLab's theme: Light or Dark. While it loads a theme, JupyterLab lays its splash over the page.
func (l labPage) theme(name string) {
	l.t.Helper()
	l.eval(`(window.jupyterapp.commands.execute("apputils:change-theme", {theme: "JupyterLab ` + name + `"}), "")`)
	l.wait("the theme", fmt.Sprintf(`document.body.dataset.jpThemeLight === "%t" && !document.getElementById("jupyterlab-splash")`, name == "Light"), time.Minute)
}

// shot keeps a picture of the page if pictures are asked for.
func (l labPage) shot(what string) {
	l.t.Helper()
	keep := os.Getenv("TLKIT_SCREENSHOTS")
	if keep == "" {
		return
	}
	shot, err := chromedp.Run(l.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		l.t.Fatal(err)
	}
	name := fmt.Sprintf("lesson-%s-%s.png", strings.ReplaceAll(l.name, "/", "-"), what)
	if err := os.WriteFile(filepath.Join(keep, name), shot, 0o644); err != nil {
		l.t.Fatal(err)
	}
}

// shots goes through the notebook, page by page, and holds that pictures and charts are drawn.
func (l labPage) shots(theme string) {
	l.t.Helper()
	l.eval(labTop)
	for page := 1; page <= 40; page++ {
		l.wait("pictures and charts", labDrawn, time.Minute)
		l.shot(fmt.Sprintf("%s-%02d", theme, page))
		more, err := chromedp.Run(l.ctx, chromedp.Evaluate[bool](labScroll))
		if err != nil {
			l.t.Fatal(err)
		}
		if !more {
			return
		}
	}
	l.t.Errorf("%s has more than 40 pages; the end was not reached", l.name)
}

// TestNames: TLKIT_LESSONS names lessons that there are.
func TestNames(t *testing.T) {
	for _, name := range strings.Fields(os.Getenv("TLKIT_LESSONS")) {
		base := strings.TrimSuffix(strings.TrimPrefix(name, "ja/"), ".ipynb")
		if !slices.ContainsFunc(lessons, func(l lesson) bool { return strings.TrimSuffix(l.name, ".ipynb") == base }) {
			t.Errorf("TLKIT_LESSONS names %s, which is no lesson", name)
		}
	}
}
