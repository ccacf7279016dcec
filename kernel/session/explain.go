//go:build linux

package session

import (
	"cmp"
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"math"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/tlkit-go/tlkit-notebooks/internal/nearest"
)

// afterCheck finds code that the type checker accepts but that can't be generated.
func (pl *planner) afterCheck(t *typed, errs *[]fileError) {
	report := func(pos token.Pos, format string, args ...any) {
		at := t.src.place(t.src.offset(pos), "")
		*errs = append(*errs, fileError{cellError: cellError{at.line, at.col, t.src, fmt.Sprintf(format, args...)}, file: t.cellFile})
	}
	var size int64
	for _, name := range slices.Sorted(maps.Keys(t.declared)) {
		v, ok := t.pkg.Scope().Lookup(name).(*types.Var)
		if !ok || ours(v.Pkg()) && pl.names.byObj[v] != nil {
			continue
		}
		if why := t.whyOwn(v); why != "" {
			t.own.why[name] = why
		} else if isUnknown(v.Type()) {
			report(v.Pos(), "can't tell the type of %s", name)
		} else if own := types.SizesFor("gc", runtime.GOARCH).Sizeof(v.Type()); own < 0 || size+own > mostInCell {
			report(v.Pos(), "%s of type %s is too large: the variables of a cell have at most %d bytes; a slice holds more, as make([]byte, n)", name, typeString(v.Type()), mostInCell)
		} else {
			size += own
		}
	}
	t.tryOwn()
	if t.last != nil {
		tv := t.info.Types[t.last]
		if tv.IsType() {
			report(t.last.Pos(), "%s is a type, not a value; a value is written %s", types.ExprString(t.last), valueOf(tv.Type, types.ExprString(t.last)))
		} else if text := overflow(tv); text != "" {
			report(t.last.Pos(), "%s", text)
		}
	}
}

// mostInCell is the size of all variables of a package, in bytes: Go's linker takes 2e9 with what it adds.
const mostInCell = 1_990_000_000

// overflow returns the error about an untyped constant that has no room in its default type; "" for other values.
func overflow(tv types.TypeAndValue) string {
	if tv.Value == nil {
		return ""
	}
	fits := true
	switch tv.Type {
	case types.Typ[types.UntypedInt]:
		_, fits = constant.Int64Val(tv.Value)
	case types.Typ[types.UntypedRune]:
		n, exact := constant.Int64Val(tv.Value)
		fits = exact && n == int64(rune(n))
	case types.Typ[types.UntypedFloat], types.Typ[types.UntypedComplex]:
		re, _ := constant.Float64Val(constant.Real(tv.Value))
		im, _ := constant.Float64Val(constant.Imag(tv.Value))
		fits = !math.IsInf(re, 0) && !math.IsInf(im, 0)
	}
	if fits {
		return ""
	}
	return overflowText(tv.Value.String(), types.Default(tv.Type).String())
}

func overflowText(value, typ string) string {
	remedy := "convert it, for instance to float64"
	if _, err := strconv.ParseUint(value, 10, 64); err == nil {
		remedy = "convert it to uint64"
	}
	if strings.HasPrefix(typ, "float") || strings.HasPrefix(typ, "complex") {
		remedy = "math/big.Float has larger numbers"
	}
	return fmt.Sprintf("constant %s overflows %s; %s", value, typ, remedy)
}

// shownOverflow matches the checker's message about such a constant among several last values.
var shownOverflow = regexp.MustCompile(`^cannot use (.*) \(untyped \w+ constant(?: (\S+))?\) as (\w+) value in argument to values \(overflows\)$`)

// explain adds the session's knowledge to a checker's message: stale names and similar ones.
func (pl *planner) explain(t *typed, msg string) string {
	msg = placeInMessage.ReplaceAllString(strings.ReplaceAll(msg, old, ""), "cell $1, line $2")
	if m := shownOverflow.FindStringSubmatch(msg); m != nil {
		return overflowText(cmp.Or(m[2], m[1]), m[3])
	}
	msg = strings.TrimSuffix(msg, " in argument to values") // no function of the cell
	name, isUndefined := strings.CutPrefix(msg, "undefined: ")
	if isUndefined {
		if s, ok := t.stales[name]; ok {
			return s.reason
		}
		if s, ok := pl.names.stale[name]; ok {
			return s.reason // used before the cell declares it anew
		}
		if otherNames[name] == "" && slices.Contains(pl.b.PackageNames(), name) {
			return fmt.Sprintf("use of package %s without selector; %s? shows its help", name, name)
		}
		if near := pl.near(t, name); near != "" && otherNames[name] == "" {
			return fmt.Sprintf("%s; did you mean %s?", msg, near)
		}
		return msg
	}
	if m := notExported.FindStringSubmatch(msg); m != nil {
		if near := pl.near(t, m[2]+"."+m[1]); near != "" {
			return fmt.Sprintf("%s; did you mean %s?", msg, near)
		}
	}
	for key, s := range t.stales {
		if recv, m, ok := strings.Cut(key, "."); ok && strings.Contains(msg, "no field or method "+m) && strings.Contains(msg, recv) {
			return s.reason
		}
	}
	// The checker reports a missing pkg.Nam as: undefined: pkg.Nam
	return strings.ReplaceAll(msg, cellPath+".", "") + pl.hiding(t, msg)
}

