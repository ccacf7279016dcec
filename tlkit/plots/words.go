package plots

import "github.com/tlkit-go/tlkit-notebooks/tlkit/words"

// LanguageEnv is the environment variable that names the language of figures; see [words.Env].
//
// It is the language of axes, titles of panels, heads and captions of tables, progress and verdicts in a notebook.
// Plain text, which programs read, and saved PNGs are in English.
const LanguageEnv = words.Env

// inLanguage returns the figure with titles of panels and axes in the language of figures.
func (f curves) inLanguage() curves {
	panels := make([]Panel, len(f.panels))
	for i, p := range f.panels {
		p.Title, p.XLabel, p.YLabel = words.Of(p.Title), words.Of(p.XLabel), words.Of(p.YLabel)
		p.translate = words.Of
		panels[i] = p
	}
	f.panels = panels
	return f
}

// inWords returns a part of a panel's note, in the panel's language.
func (p Panel) inWords(english string) string {
	if p.translate == nil {
		return english
	}
	return p.translate(english)
}
