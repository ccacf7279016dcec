//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/token"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A form field is a line of a cell with a comment behind it, as in Colab:
//
//	epochs := 5 //@param {type:"slider", min:1, max:20, step:1}
//
// The value in the text counts whenever the cell is run by hand. When a field is moved in the page, the cell runs again
// with the field's value (Cell.Fields). The literal is generated as a call of package rt's Field, which knows the
// values of the present run. So the code of such a run is that of the run before, and nothing is compiled.

// formField is a Field and the literal that holds its value.
type formField struct {
	Field
	literal ast.Expr
}

// Form returns the form of a cell; nil if the cell has none or is not valid Go.
func (s *Session) Form(code string) *Form {
	if !strings.Contains(code, "@param") && !strings.Contains(code, "@title") && !strings.Contains(code, "@markdown") {
		return nil
	}
	m := splitMagic(cellText(code))
	if m.cellMagic != "" {
		return nil
	}
	p, err := parse(token.NewFileSet(), m.source(0))
	if err != nil || p.form == nil {
		return nil
	}
	form := *p.form
	for _, f := range p.fields {
		form.Fields = append(form.Fields, f.Field)
	}
	return &form
}

// findFields finds the cell's form fields.
func (p *parsed) findFields() {
	comments := formComments(p.src.text)
	if len(comments) == 0 {
		return
	}
	p.form = &Form{}
	values := p.literals()
	for _, c := range comments {
		switch c.word {
		case "title":
			p.form.Title = c.text
			continue
		case "markdown":
			p.fields = append(p.fields, formField{Field: Field{Kind: "markdown", Value: c.text, Min: math.NaN(), Max: math.NaN(), Step: math.NaN()}})
			continue
		}
		f, err := newField(values[c.line], c.text)
		if err != nil {
			p.form.Problems = append(p.form.Problems, fmt.Sprintf("line %d: %v", c.line, err))
			continue
		}
		if text := f.problem(values[c.line].defined); text != "" {
			p.form.Problems = append(p.form.Problems, fmt.Sprintf("line %d: //@param of %s: %s", c.line, f.Name, text))
		}
		p.fields = append(p.fields, f)
	}
}

// problem says what is odd about a slider; "" if nothing. defined tells that the literal decides the variable's type.
func (f formField) problem(defined bool) string {
	if f.Kind != "slider" {
		return ""
	}
	if defined && kindOf(f.literal) == "integer" && (f.Step != math.Trunc(f.Step) || f.Min != math.Trunc(f.Min)) {
		return fmt.Sprintf("%s is a whole number, which the slider's other values don't fit; write %s.0", f.Value, f.Value)
	}
	if !onStep(f.Value, f.Min, f.Step) {
		return fmt.Sprintf("the slider can't come back to %s, which is not %g plus steps of %g; give another step", f.Value, f.Min, f.Step)
	}
	return ""
}

// valueAt is a variable and the literal that a line gives it. It is defined if the literal decides its type.
type valueAt struct {
	name    string
	literal ast.Expr
	defined bool
}

// literals returns, by line, the top-level statements that set one variable to a literal.
func (p *parsed) literals() map[int]valueAt {
	all := map[int]valueAt{}
	add := func(name, value ast.Expr, defined bool) {
		id, ok := name.(*ast.Ident)
		if ok && id.Name != "_" && literalText(value) != nil {
			line := p.src.place(p.src.offset(value.End()), "").line
			all[line] = valueAt{strings.TrimSuffix(id.Name, old), value, defined}
		}
	}
	seen := map[string]bool{} // of the variables of :=, which is = by now
	for _, st := range p.stmts {
		a, ok := st.(*ast.AssignStmt)
		if !ok || a.Tok != token.ASSIGN && a.Tok != token.DEFINE {
			continue
		}
		if len(a.Lhs) == 1 && len(a.Rhs) == 1 {
			id, ok := a.Lhs[0].(*ast.Ident)
			add(a.Lhs[0], a.Rhs[0], ok && p.stmtVars[id.Name] && !seen[id.Name])
		}
		for _, left := range a.Lhs {
			if id, ok := left.(*ast.Ident); ok {
				seen[id.Name] = true
			}
		}
	}
	for _, it := range p.vars {
		for _, spec := range it.decl.(*ast.GenDecl).Specs {
			if v := spec.(*ast.ValueSpec); len(v.Names) == 1 && len(v.Values) == 1 {
				add(v.Names[0], v.Values[0], v.Type == nil)
			}
		}
	}
	return all
}

