//go:build linux

package session

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// goMagics returns the magics that control how the Go of a cell runs.
func goMagics() []magic {
	return []magic{
		{names: "%% %main", args: "[ARGS]", help: "GoNB's mark for the body of main: sets the arguments and calls flag.Parse", whole: true, run: (*call).main},
		{names: "%args", args: "[ARGS]", help: "os.Args for the cells from here on", run: (*call).setArgs},
		{names: "%run", args: "FILE [ARGS]", help: "run a Go file as a cell: its names stay, and its main is called", run: (*call).runFile},
		{names: "%exec", args: "F [ARGS]", help: "call f() after the cell", whole: true, run: (*call).execute},
		{names: "%test", args: "[-run PATTERN] [-short] ...", help: "run the Test, Benchmark, Fuzz and Example functions of the cell, or of all cells if it has none, with flags of go test", whole: true, run: (*call).test},
		{names: "%time %%time", args: "[CODE]", help: "how long the cell took, and where the time went", code: true, early: true, run: (*call).time},
		{names: "%timeit %%timeit", args: "[-n LOOPS] [-r RUNS] [CODE]", help: "run the code, or the cell, many times, and give its mean time; code on the line of %%timeit runs once, before", code: true, whole: true, run: (*call).timeMany},
	}
}

func (c *call) main() *Error {
	c.cell.main = true
	c.Session.args = splitArgs(c.args) // without arguments they are reset, as in GoNB
	return nil
}

func (c *call) setArgs() *Error {
	c.Session.args = splitArgs(c.args)
	return nil
}

func (c *call) execute() *Error {
	f, args := cutWord(c.args)
	if f = strings.TrimSuffix(f, "()"); f == "" || !functionPath.MatchString(f) {
		return c.fail("needs the name of a function without parameters")
	}
	c.cell.exec, c.cell.main = f, true
	if args != "" {
		c.Session.args = splitArgs(args)
	}
	if strings.TrimSpace(c.cell.code) == "" {
		c.cell.code = ";" // nothing but the call
	}
	return nil
}

// functionPath matches the name of a function, of one of a package, or of a method.
var functionPath = regexp.MustCompile(`^[\pL_][\pL\pN_]*(\.[\pL_][\pL\pN_]*)?$`)

func (c *call) time() *Error {
	if strings.HasPrefix(c.name, "%%") && c.goOnLine() {
		return c.fail("takes no Go on its line: write it below, or use %%time for one line")
	}
	c.cell.time = true
	return nil
}

// goOnLine reports whether Go follows the magic on its line.
func (c *call) goOnLine() bool { return hasGo(strings.Split(c.cell.code, "\n")[c.place]) }

// goBelow reports whether Go stands on the lines below the magic.
func (c *call) goBelow() bool {
	return hasGo(strings.Join(strings.Split(c.cell.code, "\n")[c.place+1:], "\n"))
}

// timeMany records the code that %timeit repeats. The line of %%timeit is its setup, which runs once.
func (c *call) timeMany() *Error {
	t := &timeit{line: c.place, runs: 7, digits: 3, whole: strings.HasPrefix(c.name, "%%")}
	options := strings.Fields(c.args)
	for i := 0; i < len(options); i++ {
		name, value := options[i][:min(2, len(options[i]))], options[i][min(2, len(options[i])):]
		if value == "" && len(name) == 2 && strings.Contains("-o -c -t -q -v", name) { // IPython's, of its clocks and results
			continue
		}
		if value == "" && i+1 < len(options) {
			i++
			value = options[i]
		}
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || name != "-n" && name != "-r" && name != "-p" {
			return c.fail("%q is no option; write %%timeit [-n LOOPS] [-r RUNS] [CODE]", c.args)
		}
		switch name {
		case "-n":
			t.loops = n
		case "-r":
			t.runs = n
		case "-p":
			t.digits = n
		}
	}
	if strings.TrimSpace(c.cell.code) == "" {
		return c.fail("needs Go to run: %s [-n LOOPS] [-r RUNS] [CODE]", c.name)
	}
	t.setup = t.whole && c.goOnLine() && c.goBelow()
	t.whole = t.whole || !c.goOnLine()
	c.cell.timeit = t
	return nil
}

// timeit is the code that %timeit repeats: the code of a line, or the statements of the cell.
type timeit struct {
	line        int
	loops, runs int // loops 0: as many as fit into 0.2 seconds
	digits      int // of the time that is shown
	whole       bool
	setup       bool // the code of the line runs once, before the rest is timed
}

// timeitImports are the package names that the measuring code uses.
var timeitImports = map[string]string{"timeit_fmt": "fmt", "timeit_math": "math", "timeit_time": "time"}

