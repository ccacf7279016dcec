package main

import (
	"strings"
	"testing"
)

// TestWithText: a page gets the lesson's text with its own links, and keeps outputs; other code or other
// cells are errors.
func TestWithText(t *testing.T) {
	page := []byte(`{"cells": [{"id": "a", "cell_type": "markdown", "source": ["old"], "metadata": {}},
		{"id": "b", "cell_type": "code", "source": ["f()\n", "g()"], "outputs": [{"text": "out"}]}]}`)
	n, err := withText(page, []byte(`{"cells": [{"id": "a", "cell_type": "markdown", "source": ["new [x](../x)\n", "more"], "metadata": {}},
		{"id": "b", "cell_type": "code", "source": "f()\ng()", "outputs": []}]}`), relink)
	if err != nil {
		t.Fatal(err)
	}
	out, err := encode(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"new [x](../../x)\n"`, `"more"`, `"text": "out"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%s is missing in %s", want, out)
		}
	}
	for lesson, want := range map[string]string{
		`{"cells": [{"id": "a", "cell_type": "markdown", "source": "x"}, {"id": "b", "cell_type": "code", "source": "f()"}]}`: "code of cell b",
		`{"cells": [{"id": "a", "cell_type": "markdown", "source": "x"}, {"id": "c", "cell_type": "code", "source": "f()"}]}`: "is c",
		`{"cells": [{"id": "a", "cell_type": "markdown", "source": "x"}]}`:                                                    "1 cells",
	} {
		if _, err := withText(page, []byte(lesson), relink); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", lesson, err, want)
		}
	}
}

// TestWithSections: cells of code keep their outputs, texts and the head are new.
func TestWithSections(t *testing.T) {
	const executed = "<head>1\n<section class=\"words\">old</section>\n<section class=\"cell\">f()\n <section class=\"cell\">out</section>\n</body>"
	got, err := withSections([]byte(executed), []byte("<head>2\n<section class=\"words\">new</section>\n<section class=\"cell\">f()</section>\n</body>"))
	want := "<head>2\n<section class=\"words\">new</section>\n<section class=\"cell\">f()\n <section class=\"cell\">out</section>\n</body>"
	if err != nil || string(got) != want {
		t.Errorf("%q (%v), want %q", got, err, want)
	}
	if _, err := withSections([]byte(executed), []byte("<head>2\n<section class=\"words\">new</section>")); err == nil {
		t.Error("no error for a page with other cells")
	}
}
