//go:build linux

package session

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// run executes one cell and fails the test if it fails.
func run(t *testing.T, s *Session, n int, code string) string {
	t.Helper()
	out := &record{}
	if err := s.Execute(t.Context(), &Cell{Code: code, Count: n}, out); err != nil {
		t.Fatalf("cell %d\n%s\nfailed: %s\n%s", n, code, err.Value, strings.Join(err.Traceback, "\n"))
	}
	return out.String()
}

// begin executes a cell in the background, and returns when it has printed "started".
func begin(t *testing.T, s *Session, n int, code string) (done chan *Error, out *record) {
	t.Helper()
	out, done = &record{}, make(chan *Error, 1)
	go func() { done <- s.Execute(t.Context(), &Cell{Code: code, Count: n}, out) }()
	until(t, func() bool { return len(done) > 0 || strings.Contains(out.String(), "started") })
	if len(done) > 0 {
		t.Fatalf("the cell ended with %v, and printed %q", <-done, out)
	}
	return done, out
}

// until waits for what must come.
func until(t *testing.T, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !there(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come")
		}
	}
}

// heldCell is a cell that a loop of a library holds. The library prints "started" itself, so that no interrupt can come
// between the print and the call.
const heldCell = "import \"text/template\"\n" +
	"template.Must(template.New(\"\").Parse(\"started{{range 1000000000000}}{{end}}\")).Execute(os.Stdout, nil)"

// untilHeld waits until a cell that was interrupted is reported as held by a library.
func untilHeld(t *testing.T, done chan *Error, out *record) {
	t.Helper()
	until(t, func() bool {
		select {
		case err := <-done:
			t.Fatalf("a cell that can't be stopped ended with %+v at the first interrupt; its output: %s", err, out)
		default:
		}
		return strings.Contains(out.String(), "Interrupt again")
	})
}

func wait(t *testing.T, done chan *Error) *Error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Fatal("the cell did not end")
		return nil
	}
}

func TestInterrupt(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "kept := 1\nspins, ticks := 0, 0\ngo func() { for { ticks++; time.Sleep(time.Millisecond) } }()")
	for i, code := range []string{
		"fmt.Println(\"started\")\nfor {\n}",
		"func spin() { for i := 0; ; i++ { _ = i } }\nfmt.Println(\"started\")\nspin()",
		"fmt.Println(\"started\")\ntime.Sleep(time.Hour)",
		"fmt.Println(\"started\")\nvar wg sync.WaitGroup\nfor range 3 {\n\twg.Add(1)\n\tgo func() { defer wg.Done(); for { } }()\n}\nwg.Wait()\nfor { }",
		// A goroutine that begins after the interrupt must all the same say that it ends, and what it
		// deferred must run.
		"fmt.Println(\"started\")\nvar wg sync.WaitGroup\n<-time.After(300 * time.Millisecond)\nwg.Add(1)\ngo func() { defer wg.Done(); for { } }()\nwg.Wait()\nfor { }",
		"fmt.Println(\"started\")\nended := make(chan bool)\ngo func() {\n\tdefer func() { for range 3 { time.Sleep(time.Millisecond) }; close(ended) }()\n\tfor { }\n}()\n<-ended\nfor { }",
		"go func() { for { spins++ } }()\nfmt.Println(\"started\")\nfor { }",
		"ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)\ndefer stop()\nfmt.Println(\"started\")\n<-ctx.Done()\nfor { }",
	} {
		done, _ := begin(t, s, i+2, code)
		s.Interrupt()
		if err := wait(t, done); err == nil || err.Name != "Interrupted" {
			t.Fatalf("cell\n%s\nended with %v, want Interrupted", code, err)
		}
	}
	run(t, s, 10, "before := spins\ntime.Sleep(50 * time.Millisecond)\nif spins != before { panic(\"a goroutine of an interrupted cell spins on\") }")
	run(t, s, 10, "before := ticks\nfor ticks == before { time.Sleep(time.Millisecond) }")
	if got := run(t, s, 11, "kept"); got != "=> 1" {
		t.Errorf("kept: %q", got)
	}

	// A long library call can't be stopped: the text after the first interrupt says so, and another one
	// ends the worker.
	done, out := begin(t, s, 12, heldCell)
	s.Interrupt()
	untilHeld(t, done, out)
	s.Interrupt()
	err := wait(t, done)
	if err == nil || err.Name != "WorkerLost" || !strings.Contains(strings.Join(err.Traceback, "\n"), "%rerun") {
		t.Fatalf("after the second interrupt: %v", err)
	}
	run(t, s, 13, "%rerun 1")
	if got := run(t, s, 14, "kept"); got != "=> 1" {
		t.Errorf("kept after %%rerun: %q", got)
	}
}

