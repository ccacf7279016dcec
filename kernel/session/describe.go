//go:build linux

package session

import (
	"context"
	"fmt"
	"go/types"
	"os/exec"
	"regexp"
	"strings"
)

// helpLine is a cell that asks what something is: x?, ?x, pkg.Name??
var helpLine = regexp.MustCompile(`^\s*(?:\?{1,2}\s*([\pL_][\pL\pN_.]*)|([\pL_][\pL\pN_.]*)\s*\?{1,2})\s*$`)

// asksHelp is the name that a cell asks about, or "".
func asksHelp(code string) string {
	if m := helpLine.FindStringSubmatch(code); m != nil {
		return m[1] + m[2]
	}
	return ""
}

// showHelpOn prints what a name is.
func (s *Session) showHelpOn(ctx context.Context, name string) *Error {
	text := s.Describe(ctx, name)
	if text == "" {
		return &Error{"HelpError", "no name " + name, []string{red + "no name " + name + "; %who lists the session's names" + plain}}
	}
	s.out.text("stdout", text+"\n")
	return nil
}

// Describe says what a name, pkg.Name or value.Method is: its declaration, its
// documentation, and for a name of the session its value. It is empty for what is
// not known.
func (s *Session) Describe(ctx context.Context, name string) string {
	m, ok := s.meaningOf(ctx, name, "")
	if !ok {
		for _, known := range s.names.list(nil) {
			if known.Name == name && known.Stale != "" {
				return known.Stale
			}
		}
		if obj := types.Universe.Lookup(name); obj != nil {
			return s.goDoc(ctx, "builtin", name)
		}
		return ""
	}
	if m.pkg != nil {
		return s.goDoc(ctx, m.pkg.Path(), "")
	}
	if ours(m.obj.Pkg()) {
		return s.describeOwn(ctx, name, m)
	}
	symbol := m.obj.Name()
	path := m.obj.Pkg().Path()
	if named, ok := types.Unalias(m.typ).(*types.Named); ok {
		if _, isType := m.obj.(*types.TypeName); isType && named.Obj().Pkg() != nil { // what an alias stands for
			symbol, path = named.Obj().Name(), named.Obj().Pkg().Path()
		}
	}
	if recv := m.receiver(); recv != "" {
		symbol = recv + "." + symbol
	} else if v, ok := m.obj.(*types.Var); ok && v.IsField() {
		return fmt.Sprintf("field %s %s", v.Name(), typeString(v.Type()))
	}
	text := s.goDoc(ctx, path, symbol)
	if twin, ok := strings.CutPrefix(m.obj.Name(), "Must"); ok && twin != "" && m.receiver() == "" && m.obj.Pkg().Scope().Lookup(twin) != nil {
		text += "\n\n" + s.goDoc(ctx, path, twin)
	}
	return text
}

// describeOwn describes a name that a cell declared.
func (s *Session) describeOwn(ctx context.Context, name string, m meaning) string {
	e := s.names.entity(name)
	if e == nil {
		return types.ObjectString(m.obj, func(p *types.Package) string { return p.Name() })
	}
	if e.def != nil {
		return fmt.Sprintf("%s\n\ndeclared in cell %d", e.def.text(), e.cell)
	}
	text := fmt.Sprintf("var %s %s\n\ndeclared in cell %d", e.name, typeString(e.obj.Type()), e.cell)
	if named, ok := types.Unalias(pointed(e.obj.Type())).(*types.Named); ok && named.Obj().Pkg() != nil && !ours(named.Obj().Pkg()) {
		text += "\n\n" + s.goDoc(ctx, named.Obj().Pkg().Path(), named.Obj().Name())
	}
	return text
}

// maxDoc bounds what go doc says of a whole package.
const maxDoc = 8000

// goDoc is what go doc says.
func (s *Session) goDoc(ctx context.Context, path, symbol string) string {
	args := []string{"doc", path}
	if symbol != "" {
		args = append(args, symbol)
	}
	cmd := exec.CommandContext(ctx, s.cfg.goProgram(), args...)
	cmd.Dir, cmd.Env = s.b.ModDir(), append(s.b.Env(), "GOPROXY=off")
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	text := strings.TrimSpace(string(out))
	if len(text) > maxDoc {
		text = text[:strings.LastIndexByte(text[:maxDoc], '\n')] + "\n..."
	}
	return text
}

func (c Config) goProgram() string {
	if c.Go == "" {
		return "go"
	}
	return c.Go
}
