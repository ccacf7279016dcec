//go:build linux

package session

import (
	"fmt"
	"go/scanner"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// CompletionFile returns a Go file in which a language server sees the session's names and the cell, and the byte
// offset in it that corresponds to cursor, a byte offset in code. offset is -1 when the cursor is on a magic line.
func (s *Session) CompletionFile(code string, cursor int) (src []byte, offset int) {
	cursor = max(0, min(cursor, len(code)))
	m := splitMagic(code)
	if m.cellMagic != "" || onMagicLine(m.code, code, cursor) {
		return nil, -1
	}
	chunks := splitChunks(m.code).chunks
	declared := declaredIn(m.code)
	used := identifiers(m.code)
	imports := s.usedImports(used)
	names := s.declarations(declared, imports)
	s.guessImports(m.code, used, declared, imports)
	return layOut(m.code, cursor, chunks).file(imports, names)
}

// onMagicLine reports whether the cursor is in a magic, or its line belongs to one entirely: both are blank in the Go
// code.
func onMagicLine(goCode, code string, cursor int) bool {
	if cursor > 0 && goCode[cursor-1] != code[cursor-1] {
		return true
	}
	start := strings.LastIndexByte(code[:cursor], '\n') + 1
	line, _, _ := strings.Cut(code[start:], "\n")
	return strings.TrimSpace(line) != "" && strings.TrimSpace(goCode[start:start+len(line)]) == ""
}

// declaredIn returns the names that a cell declares, if it can be parsed.
func declaredIn(code string) map[string]bool {
	declared := map[string]bool{}
	p, err := parse(token.NewFileSet(), &source{text: code})
	if err != nil {
		return declared
	}
	for _, it := range p.declarations() {
		for _, name := range it.names {
			declared[name] = true
		}
	}
	return declared
}

// identifiers returns all identifiers of a text.
func identifiers(code string) map[string]bool {
	used := map[string]bool{}
	var sc scanner.Scanner
	sc.Init(token.NewFileSet().AddFile("", -1, len(code)), []byte(code), nil, 0)
	for {
		switch _, tok, lit := sc.Scan(); tok {
		case token.EOF:
			return used
		case token.IDENT:
			used[lit] = true
		}
	}
}

// usedImports returns the imports of earlier cells that a cell may use.
func (s *Session) usedImports(used map[string]bool) map[string]string {
	imports := map[string]string{}
	s.names.mu.Lock()
	defer s.names.mu.Unlock()
	for name, imp := range s.names.imports {
		if used[name] || strings.HasPrefix(name, dotKey) {
			imports[name] = imp.path
		}
	}
	return imports
}

// declarations returns the session's names as Go declarations, except for those that the cell declares. It adds the
// packages that they need to imports.
func (s *Session) declarations(declared map[string]bool, imports map[string]string) string {
	qualify := func(p *types.Package) string {
		if ours(p) {
			return ""
		}
		name := p.Name()
		if have, ok := imports[name]; ok && have != p.Path() {
			name = fmt.Sprintf("%s%d", name, len(imports))
		}
		imports[name] = p.Path()
		return name
	}
	var text strings.Builder
	s.names.mu.Lock()
	defer s.names.mu.Unlock()
	seen := map[*definition]bool{}
	for _, e := range s.names.sorted() {
		switch {
		case declared[e.name]:
		case e.kind == kindVar:
			fmt.Fprintf(&text, "var %s %s\n", e.name, types.TypeString(e.obj.Type(), qualify))
		case e.def != nil && !seen[e.def]:
			seen[e.def] = true
			for key, path := range e.def.imports {
				if strings.HasPrefix(key, dotKey) {
					key = dotKey + path
				}
				imports[key] = path
			}
			text.WriteString(e.def.documented() + "\n")
		}
	}
	return text.String()
}

// guessImports adds the packages that the cell names without an import.
func (s *Session) guessImports(code string, used, declared map[string]bool, imports map[string]string) {
	if s.b == nil {
		return
	}
	select {
	case <-s.ready:
	default:
		return
	}
	for name := range used {
		if imports[name] != "" || declared[name] || s.names.entity(name) != nil || !strings.Contains(code, name+".") {
			continue
		}
		if paths := s.b.ByName(name); len(paths) > 0 {
			imports[name] = paths[0]
		}
	}
}

// layout is a cell as a file: its imports, its declarations, its statements in a function, and the cursor's place in
// the declarations or the statements.
type layout struct {
	imports    string
	head, body strings.Builder
	inBody     bool
	offset     int // in head or body
}

// layOut sorts the chunks of a cell. It keeps the chunk with the cursor whole; if no chunk has the cursor, an empty
// statement stands for it.
func layOut(code string, cursor int, chunks []chunk) *layout {
	l := &layout{}
	placed := false
	for i, c := range chunks {
		next := len(code) + 1
		if i+1 < len(chunks) {
			next = chunks[i+1].start
		}
		if !placed && cursor < c.start {
			l.statement("", 0)
			placed = true
		}
		if cursor > c.end && cursor < next && !strings.ContainsAny(code[c.end:cursor], "\n;") {
			c.end = cursor // blanks behind it
		}
		at := -1
		if !placed && cursor <= c.end {
			at, placed = cursor-c.start, true
		}
		switch text := code[c.start:c.end]; {
		case c.tok == token.IMPORT:
			l.imports += text + "\n"
		case c.decl && c.tok != token.VAR:
			l.declaration(text, at)
		default:
			l.statement(text, at)
		}
	}
	if !placed {
		l.statement("", 0)
	}
	return l
}

// declaration adds a declaration; at is the cursor's place in it, or -1.
func (l *layout) declaration(text string, at int) {
	if at >= 0 {
		l.inBody, l.offset = false, l.head.Len()+at
		text += missingBrackets(text)
	}
	l.head.WriteString(text + "\n")
}

// statement adds a statement in the same way.
func (l *layout) statement(text string, at int) {
	if at >= 0 {
		l.inBody, l.offset = true, l.body.Len()+len("\t")+at
		text += missingBrackets(text)
	}
	l.body.WriteString("\t" + text + "\n")
}

// missingBrackets returns what closes the brackets that are open at the end of a text, or "". A language server that
// finds them open knows little of what is inside.
func missingBrackets(text string) string {
	e := scanEnd(text)
	if e.wrong || len(e.brackets) == 0 {
		return ""
	}
	return " " + strings.Join(e.closing(), "")
}

// file returns the whole file and the cursor's offset in it.
func (l *layout) file(imports map[string]string, names string) (src []byte, offset int) {
	var first strings.Builder
	first.WriteString("package main\n\n" + l.imports)
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		path := imports[name]
		if strings.HasPrefix(name, dotKey) {
			name = "."
		}
		if !strings.Contains(l.imports, `"`+path+`"`) {
			fmt.Fprintf(&first, "import %s %q\n", name, path)
		}
	}
	const open = "\nfunc main() {\n"
	offset = first.Len() + l.offset
	if l.inBody {
		offset += l.head.Len() + len(open)
	}
	return []byte(first.String() + l.head.String() + open + l.body.String() + "}\n\n" + names), offset
}
