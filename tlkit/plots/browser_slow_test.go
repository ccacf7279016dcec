//go:build slow

package plots

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
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

// A browser shows each figure of the gallery in JupyterLab and in pages that nbconvert exports, light and dark, without
// a network. Text must have a contrast of 4.5:1 in the pixels, and nothing may be a card of another colour than the
// page. With TLKIT_SCREENSHOTS=DIR the screenshots are kept there.

// jupyter returns the program of the installation, or skips the test.
func jupyter(t *testing.T) string {
	t.Helper()
	home := os.Getenv("TLKIT_HOME")
	if home == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			t.Skip(err)
		}
		home = filepath.Join(user, ".local", "share", "tlkit")
	}
	for _, p := range []string{filepath.Join(home, "venv", "bin", "jupyter"), "jupyter"} {
		if found, err := exec.LookPath(p); err == nil {
			return found
		}
	}
	t.Skip("no jupyter: ./install.sh installs JupyterLab")
	return ""
}

// galleryNotebook writes the gallery as a notebook of outputs without code, one per figure, and returns its path.
func galleryNotebook(t *testing.T, dir string, figures []shown) string {
	t.Helper()
	cells := arr{}
	for _, s := range figures {
		b, err := render(s.figure)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		for mime, v := range b {
			if data, ok := v.([]byte); ok {
				b[mime] = base64.StdEncoding.EncodeToString(data)
			}
		}
		cells = append(cells, obj{"cell_type": "code", "id": s.name, "execution_count": 1, "metadata": obj{}, "source": "// " + s.name,
			"outputs": arr{obj{"output_type": "display_data", "data": b, "metadata": obj{}}}})
	}
	data, err := json.Marshal(obj{"nbformat": 4, "nbformat_minor": 5, "cells": cells,
		"metadata": obj{"kernelspec": obj{"name": "none", "display_name": "none"}, "language_info": obj{"name": "go"}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "gallery.ipynb")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// openBrowser starts a browser whose user prefers dark or light pages. It reaches this machine only.
func openBrowser(t *testing.T, dark bool, height int) context.Context {
	t.Helper()
	scheme := 1
	if dark {
		scheme = 0
	}
	ctx := browser.Open(t, 1200, height, chromedp.Flag("blink-settings", fmt.Sprintf("preferredColorScheme=%d", scheme)))
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1200, int64(height), chromedp.EmulateScale(2))); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// place is a rectangle of the page, in CSS pixels, and what is there.
type place struct {
	X, Y, W, H float64
	Text       string
	Cell       int // number of the cell
	Kind       string
}

// findPlaces is an expression for the outputs and their texts; its %s selects the outputs.
const findPlaces = `JSON.stringify([...document.querySelectorAll("%s")].flatMap((out, i) => {
	const at = (e, kind) => { const r = e.getBoundingClientRect(); return {X: r.x, Y: r.y, W: r.width, H: r.height, Text: e.textContent.slice(0, 40), Cell: i, Kind: kind}; };
	const texts = [...out.querySelectorAll("svg text, figcaption, td, th, summary, caption, strong, .tlkit-text")].filter(e => e.textContent.trim() && e.getClientRects().length && !e.querySelector("title, details") && (e.localName === "summary" || !e.closest("details:not([open])")) && getComputedStyle(e).opacity !== "0");
	return [at(out, "output"), ...[...out.querySelectorAll("svg, img")].map(e => at(e, "drawing")), ...texts.map(e => at(e, "text"))];
}))`

// lookAt returns the most frequent luminance of a rectangle, and the contrast to it of the ink: of the 20th most
// distant pixel, so that a stray one does not count.
func lookAt(img *image.RGBA, p place, scale float64) (ground, ink float64) {
	r := image.Rect(int(p.X*scale), int(p.Y*scale), int((p.X+p.W)*scale), int((p.Y+p.H)*scale)).Intersect(img.Bounds())
	counts := map[color.RGBA]int{}
	step := 1
	if r.Dx()*r.Dy() > 100_000 {
		step = 2
	}
	for y := r.Min.Y; y < r.Max.Y; y += step {
		for x := r.Min.X; x < r.Max.X; x += step {
			counts[img.RGBAAt(x, y)]++
		}
	}
	most := 0
	type tone struct {
		light float64
		n     int
	}
	var tones []tone
	for c, n := range counts {
		l := lightness(c)
		tones = append(tones, tone{l, n})
		if n > most {
			most, ground = n, l
		}
	}
	slices.SortFunc(tones, func(a, b tone) int { return cmp.Compare(contrast(b.light, ground), contrast(a.light, ground)) })
	left := 20
	for _, c := range tones {
		ink = contrast(c.light, ground)
		if left -= c.n; left <= 0 {
			break
		}
	}
	return ground, ink
}

// examine takes a screenshot of the page and looks at every output and text. paper is the page's colour.
func examine(ctx context.Context, t *testing.T, name, outputs string, figures []shown, paper color.Color) {
	t.Helper()
	// A click on a count shows its images.
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(document.querySelector("details[name] summary")?.click(), "")`)); err != nil {
		t.Fatal(err)
	}
	opened := `[...document.querySelectorAll("details[open] img")].every(e => e.complete && e.getBoundingClientRect().height > 20)`
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](opened)); err != nil {
		t.Fatalf("%s: the images of a count do not show: %v", name, err)
	}
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(findPlaces, outputs)))
	if err != nil {
		t.Fatal(err)
	}
	var places []place
	if err := json.Unmarshal([]byte(text), &places); err != nil {
		t.Fatal(err)
	}
	data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	img, ok := decoded.(*image.RGBA)
	if !ok {
		img = image.NewRGBA(decoded.Bounds())
		draw.Draw(img, img.Rect, decoded, decoded.Bounds().Min, draw.Src)
	}
	if dir := os.Getenv("TLKIT_SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "figures-"+name+".png"), data, 0o644); err != nil {
			t.Error(err)
		}
	}
	outs, texts, worst := map[int]bool{}, 0, math.Inf(1)
	for _, p := range places {
		of := "?"
		if p.Cell < len(figures) {
			of = figures[p.Cell].name
		}
		ground, ink := lookAt(img, p, 2)
		switch p.Kind {
		case "output":
			outs[p.Cell] = true
			if p.H < 10 || contrast(ground, lightness(paper)) > 1.05 {
				t.Errorf("%s, %s: the background has luminance %.3f, the page %.3f, at a height of %.0f: nothing there, or a card", name, of, ground, lightness(paper), p.H)
			}
			if ink < 4.5 {
				t.Errorf("%s, %s: nothing on it has a contrast above %.1f:1, want 4.5:1", name, of, ink)
			}
		case "text":
			texts++
			worst = min(worst, ink)
			if ink < 4.5 {
				t.Errorf("%s, %s: text %q has a contrast of %.2f:1, want 4.5:1", name, of, p.Text, ink)
			}
		}
	}
	if len(outs) != len(figures) {
		t.Errorf("%s: %d outputs are shown, want %d", name, len(outs), len(figures))
	}
	if texts < 3*len(figures) {
		t.Errorf("%s: only %d texts found", name, texts)
	}
	t.Logf("%s: %d figures, %d texts, lowest contrast %.2f:1", name, len(outs), texts, worst)
}

var (
	white = color.NRGBA{255, 255, 255, 255}
	black = color.NRGBA{0x11, 0x11, 0x11, 255}
)

// TestExportedFigures looks at pages that nbconvert makes of the gallery.
func TestExportedFigures(t *testing.T) {
	program, dir := jupyter(t), t.TempDir()
	figures := gallery()
	path := galleryNotebook(t, dir, figures)
	for _, theme := range []string{"light", "dark"} {
		t.Run(theme, func(t *testing.T) {
			out := filepath.Join(dir, theme+".html")
			cmd := exec.Command(program, "nbconvert", "--to", "html", "--theme", theme, "--output", out, path)
			if log, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("nbconvert: %v\n%s", err, log)
			}
			ctx := openBrowser(t, theme == "dark", 1000)
			if err := chromedp.Do(ctx, chromedp.Navigate("file://"+out)); err != nil {
				t.Fatal(err)
			}
			height, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
			if err != nil {
				t.Fatal(err)
			}
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(1200, height, chromedp.EmulateScale(2))); err != nil {
				t.Fatal(err)
			}
			paper := color.Color(white)
			if theme == "dark" {
				paper = black
			}
			examine(ctx, t, "export-"+theme, ".jp-OutputArea-output", figures, paper)
		})
	}
}

// TestLabFigures looks at the gallery in JupyterLab, which draws the Vega-Lite forms.
func TestLabFigures(t *testing.T) {
	program := jupyter(t)
	figures := gallery()
	for _, theme := range []string{"Light", "Dark"} {
		t.Run(theme, func(t *testing.T) {
			dir := t.TempDir()
			path := galleryNotebook(t, dir, figures)
			url := labServer(t, program, dir, path, theme)
			ctx := openBrowser(t, false, 8000) // the theme decides, not the browser's preference
			if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
				t.Fatal(err)
			}
			charts := 0
			for _, s := range figures {
				if b, err := render(s.figure); err == nil && b[MIMEVegaLite] != nil && b[MIMEHTML] == nil {
					charts++
				}
			}
			// No kernel is wanted here: the dialog for one is hidden whenever it comes.
			hide := `(document.head.appendChild(document.createElement("style")).textContent = ".jp-Dialog { display: none !important }")`
			if _, err := chromedp.Run(ctx, chromedp.Evaluate[string](hide)); err != nil {
				t.Fatal(err)
			}
			wait := fmt.Sprintf(`document.querySelectorAll(".jp-OutputArea-output").length >= %d && document.querySelectorAll(".vega-embed svg.marks, .vega-embed canvas").length >= %d`, len(figures), charts)
			if _, err := chromedp.Run(ctx, chromedp.Poll[bool](wait, chromedp.WithPollingInterval(300*time.Millisecond), chromedp.WithPollingTimeout(2*time.Minute))); err != nil {
				state, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelectorAll(".jp-OutputArea-output").length + " outputs, " + document.querySelectorAll(".vega-embed").length + " charts\n" + document.body.innerText.slice(0, 600)`))
				t.Fatalf("%v; the page has %s", err, state)
			}
			paper := color.Color(white)
			if theme == "Dark" {
				paper = black
			}
			examine(ctx, t, "lab-"+strings.ToLower(theme), ".jp-OutputArea-output", figures, paper)
			checkMarks(ctx, t, figures)
			hoverPoint(ctx, t)
		})
	}
}

