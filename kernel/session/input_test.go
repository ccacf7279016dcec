//go:build linux

package session

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker"
)

// typist is an Output with someone who types: each answer after a while, or none.
type typist struct {
	record
	after time.Duration
	mu    sync.Mutex
	lines []string
	asked int
	hid   []bool        // whether what was typed is to be hidden
	wait  chan struct{} // asked with nothing left to type: closed by the test
	open  chan struct{} // gets one for each question that stays open
	err   error         // in place of answers
}

func (o *typist) Input(_ string, password bool) (string, error) {
	o.mu.Lock()
	o.asked++
	o.hid = append(o.hid, password)
	if o.err != nil {
		defer o.mu.Unlock()
		return "", o.err
	}
	if len(o.lines) == 0 {
		o.mu.Unlock()
		o.open <- struct{}{}
		select {
		case <-o.wait:
		case <-time.After(time.Minute):
		}
		return "", context.Canceled
	}
	line := o.lines[0]
	o.lines = o.lines[1:]
	o.mu.Unlock()
	if o.after > 0 {
		time.Sleep(o.after)
	}
	return line, nil
}

func newTypist(lines ...string) *typist {
	return &typist{lines: lines, wait: make(chan struct{}), open: make(chan struct{}, 10)}
}

// TestReaders: any number of reads by any reader get what is typed, at any speed.
func TestReaders(t *testing.T) {
	s := newSession(t)
	cases := []struct {
		name, code string
		lines      []string
		want       string
		asked      int
	}{
		{"two Scanln", "var a, b int; fmt.Scanln(&a); fmt.Scanln(&b); fmt.Print(a+b)", []string{"3", "4"}, "7", 2},
		{"twenty", "sum := 0; for range 20 { var n int; fmt.Scanln(&n); sum += n }; fmt.Print(sum)", strings.Split(strings.Repeat("1,", 19)+"1", ","), "20", 20},
		{"Scan over lines", "var x, y int; fmt.Scan(&x, &y); fmt.Print(x*y)", []string{"6", "7"}, "42", 2},
		{"two on a line", "var x2, y2 int; fmt.Scan(&x2); fmt.Scan(&y2); fmt.Print(x2*y2)", []string{"6 7"}, "42", 1},
		{"Scanner", "sc := bufio.NewScanner(os.Stdin); for sc.Scan() { fmt.Print(sc.Text(), \";\") }", []string{"a", "b", "c", "\x04"}, "a;b;c;", 4},
		{"Reader", "r := bufio.NewReader(os.Stdin); for range 2 { l, _ := r.ReadString('\\n'); fmt.Printf(\"%q\", l) }", []string{"a", "b"}, `"a\n""b\n"`, 2},
		{"ReadAll", "all, _ := io.ReadAll(os.Stdin); fmt.Printf(\"%q\", all)", []string{"a", "b", "\x04"}, `"a\nb\n"`, 3},
		{"ReadAll of nothing", "none, rerr := io.ReadAll(os.Stdin); fmt.Print(len(none), rerr)", []string{"\x04"}, "0 <nil>", 1},
		{"Stdin.Read", "buf := make([]byte, 9); n1, _ := os.Stdin.Read(buf); n2, _ := os.Stdin.Read(buf); fmt.Print(n1, n2)", []string{"a", "bc"}, "2 3", 2},
		{"syscall.Read", "b2 := make([]byte, 9); m1, _ := syscall.Read(0, b2); m2, _ := syscall.Read(0, b2); fmt.Print(m1, m2)", []string{"a", "bc"}, "2 3", 2},
		{"child process", "cmd := exec.Command(\"sh\", \"-c\", \"read x; read y; echo $y$x\"); cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout; cmd.Run()", []string{"a", "b"}, "ba\n", 2},
		{"child to the end", "cat := exec.Command(\"cat\"); cat.Stdin, cat.Stdout = os.Stdin, os.Stdout; cat.Run()", []string{"a", "b", "\x04"}, "a\nb\n", 3},
		{"two goroutines", "var wg sync.WaitGroup; var total atomic.Int64; for range 2 { wg.Add(1); go func() { defer wg.Done(); var n int64; fmt.Scanln(&n); total.Add(n) }() }; wg.Wait(); fmt.Print(total.Load())", []string{"3", "4"}, "7", 2},
		{"after end of file", "var p, q int; _, e1 := fmt.Scanln(&p); _, e2 := fmt.Scanln(&q); fmt.Print(e1, e2, q)", []string{"\x04", "5"}, "EOF <nil> 5", 2},
		{"long", "lr := bufio.NewReader(os.Stdin); long, _ := lr.ReadString('\\n'); fmt.Print(len(long))", []string{strings.Repeat("x", 300_000)}, "300001", 1},
		{"a child that selects", "python(\"import select, sys; select.select([0], [], []); print(sys.stdin.readline(), end='')\")", []string{"a"}, "a\n", 1},
		{"a child that polls", "python(\"import select, sys; p = select.poll(); p.register(0, select.POLLIN); p.poll(); print(sys.stdin.readline(), end='')\")", []string{"a"}, "a\n", 1},
		{"a child with epoll", "python(\"import select, sys; p = select.epoll(); p.register(0, select.EPOLLIN); p.poll(); print(repr(sys.stdin.readline()))\")", []string{"\x04"}, "''\n", 1},
		{"left over", "var v int; fmt.Scanln(&v); fmt.Print(v)", []string{"1"}, "1", 1},
		{"not what the cell before left", "var w int; fmt.Scan(&w); fmt.Print(w)", []string{"2 3 4"}, "2", 1},
		{"but its own", "var z int; fmt.Scan(&z); fmt.Print(z)", []string{"9"}, "9", 1},
	}
	_, noPython := exec.LookPath("python3")
	run(t, s, 100, "func python(code string) { c := exec.Command(\"python3\", \"-c\", code); c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr; c.Run() }")
	for i, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			if noPython != nil && strings.HasPrefix(test.code, "python") {
				t.Skip(noPython)
			}
			out := newTypist(test.lines...)
			if i%2 == 1 {
				out.after = 3 * 20 * time.Millisecond // slower than the worker looks
			}
			done := make(chan *Error, 1)
			go func() { done <- s.Execute(t.Context(), &Cell{Code: test.code + ";", Count: i + 1}, out) }()
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
			case <-out.open:
				s.Interrupt()
				<-done
				t.Fatalf("asked more than %d times", test.asked)
			}
			if got := out.String(); got != test.want || out.asked != test.asked {
				t.Errorf("printed %q and asked %d times, want %q and %d", got, out.asked, test.want, test.asked)
			}
		})
	}
}

