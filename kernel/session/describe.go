//go:build linux

package session

import (
	"context"
	"fmt"
	"go/types"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/keyword"
)

// showHelpOn prints the description of a name.
func (s *Session) showHelpOn(ctx context.Context, on asked) *Error {
	if row := lookUp(on.name); row != nil {
		s.out.text("stdout", row.usage()+"\n")
		return nil
	}
	text := keyword.Example(on.name)
	if text == "" {
		text = s.helpText(ctx, on)
	}
	if text != "" {
		s.out.text("stdout", text+"\n")
		return nil
	}
	if ctx.Err() != nil {
		return interrupted()
	}
	name := on.name
	if _, known := s.meaningOf(ctx, name, ""); known {
		return &Error{"HelpError", "no documentation of " + name, []string{red + "go doc gave no documentation of " + name + plain}}
	}
	return &Error{"HelpError", "no name " + name, []string{red + "no name " + name + "; %who lists the session's names" + plain}}
}

// helpText returns the names that a pattern matches, the source of a package's name, or the description of a name.
func (s *Session) helpText(ctx context.Context, on asked) string {
	if behind, isPointer := strings.CutPrefix(on.name, "*"); isPointer && s.names.entity(behind) != nil {
		on.name = behind
	}
	if strings.Contains(on.name, "*") {
		return s.matching(ctx, on.name)
	}
	if m, ok := s.meaningOf(ctx, on.name, ""); ok && on.source && m.obj != nil && m.obj.Pkg() != nil && !ours(m.obj.Pkg()) {
		path, symbol := m.documented()
		if text := s.goDoc(ctx, "-src", path, symbol); text != "" {
			return text
		}
	}
	return s.Describe(ctx, on.name)
}

// Describe describes a name, pkg.Name or value.Method: its declaration, its documentation, and for a name of the
// session its value. It returns the empty string for an unknown name.
func (s *Session) Describe(ctx context.Context, name string) string {
	m, ok := s.meaningOf(ctx, name, "")
	switch {
	case !ok:
		return s.describeOther(ctx, name)
	case m.pkg != nil:
		return s.goDoc(ctx, m.pkg.Path())
	case m.obj == nil:
		return s.describeType(ctx, m.typ)
	case m.obj.Pkg() == nil: // a method of error
		return types.ObjectString(m.obj, nil)
	case ours(m.obj.Pkg()):
		return s.describeOwn(ctx, name, m)
	}
	if v, ok := m.obj.(*types.Var); ok && v.IsField() {
		return s.describeField(ctx, name, v)
	}
	path, symbol := m.documented()
	text := s.goDoc(ctx, path, symbol)
	if twin, ok := strings.CutPrefix(symbol, "Must"); ok && m.obj.Pkg().Scope().Lookup(twin) != nil {
		text = strings.TrimSpace(text + "\n\n" + s.goDoc(ctx, path, twin))
	}
	return text
}

// describeType describes the type of a value that has no name.
func (s *Session) describeType(ctx context.Context, t types.Type) string {
	text := typeString(t)
	named, ok := types.Unalias(pointed(t)).(*types.Named)
	switch {
	case !ok || named.Obj().Pkg() == nil:
	case !ours(named.Obj().Pkg()):
		text += "\n\n" + s.goDoc(ctx, named.Obj().Pkg().Path(), named.Obj().Name())
	case s.names.entity(named.Obj().Name()) != nil:
		text += "\n\n" + s.Describe(ctx, named.Obj().Name())
	}
	return strings.TrimSpace(text)
}

// describeField describes a field of a package's struct type, with its comment.
func (s *Session) describeField(ctx context.Context, name string, v *types.Var) string {
	text := fmt.Sprintf("field %s %s", v.Name(), typeString(v.Type()))
	m, ok := s.meaningOf(ctx, strings.TrimSuffix(name, "."+v.Name()), "")
	if !ok || m.typ == nil {
		return text
	}
	owner, ok := types.Unalias(pointed(m.typ)).(*types.Named)
	if !ok || owner.Obj().Pkg() == nil || ours(owner.Obj().Pkg()) {
		return text
	}
	return strings.TrimSpace(text + "\n\n" + s.goDoc(ctx, owner.Obj().Pkg().Path(), owner.Obj().Name()+"."+v.Name()))
}

