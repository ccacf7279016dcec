//go:build linux

package session

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStopExpression: an interrupt ends an expression of a request's user_expressions, and what it prints belongs to
// the cell.
func TestStopExpression(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "kept := 1")
	cell := &Cell{Code: "kept++", Count: 2, UserExpressions: map[string]string{
		"a": "func() int { fmt.Println(\"started\"); for {} }()", "b": "kept"}}
	out, done := &record{}, make(chan *Error, 1)
	go func() { done <- s.Execute(t.Context(), cell, out) }()
	until(t, func() bool { return len(done) > 0 || strings.Contains(out.String(), "started") })
	s.Interrupt()
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		if v, _ := cell.Values[name].(map[string]any); v["ename"] != "Interrupted" {
			t.Errorf("%s after the interrupt: %v", name, v)
		}
	}
	if got := run(t, s, 3, "kept"); got != "=> 2" {
		t.Errorf("after it: %q", got)
	}
}

// hookType declares box, whose hook runs the code.
func hookType(code string) string {
	return "type Box struct{ n int }\nfunc (b *Box) Open(name string) {}\nbox := &Box{}\n" +
		"func (b *Box) NotebookWords(fn string, arg int) []string {\n" + code + "\nreturn []string{\"word\"}\n}"
}

// TestHookYields: a cell does not wait for a hook, whatever that does, and neither interrupts nor output go astray.
func TestHookYields(t *testing.T) {
	for name, code := range map[string]string{
		"sleeps": "fmt.Println(\"started\")\ntime.Sleep(time.Hour)", "loops": "fmt.Println(\"started\")\nfor { b.n++ }",
		"waits": "fmt.Println(\"started\")\n<-make(chan int)",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(t)
			idle := &record{}
			s.SetIdleOutput(idle)
			run(t, s, 1, hookType(code))
			go s.Words(t.Context(), `box.Open("`, 10)
			until(t, func() bool { return strings.Contains(idle.String(), "started") })
			if got := run(t, s, 2, "fmt.Println(\"next\")"); got != "next\n" {
				t.Errorf("the next cell showed %q", got)
			}
		})
	}
}

// TestStopHook: an interrupt ends a hook when no cell runs, and the worker where a library's loop holds it, as for a
// cell: the cell that waits is interrupted too.
func TestStopHook(t *testing.T) {
	s := newSession(t)
	idle := &record{}
	s.SetIdleOutput(idle)
	run(t, s, 1, "kept := 1\n"+hookType("fmt.Println(\"started\")\nfor { b.n++ }"))
	ended := make(chan bool)
	go func() { s.Words(t.Context(), `box.Open("`, 10); close(ended) }()
	until(t, func() bool { return strings.Contains(idle.String(), "started") })
	s.Interrupt()
	<-ended
	if got := run(t, s, 2, "kept"); got != "=> 1" {
		t.Errorf("after it: %q", got)
	}
	_, library, _ := strings.Cut(heldCell, "\n")
	run(t, s, 3, "import \"text/template\"\n"+hookType(strings.Replace(library, "started", "held", 1)))
	go s.Words(t.Context(), `box.Open("`, 10)
	until(t, func() bool { return strings.Contains(idle.String(), "held") })
	done, out := make(chan *Error, 1), &record{}
	go func() { done <- s.Execute(t.Context(), &Cell{Code: "fmt.Println(\"ran\")", Count: 4}, out) }()
	until(t, func() bool { return strings.Contains(idle.String(), "Interrupt again") })
	until(t, func() bool {
		s.Interrupt()
		time.Sleep(doubleTime) // two interrupts are one press of a key each
		return len(done) > 0
	})
	if err := wait(t, done); err == nil || err.Name != "Interrupted" || out.String() != "" {
		t.Errorf("the waiting cell ended with %v and showed %q", err, out)
	}
	if !strings.Contains(idle.String(), "all variables are gone") {
		t.Errorf("the end of the worker was not told: %q", idle)
	}
}

// TestHookOutput: what goroutines of earlier cells print and show while a hook runs reaches the notebook, and is no
// word.
func TestHookOutput(t *testing.T) {
	s := newSession(t)
	idle := &record{}
	s.SetIdleOutput(idle)
	run(t, s, 1, hookType("for line := range 100 { fmt.Println(\"line\", line); gonbui.UpdateHTML(\"id\", \"x\") }"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, all, ok := s.Words(ctx, `box.Open("`, 10); !ok || len(all) != 1 || all[0].Text != "word" {
		t.Errorf("words: %v", all)
	}
	until(t, func() bool {
		return strings.Count(idle.String(), "line") == 100 && strings.Count(idle.String(), "<display") == 100
	})
}

// TestRunFileThatRunsItself: %run refuses a file that it runs already.
func TestRunFileThatRunsItself(t *testing.T) {
	s := newSession(t)
	dir, _ := s.env.folder()
	for name, text := range map[string]string{"self.go": "%run self.go", "a.go": "%run b.go\n", "b.go": "%run link.go", "again.go": "x := 1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.go", filepath.Join(dir, "link.go")); err != nil {
		t.Fatal(err)
	}
	run(t, s, 1, "%run again.go")
	run(t, s, 2, "%%writefile again.go\n%rerun 1")
	for i, code := range []string{"%run self.go", "%run a.go", "%run again.go", "%rerun 1"} {
		err := s.Execute(t.Context(), &Cell{Code: code, Count: 3 + i}, &record{})
		if err == nil || !strings.Contains(err.Value, "is being run already") {
			t.Errorf("%s ended with %v", code, err)
		}
	}
	run(t, s, 9, "%%writefile again.go\ny := x + 1")
	if got := run(t, s, 10, "%run again.go\n%run again.go\ny"); got != "=> 2" {
		t.Errorf("a file that runs twice, one after the other: %q", got)
	}
}
