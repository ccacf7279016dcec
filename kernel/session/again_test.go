//go:build linux

package session

import (
	"strings"
	"testing"
)

// againSteps are cells of one notebook with a flag: is the code there from an earlier run? Each sequence
// begins with a fresh worker.
type againStep struct {
	code  string
	again bool
	want  string // in what is shown
	fail  string // in the error's text
}

var againSequences = []struct {
	name  string
	steps []againStep
}{
	{"statements only", []againStep{{code: `fmt.Println("a")`, want: "a"}, {code: `fmt.Println("a")`, again: true, want: "a"},
		{code: `fmt.Println("b")`, want: "b"}, {code: "%time\nfmt.Println(\"a\")", want: "compile"}, {code: "%time\nfmt.Println(\"a\")", again: true, want: "compiled before"}}},
	{"a value", []againStep{{code: "x := 3"}, {code: "x * 2", want: "=> 6"}, {code: "x * 2", again: true, want: "=> 6"}, {code: "x = 4"}, {code: "x * 2", again: true, want: "=> 8"}, {code: "x * 2;"}}},
	{"a declaring cell, already at its first re-run", []againStep{{code: "m := map[string]int{\"a\": 1}\nlen(m)", want: "=> 1"}, {code: "m[\"b\"] = 2"}, {code: "len(m)", want: "=> 2"},
		{code: "m := map[string]int{\"a\": 1}\nlen(m)", again: true, want: "=> 1"}, {code: "len(m)", again: true, want: "=> 1"}}},
	{"functions, types, constants and variables", []againStep{
		{code: "const n = 2\ntype T struct{ a int }\nfunc (t T) twice() int { return n * t.a }\nfunc f(i int) T { return T{i} }\nt := f(4)\nt.twice()", want: "=> 8"},
		{code: "t.a = 100"},
		{code: "const n = 2\ntype T struct{ a int }\nfunc (t T) twice() int { return n * t.a }\nfunc f(i int) T { return T{i} }\nt := f(4)\nt.twice()", again: true, want: "=> 8"},
		{code: "func f(i int) T { return T{-i} }"},
		{code: "t := f(4)\nt.twice()", want: "=> -8"}, {code: "t := f(4)\nt.twice()", again: true, want: "=> -8"}}},
	{"var declarations", []againStep{{code: "var a, b = 1, \"x\"\nvar c []int\nc = append(c, a)\nlen(c)", want: "=> 1"}, {code: "c = append(c, 1, 2)"},
		{code: "var a, b = 1, \"x\"\nvar c []int\nc = append(c, a)\nlen(c)", again: true, want: "=> 1"}}},
	{"a variable made from its old value", []againStep{{code: "x := 1"}, {code: "x := x + 1\nx", want: "=> 2"}, {code: "x := x + 1\nx", again: true, want: "=> 3"},
		{code: "x := fmt.Sprint(\"seven \", x)\nx", want: "=> seven 3"}, {code: "x := fmt.Sprint(\"seven \", x)\nx", want: "=> seven seven 3"}, {code: "x := fmt.Sprint(\"seven \", x)\nx", again: true, want: "=> seven seven seven 3"}}},
	{"another type in between", []againStep{{code: "x := 1\nx + 1", want: "=> 2"}, {code: "x := \"a\""}, {code: "x := 1\nx + 1", want: "=> 2"}, {code: "x := 1\nx + 1", again: true, want: "=> 2"}}},
	{"a function is replaced in between", []againStep{{code: "func f() int { return 1 }"}, {code: "f()", want: "=> 1"}, {code: "func f() int { return 2 }"}, {code: "f()", want: "=> 2"}, {code: "f()", again: true, want: "=> 2"},
		{code: "func g() int { return f() }"}, {code: "g()", want: "=> 2"}, {code: "func f() int { return 3 }"}, {code: "g()", want: "=> 3"}}},
	{"a method added in between", []againStep{{code: "type T struct{ a int }\nv := T{5}\nv.a", want: "=> 5"}, {code: "func (t T) b() int { return t.a + 1 }"}, {code: "v.b()", want: "=> 6"}, {code: "v.b()", again: true, want: "=> 6"},
		{code: "type T struct{ a int }\nv := T{5}\nv.a", want: "=> 5"}}},
	{"a failing run keeps what is there", []againStep{{code: "y := 0\nx := 10"}, {code: "x := 20 / y\nx", fail: "divide by zero"}, {code: "x", want: "=> 10"}, {code: "y = 2"}, {code: "x := 20 / y\nx", again: true, want: "=> 10"},
		{code: "y = 0"}, {code: "x := 20 / y\nx", again: true, fail: "cell 7, line 1"}, {code: "x", again: true, want: "=> 10"}}},
	{"a failing run of the declaring code keeps what ran", []againStep{{code: "y := 1"}, {code: "x := 5\nx = 10 / y\nx", want: "=> 10"}, {code: "y = 0"},
		{code: "x := 5\nx = 10 / y\nx", again: true, fail: "cell 4, line 2"}, {code: "x", want: "=> 5"}}},
	{"positions name the present cell", []againStep{{code: "var p *int"}, {code: "\nfunc() { fmt.Println(*p) }()", fail: "cell 2, line 2"}, {code: "\nfunc() { fmt.Println(*p) }()", again: true, fail: "cell 3, line 2"},
		{code: "\n\nfunc() { fmt.Println(*p) }()", fail: "cell 4, line 3"}}},
	{"a panic in a goroutine names the cell that started it", []againStep{{code: "now := make(chan int)\nbefore := runtime.NumGoroutine()\nvar ends = func() {\n\tnow <- 1\n\tfor tries := 0; runtime.NumGoroutine() > before; tries++ {\n\t\tif tries == 10_000 { panic(\"the goroutine goes on\") }\n\t\ttime.Sleep(time.Millisecond)\n\t}\n}"},
		{code: "go func() { <-now; panic(\"late\") }()"}, {code: "ends()", want: "by a panic (cell 2, line 1): late"},
		{code: "go func() { <-now; panic(\"late\") }()", again: true}, {code: "ends()", again: true, want: "by a panic (cell 4, line 1): late"}, {code: "go func() { <-now; panic(\"late\") }()", again: true}, {code: "ends()", again: true, want: "by a panic (cell 6, line 1): late"}}},
	{"a declaring cell that failed", []againStep{{code: "x := 1\npanic(\"no\")", fail: "no"}, {code: "x := 1\npanic(\"no\")", again: true, fail: "no"}, {code: "x", want: "=> 1"},
		{code: "a := 1\npanic(\"no\")\nb := 2", fail: "no"}, {code: "a := 1\npanic(\"no\")\nb := 2", fail: "no"}, {code: "b", fail: "undefined: b"}}},
	{"removed in between", []againStep{{code: "x := 1\nx", want: "=> 1"}, {code: "%rm x"}, {code: "x := 1\nx", want: "=> 1"}, {code: "x := 1\nx", again: true, want: "=> 1"}}},
	{"reset", []againStep{{code: `fmt.Println("a")`}, {code: "%reset"}, {code: `fmt.Println("a")`, want: "a"}, {code: `fmt.Println("a")`, again: true, want: "a"}}},
	{"the worker was lost", []againStep{{code: "x := 1\nx", want: "=> 1"}, {code: "x := 1\nx", again: true, want: "=> 1"}, {code: "syscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}", fail: "killed"}, {code: "x := 1\nx", want: "=> 1"}, {code: "x := 1\nx", again: true, want: "=> 1"}}},
	{"rerun", []againStep{{code: "x := 1"}, {code: "x++\nx", want: "=> 2"}, {code: "%rerun 2", again: true, want: "=> 3"}, {code: "%rerun 1", again: true}, {code: "x", want: "=> 1"}}},
	{"a go.mod that changed in between", []againStep{{code: `fmt.Println("a")`}, {code: "!*echo '// noted' >> go.mod"}, {code: `fmt.Println("a")`, want: "a"}, {code: `fmt.Println("a")`, again: true, want: "a"}}},
	{"cgo, main and init are always compiled", []againStep{
		{code: "// static int one() { return 1; }\nimport \"C\"\nint(C.one())", want: "=> 1"}, {code: "// static int one() { return 1; }\nimport \"C\"\nint(C.one())", want: "=> 1"},
		{code: "func main() { fmt.Println(\"m\") }", want: "m"}, {code: "func main() { fmt.Println(\"m\") }", want: "m"}}},
	{"flags, arguments and %%", []againStep{{code: "var who = flag.String(\"who\", \"x\", \"\")\n%% --who=me\nfmt.Println(\"I am\", *who)", want: "I am me"},
		{code: "var who = flag.String(\"who\", \"x\", \"\")\n%% --who=you\nfmt.Println(\"I am\", *who)", again: true, want: "I am you"}}},
	{"notices come again", []againStep{{code: "func f() int { return 1 }\nvar g any = f"}, {code: "func f() int { return 2 }", want: "g (cell 1) still holds"}, {code: "g = f"}, {code: "g = f", again: true}, {code: "func f() int { return 3 }", want: "g (cell 1) still holds"}}},
	{"tests", []againStep{{code: "%test\nfunc TestA(t *testing.T) { t.Log(\"ran\") }", want: "PASS: TestA"}, {code: "%test\nfunc TestA(t *testing.T) { t.Log(\"ran\") }", again: true, want: "PASS: TestA"}}},
	{"a blank import and generics", []againStep{{code: "import _ \"image/gif\"\nfunc id[T any](v T) T { return v }\nid(3)", want: "=> 3"}, {code: "import _ \"image/gif\"\nfunc id[T any](v T) T { return v }\nid(3)", again: true, want: "=> 3"}, {code: "id(\"a\")", want: "=> a"}}},
}