// TestReadPassword: what is typed for term.ReadPassword is hidden, and only that; end of file, other descriptors and an
// interrupt give what they give in a terminal.
func TestReadPassword(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "import \"golang.org/x/term\"")
	for i, test := range []struct {
		code  string
		lines []string
		want  string
		hid   []bool
	}{
		{"pw, err := term.ReadPassword(int(os.Stdin.Fd())); fmt.Printf(\"%s %v\", pw, err)", []string{"hunter2"}, "hunter2 <nil>", []bool{true}},
		{"pw, _ = term.ReadPassword(0); var name string; fmt.Scanln(&name); fmt.Printf(\"%s %s\", pw, name)", []string{"secret", "ada"}, "secret ada", []bool{true, false}},
		{"fmt.Scanln(&name); pw, _ = term.ReadPassword(0); pw2, _ := term.ReadPassword(0); fmt.Printf(\"%s %s %s\", name, pw, pw2)", []string{"ada", "a", ""}, "ada a ", []bool{false, true, true}},
		{"pw, err = term.ReadPassword(syscall.Stdin); fmt.Print(len(pw), err)", []string{"\x04"}, "0 EOF", []bool{true}},
		{"read := term.ReadPassword; pw, err = read(0); fmt.Printf(\"%s\", pw)", []string{"by name"}, "by name", []bool{true}},
		{"_, err = term.ReadPassword(1); fmt.Print(err)", nil, "inappropriate ioctl for device", nil},
	} {
		out := newTypist(test.lines...)
		if err := s.Execute(t.Context(), &Cell{Code: test.code + ";", Count: i + 2}, out); err != nil {
			t.Fatalf("%s: %v", test.code, err)
		}
		if got := out.String(); got != test.want || !slices.Equal(out.hid, test.hid) {
			t.Errorf("%s: printed %q, hidden %v, want %q, %v", test.code, got, out.hid, test.want, test.hid)
		}
	}
	out, done := newTypist(), make(chan *Error, 1)
	go func() {
		done <- s.Execute(t.Context(), &Cell{Code: "term.ReadPassword(0); fmt.Print(\"went on\")", Count: 20}, out)
	}()
	<-out.open
	s.Interrupt()
	close(out.wait)
	if err := <-done; err == nil || out.String() != "" {
		t.Errorf("after an interrupt: %v, printed %q", err, out.String())
	}
}

