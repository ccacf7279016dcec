package language

import (
	"context"
	"fmt"
	"go/token"
	"go/types"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Source shows the session to a language server.
type Source interface {
	// SourceDir is a module's folder in which the file that CompletionFile returns
	// type-checks; empty while there is none.
	SourceDir() string
	// CompletionFile returns a Go file that contains code and sees the session's
	// names, and where in it is what is at byte offset cursor of code; -1 when that
	// is no Go code.
	CompletionFile(code string, cursor int) (src []byte, offset int)
	// Names returns the session's names.
	Names() []Name
}

// Name is a name that a cell declared.
type Name struct {
	// Name and Type are as in Go.
	Name, Type string
	// Kind is "var", "const", "type", "func", "method" or "import".
	Kind string
	// Cell is the number of the cell; Stale says why the name can't be used now.
	Cell  int
	Stale string
}

// Command is a line that is no Go.
type Command struct {
	// Name is with its % or %%; Args is what may stand behind it; Help is a line.
	Name, Args, Help string
}

// Config says how to get answers.
type Config struct {
	// Source is the session.
	Source Source
	// Gopls is the program; empty means that there is none.
	Gopls string
	// Env is its environment.
	Env []string
	// Commands are what a line may begin with instead of Go.
	Commands []Command
	// Logf gets a line about what a user does not see; may be nil.
	Logf func(format string, args ...any)
}

// Completion lists texts to insert in place of the code from Start to End, which
// count code points. Kinds and Details have one entry for each of Matches.
type Completion struct {
	Matches, Kinds, Details []string
	Start, End              int
}

// Service answers questions about code. It is safe for concurrent use.
type Service struct {
	cfg  Config
	turn chan struct{}   // held by who talks to gopls
	life context.Context // until Close; gopls lives as long
	stop context.CancelFunc

	mu       sync.Mutex
	server   *server
	starting chan struct{} // closed when the start that is under way has ended
	failures int
}

// maxFailures is how often gopls is started again.
const maxFailures = 3

// startTime is the limit for loading the workspace.
const startTime = 2 * time.Minute

// New makes a service; nothing is started yet.
func New(cfg Config) *Service {
	if cfg.Logf == nil {
		cfg.Logf = func(string, ...any) {}
	}
	life, stop := context.WithCancel(context.Background())
	return &Service{cfg: cfg, turn: make(chan struct{}, 1), life: life, stop: stop}
}

// Start starts gopls, unless it runs, and does not wait.
func (s *Service) Start() { s.begin() }

// begin returns a channel that is closed once gopls runs or has failed.
func (s *Service) begin() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		select {
		case <-s.server.gone:
			s.cfg.Logf("gopls has ended: %v", s.server.cmd.ProcessState)
			s.server = nil
			s.failures++
		default:
		}
	}
	if s.starting != nil {
		return s.starting
	}
	started := make(chan struct{})
	dir := s.cfg.Source.SourceDir()
	if s.server != nil || s.life.Err() != nil || s.cfg.Gopls == "" || s.failures >= maxFailures || dir == "" {
		close(started)
		return started
	}
	s.starting = started
	go func() {
		ctx, cancel := context.WithTimeout(s.life, startTime)
		defer cancel()
		server, err := startServer(ctx, s.life, s.cfg.Gopls, dir, s.cfg.Env)
		if err == nil {
			// The first question makes gopls load and type-check.
			if text, offset := s.cfg.Source.CompletionFile("fmt.", 4); offset >= 0 {
				if err = server.show(ctx, text); err == nil {
					_, err = server.complete(ctx, text, offset)
				}
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.starting = nil
		defer close(started)
		if err != nil {
			s.failures++
			s.cfg.Logf("no gopls: %v", err)
			if server != nil {
				server.close()
			}
			return
		}
		if s.life.Err() != nil {
			server.close()
			return
		}
		s.server = server
	}()
	return started
}

// Close ends gopls, also one that is just starting: at once, since Jupyter gives
// a kernel few seconds to end and gopls has nothing to save.
func (s *Service) Close() {
	s.stop()
	s.mu.Lock()
	starting := s.starting
	s.mu.Unlock()
	if starting != nil {
		<-starting
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		s.server.close()
		s.server = nil
	}
}

// with runs f with gopls, alone, if gopls is there before ctx ends.
func (s *Service) with(ctx context.Context, f func(*server) error) bool {
	select {
	case <-s.begin():
	case <-ctx.Done():
		return false
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return false
	}
	s.mu.Lock()
	server := s.server
	s.mu.Unlock()
	if server == nil {
		return false
	}
	err := f(server)
	if err != nil {
		s.cfg.Logf("gopls: %v", err)
	}
	return err == nil
}

// Complete lists what may stand at a cursor, a position in code points.
func (s *Service) Complete(ctx context.Context, code string, cursor int) Completion {
	offset := byteOffset(code, cursor)
	start, end := wordBounds(code, offset)
	c := Completion{Start: utf8.RuneCountInString(code[:start]), End: cursor}
	if commands, ok := s.commands(code, offset); ok {
		for _, cmd := range commands {
			c.Matches, c.Kinds, c.Details = append(c.Matches, strings.TrimLeft(cmd.Name, "%")), append(c.Kinds, "magic"),
				append(c.Details, strings.TrimSpace(cmd.Args+" "+cmd.Help))
		}
		return c
	}
	text, at := s.cfg.Source.CompletionFile(code, offset)
	if at < 0 {
		return c
	}
	var items []item
	if s.with(ctx, func(server *server) (err error) {
		if err = server.show(ctx, text); err == nil {
			items, err = server.complete(ctx, text, at)
		}
		return err
	}) {
		c.addItems(items, position(text, at-(offset-start)).Character)
	}
	if len(c.Matches) == 0 && !afterDot(code, start) {
		c.addKnown(code[start:offset], s.cfg.Source.Names())
	}
	// A word that goes on after the cursor is replaced whole if a match is that word.
	if end > offset && slices.Contains(c.Matches, code[start:end]) {
		c.End = utf8.RuneCountInString(code[:end])
	}
	return c
}

// addItems takes gopls's items whose edit begins at the word's column.
func (c *Completion) addItems(items []item, column uint32) {
	seen := map[string]bool{}
	for _, it := range items {
		text := it.Label
		if it.TextEdit != nil {
			if it.TextEdit.Range.Start.Character != column {
				continue
			}
			text = it.TextEdit.NewText
		}
		if text == "" || seen[text] {
			continue
		}
		seen[text] = true
		c.Matches = append(c.Matches, text)
		c.Kinds = append(c.Kinds, kindName(it.Kind))
		c.Details = append(c.Details, it.Detail)
	}
}

// addKnown adds what begins with prefix and is known without gopls.
func (c *Completion) addKnown(prefix string, names []Name) {
	type known struct{ text, kind, detail string }
	var all []known
	for _, n := range names {
		if n.Kind != "method" && n.Stale == "" {
			all = append(all, known{n.Name, jupyterKind(n.Kind), n.Type})
		}
	}
	for t := token.BREAK; t <= token.VAR; t++ {
		all = append(all, known{t.String(), "keyword", ""})
	}
	for _, name := range types.Universe.Names() {
		all = append(all, known{name, "instance", ""})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].text < all[j].text })
	for _, k := range all {
		if strings.HasPrefix(k.text, prefix) && (len(c.Matches) == 0 || c.Matches[len(c.Matches)-1] != k.text) {
			c.Matches, c.Kinds, c.Details = append(c.Matches, k.text), append(c.Kinds, k.kind), append(c.Details, k.detail)
		}
	}
}

