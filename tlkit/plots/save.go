package plots

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// Save writes f to path in the form that the path's extension names: .svg, .png, .json (Vega-Lite), .html (a page of
// its own that needs no network), .md or .txt. The file appears whole or not at all, so that a reader never sees half
// of a figure that is being replaced. If the figure lacks the form, the error lists the forms it has.
func Save(f Figure, path string) error {
	bundle, err := render(f)
	if err != nil {
		return err
	}
	ext := strings.ToLower(filepath.Ext(path))
	var data []byte
	switch ext {
	case ".svg":
		data, err = pick(bundle, ext, MIMESVG)
	case ".png":
		if g, ok := f.(interface {
			png(dense int) ([]byte, error)
		}); ok && bundle[MIMEPNG] != nil {
			data, err = g.png(dense)
			break
		}
		if _, ok := bundle[MIMEPNG]; !ok {
			if d, ok := f.(drawable); ok {
				data, err = drawPNG(d)
				break
			}
		}
		data, err = pick(bundle, ext, MIMEPNG)
	case ".json":
		data, err = pick(bundle, ext, MIMEVegaLite)
	case ".html", ".htm":
		data, err = page(f, bundle)
	case ".md":
		data, err = pick(bundle, ext, MIMEMarkdown)
	case ".txt":
		data, err = pick(bundle, ext, MIMEText)
	default:
		return fmt.Errorf("plots: can't save a figure as %q: unknown extension %q, want .svg, .png, .json, .html, .md or .txt", path, ext)
	}
	if err != nil {
		return err
	}
	if path, err = fetch.ExpandHome(path); err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(path, data); err != nil {
		return fmt.Errorf("plots: save %s: %w", path, err)
	}
	return nil
}

// pick returns the entry of the wanted type as bytes.
func pick(bundle map[string]any, ext, mime string) ([]byte, error) {
	switch v := bundle[mime].(type) {
	case string:
		return []byte(v), nil
	case []byte:
		return v, nil
	case nil:
		have := strings.Join(slices.Sorted(maps.Keys(bundle)), ", ")
		return nil, fmt.Errorf("plots: this figure has no %s form (%s); it has %s", ext, mime, have)
	default:
		data, err := json.MarshalIndent(v, "", " ")
		return append(data, '\n'), err
	}
}

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="{{.Language}}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Title}}</title>
<style>
:root { color-scheme: light dark; }
body { font-family: system-ui, sans-serif; margin: 2rem; }
table { border-collapse: collapse; }
caption { margin-bottom: .5rem; }
th, td { padding: .3rem .8rem; }
thead tr { border-bottom: 1px solid; }
tbody tr:nth-child(odd) { background: color-mix(in srgb, currentColor 6%, transparent); }
svg, img { max-width: 100%; height: auto; }
</style>
{{.Body}}
</html>
`))

// language is the language of figures as a page names it.
func language() string {
	if words.InJapanese() {
		return "ja"
	}
	return "en"
}

// page wraps the best form of a bundle that needs no script in an HTML page.
func page(f Figure, bundle map[string]any) ([]byte, error) {
	title := "figure"
	if t, ok := f.(titled); ok && t.name() != "" {
		title = t.name()
	}
	var body template.HTML
	switch {
	case bundle[MIMEHTML] != nil:
		s, _ := bundle[MIMEHTML].(string)
		body = template.HTML(s)
	case bundle[MIMESVG] != nil:
		s, _ := bundle[MIMESVG].(string)
		// An XML declaration is not allowed in the middle of an HTML page.
		if i := strings.Index(s, "<svg"); i > 0 {
			s = s[i:]
		}
		body = template.HTML(s)
	case bundle[MIMEPNG] != nil:
		data, _ := bundle[MIMEPNG].([]byte)
		w, h := 0, 0
		if s, ok := f.(sized); ok {
			w, h = s.size()
		}
		text, _ := bundle[MIMEText].(string)
		body = imgTag(data, w, h, text)
	case bundle[MIMEText] != nil:
		s, _ := bundle[MIMEText].(string)
		body = template.HTML("<pre>" + template.HTMLEscapeString(s) + "</pre>")
	default:
		return nil, errors.New("plots: this figure has no form that fits an HTML page")
	}
	var b strings.Builder
	err := pageTemplate.Execute(&b, struct {
		Language, Title string
		Body            template.HTML
	}{language(), title, body})
	return []byte(b.String()), err
}