// TestStopInput: an interrupt during input ends the cell, whoever reads, and the next cell's input is its own.
func TestStopInput(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "in := bufio.NewReader(os.Stdin)")
	for i, code := range []string{
		"var a int\nfmt.Scanln(&a)\nfmt.Print(\"went on\")",
		"in.ReadString('\\n')\nfmt.Print(\"went on\")",
		"io.ReadAll(os.Stdin)\nfmt.Print(\"went on\")",
		"c := exec.Command(\"cat\")\nc.Stdin = os.Stdin\nc.Run()\nfmt.Print(\"went on\")",
		"for { var a int; fmt.Scanln(&a) }",
	} {
		out := newTypist()
		done := make(chan *Error, 1)
		go func() { done <- s.Execute(t.Context(), &Cell{Code: code, Count: 2*i + 2}, out) }()
		<-out.open
		s.Interrupt()
		close(out.wait)
		if err := wait(t, done); err == nil || err.Name != "Interrupted" {
			t.Fatalf("%s: ended with %v", code, err)
		}
		if strings.Contains(out.String(), "went on") {
			t.Errorf("%s: the cell ran on", code)
		}
		next := newTypist("hello")
		if err := s.Execute(t.Context(), &Cell{Code: "line, err := in.ReadString('\\n')\nfmt.Printf(\"%q %v\", line, err)\n;", Count: 2*i + 3}, next); err != nil || next.String() != `"hello\n" <nil>` {
			t.Errorf("after %s: %v, %q", code, err, next.String())
		}
	}
}

