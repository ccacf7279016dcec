package testutil

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
)

// English returns the English words that a reader of a figure meets: text, captions, titles under the pointer, and
// texts for readers who can't see it, in HTML, in SVG drawings and in Vega-Lite. Plain text counts where the figure has
// no other form. Left out are the given names, units and terms that Japanese writes in Latin letters, and code.
func English(bundle map[string]any, names ...string) []string {
	var seen []string
	add := func(text string) { seen = append(seen, englishIn(text, names)...) }
	if page, ok := bundle["text/html"].(string); ok {
		readMarkup(page, add)
	}
	if svg, ok := bundle["image/svg+xml"].(string); ok {
		readMarkup(svg, add)
	}
	if spec, ok := bundle["application/vnd.vegalite.v5+json"]; ok {
		data, err := json.Marshal(spec)
		var tree any
		if err == nil {
			err = json.Unmarshal(data, &tree)
		}
		if err != nil {
			add(err.Error())
		}
		readVega(tree, "", add)
	}
	if text, ok := bundle["text/plain"].(string); ok && len(bundle) == 1 {
		add(text)
	}
	slices.Sort(seen)
	return slices.Compact(seen)
}

var (
	hidden    = regexp.MustCompile(`(?s)<(script|style)\b.*?</(script|style)>`)
	spoken    = regexp.MustCompile(`(?s)\b(?:alt|title|aria-label|placeholder)="([^"]*)"`)
	drawn     = regexp.MustCompile(`data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)`)
	tag       = regexp.MustCompile(`(?s)<[^>]*>`)
	code      = regexp.MustCompile(`\w+(\.\w+)+(\([^)]*\))*|\w+\{[^}]*\}|\w+\([^)]*\)`)
	number    = regexp.MustCompile(`\b\d[\d.,]*(e[-+]?\d+)?\b`)
	latin     = regexp.MustCompile(`[A-Za-z][A-Za-z-]+`)
	listed    = regexp.MustCompile(`^(\[.*?\])\[datum\.value\]`)
	technical = strings.Fields("ms min MB GFLOPs ECE NLL AP LogME H-score NCE MACs Grad-CAM PCA t-SNE x zip")
)

// readMarkup passes on the texts of HTML or SVG, and of the drawings within it.
func readMarkup(page string, add func(string)) {
	for _, m := range drawn.FindAllStringSubmatch(page, -1) {
		if svg, err := base64.StdEncoding.DecodeString(m[1]); err == nil {
			readMarkup(string(svg), add)
		}
	}
	page = hidden.ReplaceAllString(page, " ")
	for _, m := range spoken.FindAllStringSubmatch(page, -1) {
		add(html.UnescapeString(m[1]))
	}
	add(html.UnescapeString(tag.ReplaceAllString(page, "\n")))
}

// readVega passes on the texts of a specification: titles, notes, legends, tooltips and labels.
func readVega(v any, key string, add func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			readVega(inner, k, add)
		}
	case []any:
		for _, inner := range v {
			if tip, ok := inner.(map[string]any); ok && key == "tooltip" {
				readTip(tip, add)
				continue
			}
			readVega(inner, key, add)
		}
	case string:
		switch key {
		case "title", "text", "subtitle", "domain", "values", "s", "n":
			add(v)
		case "labelExpr":
			if m := listed.FindStringSubmatch(v); m != nil {
				add(m[1])
			}
		}
	}
}

// readTip passes on the head of a line under the pointer: its title, else the name of its field. Vega shows the fields
// with the titles "title" and "image" as a heading and a picture.
func readTip(tip map[string]any, add func(string)) {
	title, ok := tip["title"].(string)
	switch {
	case !ok:
		add(fmt.Sprint(tip["field"]))
	case title == "title" && tip["field"] == "name", title == "image" && tip["field"] == "img":
	default:
		add(title)
	}
}

// englishIn returns the words of a text that are neither names nor code nor technical.
func englishIn(text string, names []string) (left []string) {
	text = code.ReplaceAllString(text, " ")
	names = slices.Clone(names)
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) }) // a name may be a part of another
	for _, name := range names {
		text = strings.ReplaceAll(text, name, " ")
	}
	for _, word := range latin.FindAllString(number.ReplaceAllString(text, " "), -1) {
		if !slices.Contains(technical, word) {
			left = append(left, word)
		}
	}
	return left
}