// literalText returns the text of a number, string or boolean as a field shows it; nil for other expressions.
func literalText(x ast.Expr) *string {
	var text string
	switch x := x.(type) {
	case *ast.BasicLit:
		text = x.Value
		if x.Kind == token.STRING {
			text, _ = strconv.Unquote(x.Value)
		} else if x.Kind != token.INT && x.Kind != token.FLOAT {
			return nil
		}
	case *ast.UnaryExpr:
		number, ok := x.X.(*ast.BasicLit)
		if !ok || x.Op != token.SUB || number.Kind != token.INT && number.Kind != token.FLOAT {
			return nil
		}
		text = "-" + number.Value
	case *ast.Ident:
		if text = x.Name; text != "true" && text != "false" {
			return nil
		}
	default:
		return nil
	}
	return &text
}

// plainNumber returns a number as a page reads it: 0x10 and 1_000 are decimal there.
func plainNumber(text, kind string) string {
	switch kind {
	case "integer":
		if n, err := strconv.ParseInt(text, 0, 64); err == nil {
			return strconv.FormatInt(n, 10)
		}
	case "number":
		if x, err := strconv.ParseFloat(text, 64); err == nil && strings.ContainsAny(text, "_xXpP") {
			return strconv.FormatFloat(x, 'g', -1, 64)
		}
		return strings.ReplaceAll(text, "_", "")
	}
	return text
}

// kindOf returns the kind of field that fits a literal without further words.
func kindOf(x ast.Expr) string {
	if u, ok := x.(*ast.UnaryExpr); ok {
		x = u.X
	}
	b, ok := x.(*ast.BasicLit)
	switch {
	case !ok:
		return "boolean"
	case b.Kind == token.INT:
		return "integer"
	case b.Kind == token.FLOAT:
		return "number"
	}
	return "string"
}

// newField makes the field of a literal from the text behind @param.
func newField(at valueAt, text string) (formField, error) {
	f := formField{Field: Field{Name: at.name, Min: math.NaN(), Max: math.NaN(), Step: math.NaN()}, literal: at.literal}
	if at.literal == nil {
		return f, fmt.Errorf("//@param makes a field of NAME := VALUE with a number, a text, true or false, which this line is not")
	}
	f.Value = plainNumber(*literalText(at.literal), kindOf(at.literal))
	spec, err := parseParam(text)
	if err != nil {
		return f, fmt.Errorf("//@param %s: %w; it can be like {type:\"slider\", min:0, max:10, step:1} or [\"a\", \"b\"]", text, err)
	}
	if err := f.describe(spec, kindOf(at.literal)); err != nil {
		return f, fmt.Errorf("//@param of %s: %w", at.name, err)
	}
	if err := f.check(f.Value); err != nil {
		return f, fmt.Errorf("//@param of %s: the value in the cell: %w", at.name, err)
	}
	return f, nil
}