// TestAgain runs cells unchanged, and others that only look so.
func TestAgain(t *testing.T) {
	s := newSession(t)
	if err := s.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, seq := range againSequences {
		t.Run(seq.name, func(t *testing.T) {
			if err := s.Restart(); err != nil {
				t.Fatal(err)
			}
			for n, st := range seq.steps {
				out := &record{}
				err := s.Execute(t.Context(), &Cell{Code: st.code, Count: n + 1}, out)
				failure := ""
				if err != nil {
					failure = ansi.ReplaceAllString(err.Name+"\n"+err.Value+"\n"+strings.Join(err.Traceback, "\n"), "")
				}
				switch {
				case (err != nil) != (st.fail != ""):
					t.Fatalf("cell %d\n%s\nfailed with %q, want %q", n+1, st.code, failure, st.fail)
				case !strings.Contains(failure, st.fail):
					t.Fatalf("cell %d\n%s\nfailed with\n%s\nwant %q", n+1, st.code, failure, st.fail)
				case !strings.Contains(out.String(), st.want):
					t.Fatalf("cell %d\n%s\nshowed %q, want %q", n+1, st.code, out, st.want)
				case s.LastTiming().Again != st.again:
					t.Fatalf("cell %d\n%s\nran code of an earlier run: %v, want %v", n+1, st.code, !st.again, st.again)
				}
			}
		})
	}
}

