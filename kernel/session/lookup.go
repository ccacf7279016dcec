//go:build linux

package session

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// meaning is the package, or the object with a type, that an expression names.
type meaning struct {
	pkg *types.Package
	obj types.Object
	typ types.Type
}

// Candidates lists the possible texts at a byte offset of a cell, and the offset at which they begin. It uses only
// compiled packages and the names of the session: no language server and no worker.
func (s *Session) Candidates(ctx context.Context, code string, cursor int) (start int, all []Candidate) {
	cursor = max(0, min(cursor, len(code)))
	if m := splitMagic(code); len(m.code) == len(code) {
		code = m.code // a quote of a command opens nothing in Go
	}
	start = wordStart(code, cursor)
	operand := operandBefore(code, start)
	switch {
	case operand != "":
		m, ok := s.meaningOf(ctx, operand, code[:start])
		if !ok {
			return start, nil
		}
		all = members(m)
	case fieldPlace(code[:start]) != "":
		if m, ok := s.meaningOf(ctx, fieldPlace(code[:start]), code[:start]); ok && m.typ != nil {
			all = fieldsOf(m.typ, false)
		}
	case start < cursor:
		all = s.packages()
	}
	return start, beginning(all, code[start:cursor])
}

// packages returns the packages that a cell may name without an import, once they are known.
func (s *Session) packages() []Candidate {
	select {
	case <-s.ready:
	default:
		return nil
	}
	if s.startErr != nil {
		return nil
	}
	var all []Candidate
	for _, name := range s.b.PackageNames() {
		c := Candidate{Text: name, Kind: "import"}
		if paths := s.b.ByName(name); len(paths) > 0 {
			c.Detail = paths[0]
		}
		all = append(all, c)
	}
	return all
}

// beginning keeps the candidates that begin with prefix, in any case, sorted.
func beginning(all []Candidate, prefix string) []Candidate {
	prefix = strings.ToLower(prefix)
	all = slices.DeleteFunc(all, func(c Candidate) bool { return !strings.HasPrefix(strings.ToLower(c.Text), prefix) })
	slices.SortStableFunc(all, func(a, b Candidate) int { return strings.Compare(a.Text, b.Text) })
	return all
}

func wordStart(code string, at int) int {
	for at > 0 {
		r, n := utf8.DecodeLastRuneInString(code[:at])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		at -= n
	}
	return at
}

// operandBefore returns the expression before the dot that precedes start; "" if there is no dot.
func operandBefore(code string, start int) string {
	before := strings.TrimRight(masked(code[:start]), " \t\r\n") // the name may be on the line below the dot
	if !strings.HasSuffix(before, ".") {
		return ""
	}
	end := len(before) - 1
	at, depth := end, 0
	for at > 0 {
		switch c := before[at-1]; {
		case c == ')' || c == ']' || c == '}':
			depth++
		case c == '(' || c == '[' || c == '{':
			if depth--; depth < 0 {
				return code[at:end]
			}
		case depth > 0 || c == '.' || c == '_' || c >= 0x80 || unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c)):
		default:
			return code[at:end]
		}
		at--
	}
	return code[at:end]
}

// fieldPlace returns the type of the composite literal at the end of code if a field's name is expected there; ""
// elsewhere.
func fieldPlace(code string) string {
	code = masked(code)
	at, commas := openBracket(code)
	if at < 0 || code[at] != '{' {
		return ""
	}
	begun := code[at:]
	if len(commas) > 0 {
		begun = code[commas[0]:]
	}
	if strings.ContainsAny(begun, ":=\"`") {
		return "" // a value
	}
	return literalType(code, at)
}

// openBracket returns the place of the innermost bracket that is open at the end of a masked code, -1 without one, and
// the commas behind it that are in no further bracket, the last one first.
func openBracket(masked string) (at int, commas []int) {
	depth := 0
	for at = len(masked) - 1; at >= 0; at-- {
		switch masked[at] {
		case ')', ']', '}':
			depth++
		case '(', '[', '{':
			if depth--; depth < 0 {
				return at, commas
			}
		case ',':
			if depth == 0 {
				commas = append(commas, at)
			}
		}
	}
	return -1, nil
}

// literalType returns the type of the literal whose brace is at a place of code. Inside a list, it may be left out.
func literalType(code string, brace int) string {
	typ := code[wordStart(code, brace):brace]
	before := strings.TrimRight(code[:brace-len(typ)], " \t\r\n*&")
	switch {
	case typ == "" && before != "" && strings.ContainsRune("{,:", rune(before[len(before)-1])):
		return elementType(before)
	case strings.HasSuffix(before, "]"): // a list: its elements come next, not fields
		return ""
	}
	if pkg := operandBefore(code, brace-len(typ)); pkg != "" {
		return pkg + "." + typ
	}
	return typ
}

