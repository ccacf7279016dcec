package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
)

// Go's linker passes a plugin to the C compiler as external linker. Before that it tests which flags the compiler
// knows: three compilations of an empty program, ten times as long as linking the 20 KB of a cell. The results are
// always the same. So the first cell of a worker is linked through a recorder, and all others through a script that
// returns the recorded results at once and runs ld as the compiler would. The script passes every other call to the
// compiler.
const (
	extldName    = "extld"
	recorderName = "extld.recorder"
)

// recorder is a program that calls the compiler and records each call: a file of NUL-ended arguments, the first of
// which is the result of the call.
const recorder = `#!/bin/sh
out=$(%[1]s "$@" 2>&1); rc=$?
[ -z "$out" ] || printf '%%s\n' "$out"
case $out in *unrecognized*|*unknown*) said=1 ;; *) said=0 ;; esac
file=$(mktemp %[2]s/call.XXXXXX) && printf '%%s\0' "$rc$said" "$@" > "$file"
exit $rc
`

// extld is the script's frame: the compiler, the probes, ld's command line.
const extldScript = `#!/bin/sh
# Made by tlkernel: the external linker of cells. See kernel/build/extld.go.
for last; do :; done
case $last in */trivial.c)
	tmp=${last%%/trivial.c}
	case "$*" in
%s	esac ;;
%sesac
exec %s "$@"
`

// externalLinker returns the linker flag for a plugin against the shared library, and a function to call after the
// link.
func (b *Builder) externalLinker(dir string) (flag string, done func(ctx context.Context)) {
	script := filepath.Join(b.lib.dir, extldName)
	if isFile(script) {
		return extldFlag(script), func(context.Context) {}
	}
	calls := filepath.Join(dir, "calls")
	rec := filepath.Join(dir, recorderName)
	text := fmt.Sprintf(recorder, compilerInShell(), ShellQuote(calls))
	if os.Mkdir(calls, 0o755) != nil || os.WriteFile(rec, []byte(text), 0o755) != nil {
		return "-extld=" + compilerText(), func(context.Context) {}
	}
	return extldFlag(rec), func(ctx context.Context) {
		if err := b.learnLinker(ctx, calls, script); err != nil {
			b.cfg.Logf("cells are linked by %s: %v", compilerText(), err)
		}
	}
}

// extldFlag returns the linker's flag for a program as external linker. The flag splits its value at blanks
// that are not in quotes.
func extldFlag(program string) string {
	quote := "'"
	if strings.Contains(program, quote) {
		quote = `"`
	}
	return "-extld=" + quote + program + quote
}

// learnLinker writes the script from recorded calls.
func (b *Builder) learnLinker(ctx context.Context, calls, script string) error {
	files, err := infolder.Glob(calls, "call.*")
	if err != nil {
		return err
	}
	var probes, link string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		args := strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
		state, args := args[0], args[1:]
		if len(args) == 0 || slices.Contains(args, "-Wl,--version") {
			continue // on arm64 Go reads ld's version; the compiler handles that call
		}
		if tmp, ok := strings.CutSuffix(args[len(args)-1], "/trivial.c"); ok {
			answer := "exit 1"
			if state == "00" {
				answer = "exit 0"
			}
			// The linker's temporary folder differs each time.
			pattern := strings.ReplaceAll(ShellQuote(strings.Join(args, " ")), tmp, `'"$tmp"'`)
			probes += fmt.Sprintf("\t%s) %s ;;\n", pattern, answer)
			continue
		}
		if state[:1] != "0" || link != "" {
			return errors.New("the recorded link is not as expected")
		}
		if link, err = b.ldCommand(ctx, args); err != nil {
			return err
		}
	}
	if probes == "" || link == "" {
		return errors.New("the link was not recorded")
	}
	tmp := script + "." + strconv.Itoa(os.Getpid())
	if err := os.WriteFile(tmp, fmt.Appendf(nil, extldScript, probes, link, compilerInShell()), 0o755); err != nil {
		return err
	}
	return os.Rename(tmp, script)
}

// linkCall is a recorded call of the external linker for a cell. Three arguments differ each time; all others must be
// the same as recorded.
type linkCall struct {
	args   []string          // as recorded
	marked []string          // with marks in the three places
	place  map[string]string // mark -> the shell's word for the argument there
}

