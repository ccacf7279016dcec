package plots

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// Stack returns a figure made of several, one below the other, because the last value of a notebook cell makes only one
// output. The Bundle has HTML, with charts as pictures in it, and the plain texts one after the other.
func Stack(title string, figures ...Figure) Figure { return stack{title, figures} }

type stack struct {
	title   string
	figures []Figure
}

func (s stack) name() string { return cmp.Or(s.title, "figures") }

func (s stack) Bundle() (map[string]any, error) {
	if len(s.figures) == 0 {
		return nil, errors.New("plots: a stack of no figures; give Stack at least one")
	}
	var page, plain strings.Builder
	page.WriteString(imageScheme)
	for i, f := range s.figures {
		b, err := f.Bundle()
		if err != nil {
			return nil, err
		}
		text, _ := b[MIMEText].(string)
		if i > 0 {
			plain.WriteString("\n")
		}
		plain.WriteString(strings.TrimRight(text, "\n") + "\n")
		switch {
		case b[MIMEHTML] != nil:
			fmt.Fprintf(&page, "<div>%s</div>\n", b[MIMEHTML])
		case b[MIMESVG] != nil:
			svg, _ := b[MIMESVG].(string)
			// As a picture: viewers that sanitize HTML strip <svg>.
			fmt.Fprintf(&page, "<div class=\"tlkit-figure\"><img alt=\"%s\" src=\"data:image/svg+xml;base64,%s\"></div>\n",
				labelOf(svg), base64.StdEncoding.EncodeToString([]byte(svg)))
		case b[MIMEPNG] != nil:
			data, _ := b[MIMEPNG].([]byte)
			w, h := 0, 0
			if d, ok := f.(sized); ok {
				w, h = d.size()
			}
			fmt.Fprintf(&page, "<div>%s</div>\n", imgTag(data, w, h, text))
		default:
			fmt.Fprintf(&page, "<p>%s</p>\n", strings.ReplaceAll(html.EscapeString(strings.TrimSpace(text)), "\n", "<br>"))
		}
	}
	return map[string]any{MIMEHTML: page.String(), MIMEText: plain.String()}, nil
}

// svgLabel matches the text of a chart for readers who can't see it, escaped.
var svgLabel = regexp.MustCompile(`<svg [^>]*aria-label="([^"]*)"`)

// labelOf returns that text.
func labelOf(svg string) string {
	if m := svgLabel.FindStringSubmatch(svg); m != nil {
		return m[1]
	}
	return html.EscapeString(words.Of("chart"))
}

// imageScheme tells charts that are pictures which theme an exported notebook has. JupyterLab sets color-scheme by
// itself, nbconvert's pages have only their theme's variables.
const imageScheme = `<style>
@container style(--jp-layout-color0: #111111) { .tlkit-figure img { color-scheme: dark; } }
@container style(--jp-layout-color0: white) { .tlkit-figure img { color-scheme: light; } }
</style>
`
