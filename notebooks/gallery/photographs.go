package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
)

// drawingsTag marks a cell that shows no photographs, in a lesson that reads some.
const drawingsTag = "drawings"

// notice has what takes the place of pictures: of an output, and of one within HTML.
type notice struct{ output, image string }

var (
	leftOut         = notice{"(photographs, left out of this page: they are not ours to publish)", "(photograph left out)"}
	leftOutJapanese = notice{"（写真は公開の許諾がないため、このページでは省略しました）", "（写真は省略）"}
)

// published is the licence of the images that a page may show: those that the program draws.
const published = "Apache-2.0"

// leaveOutPhotographs takes the pictures out of a page whose lesson names a data set that is not ours to publish, but
// for cells with the tag [drawingsTag]. Charts, tables and text stay; the notice takes the place of the pictures. It
// returns the number of pictures that it took out.
func leaveOutPhotographs(n map[string]any, say notice) (taken int, err error) {
	cells, ok := n["cells"].([]any)
	if !ok {
		return 0, fmt.Errorf("it has no cells")
	}
	if !readsPhotographs(cells) {
		return 0, nil
	}
	for _, c := range cells {
		cell := c.(map[string]any)
		if hasTag(cell, drawingsTag) {
			continue
		}
		outputs, _ := cell["outputs"].([]any)
		for _, o := range outputs {
			taken += leaveOutOf(o.(map[string]any), say)
		}
		attached, _ := cell["attachments"].(map[string]any)
		taken += len(attached)
		delete(cell, "attachments")
	}
	return taken, nil
}

// readsPhotographs reports whether a cell of code names a data set whose images are not ours to publish.
func readsPhotographs(cells []any) bool {
	for _, c := range cells {
		cell, _ := c.(map[string]any)
		if cell["cell_type"] != "code" {
			continue
		}
		for _, d := range datasets.List() {
			if d.Licence != published && strings.Contains(text(cell["source"]), `"`+d.Name+`"`) {
				return true
			}
		}
	}
	return false
}

// hasTag reports whether a cell has a tag.
func hasTag(cell map[string]any, tag string) bool {
	m, _ := cell["metadata"].(map[string]any)
	tags, _ := m["tags"].([]any)
	return slices.Contains(tags, any(tag))
}

// embedded matches an image within HTML, and within an SVG drawing.
var (
	embedded    = regexp.MustCompile(`(?s)<img\b[^>]*?\bsrc\s*=\s*["']?data:[^>]*>`)
	embeddedSVG = regexp.MustCompile(`(?s)<image\b[^>]*?\bhref\s*=\s*["']?data:[^>]*>`)
)

// drawing matches the source of an <img> that is an SVG drawing.
var drawing = regexp.MustCompile(`data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)`)

// isChart reports whether an <img> is an SVG drawing without pictures in it.
func isChart(img string) bool {
	m := drawing.FindStringSubmatch(img)
	if m == nil {
		return false
	}
	svg, err := base64.StdEncoding.DecodeString(m[1])
	return err == nil && bytes.Contains(svg, []byte("<svg")) && !bytes.Contains(svg, []byte("<image")) && !bytes.Contains(svg, []byte("data:"))
}

// leaveOutOf takes the pictures out of one output and returns their number.
func leaveOutOf(o map[string]any, say notice) (taken int) {
	data, _ := o["data"].(map[string]any)
	for _, kind := range []string{"image/png", "image/jpeg", "image/gif", "image/webp"} {
		if _, ok := data[kind]; !ok {
			continue
		}
		taken++
		delete(data, kind)
		delete(data, "text/html") // the same pictures in another form
		data["text/plain"] = say.output
	}
	if v, ok := data["text/html"]; ok {
		data["text/html"] = embedded.ReplaceAllStringFunc(text(v), func(img string) string {
			if isChart(img) {
				return img
			}
			taken++
			return "<em>" + say.image + "</em>"
		})
	}
	if v, ok := data["image/svg+xml"]; ok {
		if n := len(embeddedSVG.FindAllString(text(v), -1)); n > 0 {
			taken += n
			data["image/svg+xml"] = embeddedSVG.ReplaceAllString(text(v), "")
		}
	}
	return taken
}
