//go:build linux

package session

import (
	"regexp"
	"strings"
)

// A hint shows people who come from Python (or C, or JavaScript) the Go form of what they wrote. It is added to the
// error, which stays.
type hint struct {
	line *regexp.Regexp // pattern of the line; nil: any
	msg  *regexp.Regexp // pattern of the message
	text string         // $1 is the group captured by line, or by msg if line is nil
	raw  bool           // the pattern is also about what stands in quotes and comments
	same bool           // the first two groups of the message's pattern must be equal
}

// syntaxMessage matches the messages about text that is no Go.
var syntaxMessage = regexp.MustCompile(`^(expected|missing|illegal|unexpected|curly|string literal|rune literal|more than one|newline|.* not terminated|cannot indirect|invalid operation: cannot indirect|import path)`)

// when is a hint for a line that is no Go.
func when(line, text string) hint {
	return hint{line: regexp.MustCompile(line), msg: syntaxMessage, text: text}
}

// quotedAs is a hint for a line that is no Go because of its quotes.
func quotedAs(line, text string) hint {
	return hint{line: regexp.MustCompile(line), msg: syntaxMessage, text: text, raw: true}
}

// says is a hint for a message, whatever the line.
func says(msg, text string) hint { return hint{msg: regexp.MustCompile(msg), text: text} }

// both is a hint for a message about a certain line.
func both(msg, line, text string) hint {
	return hint{line: regexp.MustCompile(line), msg: regexp.MustCompile(msg), text: text}
}

// hintFor returns the hint that fits an error on a line, or "".
func hintFor(msg, line string) string {
	name, undefined := strings.CutPrefix(msg, "undefined: ")
	name, _, _ = strings.Cut(name, " ")
	if other := otherNames[name]; undefined && other != "" {
		return "in Go: " + other
	}
	code := withoutText(line)
	for _, h := range hints {
		switch {
		case !h.msg.MatchString(msg):
		case h.same && !sameGroups(h.msg.FindStringSubmatch(msg)):
		case h.line == nil:
			return string(h.msg.ExpandString(nil, h.text, msg, h.msg.FindStringSubmatchIndex(msg)))
		case h.raw:
			if m := h.line.FindStringSubmatchIndex(line); m != nil {
				return string(h.line.ExpandString(nil, h.text, line, m))
			}
		default:
			if m := h.line.FindStringSubmatchIndex(code); m != nil {
				return string(h.line.ExpandString(nil, h.text, line, m))
			}
		}
	}
	if undefined {
		return undeclaredHint(name, line)
	}
	return ""
}

func sameGroups(groups []string) bool { return groups[1] == groups[2] }

// undeclaredHint is the hint for a line that gives a value to a name that is not declared, or uses it in its own
// declaration.
func undeclaredHint(name, line string) string {
	quoted := regexp.QuoteMeta(name)
	if regexp.MustCompile(`^\s*` + quoted + `\s*:=\s*func\(`).MatchString(line) {
		return "a function that calls itself is declared with func " + name + "(...) { ... }"
	}
	if sends := regexp.MustCompile(`^\s*` + quoted + `\s*<-\s*(.+?)\s*$`).FindStringSubmatch(line); sends != nil {
		return "<- sends to a channel; a variable is declared with " + name + " := " + sends[1]
	}
	names := `((?:\w+\s*,\s*)*` + quoted + `(?:\s*,\s*\w+)*)`
	left := regexp.MustCompile(`(?:^|[;{])\s*(?:for\s+|if\s+)?` + names + `\s*=[^=]`).FindStringSubmatch(line)
	switch {
	case left == nil && regexp.MustCompile(`(?:^|[;{])\s*`+quoted+`\s*(?:\+\+|--|[-+*/%]=)`).MatchString(line):
		return "a new variable is declared first: " + name + " := value"
	case left == nil:
		return ""
	case strings.Contains(left[1], ","):
		return "new variables are declared with " + left[1] + " := values"
	}
	return "a new variable is declared with " + name + " := value"
}

// text matches a string, character or comment of a line, also one that does not end on it.
var text = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"?|`[^`]*`?|'(?:[^'\\\\]|\\\\.)*'|//.*|/\\*.*?(?:\\*/|$)")

// withoutText returns the line with a blank for each byte of its strings and comments, but for the quotes: hints are
// about the code. Offsets stay.
func withoutText(line string) string {
	return text.ReplaceAllStringFunc(line, func(t string) string {
		if t[0] == '/' {
			return strings.Repeat(" ", len(t))
		}
		return t[:1] + strings.Repeat("_", max(0, len(t)-2)) + t[max(1, len(t)-1):]
	})
}

// withHint returns the message with the hint that fits, if there is one.
func withHint(msg, line string) string {
	if text := hintFor(msg, line); text != "" && !strings.Contains(msg, "did you mean") {
		msg = strings.TrimSuffix(msg, " (missing parentheses around composite literal?)") // the parser's guess
		return msg + " (" + text + ")"
	}
	return msg
}
