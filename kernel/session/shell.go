//go:build linux

package session

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/types"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/semver"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
	"github.com/tlkit-go/tlkit-notebooks/kernel/streams"
)

// systemMagics returns the magics about files, folders and programs.
func systemMagics() []magic {
	return []magic{
		{names: "%cd", args: "[FOLDER]", help: "change the folder; - is the one before", run: (*call).chdir},
		{names: "%pwd", help: "the folder", run: (*call).pwd},
		{names: "%env %set_env", args: "[NAME [VALUE]]", help: "set an environment variable, show one, or list all", run: (*call).environment},
		{names: "%with_inputs", help: "ask for a line for the next ! command", run: (*call).withInputs},
		{names: "%with_password", help: "the same, without showing what is typed", run: (*call).withPassword},
		{names: "%%writefile %%file", args: "[-a] FILE", help: "the cell goes to a file, with -a to its end", body: true, run: (*call).writeFile},
		{names: "%load %loadpy", args: "FILE", help: "put a file's text into the cell", run: (*call).load},
		{names: "%recall %rep", args: "[CELL]", help: "put the text of a cell that ran into a new cell", run: (*call).recall},
		{names: "%save", args: "[-a] FILE CELLS", help: "write the code of cells to a file", run: (*call).save},
		{names: "%%script", args: "COMMAND", help: "the cell goes to a command", body: true, run: (*call).script},
		{names: "%%bash %%sh", args: "[ARGS]", help: "the cell goes to that shell", body: true, run: (*call).runNamed},
	}
}

func (c *call) chdir() *Error {
	if c.args == "" {
		return c.pwd()
	}
	var quiet bool
	c.args, quiet = strings.CutPrefix(c.args, "-q ") // IPython's
	c.args = strings.TrimSpace(c.args)
	dir := c.env.path(c.file())
	if c.args == "-" {
		_, dir = c.env.folder()
	}
	if err := c.process().Chdir(dir); err != nil {
		return c.fail("%v", err)
	}
	c.env.changed(nil, nil, dir)
	if err := c.process().Setenv("GONB_DIR", dir); err != nil {
		return c.fail("%v", err)
	}
	if quiet {
		return nil
	}
	return c.pwd()
}

func (c *call) pwd() *Error {
	dir, _ := c.env.folder()
	c.say("%s", dir)
	return nil
}

// secret matches names of variables whose values are not listed.
var secret = regexp.MustCompile(`(?i)key|token|secret|passw`)

// environment sets a variable for cells and commands, shows one, or lists all.
func (c *call) environment() *Error {
	name, value, sets := strings.Cut(c.args, "=")
	if fields := strings.Fields(name); len(fields) > 1 { // NAME VALUE
		name, value = cutWord(c.args)
		sets = true
	}
	name = strings.TrimSpace(name)
	values := c.env.values()
	switch old, known := values[name]; {
	case sets && (name == "" || strings.ContainsAny(name, " \t\"'")):
		return c.fail("needs a name without blanks and quotes, and a value: %%env NAME VALUE")
	case sets:
		value = c.env.expand(strings.TrimSpace(value))
		if err := c.process().Setenv(name, value); err != nil {
			return c.fail("%v", err)
		}
		c.env.setenv(name, value)
		c.say("env: %s=%s", name, value)
	case name == "":
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if secret.MatchString(name) {
				values[name] = "<hidden>"
			}
			c.say("%s=%s", name, values[name])
		}
	case !known:
		c.say("%s is not set", name)
	default:
		c.say("%s", old)
	}
	return nil
}

func (c *call) withInputs() *Error {
	c.cell.withInputs = true
	return nil
}

func (c *call) withPassword() *Error {
	c.cell.withInputs, c.cell.password = true, true
	return nil
}

func (c *call) writeFile() *Error {
	appends := false
	words := slices.DeleteFunc(splitArgs(c.args), func(word string) bool {
		isOption := word == "-a" || word == "--append"
		appends = appends || isOption
		return isOption
	})
	if len(words) != 1 {
		return c.fail("takes one file, in quotes if there are blanks in its name: %s [-a] FILE", c.name)
	}
	return c.write(words[0], c.cell.body, appends)
}

func (c *call) script() *Error {
	line, err := c.scriptOptions()
	if err != nil {
		return err
	}
	if line == "" {
		return c.fail("needs a command")
	}
	return c.program("bash", "-c", line)
}