// marksOf returns how many marks a chart has at least: one for each row of its data.
func marksOf(spec any) (n int) {
	switch v := spec.(type) {
	case map[string]any:
		if data, ok := v["data"].(map[string]any); ok {
			for _, row := range data["values"].([]any) {
				r := row.(map[string]any)
				if r["x"] != nil || r["v"] != nil || r["c"] != nil { // a point, a bar, a field
					n++
				}
			}
		}
		for _, part := range v {
			n += marksOf(part)
		}
	case []any:
		for _, part := range v {
			n += marksOf(part)
		}
	}
	return n
}

// checkMarks holds that JupyterLab has drawn a mark for each row of data, and lines in curves.
func checkMarks(ctx context.Context, t *testing.T, figures []shown) {
	t.Helper()
	const count = `JSON.stringify([...document.querySelectorAll(".jp-OutputArea-output")].map((out) => {
	const n = (...kinds) => kinds.reduce((sum, kind) => sum + out.querySelectorAll(".vega-embed svg .mark-" + kind + ".role-mark path").length, 0);
	return [n("symbol", "rect"), n("line")];
}))`
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](count))
	if err != nil {
		t.Fatal(err)
	}
	var drawn [][2]int
	if err := json.Unmarshal([]byte(text), &drawn); err != nil {
		t.Fatal(err)
	}
	if len(drawn) != len(figures) {
		t.Fatalf("%d outputs, want %d", len(drawn), len(figures))
	}
	for i, s := range figures {
		b, err := render(s.figure)
		if err != nil {
			t.Fatal(err)
		}
		spec := b[MIMEVegaLite]
		if spec == nil || b[MIMEHTML] != nil {
			continue
		}
		lines := 0
		if c, ok := s.figure.(curves); ok {
			for _, l := range c.lines() {
				if len(l.Points) > 1 {
					lines++
				}
			}
		}
		want := marksOf(spec)
		if drawn[i][0] < want || drawn[i][1] < lines || want == 0 {
			t.Errorf("%s: %d marks and %d lines are drawn, want %d and %d", s.name, drawn[i][0], drawn[i][1], want, lines)
		}
	}
}

