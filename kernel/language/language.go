package language

import (
	"context"
	"fmt"
	"go/scanner"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"go.lsp.dev/protocol"
)

// Source shows the session to a language server.
type Source interface {
	// SourceDir returns the folder of a module in which the file from CompletionFile type-checks; empty while there is
	// none.
	SourceDir() string
	// CompletionFile returns a Go file that contains code and sees the session's names, and the offset in that file
	// that corresponds to byte offset cursor of code; -1 if there is no Go code at cursor.
	CompletionFile(code string, cursor int) (src []byte, offset int)
	// Names returns the session's names.
	Names() []Name
	// Candidates lists the texts known to the session that fit at a byte offset, and the offset at which they begin.
	Candidates(ctx context.Context, code string, cursor int) (start int, all []Candidate)
	// Words does the same inside a string; ok is false elsewhere.
	Words(ctx context.Context, code string, cursor int) (start int, all []Candidate, ok bool)
	// Describe returns a description of a name or pkg.Name; empty if it is not known.
	Describe(ctx context.Context, name string) string
}

// Candidate is a text that fits at a cursor.
type Candidate struct {
	// Text replaces the part of it that was typed. Kind is one of Name's kinds, or "field", "keyword", "word" or
	// "file". Detail is a type or signature.
	Text, Kind, Detail string
}

// Name is a name that a cell declared.
type Name struct {
	// Name and Type are as in Go.
	Name, Type string
	// Kind is "var", "const", "type", "func", "method" or "import".
	Kind string
	// Cell is the number of the cell; Stale is the reason why the name can't be used now.
	Cell  int
	Stale string
}

// Command is a line of a cell that is not Go, such as a magic.
type Command struct {
	// Name includes its % or %%; Args describes its arguments; Help is one line of help.
	Name, Args, Help string
}

// Config configures a Service.
type Config struct {
	// Source is the session.
	Source Source
	// Gopls is the program's path; empty means that there is none.
	Gopls string
	// Env is the program's environment.
	Env []string
	// Commands are the commands that a line may begin with instead of Go.
	Commands []Command
	// Logf gets a line for each event that a user does not see; may be nil.
	Logf func(format string, args ...any)
}

// Completion lists texts to insert in place of the code from Start to End, which count code points. Kinds, Details and
// Docs have one entry for each of Matches.
type Completion struct {
	Matches, Kinds, Details, Docs []string
	Start, End                    int
}

// add adds a match, unless it is already in the list.
func (c *Completion) add(text, kind, detail, doc string) {
	if text == "" || slices.Contains(c.Matches, text) {
		return
	}
	c.Matches, c.Kinds = append(c.Matches, text), append(c.Kinds, kind)
	c.Details, c.Docs = append(c.Details, detail), append(c.Docs, doc)
}

// Service completes and explains code. It is safe for concurrent use.
type Service struct {
	cfg  Config
	turn chan struct{}   // held while a request uses gopls
	life context.Context // ends with Close, and gopls with it
	stop context.CancelFunc

	mu       sync.Mutex
	server   *server
	starting chan struct{} // closed when the current start of gopls has ended
	failures int
}

// maxFailures is the number of failures after which gopls is not started again.
const maxFailures = 3

// startTime is the limit for loading the workspace.
const startTime = 2 * time.Minute

// New returns a service; it starts nothing yet.
func New(cfg Config) *Service {
	if cfg.Logf == nil {
		cfg.Logf = func(string, ...any) {}
	}
	life, stop := context.WithCancel(context.Background())
	return &Service{cfg: cfg, turn: make(chan struct{}, 1), life: life, stop: stop}
}

// Start starts gopls, unless it runs, and returns at once.
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
			err = s.warm(ctx, server)
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

// warm sends gopls its first request, about fmt and the packages that cells have imported, so that it loads and
// type-checks them.
func (s *Service) warm(ctx context.Context, server *server) error {
	code := "fmt."
	for _, n := range s.cfg.Source.Names() {
		if n.Kind == "import" && token.IsIdentifier(n.Name) {
			code = "_ = " + n.Name + ".x\n" + code
		}
	}
	text, offset := s.cfg.Source.CompletionFile(code, len(code))
	if offset < 0 {
		return nil
	}
	if err := server.show(ctx, text); err != nil {
		return err
	}
	_, err := server.complete(ctx, text, offset)
	return err
}