// elementType returns the type of the elements of the list at the end of code, whose type ends with it;
// "" if it is none.
func elementType(code string) string {
	at, _ := openBracket(code)
	if at < 0 || code[at] != '{' {
		return ""
	}
	if m := listType.FindStringSubmatch(code[:at]); m != nil {
		return m[1]
	}
	return ""
}

// listType matches the type of a list or map at the end of a text, and captures that of its elements.
var listType = regexp.MustCompile(`\]\s*\*?((?:[\pL_][\pL\pN_]*\.)?[\pL_][\pL\pN_]*)\s*$`)

// meaningOf finds the meaning of an expression; before is the cell up to it, whose own variables count too.
func (s *Session) meaningOf(ctx context.Context, text, before string) (meaning, bool) {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return meaning{}, false
	}
	e, err := parser.ParseExpr(text)
	if err != nil || s.startErr != nil {
		return meaning{}, false
	}
	f := &finder{s: s, ctx: ctx, local: assigned(before)}
	m := f.expr(e, 0)
	return m, m.pkg != nil || m.typ != nil
}

// assigned returns the values that a cell assigns by :=, by name.
func assigned(code string) map[string]ast.Expr {
	local := map[string]ast.Expr{}
	for _, c := range splitChunks(code).chunks {
		left, right, ok := strings.Cut(code[c.start:c.end], ":=")
		if !ok || c.decl {
			continue
		}
		if e, err := parser.ParseExpr(right); err == nil {
			name, _, _ := strings.Cut(left, ",")
			local[strings.TrimSpace(name)] = e
		}
	}
	return local
}

// finder evaluates expressions to types.
type finder struct {
	s     *Session
	ctx   context.Context
	local map[string]ast.Expr
}

const maxFinderDepth = 20 // for x := x.f(), which refers to itself

func (f *finder) expr(e ast.Expr, depth int) meaning {
	if depth > maxFinderDepth {
		return meaning{}
	}
	under := func(e ast.Expr) types.Type {
		if m := f.expr(e, depth+1); m.typ != nil {
			return m.typ.Underlying()
		}
		return nil
	}
	switch e := e.(type) {
	case *ast.Ident:
		return f.ident(e.Name, depth)
	case *ast.ParenExpr:
		return f.expr(e.X, depth+1)
	case *ast.SelectorExpr:
		return f.selector(f.expr(e.X, depth+1), e.Sel.Name)
	case *ast.CompositeLit:
		if e.Type != nil {
			return f.expr(e.Type, depth+1)
		}
	case *ast.UnaryExpr:
		if m := f.expr(e.X, depth+1); e.Op == token.AND && m.typ != nil {
			return meaning{typ: types.NewPointer(m.typ)}
		}
		if ch, ok := under(e.X).(*types.Chan); ok && e.Op == token.ARROW {
			return meaning{typ: ch.Elem()}
		}
	case *ast.StarExpr:
		if p, ok := under(e.X).(*types.Pointer); ok {
			return meaning{typ: p.Elem()}
		}
	case *ast.CallExpr:
		return f.call(f.expr(e.Fun, depth+1))
	case *ast.IndexExpr:
		m := f.expr(e.X, depth+1)
		switch m.obj.(type) {
		case *types.Func, *types.TypeName: // with type arguments
			return m
		}
		return elementOf(under(e.X))
	case *ast.TypeAssertExpr:
		if e.Type != nil {
			return meaning{typ: f.expr(e.Type, depth+1).typ}
		}
	}
	return meaning{}
}

func (f *finder) ident(name string, depth int) meaning {
	if e := f.local[name]; e != nil {
		if m := f.expr(e, depth+1); m.typ != nil {
			return m
		}
		if f.s.names.entity(name) == nil { // not the package that it hides
			return meaning{}
		}
	}
	if e := f.s.names.entity(name); e != nil {
		return meaning{obj: e.obj, typ: e.obj.Type()}
	}
	f.s.names.mu.Lock()
	paths, dots := []string{f.s.names.imports[name].path}, []string{}
	for key, imp := range f.s.names.imports {
		if strings.HasPrefix(key, dotKey) {
			dots = append(dots, imp.path)
		}
	}
	f.s.names.mu.Unlock()
	for _, path := range dots {
		if pkg := f.load(path); pkg != nil && token.IsExported(name) && pkg.Scope().Lookup(name) != nil {
			return f.selector(meaning{pkg: pkg}, name)
		}
	}
	if paths[0] == "" {
		paths = f.s.b.ByName(name)
	}
	for _, path := range paths {
		if pkg := f.load(path); pkg != nil {
			return meaning{pkg: pkg}
		}
	}
	return meaning{}
}

