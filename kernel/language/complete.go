package language

import (
	"cmp"
	"context"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"unicode/utf8"

	"go.lsp.dev/protocol"
)

// Completion lists texts to insert in place of the code from Start to End, which count code points. Kinds, Details and
// Docs have one entry for each of Matches.
type Completion struct {
	Matches, Kinds, Details, Docs []string
	Start, End                    int
}

// add adds a match, unless it is already in the list.
func (c *Completion) add(text, kind, detail, doc string) {
	if text == "" || slices.Contains(c.Matches, text) {
		return
	}
	c.Matches, c.Kinds = append(c.Matches, text), append(c.Kinds, kind)
	c.Details, c.Docs = append(c.Details, detail), append(c.Docs, doc)
}

// Complete lists the texts that fit at a cursor, a position in code points.
func (s *Service) Complete(ctx context.Context, code string, cursor int) Completion {
	offset := byteOffset(code, cursor)
	start, end := wordBounds(code, offset)
	c := Completion{End: cursor}
	if commands, typed, ok := s.commands(code, offset); ok {
		for _, cmd := range commands {
			c.add(strings.TrimPrefix(cmd.Name, typed), "magic", cmd.Args, cmd.Help)
		}
		c.Start = utf8.RuneCountInString(code[:start])
		return c
	}
	if wordStart, words, ok := s.cfg.Source.Words(ctx, code, offset); ok {
		for _, w := range words {
			c.add(w.Text, jupyterKind(w.Kind), w.Detail, "")
		}
		c.Start = utf8.RuneCountInString(code[:wordStart])
		return c
	}
	c.Start = utf8.RuneCountInString(code[:start])
	text, at := s.cfg.Source.CompletionFile(code, offset)
	if at < 0 {
		return c
	}
	s.completeGo(ctx, &c, code, start, offset, text, at)
	// A word that continues after the cursor is replaced as a whole if one of the matches is that word.
	if end > offset && slices.Contains(c.Matches, code[start:end]) {
		c.End = utf8.RuneCountInString(code[:end])
	}
	return c
}

// completeGo adds the matches of gopls, if it is ready, and of the session. The session's candidates come at once, and
// are right about packages and fields.
func (s *Service) completeGo(ctx context.Context, c *Completion, code string, start, offset int, text []byte, at int) {
	own := make(chan []Candidate, 1)
	go func() {
		_, all := s.cfg.Source.Candidates(ctx, code, offset)
		own <- all
		close(own)
	}()
	var known []Candidate
	take := func() {
		select {
		case known = <-own:
		case <-ctx.Done():
		}
	}
	if !s.ready() {
		take()
	}
	if len(known) == 0 {
		var items []item
		if s.with(ctx, func(server *server) (err error) {
			if err = server.show(ctx, text); err == nil {
				items, err = server.complete(ctx, text, at)
			}
			return err
		}) {
			c.addItems(items, position(text, at-(offset-start)))
		}
	}
	if len(known) == 0 {
		select {
		case known = <-own: // also where gopls took all the time
		default:
			take()
		}
	}
	fields := start == offset && len(known) > 0 // of a literal: nothing else is likely there
	if !afterDot(code, start) && !fields && (len(c.Matches) == 0 || start < offset) {
		c.addKnown(code[start:offset], s.cfg.Source.Names())
	}
	if afterDot(code, start) {
		c.keepMembers(known)
	}
	for _, k := range known {
		c.add(k.Text, jupyterKind(k.Kind), k.Detail, "")
	}
}

// keepMembers removes what can't stand behind a dot: keywords, and all matches if none of the members that the session
// knows is among them. A language server has them where it can't parse the cell.
func (c *Completion) keepMembers(known []Candidate) {
	isMember := func(match string) bool {
		return slices.ContainsFunc(known, func(k Candidate) bool { return k.Text == match })
	}
	if len(known) > 0 && !slices.ContainsFunc(c.Matches, isMember) {
		c.Matches, c.Kinds, c.Details, c.Docs = nil, nil, nil, nil
	}
	for i := len(c.Matches) - 1; i >= 0; i-- {
		if token.IsKeyword(c.Matches[i]) {
			c.Matches, c.Kinds = slices.Delete(c.Matches, i, i+1), slices.Delete(c.Kinds, i, i+1)
			c.Details, c.Docs = slices.Delete(c.Details, i, i+1), slices.Delete(c.Docs, i, i+1)
		}
	}
}

