package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// outside matches what a browser would load with an HTML page, and scripts.
var outside = regexp.MustCompile(`(?i)<script|<link [^>]*href="(?:https?:)?//|src="(?:https?:)?//|@import|url\(["']?(?:https?:)?//`)

// TestPages: each lesson, English and Japanese, has an HTML page of its present text and code, of less than 1 MB, that
// loads nothing but the stylesheet and links to files that are there.
func TestPages(t *testing.T) {
	if stored, err := os.ReadFile(filepath.Join("../..", folder, styleFile)); err != nil || string(stored) != style {
		t.Errorf("%s/%s is not notebooks/gallery/style.css (%v); run: go run ./notebooks/gallery", folder, styleFile, err)
	}
	for _, name := range lessonNames(t) {
		path := filepath.Join("../..", folder, name+".html")
		page, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%v; make it with: go run ./notebooks/gallery %s", err, name)
			continue
		}
		lesson, err := os.ReadFile(filepath.Join("..", name+".ipynb"))
		if err != nil {
			t.Fatal(err)
		}
		digest, err := digestOf(lesson)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(page, []byte(`<meta name="lesson" content="`+digest+`">`)) {
			t.Errorf("%s is of another text or code than the lesson has now; make it anew with: go run ./notebooks/gallery %s", path, name)
		}
		if len(page) > maxHTML {
			t.Errorf("%s has %d bytes, want at most %d", path, len(page), maxHTML)
		}
		if found := outside.Find(page); found != nil {
			t.Errorf("%s has %q; it may load nothing from elsewhere, and no script", path, found)
		}
		for _, m := range regexp.MustCompile(`(?:href|src)="([^":#]+)"`).FindAllSubmatch(page, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), string(m[1]))); err != nil {
				t.Errorf("%s has a link to %s, which is not there", path, m[1])
			}
		}
	}
}

// TestJapanesePages: each Japanese lesson has an executed page with its present text and code, which the
// Japanese README links to.
func TestJapanesePages(t *testing.T) {
	readme, err := os.ReadFile("../../README.ja.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range lessonNames(t) {
		if !japanese(name) {
			continue
		}
		path := filepath.Join("../..", folder, name+".ipynb")
		lesson, page := sources(t, filepath.Join("..", name+".ipynb"), relinkJapanese), sources(t, path, nil)
		if lesson != page {
			t.Errorf("%s is not as the lesson is; make it anew with: go run ./notebooks/gallery %s", path, name)
		}
		if info, err := os.Stat(path); err == nil && info.Size() > maxBytes {
			t.Errorf("%s has %d bytes, want at most %d", path, info.Size(), maxBytes)
		}
		if !strings.Contains(string(readme), "("+folder+"/"+name+".ipynb)") {
			t.Errorf("README.ja.md does not link to %s/%s.ipynb", folder, name)
		}
	}
}

// lessonNames returns the names of all lessons, as in the argument of the program.
func lessonNames(t *testing.T) (names []string) {
	t.Helper()
	for _, dir := range []string{"", "ja/"} {
		paths, err := filepath.Glob("../" + dir + "[0-9][0-9]_*.ipynb")
		if err != nil || len(paths) == 0 {
			t.Fatalf("there are no lessons in notebooks/%s (%v)", dir, err)
		}
		for _, p := range paths {
			names = append(names, lessonName(p))
		}
	}
	return names
}

// sources returns ids and texts of all cells; links changes the texts that are no code.
func sources(t *testing.T, path string, links func(string) string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return ""
	}
	var n struct {
		Cells []map[string]any
	}
	if err := json.Unmarshal(data, &n); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var b strings.Builder
	for _, c := range n.Cells {
		s := text(c["source"])
		if links != nil && c["cell_type"] == "markdown" {
			s = links(s)
		}
		b.WriteString(text(c["id"]) + "\n" + strings.TrimRight(s, "\n") + "\n")
	}
	return b.String()
}

// TestLessonName: names and paths of lessons of both languages are known.
func TestLessonName(t *testing.T) {
	for in, want := range map[string]string{
		"02_x": "02_x", "02_x.ipynb": "02_x", "notebooks/02_x.ipynb": "02_x", "../02_x.ipynb": "02_x",
		"ja/02_x": "ja/02_x", "notebooks/ja/02_x.ipynb": "ja/02_x", "../ja/02_x.ipynb": "ja/02_x",
	} {
		if got := lessonName(in); got != want {
			t.Errorf("lessonName(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestWithOutputs: a translation gets the outputs of the same cells, and other cells are an error.
func TestWithOutputs(t *testing.T) {
	executed := []byte(`{"metadata": {"a": 1}, "cells": [{"id": "a", "source": "hello"}, {"id": "b", "source": "f()", "execution_count": 3, "outputs": [{"text": "out"}]}]}`)
	got, err := withOutputs([]byte(`{"metadata": {}, "cells": [{"id": "a", "source": "今日は"}, {"id": "b", "source": "f() // 呼ぶ", "execution_count": null, "outputs": []}]}`), executed)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"今日は", "f() // 呼ぶ", `"execution_count":3`, `"text":"out"`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
	for _, other := range []string{`{"cells": [{"id": "a"}]}`, `{"cells": [{"id": "a"}, {"id": "c"}]}`} {
		if _, err := withOutputs([]byte(other), executed); err == nil {
			t.Errorf("no error for the cells %s", other)
		}
	}
}

// TestPageLinks: links to other lessons lead to their pages, others stay.
func TestPageLinks(t *testing.T) {
	const in = `<a href="02_x.ipynb">a</a> <a href="../../README.md">b</a> <a href="https://a.b/02_x.ipynb">c</a>`
	if got, want := pageLinks(in), strings.Replace(in, `"02_x.ipynb"`, `"02_x.html"`, 1); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