// The marks of the three arguments: the plugin, the cell's object file, and the folder of the stub.
const outMark, objMark, dirMark = "/nb-cell-out", "/nb-cell-go.o", "-L/nb-cell-dir"

func markCall(args []string) (*linkCall, error) {
	c := &linkCall{args: args, marked: slices.Clone(args), place: map[string]string{}}
	for i, arg := range args {
		mark := ""
		switch {
		case i > 0 && args[i-1] == "-o":
			mark = outMark
		case strings.HasSuffix(arg, "/go.o"):
			mark = objMark
		case strings.HasPrefix(arg, "-L"):
			mark = dirMark
		default:
			continue
		}
		if c.place[mark] != "" {
			return nil, fmt.Errorf("the link has more parts than expected: %q", args)
		}
		c.place[mark] = fmt.Sprintf("${%d}", i+1)
		c.marked[i] = mark
	}
	if len(c.place) != 3 {
		return nil, fmt.Errorf("the link has other parts than expected: %q", args)
	}
	return c, nil
}

// fill converts a word with marks to a word of the shell.
func (c *linkCall) fill(word string) string {
	text := ShellQuote(word)
	for mark, arg := range c.place {
		text = strings.ReplaceAll(text, mark, `'"`+arg+`"'`)
	}
	return text
}

// sameTest returns a shell test that all other arguments are as recorded.
func (c *linkCall) sameTest() string {
	var same []string
	for i, arg := range c.marked {
		if arg == c.args[i] {
			same = append(same, fmt.Sprintf("\"${%d}\" = %s", i+1, ShellQuote(arg)))
		}
	}
	return fmt.Sprintf("[ $# = %d ] && [ %s ]", len(c.args), strings.Join(same, " ] && [ "))
}

// ldCommand returns the case of the script that links: it runs the program that the compiler runs for the same
// arguments, without the plugin for link-time optimisation.
func (b *Builder) ldCommand(ctx context.Context, args []string) (string, error) {
	call, err := markCall(args)
	if err != nil {
		return "", err
	}
	words, err := b.collectWords(ctx, call)
	if err != nil {
		return "", err
	}
	ld, err := b.compiler(ctx, b.cfg.Dir, "-print-prog-name=ld")
	if err != nil {
		return "", err
	}
	line := ShellQuote(strings.TrimSpace(string(ld)))
	for i := 0; i < len(words); i++ {
		if words[i] == "-plugin" {
			i++
			continue
		}
		if strings.HasPrefix(words[i], "-plugin-opt=") {
			continue
		}
		line += " " + call.fill(words[i])
	}
	return fmt.Sprintf("-l*)\n\tif %s; then\n\t\t%s && exit 0\n\t\techo 'extld: ld failed, the compiler tries'\n\tfi ;;\n", call.sameTest(), line), nil
}

// collectWords returns the arguments that the compiler passes to collect2, its front end of ld, for a call.
func (b *Builder) collectWords(ctx context.Context, call *linkCall) ([]string, error) {
	cmd := CompilerCommand(ctx, append([]string{"-###"}, call.marked...)...)
	cmd.Env = append(slices.Clone(b.env), "LC_ALL=C")
	said, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s -###: %w", compilerText(), err)
	}
	var words []string
	for line := range strings.Lines(string(said)) {
		if w := dryRunWords(line); len(w) > 0 && strings.Contains(line, objMark) && !strings.HasPrefix(line, "COLLECT") {
			words = w
		}
	}
	if len(words) == 0 || filepath.Base(words[0]) != "collect2" {
		return nil, fmt.Errorf("%s -### shows no call of collect2", compilerText())
	}
	return words[1:], nil
}

// dryRunWords splits a line of gcc -### into words. Words with other than plain characters are in double quotes.
func dryRunWords(line string) (words []string) {
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimLeft(rest, " ") {
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			word, err := strconv.Unquote(quoted)
			if err != nil {
				return nil
			}
			words, rest = append(words, word), rest[len(quoted):]
			continue
		}
		word, more, _ := strings.Cut(rest, " ")
		words, rest = append(words, word), more
	}
	return words
}

// ShellQuote quotes a word for a POSIX shell.
func ShellQuote(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// logLines logs the output of a tool that succeeded.
func (b *Builder) logLines(tool string, out []byte) {
	if text := bytes.TrimSpace(out); len(text) > 0 {
		b.cfg.Logf("%s: %s", tool, text)
	}
}
