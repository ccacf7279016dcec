//go:build linux

package session

import (
	"fmt"
	"strings"
	"testing"
)

func TestForm(t *testing.T) {
	s := &Session{}
	for _, c := range []struct {
		code, want string
	}{
		{"x := 5", "<nil>"},
		{"%%bash\necho 1 #@param", "<nil>"},
		{"x := ", "<nil>"},
		{"x := 5 //@param {type:\"slider\", min:1, max:20, step:1}", "x slider 5 1..20/1"},
		{"x := 5 // @param { type: 'slider' }", "x slider 5 0..100/1"},
		{"x := 0.5 //@param {min:0, max:1}", "x slider 0.5 0..1/0.01"},
		// The step is one with which the slider can have the value.
		{"lr := 0.0003 //@param {min:0, max:0.1}", "lr slider 0.0003 0..0.1/0.0001"},
		{"x := 0.005 //@param {min:0, max:1}", "x slider 0.005 0..1/0.001"},
		{"x := 0.125 //@param {min:0.1, max:10}", "x slider 0.125 0.1..10/0.001"},
		{"x := 3e-7 //@param {min:0, max:0.001}", "x slider 3e-7 0..0.001/1e-07"},
		{"x := 5 //@param {min:0, max:9, step:3}", "x slider 5 0..9/3 ! line 1: //@param of x: the slider can't come back to 5, which is not 0 plus steps of 3"},
		{"x := -3 //@param {min:-5, max:5, step: 1}", "x slider -3 -5..5/1"},
		{"x := 0x10 //@param {min:0, max:1_0}", "! "},
		{"x := 1_000 //@param", "x integer 1000 NaN..NaN/1"},
		{"x := 0x10 //@param {min:0, max:100}", "x slider 16 0..100/1"},
		{"x := 1_0.5 //@param", "x number 10.5 NaN..NaN/NaN"},
		{"x := 5 //@param", "x integer 5 NaN..NaN/1"},
		{"var x float64 = 5 //@param {type:\"number\"}", "x number 5 NaN..NaN/1"},
		{"var x = 5e-3 //@param{type:\"number\", min: 0}", "x number 5e-3 0..NaN/NaN"},
		{"ok := true //@param {type:\"boolean\"}", "ok boolean true NaN..NaN/NaN"},
		{"name := \"a \\\"b\\\"\" //@param {type:\"string\"}", "name string a \"b\" NaN..NaN/NaN"},
		{"m := \"a\" //@param [\"a\", \"b, c\"]", "m dropdown a NaN..NaN/NaN [a b, c]"},
		{"m := \"z\" //@param [\"a\"] {allow-input: true}", "m dropdown z NaN..NaN/NaN [a] free"},
		{"n := 32 //@param [16, 32, 64] {type:\"raw\"}", "n dropdown 32 NaN..NaN/1 [16 32 64]"},
		{"//@title Settings {run: \"auto\"}\nvar (\n\ta = 1 //@param\n\tb = \"x\" //@param\n)\na = 2 //@param", "Settings| a integer 1 NaN..NaN/1 b string x NaN..NaN/NaN a integer 2 NaN..NaN/1"},
		{"//@markdown ### Settings\nx := 1 //@param\n//@markdown ---", " markdown ### Settings NaN..NaN/NaN x integer 1 NaN..NaN/1  markdown --- "},
		{"on := true //@param [\"false\", \"true\"] {type:\"raw\"}", "on dropdown true NaN..NaN/NaN [false true] "},
		{"day := \"2026-03-22\" //@param {type:\"date\"}", "day date 2026-03-22 NaN..NaN/NaN "},
		{"day := \"\" //@param {type:\"date\"}", "day date  NaN"},
		{"name := \"\" //@param {type:\"string\", placeholder:\"enter a name\"}", "name string  NaN..NaN/NaN (enter a name)"},
		{"x := 1.5\nx = 0 //@param {type:\"slider\", min:-1, max:1, step:0.1}", "x slider 0 -1..1/0.1 "},
		{"var x float64 = 0 //@param {type:\"slider\", min:-1, max:1, step:0.1}", "x slider 0 -1..1/0.1 "},
		{"s := `\n//@param`\nx := 1 // the @param of a text", ""},
		// Comments that make no field are reported.
		{"day := \"22 March\" //@param {type:\"date\"}", "is no date such as 2026-03-22"},
		{"day := 3 //@param {type:\"date\"}", "a date can't hold the integer 3"},
		{"on := true //@param [\"a\", \"b\"]", "\"true\" is none of a, b"},
		{"x := 0 //@param {type:\"slider\", min:-1, max:1, step:0.1}", "x slider 0 -1..1/0.1 ! line 1: //@param of x: 0 is a whole number, which the slider's other values don't fit; write 0.0"},
		{"x := f() //@param", "! line 1: //@param makes a field of NAME := VALUE"},
		{"\nconst x = 1 //@param", "! line 2: //@param makes a field of NAME := VALUE"},
		{"x := 5 //@param {type:\"sldier\"}", "! line 1: //@param of x: unknown type \"sldier\""},
		{"x := 5 //@param {type:\"boolean\"}", "a boolean can't hold the integer 5"},
		{"x := 5 //@param {type:\"slider\", min:7, max:3}", "a slider from 7 to 3"},
		{"x := 50 //@param {min:1, max:20}", "the value in the cell: 50 is not between 1 and 20"},
		{"x := \"c\" //@param [\"a\", \"b\"]", "\"c\" is none of a, b"},
		{"x := 5 //@param {min}", "\"min\" has no : and value"},
		{"x := 5 //@param {min:1, max:20", "it can be like"},
		{"x := 5 //@param [", "a value is missing before EOF"},
		{"x := 5 //@param []", "the list is empty"},
		{"x := 5 //@param {min:1} 7", "unexpected INT"},
	} {
		if got := formText(s.Form(c.code)); !strings.Contains(got, c.want) || c.want == "" && got != "<nil>" {
			t.Errorf("%s\n\tgives %s\n\twant %s", c.code, got, c.want)
		}
	}
}

