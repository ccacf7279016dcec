package language

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/keyword"
)

// command returns the description of the command in the line of the cursor, if the cursor is in or behind its name.
func (s *Service) command(code string, offset int) string {
	start := strings.LastIndexByte(code[:offset], '\n') + 1
	line, _, _ := strings.Cut(code[start:], "\n")
	words := strings.Fields(line)
	if len(words) == 0 || !strings.HasPrefix(words[0], "%") {
		return ""
	}
	for _, c := range s.cfg.Commands {
		if c.Name == words[0] {
			return fmt.Sprintf("```text\n%s\n```\n\n%s", strings.TrimSpace(c.Name+" "+c.Args), c.Help)
		}
	}
	return ""
}

// Inspect describes the code at the cursor as text/plain and text/markdown; nil if nothing is known. Inside the
// parentheses of a call it also considers the called function.
func (s *Service) Inspect(ctx context.Context, code string, cursor int) map[string]any {
	offset := byteOffset(code, cursor)
	if _, at := s.cfg.Source.CompletionFile(code, offset); at < 0 {
		return inspection(s.command(code, offset))
	}
	if start, end := wordBounds(code, offset); !afterDot(code, start) && keyword.Example(code[start:end]) != "" {
		return inspection("```go\n" + keyword.Example(code[start:end]) + "\n```")
	}
	places := []int{offset}
	if call := enclosingCall(code, offset); call >= 0 {
		places = append(places, call)
	}
	var markdown string
	if s.ready() {
		soon, cancel := context.WithTimeout(ctx, hoverTime)
		markdown = s.hover(soon, code, places)
		cancel()
	}
	for _, place := range places {
		if markdown == "" {
			markdown = s.describe(ctx, code, place)
		}
	}
	if markdown == "" && s.with(ctx, func(*server) error { return nil }) {
		markdown = s.hover(ctx, code, places)
	}
	return inspection(markdown)
}

// inspection returns a description in the forms that Jupyter shows; nil if there is none.
func inspection(markdown string) map[string]any {
	if markdown == "" {
		return nil
	}
	markdown = localLink.ReplaceAllString(markdown, "$1")
	return map[string]any{"text/markdown": markdown, "text/plain": terminalText(markdown)}
}

// localLink matches a link to a file of this machine, which a page can't open.
var localLink = regexp.MustCompile(`\[([^\[\]]*)\]\(file://[^)]*\)`)

// hoverTime is the time after which the session describes what gopls does not in time.
const hoverTime = 400 * time.Millisecond

// hover returns gopls's description of the first of the places that has one. For a Must form, it adds the documentation
// of the function that the form stands for.
func (s *Service) hover(ctx context.Context, code string, places []int) (markdown string) {
	for _, place := range places {
		start, end := wordBounds(code, place)
		if start == end {
			continue
		}
		if markdown = s.hoverAt(ctx, code, start); markdown == "" {
			continue
		}
		if twin, ok := strings.CutPrefix(code[start:end], "Must"); ok && twin != "" {
			if more := s.hoverAt(ctx, code[:start]+twin+code[end:], start); more != "" {
				markdown += "\n\n---\n\n" + more
			}
		}
		return markdown
	}
	return ""
}

// hoverAt returns gopls's description of the word that begins at an offset.
func (s *Service) hoverAt(ctx context.Context, code string, start int) (markdown string) {
	text, at := s.cfg.Source.CompletionFile(code, start)
	if at < 0 {
		return ""
	}
	s.with(ctx, func(server *server) error {
		err := server.show(ctx, text)
		if err == nil {
			markdown, err = server.hover(ctx, text, at)
		}
		return err
	})
	return markdown
}

// describe returns the session's description of the name at a place.
func (s *Service) describe(ctx context.Context, code string, place int) string {
	start, end := wordBounds(code, place)
	if start == end {
		return ""
	}
	if !afterDot(code, start) {
		if text := s.describeName(ctx, code[start:end]); text != "" {
			return text
		}
	}
	if text := s.cfg.Source.Describe(ctx, selectorBefore(code, start)+code[start:end]); text != "" {
		return "```text\n" + text + "\n```"
	}
	return ""
}

// describeName returns the session's description of a name.
func (s *Service) describeName(ctx context.Context, word string) string {
	for _, n := range s.cfg.Source.Names() {
		if n.Name != word {
			continue
		}
		if text := s.cfg.Source.Describe(ctx, word); text != "" && n.Stale == "" { // with the comment of its declaration
			return "```go\n" + text + "\n```"
		}
		text := fmt.Sprintf("```go\n%s %s %s\n```\n\ndeclared in cell %d", n.Kind, n.Name, n.Type, n.Cell)
		if n.Stale != "" {
			text += "; " + n.Stale
		}
		return text
	}
	return ""
}

// terminalText returns markdown as a terminal shows it.
func terminalText(markdown string) string {
	var lines []string
	for _, line := range strings.Split(markdown, "\n") {
		if strings.HasPrefix(line, "```") || strings.TrimSpace(line) == "---" {
			continue
		}
		if line == "" && (len(lines) == 0 || lines[len(lines)-1] == "") {
			continue
		}
		lines = append(lines, unescape.Replace(line))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// unescape undoes gopls's escapes for markdown.
var unescape = strings.NewReplacer(`\_`, "_", `\*`, "*", "\\`", "`", `\[`, "[", `\]`, "]", `\(`, "(", `\)`, ")", `\#`, "#", `\+`, "+",
	`\-`, "-", `\.`, ".", `\!`, "!", `\<`, "<", `\>`, ">", `\|`, "|", `\{`, "{", `\}`, "}", `\\`, `\`, "&lt;", "<", "&gt;", ">", "&amp;", "&")
