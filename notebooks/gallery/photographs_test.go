package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lessonOf returns an executed notebook of two cells: one that loads a data set, and one with an output.
func lessonOf(source, tags, output string) string {
	return `{"cells": [{"cell_type": "code", "source": ["data := datasets.MustLoad(\"", "` + source + `\")"], "outputs": []},
		{"cell_type": "code", "metadata": {"tags": [` + tags + `]}, "source": "data", "outputs": [{"data": ` + output + `}]}]}`
}

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestLeaveOutPhotographs(t *testing.T) {
	for _, c := range []struct {
		name, source, tags, output string
		taken                      int
		gone, kept                 string
	}{
		{"a picture", "hymenoptera", "", `{"image/png": "AAAA", "text/plain": "a picture"}`, 1, "AAAA", leftOut.output},
		{"a JPEG file and the same as HTML", "hymenoptera", "", `{"image/jpeg": "AAAA", "text/html": "<img src='x.png'>BBBB"}`, 1, "BBBB", leftOut.output},
		{"in a table", "hymenoptera", "", `{"text/html": ["<p>12 pictures</p><img alt='x' ", "src=\"data:image/jpeg;base64,AAAA\"><img src=data:image/png;base64,BBBB>"]}`, 2, "base64", "12 pictures"},
		{"in a drawing", "hymenoptera", "", `{"image/svg+xml": "<svg><image xlink:href='data:image/png;base64,AAAA'/><path/></svg>"}`, 1, "base64", "<path/>"},
		{"a chart", "hymenoptera", "", `{"image/svg+xml": "<svg><path/></svg>", "text/html": "<table></table>"}`, 0, "left out", "<path/>"},
		{"drawings in a lesson with photographs", "hymenoptera", `"drawings"`, `{"image/png": "AAAA"}`, 0, "left out", "AAAA"},
		{"built-in images", "sketches", "", `{"image/png": "AAAA"}`, 0, "left out", "AAAA"},
		{"a data set of a known name in the text alone", "sketches", "", `{"image/png": "AAAA", "text/plain": "\"hymenoptera\""}`, 0, "left out", "AAAA"},
		{"a chart in HTML", "hymenoptera", "", `{"text/html": "<img src='data:image/svg+xml;base64,` + encoded("<svg><path/></svg>") + `'>"}`, 0, "left out", encoded("<svg><path/></svg>")},
		{"a picture in a chart in HTML", "hymenoptera", "", `{"text/html": "<img src='data:image/svg+xml;base64,` + encoded("<svg><image href='data:image/png;base64,AAAA'/></svg>") + `'>"}`, 1, "base64", "left out"},
		{"a file that is named a chart", "hymenoptera", "", `{"text/html": "<img src='data:image/svg+xml;base64,` + encoded("\x89PNG") + `'>"}`, 1, "base64", "left out"},
	} {
		var n map[string]any
		if err := json.Unmarshal([]byte(lessonOf(c.source, c.tags, c.output)), &n); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		taken, err := leaveOutPhotographs(n, leftOut)
		if err != nil || taken != c.taken {
			t.Errorf("%s: %d pictures taken out (%v), want %d", c.name, taken, err, c.taken)
		}
		out, err := encode(n)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(out), c.gone) || !strings.Contains(string(out), c.kept) {
			t.Errorf("%s: want no %q, and %q:\n%s", c.name, c.gone, c.kept, out)
		}
	}
}

// TestNoPhotographs: no page that is kept in the repository has photographs.
func TestNoPhotographs(t *testing.T) {
	var paths []string
	for _, dir := range []string{"", "ja/"} {
		found, err := filepath.Glob("../../docs/gallery/" + dir + "*.ipynb")
		if err != nil || len(found) == 0 {
			t.Fatalf("there are no pages in %q (%v)", dir, err)
		}
		paths = append(paths, found...)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var n map[string]any
		if err := json.Unmarshal(data, &n); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if taken, err := leaveOutPhotographs(n, leftOut); err != nil || taken > 0 {
			t.Errorf("%s has %d pictures that may be photographs (%v); give the cell the tag %q if it shows none, and make the page anew", path, taken, err, drawingsTag)
		}
	}
}