// describeOther describes names that are no longer declared (stale) and names that are always there (of the language).
func (s *Session) describeOther(ctx context.Context, name string) string {
	for _, known := range s.names.list(nil) {
		if known.Name == name && known.Stale != "" {
			return known.Stale
		}
	}
	if types.Universe.Lookup(name) != nil {
		return s.goDoc(ctx, "builtin", name)
	}
	return ""
}

// documented returns the path and symbol under which go doc finds an object: an alias has the documentation of the type
// that it stands for, a method that of its type.
func (m meaning) documented() (path, symbol string) {
	path, symbol = m.obj.Pkg().Path(), m.obj.Name()
	if recv := m.receiver(); recv != "" {
		return path, recv + "." + symbol
	}
	if _, isType := m.obj.(*types.TypeName); isType {
		if named, ok := types.Unalias(m.typ).(*types.Named); ok && named.Obj().Pkg() != nil {
			return named.Obj().Pkg().Path(), named.Obj().Name()
		}
	}
	return path, symbol
}

// describeOwn describes a name that a cell declared.
func (s *Session) describeOwn(ctx context.Context, name string, m meaning) string {
	e := s.names.entity(name)
	if recv := m.receiver(); recv != "" {
		e = s.names.entity(recv + "." + m.obj.Name())
	}
	if e == nil {
		return types.ObjectString(m.obj, func(p *types.Package) string {
			if ours(p) {
				return ""
			}
			return p.Name()
		})
	}
	if e.def != nil {
		return fmt.Sprintf("%s\n\ndeclared in cell %d", e.def.documented(), e.cell)
	}
	text := fmt.Sprintf("var %s %s\n\ndeclared in cell %d", e.name, typeString(e.obj.Type()), e.cell)
	if named, ok := types.Unalias(pointed(e.obj.Type())).(*types.Named); ok && named.Obj().Pkg() != nil && !ours(named.Obj().Pkg()) {
		text += "\n\n" + s.goDoc(ctx, named.Obj().Pkg().Path(), named.Obj().Name())
	}
	return text
}

// maxDoc limits the length of go doc's text on a whole package, in bytes.
const maxDoc = 8000

// docs are outputs of go doc, by its arguments. go doc may take longer than a client waits for help; it then goes on,
// and a later request finds its output.
type docs struct {
	mu  sync.Mutex
	all map[string]*docText
}

// docText is one output of go doc.
type docText struct {
	ready chan struct{} // closed once text is set
	text  string        // empty if there is no documentation
}

// docTime is the limit for go doc.
const docTime = time.Minute

// goDoc returns the output of go doc; empty if it is not there before ctx ends.
func (s *Session) goDoc(ctx context.Context, args ...string) string {
	key := strings.Join(args, " ")
	s.docs.mu.Lock()
	doc := s.docs.all[key]
	if doc == nil {
		doc = &docText{ready: make(chan struct{})}
		if s.docs.all == nil {
			s.docs.all = map[string]*docText{}
		}
		s.docs.all[key] = doc
		go func() {
			defer close(doc.ready)
			later, cancel := context.WithTimeout(s.ctx, docTime)
			defer cancel()
			if doc.text = s.runGoDoc(later, args); doc.text == "" { // it may be there next time
				s.docs.mu.Lock()
				delete(s.docs.all, key)
				s.docs.mu.Unlock()
			}
		}()
	}
	s.docs.mu.Unlock()
	select {
	case <-doc.ready:
		return doc.text
	default:
	}
	select {
	case <-doc.ready:
		return doc.text
	case <-ctx.Done():
		return ""
	}
}

func (s *Session) runGoDoc(ctx context.Context, args []string) string {
	cmd := exec.CommandContext(ctx, s.cfg.goProgram(), append([]string{"doc"}, args...)...)
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