// TestEndOfInput: the end of input ends a cell that drops the error of its read, wherever that stands; other code
// decides itself.
func TestEndOfInput(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "var n int\nvar w string\nin := bufio.NewReader(os.Stdin)\nfunc name() string { s, _ := in.ReadString('\\n'); return s }")
	for i, test := range []struct {
		name, code string
		lines      []string
		want       string // printed by a cell that goes on
	}{
		{"Scanln", "fmt.Scanln(&n)\nfmt.Print(\"went on\")", nil, ""},
		{"the second Scanln", "fmt.Scanln(&n)\nfmt.Scanln(&n)\nfmt.Print(\"went on\")", []string{"1"}, ""},
		{"the last", "fmt.Print(1); fmt.Scan(&n, &w);", []string{"1"}, ""},
		{"Fscan", "fmt.Fscan(in, &n)\nfmt.Print(\"went on\")", nil, ""},
		{"an endless loop", "for { fmt.Scanln(&n) }", []string{"1", "2"}, ""},
		{"a count that is used", "k, _ := fmt.Scan(&n)\nfmt.Print(k)", nil, ""},
		{"ReadString", "line, _ := in.ReadString('\\n')\nfmt.Print(\"went on\", line)", nil, ""},
		{"ReadRune", "r, _, _ := in.ReadRune()\nfmt.Print(\"went on\", r)", nil, ""},
		{"in a function of another cell", "x := name()\nfmt.Print(\"went on\", x)", nil, ""},
		{"Scanner.Scan", "sc := bufio.NewScanner(os.Stdin)\nsc.Scan()\nfmt.Print(\"went on\", sc.Text())", nil, ""},
		{"a declaration", "var t, _ = in.ReadString('\\n')\nfmt.Print(\"went on\", t)", nil, ""},
		{"a declaration in a function", "func() { var t, _ = in.ReadString('\\n'); fmt.Print(\"went on\", t) }()", nil, ""},
		{"a block of declarations", "var (\n\tq = 1\n\tt, _ = in.ReadString('\\n')\n)\nfmt.Print(\"went on\", t, q)", nil, ""},
		{"a function that passes the error on", "func number() (int, error) { var k int; _, err := fmt.Scan(&k); return k, err }\nk, _ := number()\nfmt.Print(\"went on\", k)", nil, ""},
		{"a method that does", "type asker struct{}\nfunc (asker) ask() (string, error) { return in.ReadString('\\n') }\nasker{}.ask()\nfmt.Print(\"went on\")", nil, ""},
		{"a decoder", "var v any\njson.NewDecoder(os.Stdin).Decode(&v)\nfmt.Print(\"went on\", v)", nil, ""},
		{"records", "rec, _ := csv.NewReader(os.Stdin).Read()\nfmt.Print(\"went on\", rec)", nil, ""},
		{"a function whose other error is dropped", "func fails() (int, error) { return 1, errors.New(\"x\") }\nk, _ := fails()\nfmt.Print(k)", nil, "1"},
		{"a goroutine", "done := make(chan bool)\ngo func() { fmt.Scanln(&n); close(done) }()\n<-done\nfmt.Print(\"went on\")", nil, ""},
		{"go with a read", "go fmt.Scan(&n)\nselect {}", nil, ""},
		{"go with a method that reads", "go in.ReadString('\\n')\nselect {}", nil, ""},
		{"a deferred read", "func() { defer fmt.Fscan(in, &n, &w) }()\nfmt.Print(\"went on\")", nil, ""},
		{"go with arguments that change", "k := 1\ngo fmt.Sscan(\"7\", &k)\nfor k == 1 { time.Sleep(time.Millisecond) }\nfmt.Print(k)", nil, "7"},
		{"a taken error", "_, err := fmt.Scanln(&n)\nfmt.Print(err)", nil, "EOF"},
		{"a sum until the end", "sum := 0\nfor { if _, err := fmt.Scan(&n); err != nil { break }; sum += n }\nfmt.Print(sum)", []string{"1", "2"}, "3"},
		{"lines until the end", "lines := 0\nfor sc := bufio.NewScanner(os.Stdin); sc.Scan(); { lines++ }\nfmt.Print(lines)", []string{"a", "b"}, "2"},
		{"a file's end", "f := bufio.NewReader(strings.NewReader(\"x\"))\nt, _ := f.ReadString('\\n')\nfmt.Print(t)", nil, "x"},
	} {
		out := newTypist(append(test.lines, endOfFile)...)
		err := s.Execute(t.Context(), &Cell{Code: test.code + "\n;", Count: i + 2}, out)
		if ends := err != nil && err.Name == "EndOfInput"; ends != (test.want == "") || err != nil && !ends {
			t.Errorf("%s: ended with %v", test.name, err)
		}
		if got := out.String(); test.want != "" && got != test.want || strings.Contains(got, "went on") {
			t.Errorf("%s: printed %q", test.name, got)
		}
	}
	if got := run(t, s, 50, "n"); got != "=> 2" {
		t.Errorf("what was read before: %q", got)
	}
}

// TestNoInput: a front end that takes no input ends every read at once, and says so once.
func TestNoInput(t *testing.T) {
	s := newSession(t)
	out := newTypist()
	out.err = errors.New("this frontend does not take input (allow_stdin is false)")
	code := "var a, b int\n_, e1 := fmt.Scanln(&a)\n_, e2 := fmt.Scanln(&b)\nall, e3 := io.ReadAll(os.Stdin)\nfmt.Print(e1, e2, len(all), e3)\n;"
	if err := s.Execute(t.Context(), &Cell{Code: code, Count: 1}, out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "allow_stdin is false") != 1 || !strings.HasSuffix(got, "EOF EOF 0 <nil>") {
		t.Errorf("shown: %q", got)
	}
}

