//go:build linux

package rt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"reflect"
	"regexp"
	"strings"
)

// The limits for one value in the notebook, in bytes: its text, its HTML, and all its other forms, such as pictures,
// together.
const (
	maxText  = 20_000
	maxHTML  = 1 << 20
	maxOther = 16 << 20
)

// Show shows the value of a cell's last expression.
func Show(v any) {
	if c := running.Load(); c != nil {
		send(Event{Op: "result", N: c.n, Data: Bundle(v)})
	}
}

// ShowErr ends the cell if its last expression, of type error, is not nil.
func ShowErr(err error) {
	if err != nil {
		panic(failed{err})
	}
}

// ShowN shows the values of a call that returns several.
func ShowN(vs ...any) {
	if len(vs) == 1 {
		Show(vs[0])
		return
	}
	parts := make([]string, len(vs))
	for i, v := range vs {
		parts[i] = Text(v)
	}
	if c := running.Load(); c != nil {
		send(Event{Op: "result", N: c.n, Data: map[string]any{"text/plain": strings.Join(parts, ", ")}})
	}
}

// ShowNErr is ShowN for a call whose last value is an error: a nil error is not shown, any other ends the cell.
func ShowNErr(vs ...any) {
	if err, ok := vs[len(vs)-1].(error); ok {
		ShowErr(err)
	}
	ShowN(vs[:len(vs)-1]...)
}

// QuietErr ends the cell if the last value, an error, is not nil, and shows nothing. It is for fmt.Println and the
// like.
func QuietErr(vs ...any) {
	if err, ok := vs[len(vs)-1].(error); ok {
		ShowErr(err)
	}
}

// Bundle returns the forms in which a value is shown: its own MIME bundle, HTML, SVG or Markdown, a picture for an
// image, a table for a value with rows, or else text. It always contains a text.
func Bundle(v any) map[string]any {
	if isNil(v) {
		return map[string]any{"text/plain": Text(v)}
	}
	data := ownBundle(v)
	for _, form := range []func(any) map[string]any{pictureOf, picturesOf, plotOf, jsonOf, matrixOf, tableOf} {
		if data == nil {
			data = form(v)
		}
	}
	if data == nil {
		data = map[string]any{}
	}
	if data["text/plain"] == nil {
		data["text/plain"] = Text(v)
	}
	return bounded(data)
}

// ownBundle returns the bundle that the value's own methods produce, or nil.
func ownBundle(v any) map[string]any {
	switch x := v.(type) {
	case interface {
		Bundle() (map[string]any, error)
	}:
		b, err := x.Bundle()
		if err != nil {
			panic(failed{fmt.Errorf("%T.Bundle: %w", v, err)})
		}
		return sendable(b)
	case interface{ MIMEBundle() map[string]any }:
		return sendable(x.MIMEBundle())
	case interface{ HTML() string }:
		return map[string]any{"text/html": x.HTML()}
	case interface{ SVG() string }:
		return map[string]any{"image/svg+xml": x.SVG()}
	case interface{ Markdown() string }:
		return map[string]any{"text/markdown": x.Markdown()}
	}
	if t := reflect.TypeOf(v); t.PkgPath() == "html/template" && t.Name() == "HTML" {
		return map[string]any{"text/html": fmt.Sprint(v), "text/plain": fmt.Sprint(v)}
	}
	return nil
}

// isNil reports whether the value is nil, also inside an interface.
func isNil(v any) bool {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		return r.IsNil()
	}
	return false
}

// sendable converts text given as bytes to strings; other bytes are sent as base64, which encoding/json does.
func sendable(b map[string]any) map[string]any {
	out := make(map[string]any, len(b))
	for mime, v := range b {
		if data, ok := v.([]byte); ok && (strings.HasPrefix(mime, "text/") || strings.HasSuffix(mime, "+xml")) {
			v = string(data)
		}
		out[mime] = v
	}
	return out
}

// bounded removes the forms that are too large for a notebook, and notes that in the text.
func bounded(data map[string]any) map[string]any {
	var notes []string
	left := maxOther
	for mime, v := range data {
		size, limit := 0, left
		switch x := v.(type) {
		case string:
			size = len(x)
		case []byte:
			size = len(x)
		default:
			if text, err := json.Marshal(x); err == nil {
				size = len(text)
			}
		}
		switch mime {
		case "text/plain":
			if text, ok := v.(string); ok {
				data[mime] = cut(text)
			}
			continue
		case "text/html", "text/markdown":
			limit = maxHTML
		}
		if size > limit {
			notes = append(notes, fmt.Sprintf("%s of %d bytes is too large to be shown", mime, size))
			delete(data, mime)
			continue
		}
		left -= size
	}
	if len(notes) > 0 {
		data["text/plain"] = fmt.Sprint(data["text/plain"], "\n", strings.Join(notes, "\n"))
	}
	return data
}

// cut keeps the beginning of a text that is too long.
func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	at := maxText
	for at > 0 && text[at]&0xC0 == 0x80 { // not inside a character
		at--
	}
	return text[:at] + fmt.Sprintf("… (%d more bytes)", len(text)-at)
}

// jsonOf indents JSON that is given as bytes.
func jsonOf(v any) map[string]any {
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice || r.Type().Elem().Kind() != reflect.Uint8 || r.Len() > maxOther {
		return nil
	}
	raw := r.Bytes()
	start := strings.TrimLeft(string(raw[:min(len(raw), 32)]), " \t\r\n")
	if start == "" || r.Type() != reflect.TypeFor[json.RawMessage]() && start[0] != '{' && start[0] != '[' || !json.Valid(raw) {
		return nil
	}
	var text bytes.Buffer
	if json.Indent(&text, raw, "", "  ") != nil {
		return nil
	}
	return map[string]any{"text/plain": strings.TrimSpace(jsonText.ReplaceAllStringFunc(text.String(), readable))}
}

// jsonText matches a text in JSON.
var jsonText = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// readable returns a text of JSON with characters in place of the numbers of characters.
func readable(literal string) string {
	var value string
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if !strings.Contains(literal, `\u`) || json.Unmarshal([]byte(literal), &value) != nil || enc.Encode(value) != nil {
		return literal
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// plotOf draws a value that can write itself as SVG, such as gonum's plots.
func plotOf(v any) map[string]any {
	method := reflect.ValueOf(v).MethodByName("WriterTo")
	if !method.IsValid() {
		return nil
	}
	t := method.Type()
	if t.NumIn() != 3 || t.NumOut() != 2 || t.In(0).Kind() != reflect.Float64 || t.In(1).Kind() != reflect.Float64 || t.In(2).Kind() != reflect.String {
		return nil
	}
	const width, height = 432, 288 // points: 6 x 4 inches
	for _, form := range []struct{ format, mime string }{{"svg", "image/svg+xml"}, {"png", "image/png"}} {
		out := method.Call([]reflect.Value{reflect.ValueOf(width * 1.0).Convert(t.In(0)), reflect.ValueOf(height * 1.0).Convert(t.In(1)), reflect.ValueOf(form.format)})
		if data := written(out[0], out[1]); data != nil {
			return sendable(map[string]any{form.mime: data, "text/plain": reflect.TypeOf(v).String()})
		}
	}
	return nil
}

func written(writer, err reflect.Value) []byte {
	w, ok := writer.Interface().(io.WriterTo)
	if !ok || !err.IsNil() {
		return nil
	}
	var buf bytes.Buffer
	if _, err := w.WriteTo(&buf); err != nil {
		return nil
	}
	return buf.Bytes()
}

func escape(text string) string { return html.EscapeString(text) }