// describe fills in kind and bounds of a field. literal is the kind that the literal has by itself.
func (f *Field) describe(spec param, literal string) error {
	f.Options, f.Min, f.Max, f.Step = spec.options, spec.number("min"), spec.number("max"), spec.number("step")
	f.Free, f.Placeholder = spec.words["allow-input"] == "true", spec.words["placeholder"]
	numeric := literal == "integer" || literal == "number"
	bounded := !math.IsNaN(f.Min) && !math.IsNaN(f.Max)
	switch f.Kind = spec.words["type"]; {
	case len(f.Options) > 0:
		f.Kind = "dropdown"
	case f.Kind == "" && bounded && numeric:
		f.Kind = "slider"
	case f.Kind == "" || f.Kind == "raw":
		f.Kind = literal
	}
	fits := map[string]bool{"slider": numeric, "integer": literal == "integer", "number": numeric, "string": literal == "string",
		"date": literal == "string", "boolean": literal == "boolean", "dropdown": true}
	if ok, known := fits[f.Kind]; !known {
		return fmt.Errorf("unknown type %q; there are slider, integer, number, string, date and boolean, and lists for a choice", f.Kind)
	} else if !ok {
		return fmt.Errorf("a %s can't hold the %s %s", f.Kind, literal, f.Value)
	}
	if math.IsNaN(f.Step) && literal == "integer" {
		f.Step = 1
	}
	if f.Kind != "slider" {
		return nil
	}
	if math.IsNaN(f.Min) {
		f.Min = 0
	}
	if math.IsNaN(f.Max) {
		f.Max = 100
	}
	if math.IsNaN(f.Step) {
		f.Step = usualStep(f.Value, f.Min, f.Max)
	}
	if f.Min >= f.Max || f.Step <= 0 {
		return fmt.Errorf("a slider from %g to %g in steps of %g has no room; min must be less than max, and step positive", f.Min, f.Max, f.Step)
	}
	return nil
}

// usualStep returns a hundredth of the range of a slider, or the largest power of ten below it with which the slider
// can have the value in the text.
func usualStep(value string, low, high float64) float64 {
	step := (high - low) / 100
	if onStep(value, low, step) {
		return step
	}
	power := math.Floor(math.Log10(step))
	for n := range 6 { // at most some hundred million steps
		if fine := math.Pow(10, power-float64(n)); onStep(value, low, fine) {
			return fine
		}
	}
	return step
}

// onStep reports whether a slider that begins at low has the value, within rounding.
func onStep(value string, low, step float64) bool {
	x, err := strconv.ParseFloat(value, 64)
	steps := (x - low) / step
	return err == nil && math.Abs(steps-math.Round(steps)) <= 1e-6
}

// check returns an error for a value that the field can't have.
func (f *Field) check(value string) error {
	switch f.Kind {
	case "boolean":
		if value != "true" && value != "false" {
			return fmt.Errorf("%q is neither true nor false", value)
		}
	case "dropdown":
		if !f.Free && !slices.Contains(f.Options, value) {
			return fmt.Errorf("%q is none of %s", value, strings.Join(f.Options, ", "))
		}
	case "date":
		if _, err := time.Parse(time.DateOnly, value); err != nil && value != "" {
			return fmt.Errorf("%q is no date such as 2026-03-22", value)
		}
	case "slider", "number", "integer":
		x, err := strconv.ParseFloat(strings.ReplaceAll(value, "_", ""), 64)
		if n, hex := strconv.ParseInt(value, 0, 64); err != nil && hex == nil { // 0x10
			x, err = float64(n), nil
		}
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("%q is no number", value)
		}
		if x < f.Min || x > f.Max {
			return fmt.Errorf("%s is not between %g and %g", value, f.Min, f.Max)
		}
	}
	return nil
}

// checkFields returns an error for values from the page that the cell's fields can't have. A name without a field, of a
// text that was edited since, is left out.
func (p *parsed) checkFields(values map[string]string) *Error {
	for _, f := range p.fields {
		if v, ok := values[f.Name]; ok {
			if err := f.check(v); err != nil {
				text := fmt.Sprintf("form field %s: %v", f.Name, err)
				return &Error{"FieldError", text, []string{red + text + plain}}
			}
		}
	}
	return nil
}

// fieldName returns the name of the field whose value a literal is, or "".
func (p *parsed) fieldName(x ast.Expr) string {
	for _, f := range p.fields {
		if f.literal == x {
			return f.Name
		}
	}
	return ""
}

// field edits the literal of a form field, and reports whether n is one.
func (e *editor) field(n ast.Node) bool {
	x, ok := n.(ast.Expr)
	if !ok || len(e.fields) == 0 || e.in != e.src {
		return false
	}
	name, t := e.fieldName(x), e.info.Types[x].Type
	if name == "" || t == nil {
		return false
	}
	text := e.in.text[e.in.offset(x.Pos()):e.in.offset(x.End())]
	e.replace(x, fmt.Sprintf("%s.Field[%s](%q, %s)", e.rt(), e.typeText(t), name, text))
	return true
}
