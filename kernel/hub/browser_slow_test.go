//go:build linux && slow

package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil/browser"
)

// page is a page in a real browser.
type page struct {
	t   *testing.T
	ctx context.Context
}

func (p page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.shot("failed")
		p.t.Fatalf("%s: %v", what, err)
	}
}

// wait polls until an expression is true, on whatever page the browser is meanwhile.
func (p page) wait(what, expression string, limit time.Duration) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	look := time.NewTicker(300 * time.Millisecond)
	defer look.Stop()
	for {
		done, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")")) // fails while a page is being left
		if err == nil && done {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			p.shot("failed")
			state, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.location + "\n" + document.body.innerText.slice(0, 3000)`))
			p.t.Fatalf("waiting for %s: %v; the page has\n%s", what, err, state)
		}
	}
}

func (p page) eval(expression string) {
	p.t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression)); err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
}

// shot keeps a picture in TLKIT_SCREENSHOTS, if that is set.
func (p page) shot(name string) {
	p.t.Helper()
	keep := os.Getenv("TLKIT_SCREENSHOTS")
	if keep == "" {
		return
	}
	shot, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Errorf("screenshot: %v", err)
		return
	}
	if err := os.WriteFile(filepath.Join(keep, "hub-"+name+".png"), shot, 0o644); err != nil {
		p.t.Error(err)
	}
}

// TestPage: a user in a browser, from the form to a curve, in the light and in the dark theme; the page is left and
// opened again while cells run. With TLKIT_SCREENSHOTS=DIR pictures are kept there.
func TestPage(t *testing.T) {
	testutil.Browser(t)
	h := startHub(t, []string{"grace"}, `c.Spawner.args.append("--LabApp.expose_app_in_browser=True")`)
	p := page{t, browser.Open(t, 1280, 1500)}
	p.do("the form", chromedp.Navigate(h.address), chromedp.WaitVisible("#username_input"))
	p.shot("1-form")
	p.do("logging in", chromedp.SendKeys("#username_input", "grace"), chromedp.SendKeys("#password_input", h.passwords()["grace"]), chromedp.Click("#login_submit"))
	p.wait("JupyterLab", `location.pathname.startsWith("/user/grace/lab") && document.querySelector("#jupyterlab-splash, .jp-LabShell")`, 3*time.Minute)
	p.wait("the lessons in the file browser", `[...document.querySelectorAll(".jp-DirListing-itemText")].some(e => e.innerText.trim() === "lessons")`, 2*time.Minute)
	p.shot("2-lab")
	lesson := h.address + "/user/grace/lab/tree/lessons/00_quickstart.ipynb?reset"
	p.do("the lesson", chromedp.Navigate(lesson))
	const panel = `[...(window.jupyterapp?.shell?.widgets("main") ?? [])].find(w => w.sessionContext)`
	const idle = `(` + panel + `)?.sessionContext?.session?.kernel?.status === "idle"`
	const code = `(` + panel + `).content.widgets.filter(w => w.model.type === "code")`
	p.wait("the kernel", idle, 4*time.Minute)
	p.eval(`(window.jupyterapp.commands.execute("notebook:run-all-cells"), "")`)
	p.wait("the first cell", code+`.some(w => w.model.executionState === "running")`, 2*time.Minute)
	p.do("closing the page", chromedp.Navigate("about:blank"))
	p.do("opening it again", chromedp.Navigate(lesson))
	p.wait("the cells", code+`.every(w => w.model.executionState !== "running" && w.model.executionCount !== null) && `+idle, 15*time.Minute)
	const failed = code + `.some(w => [...Array(w.model.outputs.length).keys()].some(i => w.model.outputs.get(i).type === "error"))`
	p.wait("cells without an error", `!`+failed, 10*time.Second)
	for _, theme := range []string{"Light", "Dark"} {
		p.eval(`(window.jupyterapp.commands.execute("apputils:change-theme", {theme: "JupyterLab ` + theme + `"}), "")`)
		p.wait("the theme", fmt.Sprintf(`document.body.dataset.jpThemeLight === "%t"`, theme == "Light"), time.Minute)
		// The curves are in the output of the cell that calls run.Plot.
		p.wait("the curves", `((panel) => {
			const i = panel.content.widgets.findIndex(w => w.model.sharedModel.getSource().includes("run.Plot()"));
			panel.content.scrollToItem(i, "start");
			return document.querySelectorAll(".vega-embed canvas, .vega-embed svg.marks").length > 0;
		})(`+panel+`)`, 2*time.Minute)
		p.shot("3-curves-" + theme)
	}
}

// TestSubdomains: with --subdomain-host each user's JupyterLab is at a web origin of its own, after a
// login at the hub's.
func TestSubdomains(t *testing.T) {
	testutil.Browser(t)
	h := hubSetup{users: []string{"grace"}, url: "http://hub.localhost:%d", flags: []string{"--subdomain-host", "http://hub.localhost"},
		python: `c.JupyterHub.subdomain_host = f"http://hub.localhost:{port}"`}.start(t)
	p := page{t, browser.Open(t, 1280, 900)}
	p.do("the form", chromedp.Navigate(h.address), chromedp.WaitVisible("#username_input"))
	p.do("logging in", chromedp.SendKeys("#username_input", "grace"), chromedp.SendKeys("#password_input", h.passwords()["grace"]), chromedp.Click("#login_submit"))
	p.wait("JupyterLab at a subdomain", `location.hostname === "grace.hub.localhost" && location.pathname.startsWith("/user/grace/lab") && document.querySelector(".jp-LabShell")`, 5*time.Minute)
	p.wait("the lessons in the file browser", `[...document.querySelectorAll(".jp-DirListing-itemText")].some(e => e.innerText.trim() === "lessons")`, 4*time.Minute)
	p.wait("a kernel in the launcher", `[...document.querySelectorAll(".jp-LauncherCard")].some(e => e.innerText.includes("Go (TLKit)"))`, 4*time.Minute)
	p.shot("subdomain")
}
