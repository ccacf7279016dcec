//go:build linux

package session

import (
	"context"
	"fmt"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

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
			s.mu.Lock()
			s.history = nil
			s.mu.Unlock()
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

// path expands ~ and variables, relative to the kernel's folder.
func (s *Session) path(p string) string {
	p = os.Expand(p, func(name string) string {
		for i := len(s.env) - 1; i >= 0; i-- {
			if v, ok := strings.CutPrefix(s.env[i], name+"="); ok {
				return v
			}
		}
		return os.Getenv(name)
	})
	if rest, ok := strings.CutPrefix(p, "~"); ok && (rest == "" || rest[0] == '/') {
		if home, err := os.UserHomeDir(); err == nil {
			p = home + rest
		}
	}
	if !filepath.IsAbs(p) {
		p = filepath.Join(s.workDir, p)
	}
	return p
}

func (s *Session) chdir(dir string, say func(string, ...any)) *Error {
	if dir != "" {
		dir = s.path(dir)
		if err := s.process().Chdir(dir); err != nil {
			return magicError("%%cd: %v", err)
		}
		s.workDir = dir
		if err := s.process().Setenv("GONB_DIR", dir); err != nil {
			return magicError("%%cd: %v", err)
		}
	}
	say("%s", s.workDir)
	return nil
}

// shell runs a ! or !* line.
func (s *Session) shell(ctx context.Context, line string, m *magic, out Output) *Error {
	dir := s.workDir
	star := strings.HasPrefix(line, "*")
	if star {
		line, dir = line[1:], s.b.ModDir()
	}
	stdin := ""
	if m.withInputs {
		text, err := out.Input("", m.password)
		if err != nil {
			return magicError("!%s: no input: %v", line, err)
		}
		stdin = text + "\n"
		m.withInputs, m.password = false, false
	}
	if err := s.command(ctx, dir, stdin, star, "bash", "-c", line); err != nil {
		return err
	}
	if star {
		return s.modulesChanged(ctx)
	}
	return nil
}

// command runs a program with the cell's output.
func (s *Session) command(ctx context.Context, dir, stdin string, online bool, name string, args ...string) *Error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = s.commandEnv()
	if online {
		cmd.Env = append(s.b.Env(), s.env...)
	}
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Stdout, cmd.Stderr = &shellOutput{s.out, "stdout"}, &shellOutput{s.out, "stderr"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second // a child in the background may keep the pipes
	err := cmd.Run()
	s.out.flush()
	if ctx.Err() != nil {
		return interrupted()
	}
	if err != nil {
		return magicError("%s: %v", strings.TrimSpace(strings.Join(append([]string{name}, args...), " ")), err)
	}
	return nil
}

type shellOutput struct {
	k    *sink
	name string
}

func (o *shellOutput) Write(p []byte) (int, error) {
	o.k.Stream(o.name, p)
	return len(p), nil
}

func (s *Session) modulesChanged(ctx context.Context) *Error {
	changed, conflicts, err := s.b.ModulesChanged(ctx)
	if err != nil {
		return magicError("go.mod changed: %v", err)
	}
	if changed && len(conflicts) > 0 {
		s.out.text("stderr", fmt.Sprintf("go.mod changed packages that are loaded already: %s. Cells go on with the old version; the new one counts after a restart (%%reset keeps go.mod's new version only with the kernel's own restart: run the cells again after it).\n", strings.Join(conflicts, ", ")))
	}
	return nil
}

// runCellMagic runs %%writefile, %%script, %%bash and %%sh.
func (s *Session) runCellMagic(ctx context.Context, m *magic, out Output) *Error {
	word, rest, _ := strings.Cut(m.cellMagic, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "writefile":
		flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
		if a, ok := strings.CutPrefix(rest, "-a "); ok {
			rest, flags = strings.TrimSpace(a), os.O_CREATE|os.O_WRONLY|os.O_APPEND
		}
		if rest == "" {
			return magicError("%%%%writefile needs a file: %%%%writefile [-a] FILE")
		}
		f, err := os.OpenFile(s.path(rest), flags, 0o644)
		if err != nil {
			return magicError("%%%%writefile: %v", err)
		}
		_, err = f.WriteString(m.rest)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return magicError("%%%%writefile: %v", err)
		}
		s.out.text("stdout", "wrote "+s.path(rest)+"\n")
		return nil
	case "script":
		if rest == "" {
			return magicError("%%%%script needs a command")
		}
		return s.command(ctx, s.workDir, m.rest, false, "bash", "-c", rest)
	}
	return s.command(ctx, s.workDir, m.rest, false, "bash", splitArgs(rest)...)
}

