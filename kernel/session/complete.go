//go:build linux

package session

import (
	"fmt"
	"go/scanner"
	"go/token"
	"go/types"
	"sort"
	"strings"
)

// CompletionFile returns a Go file in which a language server sees the session's
// names and the cell, and the byte offset in it that corresponds to cursor, a
// byte offset in code. offset is -1 when the cursor is on a magic line.
func (s *Session) CompletionFile(code string, cursor int) (src []byte, offset int) {
	cursor = max(0, min(cursor, len(code)))
	m := splitMagic(code)
	lineStart := strings.LastIndexByte(code[:cursor], '\n') + 1
	line, _, _ := strings.Cut(code[lineStart:], "\n")
	if m.cellMagic != "" || strings.TrimSpace(line) != "" && strings.TrimSpace(m.code[lineStart:lineStart+len(line)]) == "" {
		return nil, -1
	}
	chunks := splitChunks(m.code).chunks
	declared := map[string]bool{}
	if p, err := parse(token.NewFileSet(), &source{text: m.code}); err == nil {
		for _, it := range p.declarations() {
			for _, name := range it.names {
				declared[name] = true
			}
		}
	}
	used := map[string]bool{} // identifiers, to import only what the cell may mean
	var sc scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(m.code))
	sc.Init(file, []byte(m.code), nil, 0)
	for {
		_, tok, lit := sc.Scan()
		if tok == token.EOF {
			break
		}
		if tok == token.IDENT {
			used[lit] = true
		}
	}

	var head, body, tail strings.Builder
	imports := map[string]string{}
	s.names.mu.Lock()
	for name, imp := range s.names.imports {
		if used[name] {
			imports[name] = imp.path
		}
	}
	qualify := func(p *types.Package) string {
		if ours(p) {
			return ""
		}
		if have, ok := imports[p.Name()]; ok && have != p.Path() {
			name := fmt.Sprintf("%s%d", p.Name(), len(imports))
			imports[name] = p.Path()
			return name
		}
		imports[p.Name()] = p.Path()
		return p.Name()
	}
	seen := map[*definition]bool{}
	for _, e := range s.names.sorted() {
		if declared[e.name] {
			continue
		}
		switch {
		case e.kind == kindVar:
			fmt.Fprintf(&tail, "var %s %s\n", e.name, types.TypeString(e.obj.Type(), qualify))
		case e.def != nil && !seen[e.def]:
			seen[e.def] = true
			for name, path := range e.def.imports {
				imports[name] = path
			}
			tail.WriteString(e.def.text() + "\n")
		}
	}
	s.names.mu.Unlock()
	if s.b != nil {
		select {
		case <-s.ready:
			for name := range used {
				if imports[name] == "" && !declared[name] && s.names.entity(name) == nil && strings.Contains(code, name+".") {
					if paths := s.b.ByName(name); len(paths) > 0 {
						imports[name] = paths[0]
					}
				}
			}
		default:
		}
	}

	// The chunk with the cursor comes whole; declarations before, statements in a function.
	offset = -1
	mark := func(b *strings.Builder, c chunk) {
		if cursor >= c.start && (cursor <= c.end || offset < 0) {
			offset = b.Len() + min(cursor, c.end) - c.start
		}
	}
	inBody := true
	ownImports := ""
	for i, c := range chunks {
		end := c.end
		if i+1 == len(chunks) {
			end = max(c.end, min(len(m.code), cursor))
		}
		c.end = end
		text := m.code[c.start:end]
		if c.tok == token.IMPORT {
			ownImports += text + "\n"
			continue
		}
		if c.decl && c.tok != token.VAR {
			if cursor >= c.start && cursor <= c.end {
				inBody = false
				offset = -1
			}
			mark(&head, c)
			head.WriteString(text + "\n")
			continue
		}
		if cursor >= c.start {
			inBody = true
			mark(&body, c)
		}
		body.WriteString("\t" + text + "\n")
		if inBody && offset >= 0 && cursor >= c.start && cursor <= c.end {
			offset++ // the tab
		}
	}
	if offset < 0 { // an empty place between statements
		inBody = true
		offset = body.Len()
	}
	var first strings.Builder
	first.WriteString("package main\n\n" + ownImports)
	names := make([]string, 0, len(imports))
	for name := range imports {
		if name != "." {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		if !strings.Contains(ownImports, `"`+imports[name]+`"`) {
			fmt.Fprintf(&first, "import %s %q\n", name, imports[name])
		}
	}
	const open = "\nfunc main() {\n"
	if inBody {
		offset += first.Len() + head.Len() + len(open)
	} else {
		offset += first.Len()
	}
	return []byte(first.String() + head.String() + open + body.String() + "}\n\n" + tail.String()), offset
}
