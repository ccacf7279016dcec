//go:build linux

package session

import (
	"regexp"
	"strconv"
	"strings"
)

// cutWord separates the first word of a line from the rest, and removes blanks around the rest.
func cutWord(line string) (word, rest string) {
	if i := strings.IndexAny(line, " \t\n"); i >= 0 {
		return line[:i], strings.TrimSpace(line[i:])
	}
	return line, ""
}

// argPattern is an argument: blanks separate it from the next unless they are quoted.
var (
	argPattern   = regexp.MustCompile(`(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s"']|["'])+`)
	quotePattern = regexp.MustCompile(`"(?:\\.|[^"\\])*"|'[^']*'`)
)

// splitArgs cuts a line into arguments as a shell does with quotes.
func splitArgs(text string) []string {
	var args []string
	for _, f := range argPattern.FindAllString(text, -1) {
		args = append(args, quotePattern.ReplaceAllStringFunc(f, unquote))
	}
	return args
}

// unquote removes a pair of quotes around the whole text, or those in a word, as a shell does.
func unquote(text string) string {
	if words := argPattern.FindAllString(text, -1); len(words) == 1 && words[0] == text && quotePattern.FindString(text) != text {
		return quotePattern.ReplaceAllStringFunc(text, unquote)
	}
	if u, err := strconv.Unquote(text); err == nil && text[0] == '"' {
		return u
	}
	if n := len(text); n > 1 && (text[0] == '\'' || text[0] == '"') && text[n-1] == text[0] {
		return text[1 : n-1]
	}
	return text
}