// commands lists the kernel's commands when the cursor is in the first word of a
// line that begins with %.
func (s *Service) commands(code string, offset int) (matches []Command, ok bool) {
	word := strings.TrimLeft(code[strings.LastIndexByte(code[:offset], '\n')+1:offset], " \t")
	if !strings.HasPrefix(word, "%") || strings.ContainsAny(word, " \t") {
		return nil, false
	}
	for _, c := range s.cfg.Commands {
		if strings.HasPrefix(c.Name, word) && strings.Count(c.Name, "%") == strings.Count(word, "%") {
			matches = append(matches, c)
		}
	}
	return matches, true
}

// Inspect describes what is at the cursor as text/plain and text/markdown; nil
// when nothing is known. Behind an opening parenthesis it is the function's turn.
func (s *Service) Inspect(ctx context.Context, code string, cursor, detail int) map[string]any {
	offset := byteOffset(code, cursor)
	text, at := s.cfg.Source.CompletionFile(code, offset)
	if at < 0 {
		return nil
	}
	places := []int{offset}
	if call := enclosingCall(code, offset); call >= 0 {
		places = append(places, call)
	}
	var markdown string
	s.with(ctx, func(server *server) error {
		if err := server.show(ctx, text); err != nil {
			return err
		}
		for _, place := range places {
			start, end := wordBounds(code, place)
			if start == end {
				continue
			}
			var err error
			// In the word, not behind it.
			if markdown, err = server.hover(ctx, text, at-(offset-start)); err != nil || markdown != "" {
				return err
			}
		}
		return nil
	})
	if markdown == "" {
		for _, place := range places {
			start, end := wordBounds(code, place)
			if markdown = s.describe(code[start:end]); markdown != "" && !afterDot(code, start) {
				break
			}
			markdown = ""
		}
	}
	if markdown == "" {
		return nil
	}
	return map[string]any{"text/markdown": markdown, "text/plain": plain(markdown)}
}