// program runs a program with the cell as its input.
func (c *call) program(name string, args ...string) *Error {
	dir, _ := c.env.folder()
	err := c.runProgram(c.ctx, dir, c.env.list(), c.cell.body, name, args...)
	if err != nil && c.cell.mayFail && err.Name == "MagicError" {
		return nil
	}
	return err
}

// scriptOptions takes IPython's options for scripts from the beginning of the arguments, and returns the rest.
func (c *call) scriptOptions() (rest string, err *Error) {
	for rest = c.args; ; {
		word, more := cutWord(rest)
		switch word {
		case "--no-raise-error":
			c.cell.mayFail = true
		case "--raise-error":
			c.cell.mayFail = false
		case "--bg", "--out", "--err", "--proc":
			return "", c.fail("%s is not known here: a command in the background is written !COMMAND &, and exec.Command takes a command's output", word)
		default:
			return rest, nil
		}
		rest = more
	}
}

// shell runs a ! or !* line.
func (s *Session) shell(ctx context.Context, line string, m *magicCell, out Output) *Error {
	dir, _ := s.env.folder()
	star := strings.HasPrefix(line, "*")
	if star {
		line, dir = besideNotebook(line[1:], dir), s.b.ModDir()
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
	env := s.env.list()
	if star {
		env = s.env.overriding(s.b.Env())
	}
	err := s.runProgram(ctx, dir, env, stdin, "bash", "-c", line)
	if !star {
		return s.meantAsGo(err, line)
	}
	refused := s.modulesChanged() // also after a failure: the command may have changed go.mod before
	switch {
	case err == nil:
		return refused
	case ctx.Err() != nil:
		return err
	case refused != nil:
		return magicError("%s; %s", err.Value, refused.Value)
	}
	if why := s.whyNotOlder(line); why != "" {
		return magicError("%s; %s", err.Value, why)
	}
	return err
}

// firstName matches the name with which the line of a command begins.
var firstName = regexp.MustCompile(`^[\pL_][\pL_\d]*`)

// moduleCommand matches go commands about a module.
var moduleCommand = regexp.MustCompile(`^\s*go\s+(?:get|mod|list)\b`)

// meantAsGo adds a hint to the error of a command that begins with a name of the session, or a similar one: !done is
// Go, too. It also adds one to a command about modules, of which the notebook's folder has none.
func (s *Session) meantAsGo(err *Error, line string) *Error {
	if err == nil || err.Name != "MagicError" {
		return err
	}
	if moduleCommand.MatchString(line) {
		return magicError("%s; the command for the notebook's module is !*%s", err.Value, strings.TrimSpace(line))
	}
	name := firstName.FindString(line)
	e := s.names.entity(name)
	if e == nil && s.isExpression(line) {
		return magicError("%s; a line that begins with ! is a command of the shell: an expression of Go is written in brackets, (!%s)", err.Value, strings.TrimSpace(line))
	}
	if e == nil {
		if near := nearName(name, s.names.words()); near != "" && name == strings.TrimSpace(line) {
			return magicError("%s; a line that begins with ! is a command of the shell: did you mean the expression (!%s)?", err.Value, near)
		}
		return err
	}
	return magicError("%s; a line that begins with ! is a command of the shell. %s (cell %d) is also a %s of the session: an expression of Go is written in brackets, (!%s)",
		err.Value, e.name, e.cell, e.kind, strings.TrimSpace(line))
}

// isExpression reports whether a line is an expression of Go, more than a name, all of whose names are known.
func (s *Session) isExpression(line string) bool {
	x, err := parser.ParseExpr(line)
	if _, isName := x.(*ast.Ident); err != nil || isName {
		return false
	}
	known := slices.Concat(s.names.words(), s.b.PackageNames(), types.Universe.Names())
	is := true
	members := map[*ast.Ident]bool{}
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			members[n.Sel] = true
		case *ast.Ident:
			is = is && (members[n] || slices.Contains(known, n.Name))
		}
		return is
	})
	return is
}

// localReplace matches a replacement by a folder that is given relative to the notebook: -replace M=./folder.
var localReplace = regexp.MustCompile(`(-replace[ =]\S+?=)(\.{1,2}(?:/\S*)?)`)

// besideNotebook makes folders of replacements absolute: the go command runs in the folder of the session's go.mod, but
// a person means the notebook's.
func besideNotebook(line, dir string) string {
	return localReplace.ReplaceAllStringFunc(line, func(text string) string {
		m := localReplace.FindStringSubmatch(text)
		path := filepath.Join(dir, m[2])
		if !isFolder(path) || strings.ContainsAny(path, " '\"$") {
			return text
		}
		return m[1] + path
	})
}

