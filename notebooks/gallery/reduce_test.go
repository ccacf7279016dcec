package main

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"
)

// noise returns a PNG file in base64 that compresses badly, width pixels wide.
func noise(t *testing.T, width, height int) string {
	t.Helper()
	m, random := image.NewRGBA(image.Rect(0, 0, width, height)), rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = uint8(random.UintN(256)) | 3*uint8(i%4/3)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestCompress(t *testing.T) {
	for _, c := range []struct {
		name          string
		width, height int
		kind          string
		wide          int
	}{
		{"small", 20, 10, "image/png", 20},
		{"large", 400, 300, "image/jpeg", 400},
		{"wide", 1800, 100, "image/jpeg", allLimits[0].width},
	} {
		in := noise(t, c.width, c.height)
		out, kind, err := compress(in, allLimits[0])
		if err != nil || kind != c.kind || len(out) > len(in) {
			t.Fatalf("%s: %s of %d bytes from %d (%v), want %s", c.name, kind, len(out), len(in), err, c.kind)
		}
		raw, err := base64.StdEncoding.DecodeString(out)
		if err != nil {
			t.Fatal(err)
		}
		config, format, err := image.DecodeConfig(bytes.NewReader(raw))
		if err != nil || "image/"+format != c.kind || config.Width != c.wide {
			t.Errorf("%s: %s, %d pixels wide (%v), want %s, %d", c.name, format, config.Width, err, c.kind, c.wide)
		}
	}
	if _, _, err := compress("no picture", allLimits[0]); err == nil {
		t.Error("no error for something that is no picture")
	}
}

// TestTransparent: a transparent picture gets a white ground as a JPEG file, not a black one.
func TestTransparent(t *testing.T) {
	m, random := image.NewNRGBA(image.Rect(0, 0, 400, 400)), rand.New(rand.NewPCG(1, 2))
	for y := range 400 {
		for x := range 200 { // the left half is noise, the right half is transparent
			m.Set(x, y, color.NRGBA{uint8(random.UintN(256)), uint8(random.UintN(256)), uint8(random.UintN(256)), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	out, kind, err := compress(base64.StdEncoding.EncodeToString(b.Bytes()), allLimits[0])
	if err != nil || kind != "image/jpeg" {
		t.Fatalf("%s, %v", kind, err)
	}
	raw, _ := base64.StdEncoding.DecodeString(out)
	j, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if r, g, bl, _ := j.At(350, 200).RGBA(); min(r, g, bl) < 0xf000 {
		t.Errorf("the transparent half is %x %x %x, want white", r, g, bl)
	}
}

func TestReduce(t *testing.T) {
	n := map[string]any{"cells": []any{map[string]any{
		"id": "a", "metadata": map[string]any{"execution": map[string]any{"x": "10:00"}, "tags": []any{"solution"}},
		"outputs": []any{
			map[string]any{"data": map[string]any{"application/vnd.vegalite.v5+json": "{}", "image/svg+xml": "<svg/>", "text/html": "<p>", "text/plain": "a chart"}},
			map[string]any{"data": map[string]any{"image/png": noise(t, 8, 8), "text/html": "<img>", "text/plain": "a picture"}},
			map[string]any{"data": map[string]any{"image/jpeg": "of a page", "text/html": "<img>"}},
			map[string]any{"data": map[string]any{"text/html": "<table>", "text/plain": "a table"}},
			map[string]any{"traceback": []any{"\x1b[1mpanic\x1b[0m: no"}},
		},
	}}}
	if err := reduce(n, forGitHub, relink, allLimits[0]); err != nil {
		t.Fatal(err)
	}
	out, err := encode(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg/>", "image/png", "<table>", "a chart", "a picture", "a table", "of a page", "solution", "panic: no"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is gone", want)
		}
	}
	for _, gone := range []string{"vegalite", "<img>", "<p>", "10:00", "u001b"} {
		if strings.Contains(string(out), gone) {
			t.Errorf("%q is still there", gone)
		}
	}
}

// TestRelink: links of a page lead where those of the lesson do, also when a page is made of a page.
func TestRelink(t *testing.T) {
	const lesson, page = "[a](02_x.ipynb) ![b](../docs/b.svg) (../c) ![d](images/d.svg)",
		"[a](02_x.ipynb) ![b](../../docs/b.svg) (../c) ![d](../../notebooks/images/d.svg)"
	for _, s := range []string{lesson, page} {
		if got := relink(s); got != page {
			t.Errorf("relink(%q) = %q, want %q", s, got, page)
		}
	}
	const japaneseLesson, japanesePage = "[a](02_x.ipynb) ![b](../images/b.svg) [c](../../README.ja.md)",
		"[a](02_x.ipynb) ![b](../../../notebooks/images/b.svg) [c](../../../README.ja.md)"
	if got := relinkJapanese(japaneseLesson); got != japanesePage {
		t.Errorf("relinkJapanese(%q) = %q, want %q", japaneseLesson, got, japanesePage)
	}
	n := map[string]any{"cells": []any{map[string]any{"cell_type": "markdown", "source": []any{"[b]", "(../docs/b.svg)\n"}}}}
	if err := reduce(n, forGitHub, relink, allLimits[0]); err != nil {
		t.Fatal(err)
	}
	if got := n["cells"].([]any)[0].(map[string]any)["source"]; len(got.([]string)) != 2 || text(got.([]string)[0]) != "[b](../../docs/b.svg)\n" {
		t.Errorf("the page's text is %q", got)
	}
}
