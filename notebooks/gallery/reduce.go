package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"regexp"
	"strings"

	xdraw "golang.org/x/image/draw"
)

// limits are those of a page's pictures: one of more than large bytes becomes a JPEG file of a quality, at most width
// pixels wide.
type limits struct{ large, width, quality int }

// allLimits are tried in order until a page is small enough.
var allLimits = []limits{{60_000, 900, 80}, {20_000, 700, 65}, {8_000, 560, 50}}

// relink makes the links of a text, which lead from the folder of lessons, lead from the folder of pages: a page links
// to another as a lesson does, the root is one folder further up, and pictures stay with the lessons, where JupyterLab
// finds them. A text whose links do already is left as it is.
func relink(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "](../../", "](../"), "](../", "](../../")
	return strings.ReplaceAll(s, "](images/", "](../../notebooks/images/")
}

// relinkJapanese does the same for a Japanese lesson, which is one folder further down, as its page is.
func relinkJapanese(s string) string {
	return strings.NewReplacer("](../images/", "](../../../notebooks/images/", "](../../", "](../../../").Replace(s)
}

// The forms of an output that a page can show, the best one first. GitHub shows no style, so that a grid of images is a
// picture there; in a browser its captions are text of the page.
var (
	forGitHub   = []string{"image/svg+xml", "image/png", "image/jpeg", "text/html"}
	forBrowsers = []string{"image/svg+xml", "text/html", "image/png", "image/jpeg"}
)

// reduce leaves of each output its best form, and of the cells' metadata what belongs to the lesson, and mends links.
func reduce(n map[string]any, kinds []string, links func(string) string, l limits) error {
	cells, ok := n["cells"].([]any)
	if !ok {
		return fmt.Errorf("it has no cells")
	}
	for _, c := range cells {
		cell, ok := c.(map[string]any)
		if !ok {
			return fmt.Errorf("a cell is no object")
		}
		if m, ok := cell["metadata"].(map[string]any); ok {
			delete(m, "execution") // times of day
		}
		if cell["cell_type"] == "markdown" {
			cell["source"] = strings.SplitAfter(links(text(cell["source"])), "\n")
		}
		outputs, _ := cell["outputs"].([]any)
		for _, o := range outputs {
			if err := reduceOutput(o.(map[string]any), kinds, l); err != nil {
				return fmt.Errorf("cell %v: %w", cell["id"], err)
			}
		}
	}
	return nil
}

// reduceOutput leaves one picture, or one table, and the plain text.
func reduceOutput(o map[string]any, kinds []string, l limits) error {
	if trace, ok := o["traceback"].([]any); ok {
		for i, line := range trace {
			if s, ok := line.(string); ok {
				trace[i] = escape.ReplaceAllString(s, "")
			}
		}
	}
	data, ok := o["data"].(map[string]any)
	if !ok {
		return nil
	}
	kept := map[string]any{}
	for _, kind := range kinds {
		if v, ok := data[kind]; ok {
			kept[kind] = v
			break
		}
	}
	if v, ok := data["text/plain"]; ok {
		kept["text/plain"] = v
	}
	if v, ok := kept["image/png"]; ok {
		small, kind, err := compress(text(v), l)
		if err != nil {
			return err
		}
		delete(kept, "image/png")
		kept[kind] = small
	}
	o["data"], o["metadata"] = kept, map[string]any{}
	return nil
}

// escape matches the colours of a terminal.
var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

// text returns a value that nbformat stores as a string or as a list of lines.
func text(v any) string {
	if lines, ok := v.([]any); ok {
		var b strings.Builder
		for _, l := range lines {
			fmt.Fprint(&b, l)
		}
		return b.String()
	}
	return fmt.Sprint(v)
}

// compress returns a PNG file in base64, or a JPEG file in its place if the PNG is large, with its media type.
func compress(picture string, l limits) (small, kind string, err error) {
	raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(picture, "\n", ""))
	if err != nil {
		return "", "", fmt.Errorf("a picture is not in base64: %w", err)
	}
	m, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		return "", "", fmt.Errorf("a picture is no PNG file: %w", err)
	}
	if len(raw) <= l.large {
		return base64.StdEncoding.EncodeToString(raw), "image/png", nil
	}
	b := m.Bounds()
	width, height := b.Dx(), b.Dy()
	if width > l.width {
		width, height = l.width, height*l.width/width
	}
	white := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(white, white.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	xdraw.CatmullRom.Scale(white, white.Bounds(), m, b, draw.Over, nil)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, white, &jpeg.Options{Quality: l.quality}); err != nil {
		return "", "", err
	}
	return base64.StdEncoding.EncodeToString(out.Bytes()), "image/jpeg", nil
}

// encode writes a notebook as Jupyter does.
func encode(n map[string]any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(n); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
