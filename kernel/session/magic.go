//go:build linux

package session

import (
	"context"
	"fmt"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/nearest"
)

// magic is a cell taken apart into magic lines and Go.
type magic struct {
	lines []string
	code  string // Go, with magic lines blank

	cellMagic, rest string // %%writefile and the like, and the cell below

	main, time, test bool
	exec             string
	withInputs       bool
	password         bool
	captureTo        string
	captureAppend    bool
}

var cellMagics = map[string]bool{"writefile": true, "script": true, "bash": true, "sh": true}

// splitMagic finds the lines that begin with % or ! (or //gonb:), outside of Go's raw
// strings and comments.
func splitMagic(code string) *magic {
	m := &magic{}
	if head, rest, _ := strings.Cut(code, "\n"); strings.HasPrefix(head, "%%") {
		if word, _, _ := strings.Cut(head[2:], " "); cellMagics[word] {
			m.cellMagic, m.rest = head[2:], rest
			return m
		}
	}
	lines := strings.SplitAfter(code, "\n")
	inRaw, inComment := false, false
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		text := strings.TrimSuffix(line, "\n")
		text = strings.TrimPrefix(text, "//gonb:")
		if !inRaw && !inComment && (strings.HasPrefix(text, "%") || strings.HasPrefix(text, "!")) {
			for strings.HasPrefix(text, "!") && strings.HasSuffix(text, "\\") && i+1 < len(lines) {
				lines[i] = blank(line)
				i++
				line = lines[i]
				text += "\n" + strings.TrimSuffix(line, "\n")
			}
			lines[i] = blank(line)
			m.lines = append(m.lines, text)
			continue
		}
		inRaw, inComment = scanLine(line, inRaw, inComment)
	}
	m.code = strings.Join(lines, "")
	return m
}

// scanLine follows raw strings and comments over one line.
func scanLine(line string, inRaw, inComment bool) (bool, bool) {
	var quote byte
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case inRaw:
			inRaw = c != '`'
		case inComment:
			if c == '*' && i+1 < len(line) && line[i+1] == '/' {
				inComment = false
				i++
			}
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '`':
			inRaw = true
		case c == '"' || c == '\'':
			quote = c
		case c == '/' && i+1 < len(line) && line[i+1] == '/':
			return inRaw, inComment
		case c == '/' && i+1 < len(line) && line[i+1] == '*':
			inComment = true
			i++
		}
	}
	return inRaw, inComment
}

func magicError(format string, args ...any) *Error {
	text := fmt.Sprintf(format, args...)
	return &Error{"MagicError", text, []string{red + text + plain}}
}

var magicNames = []string{"%%", "%main", "%args", "%clear", "%exec", "%cd", "%env", "%goflags", "%help", "%ls", "%list", "%rm", "%remove", "%reset", "%rerun",
	"%test", "%time", "%version", "%who", "%widgets", "%capture", "%with_inputs", "%with_password"}

// Commands returns the words that may stand after a % at the beginning of a line, sorted.
func Commands() []string {
	var all []string
	for _, name := range magicNames {
		if word := strings.TrimLeft(name, "%"); word != "" {
			all = append(all, word)
		}
	}
	slices.Sort(all)
	return all
}

