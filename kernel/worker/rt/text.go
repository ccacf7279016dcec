//go:build linux

package rt

import (
	"fmt"
	"io/fs"
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// Text returns a value as text: the text of fmt's %v, with the names of struct fields, without reading more of the
// value than is shown.
func Text(v any) string {
	if v == nil {
		return "<nil>"
	}
	if reflect.TypeOf(v).Kind() == reflect.Func {
		return reflect.TypeOf(v).String()
	}
	p := printer{left: maxText - 100} // leaves room for the text of rest
	r := reflect.ValueOf(v)
	if r.Kind() == reflect.String && !textual(r.Type()) {
		return cut(quoted(r.String()))
	}
	p.value(r, 0)
	return p.text.String() + p.rest(r)
}

// quoted returns a text as it is, or in quotes if it looks like something else: a number, true, false, <nil>, an empty
// text, or one with blanks at its ends.
func quoted(s string) string {
	if _, err := strconv.ParseFloat(s, 64); err == nil || s == "true" || s == "false" || s == "<nil>" || strings.TrimSpace(s) == "" ||
		s != strings.TrimRight(s, " \t") || s != strings.TrimLeft(s, " \t") {
		return strconv.Quote(s)
	}
	return s
}

// ambiguous reports whether the end of a text in a list can't be seen.
func ambiguous(s string) bool {
	return quoted(s) != s || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`"[]{}`, r) })
}

// bareText is Text without quotes.
func bareText(v reflect.Value) string {
	p := printer{left: maxText - 100, bare: true}
	p.value(v, 0)
	return p.text.String() + p.rest(v)
}

// printer writes a value until its budget is used up.
type printer struct {
	text strings.Builder
	left int  // bytes that may still be written
	full bool // something was left out
	bare bool // strings are never quoted
}

// maxDepth is how deep nested values are followed; maxElements is how many elements of a list are written.
const (
	maxDepth    = 12
	maxElements = 1000
)

func (p *printer) write(s string) {
	if len(s) > p.left {
		s, p.full = strings.ToValidUTF8(s[:p.left], "")+"…", true
		p.left = 0
	}
	p.left = max(0, p.left-len(s))
	p.text.WriteString(s)
}

// rest returns a note on how much of a value is not shown.
func (p *printer) rest(r reflect.Value) string {
	switch {
	case !p.full:
		return ""
	case r.Kind() == reflect.Slice || r.Kind() == reflect.Array || r.Kind() == reflect.Map:
		return fmt.Sprintf(" (%d elements)", r.Len())
	}
	return " (cut)"
}

func (p *printer) value(v reflect.Value, depth int) {
	switch {
	case p.full:
		return
	case !v.IsValid():
		p.write("<nil>")
		return
	case depth > maxDepth:
		p.write("…")
		return
	case v.CanInterface() && v.Type() == reflect.TypeFor[reflect.Value]() && v.Interface().(reflect.Value).IsValid():
		p.value(v.Interface().(reflect.Value), depth) // as fmt does
		return
	case v.CanInterface() && textual(v.Type()) && !(v.Kind() == reflect.Pointer && v.IsNil()):
		text := limitedSprint(v.Interface())
		if !strings.HasPrefix(text, "%!v(PANIC=") || !lacksMethods(v) {
			p.write(text)
			return
		}
	case p.ownText(v, depth):
		return
	}
	if info, ok := fileInfo(v); ok {
		p.write(fs.FormatFileInfo(info))
		return
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		p.list(v, depth)
	case reflect.Map:
		p.mapping(v, depth)
	case reflect.Struct:
		p.structure(v, depth)
	case reflect.Interface:
		p.value(v.Elem(), depth)
	case reflect.Pointer:
		p.pointer(v, depth)
	case reflect.String:
		p.write(v.String())
	default:
		p.write(fmt.Sprint(v)) // not v.Interface(): fields may be unexported
	}
}

// fileInfo returns what os.Stat returns, whose own fields say little.
func fileInfo(v reflect.Value) (info fs.FileInfo, ok bool) {
	if v.CanInterface() && v.Kind() == reflect.Pointer && !v.IsNil() {
		info, ok = v.Interface().(fs.FileInfo)
	}
	return info, ok
}

// limitedSprint returns fmt's text of a value that has its own method for it, cut to maxText.
func limitedSprint(v any) string { return cut(fmt.Sprint(v)) }

// list writes [a b c], with texts in quotes if their ends could not be seen otherwise.
func (p *printer) list(v reflect.Value, depth int) {
	if v.Kind() == reflect.Slice && v.IsNil() && depth == 0 {
		p.write("[]")
		return
	}
	quotes := !p.bare && p.needQuotes(v)
	p.write("[")
	for i := 0; i < v.Len() && !p.full; i++ {
		if i > 0 {
			p.write(" ")
		}
		if i == maxElements {
			p.write(fmt.Sprintf("… and %d more", v.Len()-i))
			break
		}
		p.element(v.Index(i), depth, quotes)
	}
	p.write("]")
}

func (p *printer) needQuotes(list reflect.Value) bool {
	if list.Type().Elem().Kind() != reflect.String || textual(list.Type().Elem()) {
		return false
	}
	for i := range min(list.Len(), maxText/2) {
		if ambiguous(list.Index(i).String()) {
			return true
		}
	}
	return false
}

// element writes an element of a list or map: pointers are followed, once.
func (p *printer) element(v reflect.Value, depth int, quotes bool) {
	if v.Kind() == reflect.Interface && v.Elem().Kind() == reflect.Pointer {
		v = v.Elem()
	}
	_, isFile := fileInfo(v)
	switch {
	case quotes && v.Kind() == reflect.String:
		p.write(strconv.Quote(v.String()))
	case v.Kind() == reflect.Pointer && !v.IsNil() && !(v.CanInterface() && textual(v.Type())) && !isFile:
		p.write("&")
		p.value(v.Elem(), depth+1)
	default:
		p.value(v, depth+1)
	}
}

func (p *printer) mapping(v reflect.Value, depth int) {
	p.write("map[")
	quotes := false
	entries := sortedEntries(v)
	for _, entry := range entries[:min(len(entries), maxText)] {
		k, e := entry.key, entry.elem(v)
		quotes = quotes || !p.bare && (k.Kind() == reflect.String && !textual(k.Type()) && ambiguous(k.String()) ||
			e.Kind() == reflect.String && !textual(e.Type()) && ambiguous(e.String()))
	}
	for i, e := range entries {
		if p.full {
			break
		}
		if i > 0 {
			p.write(" ")
		}
		p.element(e.key, depth, quotes)
		p.write(":")
		p.element(e.elem(v), depth, quotes)
	}
	p.write("]")
}

func (p *printer) structure(v reflect.Value, depth int) {
	p.write("{")
	for i := range v.NumField() {
		if i > 0 {
			p.write(" ")
		}
		p.write(v.Type().Field(i).Name + ":")
		p.value(v.Field(i), depth+1)
	}
	p.write("}")
}

// pointer follows a pointer that is the shown value itself, as fmt does for structs, slices and maps. For a pointer
// further inside it writes the address.
func (p *printer) pointer(v reflect.Value, depth int) {
	if v.IsNil() {
		p.write("<nil>")
		return
	}
	if depth == 0 {
		p.write("&")
		p.value(v.Elem(), depth+1)
		return
	}
	p.write(fmt.Sprintf("%#x", v.Pointer()))
}
