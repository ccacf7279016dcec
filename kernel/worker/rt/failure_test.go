//go:build linux

package rt

import (
	"errors"
	"strings"
	"testing"
)

type coded struct{ code int }

func (c *coded) Error() string { return strings.Repeat("x", c.code) }

type named struct{ name string }

func (n *named) String() string { return n.name }

type loud struct{}

func (loud) Error() string { panic(strings.Repeat("z", maxText)) }

func TestPanicText(t *testing.T) {
	endless := map[string]any{}
	endless["m"] = endless
	for _, test := range []struct {
		v    any
		want string
	}{
		{errors.New("broken"), "broken"},
		{(*coded)(nil), "a nil *rt.coded in an interface, which is not equal to nil; where there is no error, return nil itself"},
		{&coded{-1}, "(*rt.coded value whose own text panics: strings: negative Repeat count)"},
		{&coded{maxText + 5}, strings.Repeat("x", maxText) + "… (5 more bytes)"},
		{(*named)(nil), "(*rt.named value whose own text panics: runtime error: invalid memory address or nil pointer dereference)"},
		{loud{}, "(rt.loud value whose own text panics: " + strings.Repeat("z", maxText-len("(rt.loud value whose own text panics: ")) + "… (39 more bytes)"},
		{strings.Repeat("y", maxText+1), strings.Repeat("y", maxText) + "… (1 more bytes)"},
		{endless, strings.Repeat("map[m:", maxDepth) + "map[…:…" + strings.Repeat("]", maxDepth+1)}, {point{1, "x y"}, "{X:1 Y:x y}"}, {[]string{"", "a b"}, "[ a b]"}, {nil, "<nil>"}, {2.5, "2.5"}, {strings.ToUpper, "func(string) string"},
	} {
		if got := panicText(test.v); got != test.want {
			t.Errorf("%T: %.200q, want %.200q", test.v, got, test.want)
		}
	}
	if got := failureOf(failed{(*coded)(nil)}); got.Kind != "error" || !strings.HasPrefix(got.Message, "a nil *rt.coded") {
		t.Errorf("%+v", got)
	}
}

// TestPanicsText: a panic of a deferred function comes after the panic that it interrupts, as go run prints them.
func TestPanicsText(t *testing.T) {
	if !panicsKnown {
		t.Fatal("the runtime's records of panics have another layout than panicRecord: only the last panic is shown")
	}
	text := func(deferred ...func()) (text string) {
		defer func() { text = panicsText(recover()) }()
		for _, f := range deferred {
			defer f()
		}
		panic(failed{errors.New("root")})
	}
	cleanup := func() { panic("cleanup") }
	again := func() { panic(recover()) }
	wrap := func() { recover(); panic("wrapped") }
	same := errors.New("same")
	for want, deferred := range map[string][]func(){
		"root":                                           nil,
		"root\n\tpanic: cleanup":                         {cleanup},
		"root [recovered]\n\tpanic: wrapped":             {wrap},
		"root [recovered, repanicked]":                   {again},
		"root [recovered, repanicked]\n\tpanic: cleanup": {cleanup, again},
		"root [recovered, repanicked]\n\tpanic: later":   {func() { panic("later") }, again, again},
		"root\n\tpanic: same":                            {func() { panic(same) }, func() { panic(same) }},
		"root\n\tpanic: same [recovered, repanicked]":    {again, func() { panic(same) }},
		"root [recovered]\n\tpanic: same":                {func() { panic(same) }, func() { recover(); panic(same) }},
		"root\n\tpanic: cleanup\n\tpanic: cleanup":       {func() { panic("cleanup") }, func() { panic(strings.Clone("cleanup")) }},
	} {
		if got := text(deferred...); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