// load returns a package, or nil if there is none that can be used.
func (f *finder) load(path string) *types.Package {
	if f.s.b.Resolve(f.ctx, path) != nil {
		return nil
	}
	pkg, err := f.s.libs.Import(path)
	if err != nil {
		return nil
	}
	return pkg
}

func (f *finder) selector(m meaning, name string) meaning {
	var obj types.Object
	switch {
	case m.pkg != nil:
		obj = m.pkg.Scope().Lookup(name)
	case m.typ != nil:
		obj, _, _ = types.LookupFieldOrMethod(m.typ, true, objPackage(m), name)
	}
	if obj == nil || !obj.Exported() && !ours(obj.Pkg()) {
		return meaning{}
	}
	return meaning{obj: obj, typ: obj.Type()}
}

// objPackage returns the package whose unexported names are visible.
func objPackage(m meaning) *types.Package {
	if named, ok := types.Unalias(pointed(m.typ)).(*types.Named); ok {
		return named.Obj().Pkg()
	}
	return nil
}

func pointed(t types.Type) types.Type {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// call returns the first result of a function, or the value of a conversion.
func (f *finder) call(m meaning) meaning {
	if _, isType := m.obj.(*types.TypeName); isType {
		return meaning{typ: m.typ}
	}
	if m.typ == nil {
		return meaning{}
	}
	if sig, ok := m.typ.Underlying().(*types.Signature); ok && sig.Results().Len() > 0 {
		return meaning{typ: sig.Results().At(0).Type()}
	}
	return meaning{}
}

func elementOf(t types.Type) meaning {
	switch t := t.(type) {
	case *types.Slice:
		return meaning{typ: t.Elem()}
	case *types.Array:
		return meaning{typ: t.Elem()}
	case *types.Map:
		return meaning{typ: t.Elem()}
	case *types.Pointer:
		if array, ok := t.Elem().Underlying().(*types.Array); ok {
			return meaning{typ: array.Elem()}
		}
	}
	return meaning{}
}

// members returns the names that may follow the dot.
func members(m meaning) []Candidate {
	var all []Candidate
	if m.pkg != nil {
		for _, name := range m.pkg.Scope().Names() {
			if obj := m.pkg.Scope().Lookup(name); obj.Exported() && !isNotebookHook(name) {
				all = append(all, candidateOf(obj))
			}
		}
		return all
	}
	seen := map[string]bool{}
	t := m.typ
	if !types.IsInterface(t) {
		t = types.NewPointer(pointed(t))
	}
	set := types.NewMethodSet(t)
	for i := range set.Len() {
		if obj := set.At(i).Obj(); obj.Exported() || ours(obj.Pkg()) {
			seen[obj.Name()] = true
			all = append(all, candidateOf(obj))
		}
	}
	for _, c := range fieldsOf(m.typ, true) {
		if !seen[c.Text] {
			all = append(all, c)
		}
	}
	return all
}

// fieldsOf returns the fields of a struct, including those of embedded ones, each struct's once: a struct may embed a
// pointer to itself, or, in a cell with that error, itself. Without pointers, those behind an embedded pointer, which a
// literal can't name, are left out.
func fieldsOf(t types.Type, pointers bool) (all []Candidate) {
	seen := map[*types.Struct]bool{}
	var add func(types.Type)
	add = func(t types.Type) {
		st, ok := pointed(t).Underlying().(*types.Struct)
		if !ok || seen[st] {
			return
		}
		seen[st] = true
		for v := range st.Fields() {
			if v.Exported() || ours(v.Pkg()) {
				all = append(all, candidateOf(v))
			}
			if _, pointer := v.Type().Underlying().(*types.Pointer); v.Embedded() && (pointers || !pointer) {
				add(v.Type())
			}
		}
	}
	add(t)
	return all
}

func candidateOf(obj types.Object) Candidate {
	c := Candidate{Text: obj.Name(), Detail: typeString(obj.Type())}
	switch o := obj.(type) {
	case *types.Func:
		c.Kind = "func"
	case *types.Builtin: // of package unsafe
		c.Kind, c.Detail = "func", ""
	case *types.TypeName:
		c.Kind, c.Detail = "type", kindWord(o.Type().Underlying())
	case *types.Const:
		c.Kind = "const"
	case *types.Var:
		c.Kind = "var"
		if o.IsField() {
			c.Kind = "field"
		}
	}
	return c
}

// kindWord returns a word for the kind of a type.
func kindWord(t types.Type) string {
	switch t.(type) {
	case *types.Struct:
		return "struct"
	case *types.Interface:
		return "interface"
	}
	return typeString(t)
}

func isNotebookHook(name string) bool { return name == wordsHook || name == helpHook }