// Close ends gopls at once, also while it is still starting: Jupyter gives a kernel few seconds to end, and gopls has
// nothing to save.
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

// with runs f with gopls, if gopls is ready before ctx ends. Only one f runs at a time. It reports whether f ran and
// succeeded.
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

// Complete lists the texts that fit at a cursor, a position in code points.
func (s *Service) Complete(ctx context.Context, code string, cursor int) Completion {
	offset := byteOffset(code, cursor)
	start, end := wordBounds(code, offset)
	c := Completion{End: cursor}
	if commands, typed, ok := s.commands(code, offset); ok {
		for _, cmd := range commands {
			c.add(strings.TrimPrefix(cmd.Name, typed), "magic", cmd.Args, cmd.Help)
		}
		c.Start = utf8.RuneCountInString(code[:start])
		return c
	}
	if wordStart, words, ok := s.cfg.Source.Words(ctx, code, offset); ok {
		for _, w := range words {
			c.add(w.Text, jupyterKind(w.Kind), w.Detail, "")
		}
		c.Start = utf8.RuneCountInString(code[:wordStart])
		return c
	}
	c.Start = utf8.RuneCountInString(code[:start])
	text, at := s.cfg.Source.CompletionFile(code, offset)
	if at < 0 {
		return c
	}
	s.completeGo(ctx, &c, code, start, offset, text, at)
	// A word that continues after the cursor is replaced as a whole if one of the matches is that word.
	if end > offset && slices.Contains(c.Matches, code[start:end]) {
		c.End = utf8.RuneCountInString(code[:end])
	}
	return c
}

// completeGo adds the matches of gopls, if it is ready, and of the session. The session's candidates come at once, and
// are right about packages and fields.
func (s *Service) completeGo(ctx context.Context, c *Completion, code string, start, offset int, text []byte, at int) {
	own := make(chan []Candidate, 1)
	go func() {
		_, all := s.cfg.Source.Candidates(ctx, code, offset)
		own <- all
	}()
	var known []Candidate
	if !s.ready() {
		select {
		case known = <-own:
		case <-ctx.Done():
		}
	}
	if len(known) == 0 {
		var items []item
		if s.with(ctx, func(server *server) (err error) {
			if err = server.show(ctx, text); err == nil {
				items, err = server.complete(ctx, text, at)
			}
			return err
		}) {
			c.addItems(items, position(text, at-(offset-start)))
		}
	}
	if len(known) == 0 {
		select {
		case known = <-own: // also where gopls took all the time
		default:
			select {
			case known = <-own:
			case <-ctx.Done():
			}
		}
	}
	fields := start == offset && len(known) > 0 // of a literal: nothing else is likely there
	if !afterDot(code, start) && !fields && (len(c.Matches) == 0 || start < offset) {
		c.addKnown(code[start:offset], s.cfg.Source.Names())
	}
	for _, k := range known {
		c.add(k.Text, jupyterKind(k.Kind), k.Detail, "")
	}
}