// describe says what the session knows of a name.
func (s *Service) describe(word string) string {
	for _, n := range s.cfg.Source.Names() {
		if n.Name != word {
			continue
		}
		text := fmt.Sprintf("```go\n%s %s %s\n```\n\ndeclared in cell %d", n.Kind, n.Name, n.Type, n.Cell)
		if n.Stale != "" {
			text += "; " + n.Stale
		}
		return text
	}
	return ""
}

// plain is markdown as a terminal shows it.
func plain(markdown string) string {
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

// unescape takes back what gopls escapes for markdown.
var unescape = strings.NewReplacer(`\_`, "_", `\*`, "*", "\\`", "`", `\[`, "[", `\]`, "]", `\(`, "(", `\)`, ")", `\#`, "#", `\+`, "+",
	`\-`, "-", `\.`, ".", `\!`, "!", `\<`, "<", `\>`, ">", `\|`, "|", `\{`, "{", `\}`, "}", `\\`, `\`, "&lt;", "<", "&gt;", ">", "&amp;", "&")

// byteOffset is where a position in code points is in bytes.
func byteOffset(code string, cursor int) int {
	for i := range code {
		if cursor <= 0 {
			return i
		}
		cursor--
	}
	return len(code)
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// wordBounds is the identifier around or just before a byte offset.
func wordBounds(code string, offset int) (start, end int) {
	start, end = offset, offset
	for start > 0 {
		r, n := utf8.DecodeLastRuneInString(code[:start])
		if !isWord(r) {
			break
		}
		start -= n
	}
	for end < len(code) {
		r, n := utf8.DecodeRuneInString(code[end:])
		if !isWord(r) {
			break
		}
		end += n
	}
	return start, end
}

func afterDot(code string, start int) bool {
	return strings.HasSuffix(strings.TrimRight(code[:start], " \t"), ".")
}

// enclosingCall returns the offset of the name before the innermost parenthesis
// that is open at offset, -1 when there is none.
func enclosingCall(code string, offset int) int {
	depth := 0
	for i := offset - 1; i >= 0; i-- {
		switch code[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth < 0 {
				return len(strings.TrimRight(code[:i], " \t"))
			}
		}
	}
	return -1
}

// jupyterKind is a kind of ours in the words that JupyterLab has icons for.
func jupyterKind(kind string) string {
	switch kind {
	case "func", "method":
		return "function"
	case "import":
		return "module"
	case "type":
		return "class"
	}
	return "instance"
}

// kindName is a CompletionItemKind of the language server protocol in those words.
func kindName(kind int) string {
	switch kind {
	case 2, 3, 4:
		return "function"
	case 9:
		return "module"
	case 7, 8, 22, 25:
		return "class"
	case 14:
		return "keyword"
	case 5, 10:
		return "property"
	}
	return "instance"
}
