package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// renewText gives both pages of a lesson its present text, and leaves code and outputs as they were executed. It is an
// error if the lesson's code is not that of the page.
func renewText(name string) error {
	lesson, err := os.ReadFile(filepath.Join("notebooks", name+".ipynb"))
	if err != nil {
		return err
	}
	path := filepath.Join(folder, name)
	executed, err := os.ReadFile(path + ".ipynb")
	if err != nil {
		return err
	}
	links := relink
	if japanese(name) {
		links = relinkJapanese
	}
	n, err := withText(executed, lesson, links)
	if err != nil {
		return err
	}
	out, err := encode(n)
	if err != nil {
		return err
	}
	before, err := os.ReadFile(path + ".html")
	if err != nil {
		return err
	}
	bare, err := htmlPage(withoutOutputs(n), name)
	if err != nil {
		return err
	}
	page, err := withSections(before, bare)
	if err != nil {
		return fmt.Errorf("%s.html: %w", path, err)
	}
	if err := write(name+".ipynb", out, maxBytes); err != nil {
		return err
	}
	return write(name+".html", page, maxHTML)
}

// withText returns an executed page with the text of a lesson.
func withText(executed, lesson []byte, links func(string) string) (map[string]any, error) {
	var page, source map[string]any
	if err := json.Unmarshal(executed, &page); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(lesson, &source); err != nil {
		return nil, err
	}
	to, _ := page["cells"].([]any)
	from, _ := source["cells"].([]any)
	if len(to) != len(from) {
		return nil, fmt.Errorf("the lesson has %d cells, the executed page %d; make it anew without -text", len(from), len(to))
	}
	for i := range to {
		a, _ := to[i].(map[string]any)
		b, _ := from[i].(map[string]any)
		switch {
		case a["id"] != b["id"] || a["cell_type"] != b["cell_type"]:
			return nil, fmt.Errorf("cell %d of the lesson is %v, of the executed page %v; make it anew without -text", i+1, b["id"], a["id"])
		case a["cell_type"] == "markdown":
			a["source"], a["metadata"] = strings.SplitAfter(links(text(b["source"])), "\n"), b["metadata"]
		case text(a["source"]) != text(b["source"]):
			return nil, fmt.Errorf("the code of cell %v has changed since the page was executed; make it anew without -text", b["id"])
		}
	}
	return page, nil
}

// withoutOutputs returns a copy of a notebook whose cells have no outputs.
func withoutOutputs(n map[string]any) map[string]any {
	var cells []any
	for _, c := range n["cells"].([]any) {
		bare := map[string]any{}
		for k, v := range c.(map[string]any) {
			bare[k] = v
		}
		if _, ok := bare["outputs"]; ok {
			bare["outputs"] = []any{}
		}
		cells = append(cells, bare)
	}
	return map[string]any{"cells": cells, "metadata": n["metadata"]}
}

// section matches the beginning of a cell in an HTML page.
var section = regexp.MustCompile(`(?m)^<section class="(?:words|cell)">`)

// sections divides an HTML page into what stands before the first cell, and the cells.
func sections(page []byte) (parts [][]byte) {
	at := 0
	for _, m := range section.FindAllIndex(page, -1) {
		parts, at = append(parts, page[at:m[0]]), m[0]
	}
	return append(parts, page[at:])
}

// withSections returns a page of which the cells of code, with their outputs, are those of another one.
func withSections(executed, page []byte) ([]byte, error) {
	from, to := sections(executed), sections(page)
	if len(from) != len(to) {
		return nil, fmt.Errorf("the executed page has %d cells, the lesson %d; make it anew without -text", len(from)-1, len(to)-1)
	}
	var out []byte
	for i := range to {
		if bytes.HasPrefix(from[i], []byte(`<section class="cell">`)) {
			to[i] = from[i]
		}
		out = append(out, to[i]...)
	}
	return out, nil
}