// runMagic runs one magic line. Some only note what the Go part is to do.
func (s *Session) runMagic(ctx context.Context, line string, m *magic, cell *Cell, out Output) *Error {
	if strings.HasPrefix(line, "!") {
		return s.shell(ctx, line[1:], m, out)
	}
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	say := func(format string, args ...any) { s.out.text("stdout", fmt.Sprintf(format+"\n", args...)) }
	switch word {
	case "%%", "%main":
		m.main = true
		s.args = splitArgs(rest) // none resets them, as in GoNB
	case "%args":
		s.args = splitArgs(rest)
	case "%exec":
		f, args, _ := strings.Cut(rest, " ")
		if f == "" {
			return magicError("%%exec needs the name of a function without parameters")
		}
		m.exec = f
		if args != "" {
			s.args = splitArgs(args)
		}
		m.main = true
		if strings.TrimSpace(m.code) == "" {
			m.code = ";" // nothing but the call
		}
	case "%time":
		m.time = true
	case "%test":
		m.test = true
		if rest != "" {
			say("%%test runs the tests and benchmarks of its cell; flags are not used: %s", rest)
		}
	case "%cd":
		return s.chdir(rest, say)
	case "%env":
		name, value, _ := strings.Cut(strings.Replace(rest, "=", " ", 1), " ")
		if name == "" {
			return magicError("%%env needs a name and a value: %%env NAME VALUE")
		}
		value = strings.TrimSpace(value)
		s.env = append(s.env, name+"="+value)
		if err := s.process().Setenv(name, value); err != nil {
			return magicError("%%env: %v", err)
		}
	case "%who":
		s.who(out)
	case "%ls", "%list":
		s.who(out)
	case "%rm", "%remove":
		return s.remove(strings.Fields(rest))
	case "%reset":
		if rest != "go.mod" {
			if err := s.fresh(false); err != nil {
				return magicError("%%reset: %v", err)
			}
			s.history.clear()
		}
		if err := s.b.ResetModules(); err != nil {
			return magicError("%%reset: %v", err)
		}
		s.b.Forget()
		say("names and values are gone; go.mod is the workspace's again")
	case "%rerun":
		return s.rerun(ctx, strings.Fields(rest), out)
	case "%help":
		out.Page(map[string]any{"text/plain": helpText, "text/markdown": helpText})
		say("%s", helpText)
	case "%clear":
		out.ClearOutput(rest == "wait")
	case "%version":
		say("TLKit live kernel")
	case "%widgets":
		out.Comm(CommRequest{Kind: CommStart})
	case "%widgets_hb":
		out.Comm(CommRequest{Kind: CommStart})
		say("the heartbeat of widgets is the front end's own; %%widgets installs it")
	case "%with_inputs":
		m.withInputs = true
	case "%with_password":
		m.withInputs, m.password = true, true
	case "%capture":
		if a, ok := strings.CutPrefix(rest, "-a "); ok {
			m.captureAppend, rest = true, strings.TrimSpace(a)
		}
		if rest == "" {
			return magicError("%%capture needs a file: %%capture [-a] FILE")
		}
		m.captureTo = s.path(rest)
	case "%goflags":
		return magicError("%%goflags: all cells and the worker must be built with the same flags, so they are fixed; use the kernel \"Go (GoNB)\" for cells with flags of their own")
	case "%autoget", "%noautoget":
		say("automatic go get is off in this kernel, so that versions do not drift; add a module with !*go get PATH@VERSION")
	case "%track", "%untrack", "%goworkfix":
		say("%s is not needed here: replace directives of go.mod (see !*go mod edit -replace) are followed, and a changed library counts after a restart of the kernel", word)
	case "%wasm":
		return magicError("%%wasm: cells here are native code; use the kernel \"Go (GoNB)\" for WebAssembly")
	default:
		if near := nearest.Name(word, magicNames); near != "" {
			return magicError("unknown magic %q; did you mean %s? %%help lists all", word, near)
		}
		return magicError("unknown magic %q; %%help lists all", word)
	}
	return nil
}

func splitArgs(text string) []string {
	var args []string
	for _, f := range argPattern.FindAllString(text, -1) {
		if u, err := strconv.Unquote(f); err == nil {
			f = u
		} else if len(f) > 1 && f[0] == '\'' && f[len(f)-1] == '\'' {
			f = f[1 : len(f)-1]
		}
		args = append(args, f)
	}
	return args
}

// calls is Go to run after the cell: what %exec and %test ask for.
func (m *magic) calls() string {
	if m.exec != "" {
		return "\n" + m.exec + "();"
	}
	if !m.test {
		return ""
	}
	var tests, benchmarks []string
	if p, err := parse(token.NewFileSet(), &source{text: m.code}); err == nil {
		for _, it := range p.items {
			name := it.names[0]
			switch {
			case it.kind == kindFunc && strings.HasPrefix(name, "Test"):
				tests = append(tests, fmt.Sprintf("{%q, %s}", name, name))
			case it.kind == kindFunc && strings.HasPrefix(name, "Benchmark"):
				benchmarks = append(benchmarks, fmt.Sprintf("{%q, %s}", name, name))
			}
		}
	}
	flags := `flag.Set("test.v", "true")`
	if len(benchmarks) > 0 {
		flags += `; flag.Set("test.bench", ".")`
	}
	text := "\n" +
		`{ testing.Init(); ` + flags + `; if testing.MainStart(` + testdeps + `.TestDeps{}, []testing.InternalTest{` + strings.Join(tests, ", ") +
		`}, []testing.InternalBenchmark{` + strings.Join(benchmarks, ", ") + `}, nil, nil).Run() != 0 { panic("tests failed") }`
	return text + " };"
}

// testdeps is what %test calls the package that connects testing to the rest.
const testdeps = "testdeps_"

var argPattern = regexp.MustCompile(`"(?:\\.|[^"\\])*"|'[^']*'|\S+`)