// placeInMessage matches the checker's place of another declaration.
var placeInMessage = regexp.MustCompile(`\bcell (\d+):(\d+)(:\d+)?`)

// notExported matches the checker's message about a package's name that begins with a small letter.
var notExported = regexp.MustCompile(`^name (\w+) not exported by package (\w+)`)

// noMember matches the checker's message about a field or method that is not there.
var noMember = regexp.MustCompile(`^(\w+)\.\w+ undefined \(type `)

// hiding returns the reason for a missing member where a name of the session hides a package: after fmt := 1, that is
// what fmt means.
func (pl *planner) hiding(t *typed, msg string) string {
	m := noMember.FindStringSubmatch(msg)
	if m == nil || t.declared[m[1]] || !slices.Contains(pl.b.PackageNames(), m[1]) {
		return ""
	}
	e := pl.names.live[m[1]]
	if e == nil {
		return ""
	}
	return fmt.Sprintf("; %s of cell %d hides the package: %%rm %s forgets it", e.name, e.cell, e.name)
}

var word = regexp.MustCompile(`\w+`)

// predeclaredRole matches the checker's messages about a name in the role of a type or of a function that it has not.
var predeclaredRole = regexp.MustCompile(`\b(\w+)(?: \([^)]*\))? is not a type|cannot call (?:non-function )?(\w+) `)

// hidingBuiltin returns the reason for an error about a predeclared name that a name of the session hides: after
// int := 5, int is no type. It is the reason only where the predeclared meaning was wanted: as a type, in a call, or as
// one of the constants.
func (pl *planner) hidingBuiltin(t *typed, msg string) string {
	for _, name := range word.FindAllString(msg, -1) {
		e := pl.names.live[name]
		if e == nil || t.declared[name] || types.Universe.Lookup(name) == nil {
			continue
		}
		wanted := slices.Contains([]string{"nil", "true", "false", "iota"}, name)
		for _, m := range predeclaredRole.FindAllStringSubmatch(msg, -1) {
			wanted = wanted || m[1] == name || m[2] == name
		}
		if wanted {
			return fmt.Sprintf("; %s of cell %d hides Go's own: %%rm %s forgets it", name, e.cell, name)
		}
	}
	return ""
}

// valueOf returns the syntax of a value of a type.
func valueOf(typ types.Type, name string) string {
	switch typ.Underlying().(type) {
	case *types.Struct, *types.Slice, *types.Map, *types.Array:
		return name + "{}"
	case *types.Interface, *types.Pointer, *types.Chan, *types.Signature:
		return "var x " + name
	}
	return name + "(x)"
}

// near returns a name or pkg.Name that is similar to the undefined one: a name of the session or of the language, or a
// package that cells may use without an import.
func (pl *planner) near(t *typed, name string) string {
	if pkgName, sel, ok := strings.Cut(name, "."); ok {
		path := t.imports[pkgName]
		if path == "" {
			return ""
		}
		pkg, err := pl.importer.Import(path)
		if err != nil {
			return ""
		}
		var names []string
		for _, n := range pkg.Scope().Names() {
			if token.IsExported(n) {
				names = append(names, n)
			}
		}
		if n := nearName(sel, names); n != "" {
			return pkgName + "." + n
		}
		return ""
	}
	names := append(types.Universe.Names(), pl.b.PackageNames()...)
	for n := range t.declared {
		if !strings.Contains(n, ".") { // no method
			names = append(names, n)
		}
	}
	for n, e := range pl.names.live {
		if e.kind != kindMethod {
			names = append(names, n)
		}
	}
	return nearName(name, names)
}

// nearName returns the candidate that differs little from name: in at most a third of its letters, by two letters that
// changed places, or by some missing letters at the end.
func nearName(name string, candidates []string) string {
	if len(name) < 3 {
		return "" // every name is similar to a short name
	}
	if i := slices.IndexFunc(candidates, func(c string) bool { return swapped(strings.ToLower(name), strings.ToLower(c)) }); i >= 0 {
		return candidates[i]
	}
	n := nearest.Name(name, candidates)
	lower, near := strings.ToLower(name), strings.ToLower(n)
	switch {
	case n == "" || n == name:
		return ""
	case len(name) > 3 && strings.HasPrefix(near, lower) && len(near) <= 2*len(lower):
		return n
	case levenshtein.ComputeDistance(lower, near) <= max(1, len(name)/3):
		return n
	}
	return ""
}

// swapped reports whether two names of one length differ by two neighbouring letters that changed places.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 1; i < len(a); i++ {
		if a[i-1] != b[i-1] {
			return a[i-1] == b[i] && a[i] == b[i-1] && a[i+1:] == b[i+1:]
		}
	}
	return false
}