// TestInterruptBuild stops a cell that does not run yet.
func TestInterruptBuild(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "x := 1")
	done := make(chan *Error, 1)
	go func() { done <- s.Execute(t.Context(), &Cell{Code: "for { x++ }", Count: 2}, &record{}) }()
	until(t, func() bool { return s.runner.present() != nil })
	s.Interrupt()
	if err := wait(t, done); err == nil || err.Name != "Interrupted" {
		t.Fatalf("ended with %v, want Interrupted", err)
	}
	run(t, s, 3, "x")
}

// TestInterruptPlanning: an interrupt also ends the look-up of packages, and what was not found is no fault of the
// cell.
func TestInterruptPlanning(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, state := &Session{}, &runState{}
	names := []string{"", "CompileError", "MagicError", "Error", "Interrupted", "WorkerLost"}
	for i, want := range [][]string{names, {"Interrupted", "Interrupted", "Interrupted", "Interrupted", "Interrupted", "WorkerLost"}} {
		for j, name := range names {
			var err *Error
			if name != "" {
				err = &Error{Name: name}
			}
			got := ""
			if err = s.stoppedCell(ctx, err, state); err != nil {
				got = err.Name
			}
			if got != want[j] {
				t.Errorf("stopped %v: %q became %q, want %q", i == 1, name, got, want[j])
			}
		}
		cancel()
	}
}

// TestKill ends the worker at random moments; the session goes on each time.
func TestKill(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "1")
	rng := rand.New(rand.NewSource(1))
	lost := 0
	for i := range 8 {
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Add(1)
		delay := time.Duration(rng.Intn(400)) * time.Millisecond
		pid := s.process().Pid()
		go func() {
			defer wg.Done()
			select {
			case <-time.After(delay):
				syscall.Kill(pid, syscall.SIGKILL)
			case <-stop:
			}
		}()
		err := s.Execute(t.Context(), &Cell{Code: "for i := range 30 {\n\tfmt.Println(i)\n\ttime.Sleep(10 * time.Millisecond)\n}", Count: i + 2}, &record{})
		close(stop)
		wg.Wait()
		if err != nil {
			if err.Name != "WorkerLost" {
				t.Fatalf("round %d: %v", i, err)
			}
			lost++
		}
		// The worker may also have died between two cells: then the next one says so.
		if err := s.Execute(t.Context(), &Cell{Code: "1", Count: i + 20}, &record{}); err != nil && err.Name != "WorkerLost" {
			t.Fatalf("round %d: %v", i, err)
		}
		if got := run(t, s, i+40, "6 * 7"); got != "=> 42" {
			t.Fatalf("round %d: %q", i, got)
		}
	}
	if lost == 0 {
		t.Error("no round hit a running cell")
	}
}

// TestBusy asks a session for other things while a cell runs.
func TestBusy(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "answer := 42")
	done, _ := begin(t, s, 2, "fmt.Println(\"started\")\nfor { time.Sleep(time.Millisecond) }")
	if names := s.Names(); len(names) == 0 || names[0].Name != "answer" {
		t.Errorf("names: %v", names)
	}
	if src, at := s.CompletionFile("ans", 3); !strings.Contains(string(src), "var answer int") || !strings.HasSuffix(string(src[:at]), "ans") {
		t.Errorf("completion file at %d:\n%s", at, src)
	}
	if status, _ := s.IsComplete("for {"); status != "incomplete" {
		t.Errorf("status %q", status)
	}
	s.Interrupt()
	wait(t, done)
}

// children counts the processes whose parent is this one.
func children(t *testing.T) int {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(data), ") ")
		var state string
		var parent int
		fmt.Sscan(rest, &state, &parent)
		if parent == os.Getpid() {
			n++
		}
	}
	return n
}

// TestClose leaves nothing behind: no process, no open file, no plugin.
func TestClose(t *testing.T) {
	before := children(t)
	cfg := testConfig(t)
	s, err := New(t.Context(), cfg)
	if err != nil {
		t.Skip(err)
	}
	run(t, s, 1, "exec.Command(\"sleep\", \"1000\").Start()\n1")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if after := children(t); after > before {
		t.Errorf("%d child processes before, %d after Close", before, after)
	}
	left, err := filepath.Glob(filepath.Join(cfg.Dir, "*.so"))
	if err != nil || len(left) > 0 {
		t.Errorf("plugins left: %v %v", left, err)
	}
	pipes, err := filepath.Glob(filepath.Join(cfg.Dir, "pipes-*"))
	if err != nil || len(pipes) > 0 {
		t.Errorf("pipes left: %v %v", pipes, err)
	}
}
