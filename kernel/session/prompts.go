//go:build linux

package session

import (
	"regexp"
	"strings"
)

// Text that was copied from a session of Python, IPython or Jupyter, with its prompts. Go has nothing that begins so.
var (
	copied  = regexp.MustCompile(`^\s*(?:>>>(?: |\n|$)|In \[\d*\]: ?)`)
	prompts = regexp.MustCompile(`(?m)^[ \t]*(?:>>>(?: |$)|\.\.\.(?: |$)|In \[\d*\]: ?|\.\.\.+: ?)`)
)

// cellText returns the text of a cell as it is compiled: without a byte order mark, with the line ends of Unix, and
// with blanks in place of prompts, so that lines and columns in messages are those of the cell.
func cellText(code string) string {
	code = strings.ReplaceAll(strings.TrimPrefix(code, "\ufeff"), "\r\n", "\n")
	if !copied.MatchString(code) {
		return code
	}
	return prompts.ReplaceAllStringFunc(code, func(prompt string) string { return strings.Repeat(" ", len(prompt)) })
}