// hoverPoint moves the pointer over a point of the scatter chart, and waits for its image.
func hoverPoint(ctx context.Context, t *testing.T) {
	t.Helper()
	move := `(() => {
	const mark = [...document.querySelectorAll(".vega-embed svg path[aria-roledescription=point]")].find(e => e.getAttribute("aria-label")?.includes("image: data:") || e.__data__?.datum?.img);
	if (!mark) return "no point with an image";
	const r = mark.getBoundingClientRect(), at = {bubbles: true, clientX: r.x + r.width / 2, clientY: r.y + r.height / 2};
	for (const kind of ["pointerover", "pointermove"]) mark.dispatchEvent(new PointerEvent(kind, at));
	for (const kind of ["mouseover", "mousemove"]) mark.dispatchEvent(new MouseEvent(kind, at));
	return "";
})()`
	if problem, err := chromedp.Run(ctx, chromedp.Evaluate[string](move)); err != nil || problem != "" {
		t.Fatalf("scatter: %v %s", err, problem)
	}
	shown := `[...document.querySelectorAll("#vg-tooltip-element.visible img")].some(e => e.complete && e.naturalWidth > 20 && e.getBoundingClientRect().width > 20)`
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](shown, chromedp.WithPollingTimeout(20*time.Second))); err != nil {
		state, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("#vg-tooltip-element")?.outerHTML.slice(0, 600) ?? "no tooltip"`))
		t.Errorf("the image of a point does not show under the pointer: %v; %s", err, state)
	}
}

// labServer starts JupyterLab with a theme and returns the address of the trusted notebook.
func labServer(t *testing.T, program, dir, notebook, theme string) string {
	t.Helper()
	home := t.TempDir()
	env := append(os.Environ(), "JUPYTER_DATA_DIR="+filepath.Join(home, "data"),
		"JUPYTER_CONFIG_DIR="+filepath.Join(home, "config"), "JUPYTERLAB_SETTINGS_DIR="+filepath.Join(home, "settings"))
	for file, setting := range map[string]string{
		"apputils-extension/themes.jupyterlab-settings":       `{"theme": "JupyterLab ` + theme + `"}`,
		"notebook-extension/tracker.jupyterlab-settings":      `{"windowingMode": "none"}`,
		"apputils-extension/notification.jupyterlab-settings": `{"checkForUpdates": false, "fetchNews": "false"}`,
	} {
		p := filepath.Join(home, "settings", "@jupyterlab", file)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(setting), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	trust := exec.Command(program, "trust", notebook)
	trust.Env = env
	if log, err := trust.CombinedOutput(); err != nil {
		t.Fatalf("jupyter trust: %v\n%s", err, log)
	}
	cmd := exec.Command(program, "lab", "--no-browser", "--allow-root", "--port=0", "--ServerApp.port_retries=0", "--ServerApp.root_dir="+dir)
	cmd.Env = env
	url, token := testutil.StartJupyter(t, cmd)
	return fmt.Sprintf("%slab/tree/%s?token=%s&reset", url, filepath.Base(notebook), token)
}