// addItems adds those of gopls's items that only replace the word, which begins at a position: Jupyter can apply no
// other edits.
func (c *Completion) addItems(items []item, word protocol.Position) {
	for _, it := range items {
		text := it.Label
		if it.TextEdit != nil {
			if it.TextEdit.Range.Start != word || it.TextEdit.Range.End.Line != word.Line {
				continue
			}
			text = it.TextEdit.NewText
		}
		isMain := text == "main" && it.Detail == "func()" // of the file in which gopls sees the cell
		if len(it.AdditionalTextEdits) > 0 || strings.ContainsAny(text, "\n()[]{}&*") || strings.Contains(it.Detail, "/internal/") || hook(text) || isMain {
			continue
		}
		c.add(text, kindName(it.Kind), it.Detail, it.doc())
	}
}

// hook reports whether a name is meant for the kernel, not for users.
func hook(name string) bool { return name == "NotebookWords" || name == "NotebookHelp" }

// addKnown adds the names that begin with prefix and are known without gopls.
func (c *Completion) addKnown(prefix string, names []Name) {
	type known struct{ text, kind, detail string }
	var all []known
	for _, n := range names {
		if token.IsIdentifier(n.Name) && n.Stale == "" { // not methods and dot imports
			all = append(all, known{n.Name, jupyterKind(n.Kind), n.Type})
		}
	}
	for t := token.BREAK; t <= token.VAR; t++ {
		all = append(all, known{t.String(), "keyword", ""})
	}
	for _, name := range types.Universe.Names() {
		all = append(all, known{name, "instance", ""})
	}
	slices.SortStableFunc(all, func(a, b known) int { return cmp.Compare(a.text, b.text) })
	for _, k := range all {
		if strings.HasPrefix(k.text, prefix) {
			c.add(k.text, k.kind, k.detail, "")
		}
	}
}

// commands lists the kernel's commands if the cursor is in the first word of a line that begins with %. typed are the
// signs % that are there. In a cell's first line, a single one may become the two of a command for the whole cell.
func (s *Service) commands(code string, offset int) (matches []Command, typed string, ok bool) {
	before := code[:strings.LastIndexByte(code[:offset], '\n')+1]
	word := strings.TrimLeft(code[len(before):offset], " \t")
	if !strings.HasPrefix(word, "%") || strings.ContainsAny(word, " \t") {
		return nil, "", false
	}
	name := strings.TrimLeft(word, "%")
	typed = word[:len(word)-len(name)]
	first := strings.TrimSpace(before) == ""
	for _, signs := range []string{typed, typed + "%"} {
		for _, c := range s.cfg.Commands {
			fits := strings.HasPrefix(c.Name, signs+name) && strings.Count(c.Name, "%") == len(signs)
			if fits && (signs == typed || first && name != "") {
				matches = append(matches, c)
			}
		}
	}
	return matches, typed, true
}

// jupyterKind converts a kind of this package to one that JupyterLab has an icon for.
func jupyterKind(kind string) string {
	switch kind {
	case "func", "method":
		return "function"
	case "field":
		return "property"
	case "keyword":
		return "keyword"
	case "word":
		return "text"
	case "file":
		return "path"
	case "import":
		return "module"
	case "type":
		return "class"
	}
	return "instance"
}

// kindName converts a CompletionItemKind of the language server protocol to one of the same kinds.
func kindName(kind int) string {
	switch kind {
	case 2, 3, 4:
		return "function"
	case 9:
		return "module"
	case 7, 8, 22, 25:
		return "class"
	case 14:
		return "keyword"
	case 5, 10:
		return "property"
	}
	return "instance"
}
