package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// The keys of the metadata by which a cell of a translation is held against the English cell of the same id.
const (
	translatedFrom = "translated_from" // of a Markdown cell: digest of the English text
	comments       = "comments"        // of a code cell: Japanese comments by the English ones
)

// inStep returns the translation of a lesson with the cells, the code and the metadata of the English one, and what is
// left to do by a translator, a sentence each. A nil translation is one without cells. rebase returns where a link of
// the English lesson leads in the translation.
func inStep(english, japanese *notebook, rebase func(string) string) (out *notebook, left []string) {
	out = &notebook{Metadata: english.Metadata, Nbformat: english.Nbformat, NbformatMinor: english.NbformatMinor}
	have := byID(japanese)
	for _, e := range english.Cells {
		j := have[e.ID]
		delete(have, e.ID)
		var c *cell
		var l []string
		if e.Type == "markdown" {
			c, l = markdownCell(e, j, rebase)
		} else {
			c, l = codeCell(e, j)
		}
		out.Cells = append(out.Cells, c)
		left = append(left, l...)
	}
	for _, id := range slices.Sorted(maps.Keys(have)) {
		left = append(left, fmt.Sprintf("cell %s is left out, since the English lesson has none of this id; git has its text", id))
	}
	return out, left
}

func byID(n *notebook) map[string]*cell {
	cells := map[string]*cell{}
	if n != nil {
		for _, c := range n.Cells {
			cells[c.ID] = c
		}
	}
	return cells
}

// markdownCell returns the cell of the translation for the English cell e, which j translates; nil if nothing does.
func markdownCell(e, j *cell, rebase func(string) string) (c *cell, left []string) {
	c = &cell{Type: e.Type, ID: e.ID, Metadata: maps.Clone(e.Metadata), Source: e.Source}
	if j == nil || j.Type != e.Type || j.Source == e.Source {
		return c, []string{fmt.Sprintf("cell %s is not translated", e.ID)}
	}
	c.Source = relink(e.Source, j.Source, rebase)
	from, known := j.Metadata[translatedFrom]
	if known {
		c.Metadata[translatedFrom] = from
	}
	if from != digest(e.Source) {
		left = append(left, fmt.Sprintf("cell %s: the English text is another than the one that was translated; translate it anew, then run: go run ./notebooks/translate -accept LESSON", e.ID))
	}
	for _, d := range differences(string(e.Source), string(c.Source), rebase) {
		left = append(left, fmt.Sprintf("cell %s: %s", e.ID, d))
	}
	return c, left
}

// relink returns the translation with the links of the English text to where they lead now: a lesson that has got a
// Japanese copy is no longer one folder up.
func relink(english, japanese text, rebase func(string) string) text {
	out := string(japanese)
	for _, m := range link.FindAllStringSubmatch(string(english), -1) {
		if strings.Contains(m[1], ":") {
			continue
		}
		for _, was := range []string{m[1], "../" + m[1]} {
			out = strings.ReplaceAll(out, "]("+was+")", "]("+rebase(m[1])+")")
		}
	}
	return text(out)
}

// codeCell returns the English cell e with the comments of the translation j; nil if there is none.
func codeCell(e, j *cell) (c *cell, left []string) {
	c = &cell{Type: e.Type, ID: e.ID, Metadata: maps.Clone(e.Metadata), Source: e.Source}
	table := map[string]any{}
	if j != nil {
		if t, ok := j.Metadata[comments].(map[string]any); ok {
			table = t
		}
	}
	source, used, missing := translateComments(string(e.Source), table)
	c.Source = text(source)
	if len(used) > 0 {
		c.Metadata[comments] = used
	}
	for _, m := range missing {
		left = append(left, fmt.Sprintf("cell %s: the comment %q is not in the table %q of the cell's metadata", e.ID, m, comments))
	}
	for _, k := range slices.Sorted(maps.Keys(table)) {
		if _, ok := used[k]; !ok {
			left = append(left, fmt.Sprintf("cell %s: the code has no comment %q; its translation is left out", e.ID, k))
		}
	}
	return c, left
}

// comment matches a comment that runs to the end of its line. A string of a cell has no " // " but an address, which
// has no space after the slashes.
var comment = regexp.MustCompile(`(?m)(^|[ \t])// (.+)$`)

// translateComments replaces the comments of a piece of Go by those of the table, and returns which entries it used and
// which comments the table lacks.
func translateComments(code string, table map[string]any) (out string, used map[string]any, missing []string) {
	used = map[string]any{}
	out = comment.ReplaceAllStringFunc(code, func(s string) string {
		m := comment.FindStringSubmatch(s)
		to, ok := table[m[2]].(string)
		if !ok || to == "" {
			missing = append(missing, m[2])
			return s
		}
		used[m[2]] = to
		return m[1] + "// " + to
	})
	return out, used, missing
}

// acceptTexts marks the texts of a translation as translations of the present English ones.
func acceptTexts(english, japanese *notebook) {
	have := byID(japanese)
	for _, e := range english.Cells {
		if j := have[e.ID]; j != nil && j.Type == "markdown" && j.Source != e.Source {
			if j.Metadata == nil {
				j.Metadata = map[string]any{}
			}
			j.Metadata[translatedFrom] = digest(e.Source)
		}
	}
}