const (
	timeitHead = `{ timeit_ := func(loops_ int) timeit_time.Duration { start_ := timeit_time.Now(); for range loops_ { `
	timeitTail = ` }; return timeit_time.Since(start_) }; loops_, runs_, digits_ := %d, %d, %d; ` +
		`if loops_ == 0 { for loops_ = 1; timeit_(loops_) < 200*timeit_time.Millisecond && loops_ < 1e9; { loops_ *= 10 } }; ` +
		`var sum_, squares_ float64; for range runs_ { t_ := float64(timeit_(loops_)) / float64(loops_); sum_ += t_; squares_ += t_ * t_ }; ` +
		`mean_ := sum_ / float64(runs_); text_ := func(ns_ float64) string { unit_ := ""; ` +
		`for _, unit_ = range []string{"ns", "µs", "ms", "s"} { if ns_ < 999.5 || unit_ == "s" { break }; ns_ /= 1000 }; ` +
		`return timeit_fmt.Sprintf("%%.*g %%s", digits_, ns_, unit_) }; ` +
		`timeit_fmt.Printf("%%s ± %%s per loop (mean ± std. dev. of %%d runs, %%d loops each)\n", text_(mean_), ` +
		`text_(timeit_math.Sqrt(max(0, squares_/float64(runs_)-mean_*mean_))), runs_, loops_) }`
)

// wrap puts the code into the measuring loop, without moving it to another line. moved are the bytes inserted before
// the code of a line.
func (t *timeit) wrap(code string) (text string, moved map[int]int) {
	if _, err := parse(token.NewFileSet(), &source{text: code}); err != nil {
		return code, nil // an error of syntax is about this text
	}
	from, to := 0, len(code)
	lines := strings.SplitAfter(code, "\n")
	start := len(strings.Join(lines[:t.line], ""))
	switch end := start + len(lines[t.line]); {
	case t.setup:
		from = end
	case !t.whole:
		from, to = start, end
	}
	chunks := splitChunks(code[from:to]).chunks
	begin := 0 // functions and imports can't be in a loop, nor can the code before them
	for i, ch := range chunks {
		if ch.tok == token.IMPORT || ch.tok == token.FUNC && ch.decl {
			begin = i + 1
		}
	}
	if chunks = chunks[begin:]; len(chunks) == 0 {
		return code, nil
	}
	last := chunks[len(chunks)-1]
	first, lastStart, end := from+chunks[0].start, from+last.start, from+last.end
	head := timeitHead
	for name, path := range timeitImports {
		head = fmt.Sprintf("import %s %q; ", name, path) + head
	}
	statement := asStatement(code[lastStart:end])
	moved = map[int]int{}
	moved[strings.Count(code[:first], "\n")+1] += len(head)
	moved[strings.Count(code[:lastStart], "\n")+1] += len(statement) - (end - lastStart)
	return code[:first] + head + code[first:lastStart] + statement + fmt.Sprintf(timeitTail, t.loops, t.runs, t.digits) + code[end:], moved
}

// asStatement makes a statement of an expression that is not one.
func asStatement(code string) string {
	e, err := parser.ParseExpr(code)
	if err != nil {
		return code
	}
	if call, ok := ast.Unparen(e).(*ast.CallExpr); ok {
		id, _ := call.Fun.(*ast.Ident)
		if id == nil || !strings.Contains(" append cap complex imag len make max min new real ", " "+id.Name+" ") {
			return code
		}
	}
	return "_ = " + code
}

// source returns the Go of the cell with the additions of its magics. Lines keep their places.
func (m *magicCell) source(count int) *source {
	src := &source{count: count, text: m.code, shown: m.all}
	if m.timeit != nil {
		src.text, src.moved = m.timeit.wrap(m.code)
		src.shown = m.code
	}
	if calls := m.calls(); calls != "" {
		src.shown = m.code
		src.text += calls
	}
	return src
}

// calls returns the Go to run after the cell, for %exec and %test.
func (m *magicCell) calls() string {
	if m.exec != "" {
		return "\n" + m.exec + "();"
	}
	if m.test != nil {
		return "\n" + m.test.calls()
	}
	return ""
}

// timeText returns the text that %time prints.
func (s *Session) timeText() string {
	t := s.runner.lastTiming()
	built := fmt.Sprintf("compile %s, link %s, open %s", short(t.Compile), short(t.Link), short(t.Open))
	if t.Again {
		built = "compiled before"
	}
	if t.Run == 0 { // commands only
		return fmt.Sprintf("Wall time: %s\n", short(time.Since(s.out.start)))
	}
	return fmt.Sprintf("Wall time: %s (before it: check %s, %s); first output after %s\n", short(t.Run), short(t.Check), built, short(s.out.firstOutput()))
}

func short(d time.Duration) string {
	if d < time.Millisecond {
		return d.Round(time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}
