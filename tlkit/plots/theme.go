package plots

import (
	"fmt"
	"html"
	"regexp"
	"strings"
)

// How figures fit light and dark pages.
//
// Text and lines that are no data have the colour "currentColor", the text colour of the page around them: that of
// JupyterLab's theme, of an exported page or of VS Code. It changes with the theme, without a new drawing. Data has the
// colours of [Color], which differ enough from white and from the dark themes' #111111 and #212121. Nothing has a
// background, with two exceptions, where the page's colours are out of reach:
//
//   - an SVG file, or an SVG in an <img> element (JupyterLab's and nbconvert's way to show one), has a card in the
//     colours of prefers-color-scheme. In JupyterLab, and in pages that set color-scheme, it is that of the page, so
//     that the card does not show.
//   - a PNG has a white card: no text colour has a contrast of 4.5:1 on white and on #111111 at once.

// themeStyle gives an SVG that is a document of its own its colours. In a page, svg:root matches nothing.
const themeStyle = `<style>svg:root{color:#262626;background:#ffffff}` +
	`@media (prefers-color-scheme:dark){svg:root{color:#e6e6e6;background:#111111}}</style>`

// Opacities of the page's text colour for text and lines that stand back. The contrast of muted text stays above 4.5:1,
// of axes above 3:1; the lines of a grid are decoration.
const (
	mutedOpacity = 0.8
	axisOpacity  = 0.6
	gridOpacity  = 0.16
)

// styleAttr matches the style of an SVG element. Text can't contain it: its quotes are escaped.
var styleAttr = regexp.MustCompile(`style="[^"]*"`)

// themeInk replaces the colours of a drawing that are no data by the page's text colour.
var themeInk = strings.NewReplacer(
	"fill:#262626", "fill:currentColor", "stroke:#262626", "stroke:currentColor",
	"fill:#595959", fmt.Sprintf("fill:currentColor;fill-opacity:%g", mutedOpacity),
	"stroke:#595959", fmt.Sprintf("stroke:currentColor;stroke-opacity:%g", mutedOpacity),
	"stroke:#999999", fmt.Sprintf("stroke:currentColor;stroke-opacity:%g", axisOpacity),
	"stroke:#E5E5E5", fmt.Sprintf("stroke:currentColor;stroke-opacity:%g", gridOpacity),
)

// fitTheme makes the colours of an SVG document those of the page that shows it.
func fitTheme(svg string) string {
	svg = styleAttr.ReplaceAllStringFunc(svg, themeInk.Replace)
	if i := strings.Index(svg, "<svg"); i >= 0 {
		if k := strings.IndexByte(svg[i:], '>'); k >= 0 {
			return svg[:i+k+1] + "\n" + themeStyle + svg[i+k+1:]
		}
	}
	return svg
}

// longNamed is a figure that shortens long names in its drawing.
type longNamed interface {
	// longNames returns the names, whole.
	longNames() []string
}

// addTitles gives each shortened text of an SVG document its whole as a title, which browsers show under the pointer.
func addTitles(svg string, whole []string) string {
	return svgText.ReplaceAllStringFunc(svg, func(el string) string {
		m := svgText.FindStringSubmatch(el)
		start, cut := strings.CutSuffix(html.UnescapeString(m[4]), "…")
		if !cut {
			return el
		}
		for _, name := range whole {
			if name != start+"…" && strings.HasPrefix(name, start) {
				return strings.TrimSuffix(el, "</text>") + "<title>" + html.EscapeString(name) + "</title></text>"
			}
		}
		return el
	})
}
