//go:build linux

package session

import (
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// importPlace matches the text before the path of an import.
var importPlace = regexp.MustCompile(`(?:^|\n)\s*import\s+(?:[\pL_.][\pL\pN_]*\s+)?$|(?:^|\n)\s*import\s*\((?:\s*(?:[\pL_.][\pL\pN_]*\s+)?"[^"\n]*"\s*;?)*\s*(?:[\pL_.][\pL\pN_]*\s+)?$`)

// importPaths returns the paths of the packages that cells may import, as far as they begin with typed.
func (s *Session) importPaths(typed string) (all []Candidate) {
	var paths []string
	for _, p := range s.packages() {
		paths = append(paths, s.b.ByName(p.Text)...)
	}
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		if strings.HasPrefix(path, typed) {
			all = append(all, Candidate{Text: path, Kind: "import"})
		}
	}
	return all
}

// noWords reports whether nothing can be completed at the end of code: in a comment or a rune literal.
func noWords(code string) bool {
	var scan quoteScan
	scan.text(code)
	return scan.quote == '/' || scan.quote == '*' || scan.quote == '\''
}

// arguments lists the possible texts of the word before the cursor on a line that is a command, behind its first
// word: names of the session for %rm and %who, variables of the environment for %env and behind a $, otherwise names of
// files. The lines of a %%bash cell are commands, too. ok is false on other lines.
func (s *Session) arguments(code string, cursor int) (start int, all []Candidate, ok bool) {
	m := splitMagic(code)
	lineStart := strings.LastIndexByte(code[:cursor], '\n') + 1
	line := strings.TrimLeft(code[lineStart:cursor], " \t")
	isCommand := strings.HasPrefix(line, "!") || strings.HasPrefix(line, "%")
	inScript := lineStart > 0 && isShellScript(m.cellMagic)
	if !inScript && (!isCommand || m.cellMagic != "" && lineStart > 0 || m.cellMagic == "" && !onMagicLine(m.code, code, cursor)) {
		return 0, nil, false
	}
	word := lastWord(line)
	if word.start == 0 && !strings.HasPrefix(word.text, "$") && !(inScript && strings.Contains(word.text, "/")) {
		return cursor, nil, true // the command itself
	}
	start = lineStart + strings.Index(code[lineStart:cursor], line) + word.start
	if strings.HasPrefix(word.text, "$") {
		return start, beginning(s.variables("$"), word.text), true
	}
	name, rest, _ := strings.Cut(line, " ")
	if inScript {
		name = "" // a command that is called like a magic
	}
	switch strings.TrimLeft(name, "%") {
	case "rm", "who", "whos", "who_ls", "del", "xdel", "pinfo", "pinfo2", "pdoc", "psource":
		all = beginning(s.declared(""), word.text)
	case "exec":
		all = beginning(s.declared("func"), word.text)
	case "env", "set_env":
		if strings.Contains(rest, "=") {
			return start, word.written(s.files(word.text)), true
		}
		all = beginning(s.variables(""), word.text)
	case "cd":
		noFolder := func(c Candidate) bool { return !strings.HasSuffix(c.Text, string(os.PathSeparator)) }
		all = word.written(slices.DeleteFunc(s.files(word.text), noFolder))
	case "history", "hist", "rerun", "recall", "rep", "reset": // numbers of cells
	default:
		all = word.written(s.files(word.text))
	}
	return start, all, true
}

// isShellScript reports whether a cell with such a first line is a script of a shell.
func isShellScript(cellMagic string) bool {
	name, args := cutWord(cellMagic)
	program, _ := cutWord(args)
	return name == "%%bash" || name == "%%sh" || name == "%%script" && slices.Contains([]string{"bash", "sh", "zsh"}, path.Base(program))
}

// variables returns the names of the environment's variables, each behind a sign.
func (s *Session) variables(sign string) (all []Candidate) {
	for _, kv := range s.env.list() {
		name, _, _ := strings.Cut(kv, "=")
		all = append(all, Candidate{Text: sign + name, Kind: "var"})
	}
	return all
}

// declared returns the session's names of one kind, or of all kinds if it is empty.
func (s *Session) declared(kind string) (all []Candidate) {
	for _, n := range s.names.list(nil) {
		if kind == "" || n.Kind == kind {
			all = append(all, Candidate{Text: n.Name, Kind: n.Kind, Detail: n.Type})
		}
	}
	return all
}

// argument is the last word of a command line, as a shell separates words.
type argument struct {
	start  int    // offset in the line, behind an opening quote
	text   string // without quotes and escapes
	quoted bool   // its quote is still open
}

// lastWord returns the last word of a line; it is empty behind a blank. Blanks within quotes, or behind a backslash,
// and signs other than blanks and = belong to a word.
func lastWord(line string) (a argument) {
	var text []byte
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote == 0 && (c == ' ' || c == '\t' || c == '='):
			a.start, text = i+1, nil
		case c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, a.start, text = c, i+1, nil
		case quote == 0 && c == '\\' && i+1 < len(line):
			i++
			text = append(text, line[i])
		default:
			text = append(text, c)
		}
	}
	a.text, a.quoted = string(text), quote != 0
	return a
}

// written returns file names as they must be written in the word: with a backslash before blanks and quotes, unless the
// word is in quotes.
func (a argument) written(files []Candidate) []Candidate {
	if !a.quoted {
		for i := range files {
			files[i].Text = special.ReplaceAllString(files[i].Text, `\$0`)
		}
	}
	return files
}

// special matches the characters that separate words or begin quotes.
var special = regexp.MustCompile(`[ \t"'\\]`)
