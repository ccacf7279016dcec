//go:build slow

package kernel

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil/browser"
)

// keptLab is the installation's JupyterLab as "tlkernel lab" starts it, with a notebook, in a browser.
type keptLab struct {
	t       *testing.T
	browser context.Context
	address string // of the notebook, with the token
	file    string // the notebook
}

// newKeptLab writes a notebook with these cells and starts JupyterLab. Its culler is that of a hub, with short times:
// it ends kernels that compute nothing, with a page or without.
func newKeptLab(t *testing.T, p Prefix, cells ...string) *keptLab {
	t.Helper()
	dir := t.TempDir()
	l := &keptLab{t: t, browser: browser.Open(t, 1280, 1500), file: filepath.Join(dir, "kept.ipynb")}
	var list []map[string]any
	for i, source := range cells {
		list = append(list, map[string]any{"cell_type": "code", "id": fmt.Sprint("cell-", i), "source": source,
			"metadata": map[string]any{}, "outputs": []any{}, "execution_count": nil})
	}
	data, err := json.Marshal(map[string]any{"nbformat": 4, "nbformat_minor": 5, "cells": list,
		"metadata": map[string]any{"kernelspec": map[string]any{"name": KernelName, "display_name": DisplayName, "language": "go"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(p.Bin("tlkernel"), "lab", "--no-browser", "--port=0", "--ServerApp.port_retries=0",
		"--ServerApp.root_dir="+dir, "--LabApp.expose_app_in_browser=True",
		"--MappingKernelManager.cull_connected=True", "--MappingKernelManager.cull_busy=False", "--MappingKernelManager.cull_idle_timeout=45",
		"--MappingKernelManager.cull_interval=5")
	url, token := testutil.StartJupyter(t, cmd)
	l.address = fmt.Sprintf("%slab/tree/kept.ipynb?token=%s&reset", url, token)
	if err := chromedp.Do(l.browser, chromedp.Navigate("about:blank")); err != nil { // the browser lives as long as this page
		t.Fatal(err)
	}
	return l
}

// open opens the notebook in a page of its own, which leave closes.
func (l *keptLab) open() (page browserPage, leave func()) {
	l.t.Helper()
	ctx, leave := chromedp.NewContext(l.browser)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	l.t.Cleanup(cancel)
	page = browserPage{l.t, ctx}
	page.do("opening the notebook", chromedp.Navigate(l.address))
	page.wait("the notebook", pageStatus+` === "idle" || `+pageStatus+` === "busy"`)
	return page, leave
}

// outputs returns the outputs of a cell in the file.
func (l *keptLab) outputs(cell int) []map[string]any {
	l.t.Helper()
	var notebook struct {
		Cells []struct {
			Outputs []map[string]any `json:"outputs"`
		} `json:"cells"`
	}
	data, err := os.ReadFile(l.file)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := json.Unmarshal(data, &notebook); err != nil {
		return nil // being written
	}
	return notebook.Cells[cell].Outputs
}

// text returns what a cell printed, in the file.
func (l *keptLab) text(cell int) string {
	var all strings.Builder
	for _, o := range l.outputs(cell) {
		switch text := o["text"].(type) {
		case string:
			all.WriteString(text)
		case []any:
			for _, line := range text {
				fmt.Fprint(&all, line)
			}
		}
	}
	return all.String()
}

// printed is the output of printing n lines.
func printed(n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintln(&all, "line", i)
	}
	return all.String()
}

// cellText is an expression for the text of a cell's outputs in the page.
func cellText(cell int) string {
	return fmt.Sprintf(`((%s)?.content.widgets[%d].model.outputs.toJSON() ?? []).map(o => [o.text].flat().join("")).join("")`, pagePanel, cell)
}

// TestClosedPage closes the page of a notebook while cells run, opens it again, and closes it for good. With
// TLKIT_SCREENSHOTS=DIR pictures are kept there:
//
//	go test -tags slow -run ClosedPage -v ./kernel
func TestClosedPage(t *testing.T) {
	runs := t.TempDir()
	p, _ := installed(t)
	needLive(t, p, KernelName)
	needPackage(t, p, modulePath+"/tlkit")
	const lines, epochs = 80, 12
	loop := fmt.Sprintf("for i := range %d {\n\tfmt.Println(\"line\", i)\n\ttime.Sleep(500 * time.Millisecond)\n}", lines)
	train := fmt.Sprintf("tlkit.Recipe{Epochs: %d, Dir: %q}.MustCompare(\"kept\", datasets.MustLoad(\"sketches\"), tlkit.MustLoad(\"resnet20.shapes\"), tlkit.FineTune{})", epochs, runs)
	l := newKeptLab(t, p, loop, train, loop)
	epoch := func() int {
		data, _ := os.ReadFile(filepath.Join(runs, "kept", "finetune", "history.jsonl"))
		return strings.Count(string(data), "\n") - 1 // after the checksum
	}
	reach := func(n int) {
		t.Helper()
		if !await(8*time.Minute, func() bool { return epoch() >= n }) {
			t.Fatalf("epoch %d did not come", n)
		}
	}

	// Closed while the first cell prints and two cells wait.
	page, leave := l.open()
	page.wait("the kernel", pageIdle)
	page.text(pageRun)
	page.wait("some lines", cellText(0)+`.includes("line 9\n")`)
	leave()
	if !await(2*time.Minute, func() bool { return strings.Contains(l.text(0), "line 30\n") }) {
		t.Fatalf("while no page is open, the file has of the running cell\n%s", l.text(0))
	}
	page, leave = l.open()
	page.wait("all lines", cellText(0)+` === `+fmt.Sprintf("%q", printed(lines)))

	// Closed in the training.
	reach(3)
	page.wait("the curve", pageDraw+" >= 1")
	page.shot("before")
	leave()
	reach(8)
	page, leave = l.open()
	page.wait("the curve", pageDraw+" >= 1")
	page.shot("again")
	before := page.text(`JSON.stringify((` + pagePanel + `).content.widgets[1].model.outputs.toJSON())`)
	reach(10)
	page.wait("the curve going on", `JSON.stringify((`+pagePanel+`).content.widgets[1].model.outputs.toJSON()) !== `+fmt.Sprintf("%q", before))
	page.wait("the end of the training", `(`+pagePanel+`).content.widgets[1].model.executionCount === 2`)
	n := page.text(`String((` + pagePanel + `).content.widgets[1].model.outputs.length)`)
	t.Logf("outputs of the training in the page: %s", n)
	page.shot("trained")

	// Closed for good while the last cell prints.
	page.wait("some lines", cellText(2)+`.includes("line 9\n")`)
	leave()
	if !await(3*time.Minute, func() bool { return l.text(2) == printed(lines) }) {
		t.Errorf("the file has of the last cell\n%s", l.text(2))
	}
	for _, cell := range []int{0, 2} {
		if got := l.text(cell); got != printed(lines) {
			t.Errorf("cell %d in the file:\n%s", cell, got)
		}
	}
	if got := len(l.outputs(1)); fmt.Sprint(got) != n || got > 3 {
		t.Errorf("%d outputs of the training in the file, %s in the page", got, n)
	}
	page, leave = l.open()
	defer leave()
	page.wait("the last lines", cellText(2)+` === `+fmt.Sprintf("%q", printed(lines)))
	page.text(`window.jupyterapp.commands.execute("apputils:change-theme", {theme: "JupyterLab Dark"}), ""`)
	page.wait("the theme", `document.body.dataset.jpThemeLight === "false" && !document.querySelector("#jupyterlab-splash")`)
	page.wait("the curve", pageDraw+" >= 1")
	page.shot("dark")
	page.text(`((panel) => { panel.content.scrollToItem(0); panel.context.save().then(() => window.tlkitSaved = true); return ""; })(` + pagePanel + `)`)
	page.wait("a save without questions", `window.tlkitSaved === true && !document.querySelector(".jp-Dialog")`)
}

// TestClosedPageDisplayOfAnotherCell closes the page while a cell updates the display of one that has ended: the file
// has the display as it is, and a page that comes back shows it live.
func TestClosedPageDisplayOfAnotherCell(t *testing.T) {
	p, _ := installed(t)
	needLive(t, p, KernelName)
	needPackage(t, p, modulePath+"/tlkit")
	const steps = 100
	l := newKeptLab(t, p, "bar := plots.NewLive()\nbar.Update(plots.Progress(0, \"step 0.\"))",
		fmt.Sprintf("for i := range %d {\n\ttime.Sleep(500 * time.Millisecond)\n\tbar.Update(plots.Progress(0, fmt.Sprintf(\"step %%d.\", i+1)))\n}", steps))
	step := func() (n int) { // of the display in the file
		data, err := json.Marshal(l.outputs(0))
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`step (\d+)\.`).FindSubmatch(data); found != nil {
			n, _ = strconv.Atoi(string(found[1]))
		}
		return n
	}
	shown := `JSON.stringify((` + pagePanel + `)?.content.widgets[0].model.outputs.toJSON() ?? [])`
	page, leave := l.open()
	page.wait("the kernel", pageIdle)
	page.text(pageRun)
	page.wait("some steps", shown+`.includes("step 5.")`)
	leave()
	if !await(2*time.Minute, func() bool { return step() >= 30 }) {
		t.Fatalf("while no page is open, the file has step %d of the display", step())
	}
	page, leave = l.open()
	page.wait("the display going on", `Number(`+shown+`.match(/step (\d+)\./)?.[1]) > 60`)
	leave()
	if !await(3*time.Minute, func() bool { return step() == steps }) {
		t.Errorf("the file has step %d of the display, want the last", step())
	}
	if n := len(l.outputs(0)); n != 1 || len(l.outputs(1)) != 0 {
		t.Errorf("the cells have %d and %d outputs, want the one display", n, len(l.outputs(1)))
	}
}