// capture copies the cell's output to a file, for %capture.
func (s *Session) capture(m *magic) (restore func(), err *Error) {
	if m.captureTo == "" {
		return func() {}, nil
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if m.captureAppend {
		flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	f, ferr := os.OpenFile(m.captureTo, flags, 0o644)
	if ferr != nil {
		return nil, magicError("%%capture: %v", ferr)
	}
	s.out.mu.Lock()
	s.out.copyTo = func(b []byte) { f.WriteString(strip(string(b))) }
	s.out.mu.Unlock()
	return func() {
		s.out.mu.Lock()
		s.out.copyTo = nil
		s.out.mu.Unlock()
		f.Close()
	}, nil
}

// remove makes names unknown, for %rm.
func (s *Session) remove(names []string) *Error {
	if len(names) == 0 {
		return magicError("%%rm needs names; %%who lists them")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		e, imp := s.u.live[name], s.u.imports[name]
		if e == nil && imp.path == "" {
			return magicError("%%rm: no name %q; %%who lists them", name)
		}
		delete(s.u.imports, name)
		if e != nil {
			s.u.drop(e)
		}
	}
	return nil
}

// drop removes a name and makes stale what depends on it.
func (u *universe) drop(e *entity) {
	delete(u.live, e.name)
	for _, d := range u.sorted() {
		uses := d.item != nil && d.item.deps[e]
		if d.kind == kindVar {
			mentions(d.obj.Type(), func(t objectTypeName) { uses = uses || u.byObj[t] == e })
		}
		if d.kind == kindMethod && e.kind == kindType && d.item.recv == e.name {
			uses = true
		}
		if uses && u.live[d.name] == d {
			u.stale[d.name] = staleName{d.kind, "", d.cell, fmt.Sprintf("%s (cell %d) uses %s, which was removed; run cell %d again after declaring it", d.name, d.cell, e.name, d.cell)}
			u.drop(d)
		}
	}
}

// rerun runs cells that succeeded before, all or those named.
func (s *Session) rerun(ctx context.Context, which []string, out Output) *Error {
	s.mu.Lock()
	cells := append([]historyCell(nil), s.history...)
	s.mu.Unlock()
	known := map[string]bool{}
	for _, h := range cells {
		known[strconv.Itoa(h.count)] = true
	}
	for _, w := range which {
		if !known[w] {
			return magicError("%%rerun: no cell %s ran before", w)
		}
	}
	for _, h := range cells {
		if len(which) > 0 && !contains(which, strconv.Itoa(h.count)) {
			continue
		}
		if strings.Contains(h.code, "%rerun") || strings.Contains(h.code, "%reset") {
			continue
		}
		s.mu.Lock()
		state := s.running
		s.mu.Unlock()
		if err := s.execute(ctx, &Cell{Code: h.code, Count: h.count, ID: h.id}, out, state); err != nil {
			err.Traceback = append([]string{fmt.Sprintf("while running cell %d again:", h.count)}, err.Traceback...)
			return err
		}
		s.mu.Lock()
		state.n = 0
		s.mu.Unlock()
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// who prints the names, for %who.
func (s *Session) who(out Output) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	names := s.names(s.sizes())
	if len(names) == 0 {
		fmt.Fprintln(w, "no names yet")
	} else {
		fmt.Fprintln(w, "name\tkind\ttype\tsize\tcell\t")
	}
	for _, n := range names {
		size := ""
		if n.Size >= 0 {
			size = byteSize(n.Size)
		}
		typ := n.Type
		if len(typ) > 60 {
			typ = typ[:57] + "..."
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", n.Name, n.Kind, typ, size, n.Cell, n.Stale)
	}
	w.Flush()
	s.out.text("stdout", b.String())
}

func byteSize(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

const helpText = `Each cell is compiled Go, and its names live until they are redefined or removed.
Statements, declarations and imports may come in any order; the value of a last
expression is shown (not with a ; behind it). A package need not be imported to
be used: fmt.Println works in the first cell.

%%, %main [args]      GoNB's mark for the body of main: here it only sets the arguments and calls flag.Parse
%args args            os.Args for cells            %exec f [args]   call f()
%cd [folder]          change the folder            %env NAME VALUE  set an environment variable
%who, %ls             names, types, sizes, cells   %rm NAMES        forget names
%reset [go.mod]       forget everything, fresh worker; with go.mod, only put go.mod back
%rerun [cells]        run cells again that ran before, for instance after the worker was lost
%time                 say where the cell's time went
%test                 run the Test and Benchmark functions of the cell
%capture [-a] FILE    copy the cell's output to a file
!command              run a shell command          !*command        run it in the folder with go.mod:
                                                   !*go get PATH@VERSION adds a module
%with_inputs, %with_password                       ask for a line for the next ! command
%widgets              install the front end's side of gonbui's widgets
%%writefile [-a] FILE, %%script COMMAND, %%bash, %%sh   the whole cell goes to a file or a command

func main is called when its cell has run; func init and init_... before it. %goflags and %wasm are GoNB's only:
cells of one session must be built alike.
`