func formText(f *Form) string {
	if f == nil {
		return "<nil>"
	}
	var b strings.Builder
	if f.Title != "" {
		b.WriteString(f.Title + "| ")
	}
	for _, x := range f.Fields {
		fmt.Fprintf(&b, "%s %s %s %g..%g/%g ", x.Name, x.Kind, x.Value, x.Min, x.Max, x.Step)
		if x.Options != nil {
			fmt.Fprintf(&b, "%v ", x.Options)
		}
		if x.Placeholder != "" {
			b.WriteString("(" + x.Placeholder + ") ")
		}
		if x.Free {
			b.WriteString("free ")
		}
	}
	for _, p := range f.Problems {
		b.WriteString("! " + p)
	}
	return b.String()
}

// FuzzParam: no text behind @param makes the reader hang or panic.
func FuzzParam(f *testing.F) {
	for _, text := range []string{`{type:"slider", min:0, max:1}`, `["a", 1.5, -2] {allow-input: true}`, `{`, `[`, "'", `{a b:c}`, "{\"x\x00\": `"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseParam(text)
		if err == nil && len(p.options)+len(p.words) > len(text) {
			t.Errorf("%q has %d parts", text, len(p.options)+len(p.words))
		}
		(&Session{}).Form("x := 5 //@param " + text)
	})
}

// TestFields runs cells with the values of a page: the code of such a run is there already, and the next run by hand
// has the text's values.
func TestFields(t *testing.T) {
	s := newSession(t)
	code := `type level uint8
n := 5 //@param {min:1, max:20}
var share float32 = 0.5 //@param {type:"number"}
var l level = 3 //@param
word := "a" //@param ["a", "b"]
on := true //@param ["false", "true"]
day := "2026-03-22" //@param {type:"date"}
n = 6 //@param
fmt.Println(n, share, l, word, on, day)
n + 1`
	for i, step := range []struct {
		fields     map[string]string
		again      bool
		want, fail string
	}{
		{nil, false, "6 0.5 3 a true 2026-03-22\n=> 7", ""},
		{map[string]string{"n": "9", "share": "0.25", "l": "4", "word": "b", "on": "false", "day": "2026-12-24", "gone": "1"}, true, "9 0.25 4 b false 2026-12-24\n=> 10", ""},
		{map[string]string{"n": "12"}, true, "12 0.5 3 a true 2026-03-22\n=> 13", ""},
		{nil, true, "6 0.5 3 a true 2026-03-22\n=> 7", ""},
		{map[string]string{"n": "21"}, false, "", "form field n: 21 is not between 1 and 20"},
		{map[string]string{"n": "2.5"}, true, "", `form field n: "2.5" does not fit int`},
		{map[string]string{"l": "300"}, true, "", `"300" does not fit main.level`},
		{map[string]string{"day": "today"}, false, "", "is no date"},
		{map[string]string{"word": "c"}, false, "", "is none of a, b"},
	} {
		out := &record{}
		err := s.Execute(t.Context(), &Cell{Code: code, Count: 1, ID: "a", Fields: step.fields}, out)
		failure := ""
		if err != nil {
			failure = err.Value
		}
		if out.String() != step.want || !strings.Contains(failure, step.fail) || (failure == "") != (step.fail == "") {
			t.Errorf("step %d, %v: %q, %s; want %q, %s", i, step.fields, out, failure, step.want, step.fail)
		}
		if got := s.LastTiming().Again; got != step.again {
			t.Errorf("step %d: the code was there: %v, want %v", i, got, step.again)
		}
	}
	if n := len(s.history.all()); n != 1 {
		t.Errorf("%d cells are kept for %%rerun, want 1", n)
	}
}