// answering is a front end whose user takes a while.
type answering struct {
	record
	asked, answered atomic.Bool
}

func (a *answering) Input(string, bool) (string, error) {
	a.asked.Store(true)
	time.Sleep(200 * time.Millisecond)
	a.answered.Store(true)
	return "late", nil
}

// TestRequestInput: a cell that requests input and does not read it is over when there is an answer.
func TestRequestInput(t *testing.T) {
	s := newSession(t)
	out := &answering{}
	if err := s.Execute(t.Context(), &Cell{Code: "gonbui.RequestInput(\"Enter: \", false)", Count: 1}, out); err != nil {
		t.Fatal(err)
	}
	if !out.asked.Load() || !out.answered.Load() {
		t.Errorf("the cell is over; requested: %t, answered: %t", out.asked.Load(), out.answered.Load())
	}
	if got := run(t, s, 2, "6 * 7"); got != "=> 42" {
		t.Errorf("the next cell: %q", got)
	}
}

// TestReadAfterRequestInput: a front end that answers gonbui's request at once is not asked a second time by the read
// that the request was for.
func TestReadAfterRequestInput(t *testing.T) {
	s := newSession(t)
	for i := range 40 {
		out := &record{input: []string{"me", "once more"}}
		if err := s.Execute(t.Context(), &Cell{Code: "gonbui.RequestInput(\"who? \", false)\nvar w string\nfmt.Scanln(&w)\nfmt.Print(w)\n;", Count: i + 1}, out); err != nil {
			t.Fatalf("time %d: %v", i+1, err)
		}
		if got := out.String(); got != "me" || len(out.asked) != 1 {
			t.Fatalf("time %d: printed %q and asked %q", i+1, got, out.asked)
		}
	}
}

// TestReplyCrossesRequest: a request that the worker sent before it had the reply to another one is served by that
// reply. A later one is a new question, and so is the first one of a new worker.
func TestReplyCrossesRequest(t *testing.T) {
	s := &Session{runner: newRunner()}
	k := newSink(s)
	asked := func(want int, out *typist) {
		t.Helper()
		k.mu.Lock()
		q := k.questions.open
		k.mu.Unlock()
		if q != nil {
			<-q.over
		}
		out.mu.Lock()
		defer out.mu.Unlock()
		if out.asked != want {
			t.Fatalf("asked %d times, want %d", out.asked, want)
		}
	}
	out := newTypist("me", "you", "more")
	k.begin(out, time.Now())
	request := protocol.InputRequest{Prompt: "who? "}
	k.Display(protocol.DisplayData{Data: map[protocol.MIMEType]any{protocol.MIMEJupyterInput: request}})
	asked(1, out)
	k.WantInput(3, 0, false)
	asked(1, out)
	k.WantInput(3, 1, false)
	asked(2, out)
	k.WantInput(3, 1, false)
	asked(2, out)

	stopped := newTypist()
	stopped.err = context.Canceled // no reply, so that the process below gets none
	k.begin(stopped, time.Now())
	s.runner.proc = &worker.Process{}
	k.WantInput(4, 0, false)
	asked(1, stopped)
}

// TestAnswerAfterItsCell: what is typed for a cell that is over is dropped, and not taken for a reply to the next cell.
func TestAnswerAfterItsCell(t *testing.T) {
	k := newSink(&Session{runner: newRunner()})
	open := func() *question {
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.questions.open
	}
	k.begin(&answering{}, time.Now())
	k.WantInput(1, 0, false)
	late := open()
	next := newTypist("mine")
	k.begin(next, time.Now())
	<-late.over
	k.WantInput(2, 0, false)
	if q := open(); q != nil {
		<-q.over
	}
	next.mu.Lock()
	defer next.mu.Unlock()
	if next.asked != 1 {
		t.Errorf("the next cell's input was requested %d times, want once", next.asked)
	}
}
