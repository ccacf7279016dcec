//go:build linux

package session

import (
	"context"
	"errors"
	"fmt"
	"go/token"
	"go/types"
	"maps"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// A cell is planned in five values. Each is made from the one before, which stays unchanged:
//
//	parsed     the parts of the text (parse)
//	bound      the packages that its names mean (bind)
//	checked    types, and the declarations of earlier cells to compile again (check)
//	generated  the Go package (generate)
//	change     the state of the session afterwards (changeOf)

// options are the settings that magic lines make for a cell.
type options struct {
	tests      bool // %test: run its tests
	parseFlags bool // %% or %main: call flag.Parse before its statements
}

// planner holds the parts of the session that planning needs. Planning changes none of them.
type planner struct {
	fset     *token.FileSet
	names    *names
	b        *build.Builder
	importer types.Importer
	dir      string // of the notebook, for advice
}

func (s *Session) planner() *planner {
	dir, _ := s.env.folder()
	return &planner{fset: s.fset, names: s.names, b: s.b, importer: s.libs, dir: dir}
}

// cellError is an error in a cell's text.
type cellError struct {
	line, col int
	src       *source
	msg       string
}

// checked is a cell whose types are known and compatible with all names that are kept. It is the third value of
// planning.
type checked struct {
	*typed
	reuse  map[string]*entity   // variables declared anew with their old type
	staled map[string]staleName // names that become stale through the cell
}

// check runs the type checker until the cell and the declarations that are compiled again with it are consistent. Each
// round finds names that turn out to be stale or of other types.
func (pl *planner) check(b *bound) (*checked, []cellError, error) {
	found := findings{otherType: map[string]bool{}, staled: map[string]staleName{}}
	for range 20 {
		t, errs := pl.round(b, found)
		own, dropped := pl.dropBroken(t, found, errs)
		if dropped || pl.dropOtherLayout(t, found) {
			continue
		}
		reuse, again := pl.sameMemory(t, found)
		switch {
		case len(own) > 0 && again: // what a variable of the other type had made stale may be there again
		case len(own) > 0:
			return nil, own, nil
		case t.own.any():
			return &checked{typed: t}, nil, nil
		case !again:
			return &checked{t, reuse, found.staled}, nil, nil
		}
	}
	return nil, nil, errors.New("session: planning the cell does not end; run %reset and the cells above again")
}

// dropBroken makes declarations of earlier cells stale that do not compile with the new names; the next round does so
// with the declarations that depend on them. It returns the other errors.
func (pl *planner) dropBroken(t *typed, f findings, errs []fileError) (own []cellError, dropped bool) {
	for _, e := range errs {
		if e.file == t.cellFile || e.file == nil {
			own = append(own, e.cellError)
			continue
		}
		if e.def == nil || f.staled[e.def.names[0]].reason != "" {
			continue
		}
		count := e.def.src.count
		reason := fmt.Sprintf("%s (cell %d) does not compile any more: %s", e.def.names[0], count, e.msg)
		next := fmt.Sprintf("; mend cell %d and run it again", count)
		if undone := pl.names.undoneBy(count, e.def.names[0], pl.names.anew(t)); undone != "" {
			next = fmt.Sprintf("; mend it and declare it again without the rest of cell %d, which has %s as before", count, undone)
		}
		if !strings.HasSuffix(reason, next) { // the message of another one may
			reason += next
		}
		for _, name := range e.def.names {
			f.staled[name] = staleName{kind: e.def.kind, cell: count, reason: reason, def: e.def}
		}
		dropped = true
	}
	return own, dropped
}

// dropOtherLayout makes variables stale whose new type has another layout than their value.
func (pl *planner) dropOtherLayout(t *typed, f findings) (dropped bool) {
	for _, v := range t.migrate {
		nv := t.pkg.Scope().Lookup(v.name)
		if nv == nil || !sameLayout(v.obj.Type(), nv.Type()) {
			f.staled[v.name] = staleName{kind: kindVar, typ: typeString(v.obj.Type()), cell: v.cell,
				reason: fmt.Sprintf("%s (cell %d) has a type that cell %d declares anew with another layout; %s", v.name, v.cell, t.src.count, pl.names.setAgain(v.name, v.cell, pl.names.anew(t)))}
			dropped = true
		}
	}
	return dropped
}

// anew returns the names that the cell declares, except for variables that keep their type.
func (u *names) anew(t *typed) map[string]bool {
	anew := maps.Clone(t.declared)
	maps.DeleteFunc(anew, func(name string, _ bool) bool {
		v := u.live[name]
		obj, isVar := t.pkg.Scope().Lookup(name).(*types.Var)
		return v != nil && v.kind == kindVar && isVar && types.Identical(v.obj.Type(), obj.Type())
	})
	return anew
}

// sameMemory finds the variables that the cell declares anew with the same type. again means that there are variables
// of another type, which need another round.
func (pl *planner) sameMemory(t *typed, found findings) (reuse map[string]*entity, again bool) {
	reuse = map[string]*entity{}
	for name := range t.declared {
		v := pl.names.live[name]
		obj, isVar := t.pkg.Scope().Lookup(name).(*types.Var)
		if v == nil || v.kind != kindVar || !isVar {
			continue
		}
		if types.Identical(v.obj.Type(), obj.Type()) {
			reuse[name] = v
		} else if !found.otherType[name] && !isUnknown(obj.Type()) {
			found.otherType[name], again = true, true
		}
	}
	return reuse, again
}

// plan plans a cell up to its package. It returns errors in the cell's text as a list.
func (pl *planner) plan(ctx context.Context, n int, p *parsed, opts options) (*checked, *generated, []cellError, error) {
	b, err := pl.bind(ctx, n, p, opts)
	if err != nil {
		var imp *importError
		if errors.As(err, &imp) {
			return nil, nil, []cellError{{imp.at.line, imp.at.col, imp.src, imp.at.msg}}, nil
		}
		return nil, nil, nil, err
	}
	c, errs, err := pl.check(b)
	if err != nil || len(errs) > 0 {
		return nil, nil, errs, err
	}
	if c.typed.own.any() {
		p, err := p.withOwn(pl.fset, c.typed.own)
		if err != nil {
			return nil, nil, nil, err
		}
		return pl.plan(ctx, n, p, opts)
	}
	g, err := pl.generate(c)
	return c, g, nil, err
}
