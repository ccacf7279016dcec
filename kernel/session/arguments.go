//go:build linux

package session

import (
	"os"
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

// arguments lists the possible texts of the word before the cursor on a line that is a command, behind its first word:
// names of the session for %rm and %who, variables of the environment for %env, otherwise names of files. ok is false on
// other lines.
func (s *Session) arguments(code string, cursor int) (start int, all []Candidate, ok bool) {
	m := splitMagic(code)
	lineStart := strings.LastIndexByte(code[:cursor], '\n') + 1
	line := strings.TrimLeft(code[lineStart:cursor], " \t")
	isCommand := strings.HasPrefix(line, "!") || strings.HasPrefix(line, "%")
	if !isCommand || m.cellMagic != "" && lineStart > 0 || m.cellMagic == "" && !onMagicLine(m.code, code, cursor) {
		return 0, nil, false
	}
	blank := strings.LastIndexAny(line, " \t=\"'")
	if blank < 0 {
		return cursor, nil, true // the command itself
	}
	typed := line[blank+1:]
	start = cursor - len(typed)
	command, _, _ := strings.Cut(line, " ")
	switch strings.TrimLeft(command, "%") {
	case "rm", "who", "whos", "who_ls", "del", "xdel", "pinfo", "pinfo2", "pdoc", "psource":
		for _, n := range s.names.list(nil) {
			all = append(all, Candidate{Text: n.Name, Kind: n.Kind, Detail: n.Type})
		}
		all = beginning(all, typed)
	case "env", "set_env":
		for _, kv := range s.env.list() {
			name, _, _ := strings.Cut(kv, "=")
			all = append(all, Candidate{Text: name, Kind: "var"})
		}
		all = beginning(all, typed)
	case "cd":
		all = slices.DeleteFunc(s.files(typed), func(c Candidate) bool { return !strings.HasSuffix(c.Text, string(os.PathSeparator)) })
	default:
		all = s.files(typed)
	}
	return start, all, true
}