// ready reports whether gopls takes requests now; it starts gopls if needed.
func (s *Service) ready() bool {
	select {
	case <-s.begin():
	default:
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server != nil
}

// addItems adds those of gopls's items that only replace the word, which begins at a position: Jupyter can apply no
// other edits.
func (c *Completion) addItems(items []item, word protocol.Position) {
	for _, it := range items {
		text := it.Label
		if it.TextEdit != nil {
			if it.TextEdit.Range.Start != word || it.TextEdit.Range.End.Line != word.Line {
				continue
			}
			text = it.TextEdit.NewText
		}
		isMain := text == "main" && it.Detail == "func()" // of the file in which gopls sees the cell
		if len(it.AdditionalTextEdits) > 0 || strings.ContainsAny(text, "\n()[]{}&*") || strings.Contains(it.Detail, "/internal/") || hook(text) || isMain {
			continue
		}
		c.add(text, kindName(it.Kind), it.Detail, it.doc())
	}
}

// hook reports whether a name is meant for the kernel, not for users.
func hook(name string) bool { return name == "NotebookWords" || name == "NotebookHelp" }

// addKnown adds the names that begin with prefix and are known without gopls.
func (c *Completion) addKnown(prefix string, names []Name) {
	type known struct{ text, kind, detail string }
	var all []known
	for _, n := range names {
		if token.IsIdentifier(n.Name) && n.Stale == "" { // not methods and dot imports
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
		if strings.HasPrefix(k.text, prefix) {
			c.add(k.text, k.kind, k.detail, "")
		}
	}
}

// commands lists the kernel's commands if the cursor is in the first word of a line that begins with %. typed are the
// signs % that are there. In a cell's first line, a single one may become the two of a command for the whole cell.
func (s *Service) commands(code string, offset int) (matches []Command, typed string, ok bool) {
	before := code[:strings.LastIndexByte(code[:offset], '\n')+1]
	word := strings.TrimLeft(code[len(before):offset], " \t")
	if !strings.HasPrefix(word, "%") || strings.ContainsAny(word, " \t") {
		return nil, "", false
	}
	name := strings.TrimLeft(word, "%")
	typed = word[:len(word)-len(name)]
	first := strings.TrimSpace(before) == ""
	for _, signs := range []string{typed, typed + "%"} {
		for _, c := range s.cfg.Commands {
			fits := strings.HasPrefix(c.Name, signs+name) && strings.Count(c.Name, "%") == len(signs)
			if fits && (signs == typed || first && name != "") {
				matches = append(matches, c)
			}
		}
	}
	return matches, typed, true
}

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
	if start, end := wordBounds(code, offset); !afterDot(code, start) && keywords[code[start:end]] != "" {
		return inspection("```go\n" + keywords[code[start:end]] + "\n```")
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
	return map[string]any{"text/markdown": markdown, "text/plain": plain(markdown)}
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

// selectorBefore returns the names and dots before the word that begins at start.
func selectorBefore(code string, start int) string {
	at := start
	for at > 0 && (code[at-1] == '.' || at < start && isWord(rune(code[at-1]))) {
		at--
	}
	return code[at:start]
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

// plain returns markdown as a terminal shows it.
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

// unescape undoes gopls's escapes for markdown.
var unescape = strings.NewReplacer(`\_`, "_", `\*`, "*", "\\`", "`", `\[`, "[", `\]`, "]", `\(`, "(", `\)`, ")", `\#`, "#", `\+`, "+",
	`\-`, "-", `\.`, ".", `\!`, "!", `\<`, "<", `\>`, ">", `\|`, "|", `\{`, "{", `\}`, "}", `\\`, `\`, "&lt;", "<", "&gt;", ">", "&amp;", "&")

// byteOffset converts a position in code points to one in bytes.
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

// wordBounds returns the bounds of the identifier around or just before a byte offset.
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
	return strings.HasSuffix(strings.TrimRight(code[:start], " \t\r\n"), ".")
}

// enclosingCall returns the end of the name before the innermost parenthesis that is open at offset; -1 if there is
// none.
func enclosingCall(code string, offset int) int {
	var open []int // offsets of parentheses, without those in strings and comments
	var sc scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, offset)
	sc.Init(file, []byte(code[:offset]), nil, 0)
	for {
		switch pos, tok, _ := sc.Scan(); tok {
		case token.LPAREN:
			open = append(open, file.Offset(pos))
		case token.RPAREN:
			open = open[:max(0, len(open)-1)]
		case token.EOF:
			if len(open) == 0 {
				return -1
			}
			return len(strings.TrimRight(code[:open[len(open)-1]], " \t"))
		}
	}
}

// jupyterKind converts a kind of this package to one that JupyterLab has an icon for.
func jupyterKind(kind string) string {
	switch kind {
	case "func", "method":
		return "function"
	case "field":
		return "property"
	case "keyword":
		return "keyword"
	case "word":
		return "text"
	case "file":
		return "path"
	case "import":
		return "module"
	case "type":
		return "class"
	}
	return "instance"
}

// kindName converts a CompletionItemKind of the language server protocol to one of the same kinds.
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