// TestAgainInterrupt interrupts code that runs for the second time, beside a goroutine that its first run has left.
func TestAgainInterrupt(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "ticks := 0")
	const code = "fmt.Println(\"started\")\nfor {\n}"
	for n := 2; n < 5; n++ {
		done, _ := begin(t, s, n, code)
		s.Interrupt()
		if err := wait(t, done); err == nil || err.Name != "Interrupted" {
			t.Fatalf("run %d ended with %v, want Interrupted", n, err)
		}
		if again := s.LastTiming().Again; again != (n > 2) {
			t.Errorf("run %d called code of before: %v", n, again)
		}
	}
	run(t, s, 7, "first := true")
	const leaves = "if first {\n\tfirst = false\n\tgo func() { for { ticks++; time.Sleep(time.Millisecond) } }()\n} else {\n\tfmt.Println(\"started\")\n\tfor {\n\t}\n}"
	run(t, s, 8, leaves)
	done, _ := begin(t, s, 9, leaves)
	s.Interrupt()
	if err := wait(t, done); err == nil || err.Name != "Interrupted" {
		t.Fatalf("ended with %v, want Interrupted", err)
	}
	if !s.LastTiming().Again {
		t.Error("the second run was compiled")
	}
	run(t, s, 10, "before := ticks\ntime.Sleep(50 * time.Millisecond)\nif ticks == before { panic(\"the goroutine of the first run was stopped by the interrupt of the second\") }")

	// Code that runs again and ends the worker, or is ended with it.
	done, out := begin(t, s, 11, heldCell)
	s.Interrupt()
	untilHeld(t, done, out)
	s.Interrupt()
	if err := wait(t, done); err == nil || err.Name != "WorkerLost" {
		t.Fatalf("ended with %v, want WorkerLost", err)
	}
	done, _ = begin(t, s, 12, "fmt.Println(\"started\")\nselect {}")
	s.process().Kill()
	if err := wait(t, done); err == nil || err.Name != "WorkerLost" {
		t.Fatalf("ended with %v, want WorkerLost", err)
	}
}
