package plots

import (
	"slices"
	"strings"

	"gonum.org/v1/plot/vg/draw"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// LanguageEnv is the environment variable that names the language of figures; see [words.Env].
//
// It is the language of axes, titles of panels, legends, tooltips, captions, heads and captions of tables, progress,
// verdicts and alternative texts in a notebook. Names of classes, strategies, models and data sets stay as they are.
// Plain text, which programs read, and saved PNGs of charts are in English. The PNG of a grid of images has Japanese
// where this machine has a font for it, else English.
const LanguageEnv = words.Env

// inLanguage returns the figure with its words in the language of figures. Names stay.
func (f curves) inLanguage() curves {
	panels := make([]Panel, len(f.panels))
	for i, p := range f.panels {
		p.Title, p.XLabel, p.YLabel, p.Note = words.Of(p.Title), words.Of(p.XLabel), words.Of(p.YLabel), words.Of(p.Note)
		p.translate = words.Of
		p.Lines = slices.Clone(p.Lines)
		for k, l := range p.Lines {
			if l.Word {
				p.Lines[k].Name = words.Of(l.Name)
			}
		}
		panels[i] = p
	}
	f.panels = panels
	return f
}

// described is the text of a chart for readers who can't see it, in the language of figures: its title, and what it is.
func described(title, what string) string {
	switch what = words.Of(what); {
	case title == "":
		return what
	case words.InJapanese():
		return words.Of(title) + "：" + what
	}
	return title + ": " + what
}

// empty is a Figure of a title and what is missing under it, in the place of a grid without images.
func empty(title, missing string) Figure {
	english := missing + "\n"
	if title != "" {
		english = title + ": " + english
	}
	return bilingual{english, described(title, missing)}
}

// said returns a word of a drawing: in the language of figures, and in a PNG, whose font may lack it, in English.
func said(c draw.Canvas, english string) string {
	if pictureOf(c) != nil {
		return english
	}
	return words.Of(english)
}

// linesInWords returns a text with the given lines in the language of figures.
func linesInWords(text string, chosen []int) string {
	lines := strings.Split(text, "\n")
	for _, i := range chosen {
		if i < len(lines) {
			lines[i] = words.Of(lines[i])
		}
	}
	return strings.Join(lines, "\n")
}

// inWords returns a split, or a part of the panel's note, in the panel's language.
func (p Panel) inWords(english string) string {
	if p.translate == nil {
		return english
	}
	return p.translate(english)
}