// getVersion matches the module and version of a go get.
var getVersion = regexp.MustCompile(`\bgo get (?:-\S+ )*(\S+)@(v[0-9]\S*)`)

// whyNotOlder returns what stands against the version that go get was asked for, if it is older than that of go.mod and
// another module needs a newer one: the go command's own message is about a third module.
func (s *Session) whyNotOlder(line string) string {
	m := getVersion.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	if have := s.b.Required(m[1]); have == "" || semver.Compare(m[2], have) >= 0 {
		return ""
	}
	if by, version := s.b.NeededBy(s.ctx, m[1]); semver.Compare(m[2], version) < 0 {
		return fmt.Sprintf("%s needs %s %s or newer", by, m[1], version)
	}
	return ""
}

// runProgram runs a program with the cell's output.
func (s *Session) runProgram(ctx context.Context, dir string, env []string, stdin, name string, args ...string) *Error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = env
	cmd.Stdin = strings.NewReader(stdin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	ended := make(chan struct{})
	stopped := false
	cmd.Cancel = func() error {
		stopped = true
		go endGroup(cmd.Process.Pid, ended)
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
	}
	err := s.runShowing(cmd, func() {
		if stopped {
			<-ended
		} else if ctx.Err() != nil {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what the command left in its group
		}
	})
	if ctx.Err() != nil {
		return interrupted()
	}
	if err != nil {
		return magicError("%s: %v", strings.TrimSpace(strings.Join(append([]string{name}, args...), " ")), err)
	}
	return nil
}

// endTime is the time that a command has to end by itself after an interrupt, as a child process of a cell has.
const endTime = 300 * time.Millisecond

// endGroup waits until all processes of a group have ended, also those that the group's first one left, and kills what
// is there after endTime. It closes ended.
func endGroup(group int, ended chan<- struct{}) {
	defer close(ended)
	const every = 10 * time.Millisecond
	for end := time.Now().Add(endTime); syscall.Kill(-group, 0) == nil; time.Sleep(every) {
		if time.Now().After(end) {
			syscall.Kill(-group, syscall.SIGKILL)
			return
		}
	}
}

// drainTime is the time to wait for a command's output after its end while a process that it left in the background
// still holds the pipes.
const drainTime = 200 * time.Millisecond

// runShowing runs a command, then calls after, and shows the output. Later output of a process that it leaves in the
// background is shown later; that process ends with the session.
func (s *Session) runShowing(cmd *exec.Cmd, after func()) error {
	shown, theirs, err := streams.New("stdout", "stderr")
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		shown.Wait(func() bool {
			for shown.Next(s.out.Stream) {
			}
			return shown.Ended()
		})
		shown.End()
		shown.Close()
	}()
	defer func() {
		for _, w := range theirs {
			w.Close()
		}
	}()
	cmd.Stdout, cmd.Stderr = theirs[0], theirs[1]
	if err := cmd.Start(); err != nil {
		return err
	}
	for _, w := range theirs {
		w.Close()
	}
	err = cmd.Wait()
	after()
	select {
	case <-done:
	case <-time.After(drainTime):
		group := cmd.Process.Pid
		context.AfterFunc(s.ctx, func() { syscall.Kill(-group, syscall.SIGKILL) })
	}
	s.out.flush()
	return err
}

// modulesChanged adopts a command's changes to go.mod. A change that does not fit the loaded packages is an error; one
// that would only lose packages, as by go mod tidy, is undone with a notice.
func (s *Session) modulesChanged() *Error {
	err := s.b.AdoptModules(s.ctx)
	var refused *build.ModulesError
	if errors.As(err, &refused) && refused.OnlyLoses() {
		s.out.text("stdout", refused.Error()+"\n")
		return nil
	}
	if err != nil {
		return magicError("%v", err)
	}
	return nil
}

// runNamed runs the program that has the magic's name.
func (c *call) runNamed() *Error {
	rest, err := c.scriptOptions()
	if err != nil {
		return err
	}
	return c.program(strings.TrimLeft(c.name, "%"), splitArgs(rest)...)
}

// write writes a file, or to the end of one.
func (c *call) write(name, text string, appends bool) *Error {
	mode := os.O_TRUNC
	if appends {
		mode = os.O_APPEND
	}
	f, err := os.OpenFile(c.env.path(name), os.O_CREATE|os.O_WRONLY|mode, 0o644)
	if err != nil {
		return c.fail("%v", err)
	}
	_, err = f.WriteString(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return c.fail("%v", err)
	}
	c.say("wrote %s", c.env.path(name))
	return nil
}
