//go:build linux

package session

import (
	"strings"
	"testing"
)

// TestEnds: whatever ends a Go program ends the cell only, with the status that go run would print, and says where.
func TestEnds(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "kept := 1\nl := log.New(io.Discard, \"\", 0)\ntype server struct{ *log.Logger }\nsrv := server{l}\n"+
		"func deep() { func() { defer func() { kept++ }(); l.Fatalln(\"deep\") }() }")
	cases := []struct{ name, code, says string }{
		{"os.Exit", "fmt.Print()\nos.Exit(3)", "exit status 3"},
		{"os.Exit(0)", "\nos.Exit(0)", "exit status 0"},
		{"os.Exit as a value", "exit := os.Exit\nexit(4)", "exit status 4"},
		{"syscall.Exit", "\nsyscall.Exit(5)", "exit status 5"},
		{"log.Fatal", "log.SetOutput(io.Discard)\nlog.Fatal(1)", "exit status 1"},
		{"a logger", "\nl.Fatal(1)", "exit status 1"},
		{"a logger's Fatalf", "\nl.Fatalf(\"%d\", 1)", "exit status 1"},
		{"an embedded logger", "\nsrv.Fatalln(1)", "exit status 1"},
		{"a method value", "f := l.Fatalf\nf(\"%d\", 1)", "exit status 1"},
		{"a method expression", "\n(*log.Logger).Fatal(l, 1)", "exit status 1"},
		{"an interface", "var i interface{ Fatal(...any) } = srv\ni.Fatal(1)", "exit status 1"},
		{"a list of functions", "\nfor _, f := range []func(...any){log.Fatal} { f(1) }", "exit status 1"},
		{"a set of flags", "fs := flag.NewFlagSet(\"x\", flag.ExitOnError)\nfs.Parse([]string{\"-bad\"})", "exit status 2"},
		{"flag.Parse", "%args -bad\nflag.Parse()", "exit status 2"},
		{"help on flags", "%args -h\nflag.Parse()", "exit status 0"},
		{"another library", "\nklog.Exit(1)", "exit status 1"},
		{"a goroutine", "\ngo os.Exit(6); select {}", "exit status 6"},
		{"a goroutine, of which the body hears first", "c := make(chan int)\ngo func() { defer close(c); os.Exit(7) }()\n<-c\nfunc() error { time.Sleep(time.Millisecond); return errors.New(\"of the consequence\") }()", "exit status 7"},
		{"a handler of a server", "ts := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {\nos.Exit(8) }))\nhttp.Get(ts.URL)", "exit status 8"},
		{"in a defer, beside a panic", "\ndefer os.Exit(9); panic(\"not said\")", "exit status 9"},
		{"in a function with defer", "\ndeep()", "exit status 1"},
	}
	for i, test := range cases {
		err := s.Execute(t.Context(), &Cell{Code: test.code, Count: i + 2}, &record{})
		if err == nil || err.Name != "Exit" || !strings.Contains(err.Value, test.says) {
			t.Fatalf("%s: ended with %v, want %s", test.name, err, test.says)
		}
		if place := "line 2"; test.name != "a goroutine" && !strings.Contains(strings.Join(err.Traceback, "\n"), place) && test.name != "in a function with defer" {
			t.Errorf("%s: %q does not name %s", test.name, err.Traceback, place)
		}
	}
	// The deferred function of deep ran, and so does what comes after.
	if got := run(t, s, 50, "kept"); got != "=> 2" {
		t.Errorf("kept: %q", got)
	}
	if err := s.Execute(t.Context(), &Cell{Code: "func() { runtime.Goexit() }()", Count: 51}, &record{}); err == nil || !strings.Contains(err.Value, "runtime.Goexit") {
		t.Errorf("runtime.Goexit ended with %v", err)
	}
	if err := s.Execute(t.Context(), &Cell{Code: "log.Default().Panicf(\"%d\", 7)", Count: 52}, &record{}); err == nil || err.Name != "Panic" || err.Value != "7" {
		t.Errorf("Panicf ended with %v", err)
	}

	// A goroutine of an earlier cell ends alone, also while another cell runs.
	run(t, s, 53, "late, ended := make(chan bool), make(chan bool)\ngo func() { defer close(ended); <-late; os.Exit(9) }()")
	if got := run(t, s, 54, "close(late)\n<-ended\nkept"); !strings.Contains(got, "=> 2") {
		t.Errorf("beside a goroutine that called os.Exit: %q", got)
	}
	if got := run(t, s, 55, "kept"); got != "=> 2" {
		t.Errorf("kept at the end: %q", got)
	}
}

// TestFailedTests: the message of %test shows none of the code that %test adds.
func TestFailedTests(t *testing.T) {
	s := newSession(t)
	err := s.Execute(t.Context(), &Cell{Code: "%test\nfunc TestBad(t *testing.T) { t.Fatal(\"bad\") }", Count: 1}, &record{})
	if err == nil || !strings.Contains(err.Value, "tests failed") || strings.Contains(strings.Join(err.Traceback, "\n"), "MainStart") {
		t.Errorf("ended with %v", err)
	}
}
