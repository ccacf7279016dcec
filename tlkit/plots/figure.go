package plots

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// MIME types of the entries in a bundle.
const (
	MIMEVegaLite = "application/vnd.vegalite.v5+json" // JSON object: a Vega-Lite 5 specification
	MIMESVG      = "image/svg+xml"                    // string
	MIMEPNG      = "image/png"                        // []byte
	MIMEHTML     = "text/html"                        // string: a fragment, no <html> or <body>
	MIMEMarkdown = "text/markdown"                    // string
	MIMEText     = "text/plain"                       // string
)

// A Figure can render itself as a MIME bundle.
//
// The bundle maps MIME types to data: strings for text and SVG, []byte for PNG, and for JSON types a tree of
// map[string]any, []any, string, float64 and bool. Every bundle of this package has text/plain. Rendering reports bad
// input (lengths that do not match, for instance) as an error.
type Figure interface {
	Bundle() (map[string]any, error)
}

// sized is implemented by figures whose PNG has more pixels than its size on screen, so that it is sharp on dense
// displays.
type sized interface {
	// size returns width and height in CSS pixels.
	size() (width, height int)
}

// titled is implemented by figures that have a name for the file they are saved to.
type titled interface{ name() string }

// fixed is a Figure with a ready bundle.
type fixed struct {
	label  string
	bundle map[string]any
}

func (f fixed) Bundle() (map[string]any, error) { return maps.Clone(f.bundle), nil }
func (f fixed) name() string                    { return f.label }

// Text returns a Figure that shows s as it is, in a fixed-width font.
func Text(s string) Figure {
	return fixed{"text", map[string]any{MIMEText: s}}
}

// TextIn returns a Figure of sentences that exist in two languages. A notebook shows those in the language of figures
// ([LanguageEnv]); the plain text form is English.
func TextIn(english, japanese string) Figure { return bilingual{english, japanese} }

// Sentence returns a Figure of sentences of the code, a line each. A notebook shows those that have a translation in
// the language of figures; the plain text form is English.
func Sentence(english string) Figure { return bilingual{english, words.Lines(english)} }

type bilingual struct{ english, japanese string }

func (b bilingual) name() string { return "text" }

func (b bilingual) Bundle() (map[string]any, error) {
	if !words.InJapanese() {
		return map[string]any{MIMEText: b.english}, nil
	}
	lines := strings.ReplaceAll(html.EscapeString(strings.TrimSpace(b.japanese)), "\n", "<br>")
	return map[string]any{MIMEHTML: `<p lang="ja">` + lines + "</p>", MIMEText: b.english}, nil
}

// Markdown returns a Figure that shows Markdown source (with LaTeX between dollar signs where the notebook supports
// it). The source itself is the plain text form.
func Markdown(s string) Figure {
	return fixed{"markdown", map[string]any{MIMEMarkdown: s, MIMEText: s}}
}

// HTML returns a Figure that shows an HTML fragment. The caller is responsible for the markup: it is not escaped. plain
// is its form for readers without HTML.
func HTML(html, plain string) Figure {
	return fixed{"html", map[string]any{MIMEHTML: html, MIMEText: plain}}
}

// Progress returns a Figure of a bar that is filled to a share, in [0, 1], with a line of text beside it, such as a
// [Live] shows, in the language of figures if it has a translation. The text is its plain form.
func Progress(share float64, text string) Figure { return ProgressIn(share, text, words.Of(text)) }

// ProgressIn is [Progress] with a text that exists in two languages; see [TextIn].
func ProgressIn(share float64, english, japanese string) Figure {
	shown := english
	if words.InJapanese() {
		shown = japanese
	}
	return HTML(fmt.Sprintf(`<progress value="%.4f" max="1" style="width:12em;vertical-align:middle"></progress> <span style="font-variant-numeric:tabular-nums">%s</span>`,
		share, html.EscapeString(shown)), english)
}

// obj and arr keep the Vega-Lite specifications below readable.
type (
	obj = map[string]any
	arr = []any
)

// normalise converts a bundle to the form that both Jupyter's JSON and the gob encoding of GoNB's pipe accept: text and
// SVG as string, PNG as []byte, everything else as a tree of basic JSON values. It fails on values that neither can
// carry (NaN, null inside a list, functions), naming the MIME type, because GoNB would drop the whole message silently.
func normalise(bundle map[string]any) (map[string]any, error) {
	if len(bundle) == 0 {
		return nil, fmt.Errorf("plots: the figure has an empty bundle, want at least %s", MIMEText)
	}
	out := make(map[string]any, len(bundle))
	for mime, v := range bundle {
		switch v := v.(type) {
		case string:
			if isJSON(mime) {
				return nil, fmt.Errorf("plots: %s is a string, want a JSON object (map[string]any), because the notebook shows nothing otherwise", mime)
			}
			out[mime] = v
		case []byte:
			out[mime] = v
		default:
			data, err := json.Marshal(v)
			if err != nil {
				return nil, fmt.Errorf("plots: %s can't be written as JSON: %w", mime, err)
			}
			var tree any
			if err := json.Unmarshal(data, &tree); err != nil {
				return nil, fmt.Errorf("plots: %s can't be read back as JSON: %w", mime, err)
			}
			if err := dropNulls(tree); err != nil {
				return nil, fmt.Errorf("plots: %s: %w", mime, err)
			}
			out[mime] = tree
		}
	}
	return out, nil
}

func isJSON(mime string) bool {
	return mime == "application/json" || strings.HasSuffix(mime, "+json")
}

// dropNulls removes null members of objects, which gob can't encode and Vega-Lite reads as absent where this package
// uses them.
func dropNulls(tree any) error {
	switch t := tree.(type) {
	case nil:
		return fmt.Errorf("null where a value is needed; leave the value out instead")
	case map[string]any:
		for k, v := range t {
			if v == nil {
				delete(t, k)
				continue
			}
			if err := dropNulls(v); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
		}
	case []any:
		for i, v := range t {
			if err := dropNulls(v); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
	}
	return nil
}
