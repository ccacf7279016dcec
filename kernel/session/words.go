//go:build linux

package session

import (
	"context"
	"fmt"
	"go/constant"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A package defines the words that may stand inside strings by two exported names. It needs no import for it:
//
//	// NotebookWords lists what may stand in the string argument arg (from 0) of the
//	// function, method ("Model.Freeze") or, with arg -1, field ("Recipe.Dir") fn.
//	func NotebookWords(fn string, arg int) []string
//
//	// NotebookHelp is the package's section of %help.
//	const NotebookHelp = "..."
//
// If the value before the dot has a method NotebookWords, it is called in place of the function, with the method's
// name.
const (
	wordsHook = "NotebookWords"
	helpHook  = "NotebookHelp"
)

// wordsKnown are the words that were requested since the last cell ran.
type wordsKnown struct {
	mu      sync.Mutex
	words   map[string][]string
	loading map[string]chan struct{} // closed when the words are there
}

// forget drops all words: a cell may have registered or saved something.
func (k *wordsKnown) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.words = nil
}

// stringPlace is the place of a string in a call or literal.
type stringPlace struct {
	start int    // offset of the string's text
	fn    string // "tlkit.Load", "model.Freeze", or the type of the literal for a field
	field string // the field, "" for a call
	arg   int    // from 0; -1 for a field
}

// placeOf finds the string that contains the end of code, where the cursor is.
func placeOf(code string) (p stringPlace, ok bool) {
	var scan quoteScan
	scan.text(code)
	if scan.quote != '"' && scan.quote != '`' {
		return p, false
	}
	p = stringPlace{start: scan.start + 1, arg: -1}
	before := strings.TrimRight(masked(code[:scan.start]), " \t\n")
	at, commas := openBracket(before)
	for at >= 0 && before[at] == '[' { // an index or key in the argument
		at, commas = openBracket(before[:at])
	}
	if at < 0 {
		return p, true
	}
	p.fn = before[wordStart(before, at):at]
	if operand := operandBefore(code, at-len(p.fn)); operand != "" {
		p.fn = operand + "." + p.fn
	}
	if before[at] == '(' {
		p.arg = len(commas)
	} else if m := fieldName.FindStringSubmatch(before[at:]); m != nil {
		p.field = m[1]
	}
	return p, true
}

// fieldName matches the name of the field whose value comes next.
var fieldName = regexp.MustCompile(`[{,\s](\w+)\s*:\s*(?:&?\[\][\w.]*\{[^{}]*)?$`)

// Words lists the possible texts of the string that contains a byte offset of a cell: words from the package whose
// function gets the string, otherwise names of files. ok is false where there is no string.
func (s *Session) Words(ctx context.Context, code string, cursor int) (start int, all []Candidate, ok bool) {
	cursor = max(0, min(cursor, len(code)))
	if start, all, ok := s.arguments(code, cursor); ok {
		return start, all, true
	}
	code = code[:cursor]
	if m := splitMagic(code); m.cellMagic == "" {
		code = m.code // a /* or a quote of a command opens nothing in Go
	}
	if noWords(code) {
		return cursor, nil, true
	}
	p, ok := placeOf(code)
	if !ok {
		return 0, nil, false
	}
	typed := code[p.start:]
	if importPlace.MatchString(code[:p.start-1]) {
		return p.start, s.importPaths(typed), true
	}
	for _, word := range s.wordsFor(ctx, p, code[:p.start-1]) {
		if strings.HasPrefix(strings.ToLower(word), strings.ToLower(typed)) {
			all = append(all, Candidate{Text: word, Kind: "word"})
		}
	}
	if len(all) == 0 {
		all = s.files(typed)
	}
	return p.start, all, true
}

// files returns the files whose paths begin with typed.
func (s *Session) files(typed string) []Candidate {
	dir, prefix := filepath.Split(typed)
	entries, err := os.ReadDir(s.env.path(dir))
	if err != nil {
		return nil
	}
	var all []Candidate
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, prefix) || name[0] == '.' && prefix == "" {
			continue
		}
		if info, err := os.Stat(filepath.Join(s.env.path(dir), name)); err == nil && info.IsDir() {
			name += "/"
		}
		all = append(all, Candidate{Text: dir + name, Kind: "file"})
	}
	return all
}

// wordsFor requests the words from the package or the value that gets the string.
func (s *Session) wordsFor(ctx context.Context, p stringPlace, before string) []string {
	if p.fn == "" {
		return nil
	}
	m, ok := s.meaningOf(ctx, p.fn, before)
	if !ok || m.obj == nil || m.obj.Pkg() == nil {
		return nil
	}
	fn := m.obj.Name()
	pkg := m.obj.Pkg()
	hook := ""
	switch {
	case p.field != "":
		named, ok := types.Unalias(m.typ).(*types.Named)
		if !ok || named.Obj().Pkg() == nil {
			return nil
		}
		fn, pkg = named.Obj().Name()+"."+p.field, named.Obj().Pkg()
	case m.receiver() != "":
		operand := strings.TrimSuffix(p.fn, "."+fn)
		if x, ok := s.meaningOf(ctx, operand, ""); ok && x.obj != nil && ours(x.obj.Pkg()) && hasHook(x.typ) {
			hook = operand
		} else {
			fn = m.receiver() + "." + fn
		}
	}
	if hook == "" && !s.offersWords(ctx, pkg.Path()) {
		return nil
	}
	return s.askWords(ctx, hook, pkg.Path(), fn, p.arg)
}

// offersWords reports whether a package has the hook. It imports the package itself, because a package that is only
// mentioned in another one's exports is known in part.
func (s *Session) offersWords(ctx context.Context, path string) bool {
	if s.b.Resolve(ctx, path) != nil {
		return false
	}
	pkg, err := s.libs.Import(path)
	return err == nil && isWordsHook(pkg.Scope().Lookup(wordsHook))
}

// receiver returns the name of the method's receiver type, or "".
func (m meaning) receiver() string {
	sig, ok := m.typ.(*types.Signature)
	if !ok || sig.Recv() == nil {
		return ""
	}
	if named, ok := types.Unalias(pointed(sig.Recv().Type())).(*types.Named); ok {
		return named.Obj().Name()
	}
	return ""
}

// hasHook reports whether a value has the hook as a method.
func hasHook(t types.Type) bool {
	obj, _, _ := types.LookupFieldOrMethod(t, true, nil, wordsHook)
	return isWordsHook(obj)
}

func isWordsHook(obj types.Object) bool {
	f, ok := obj.(*types.Func)
	return ok && types.TypeString(types.NewSignatureType(nil, nil, nil, f.Signature().Params(), f.Signature().Results(), false), nil) == "func(fn string, arg int) []string"
}

// askWords calls a hook in the worker. The first call takes a second, while the package is loaded; the result is kept
// until the next cell has run.
func (s *Session) askWords(ctx context.Context, value, path, fn string, arg int) []string {
	key := fmt.Sprint(value, " ", path, " ", fn, " ", arg)
	k := &s.words
	k.mu.Lock()
	if words, ok := k.words[key]; ok {
		k.mu.Unlock()
		return words
	}
	done := k.loading[key]
	if done == nil {
		if k.loading == nil {
			k.loading = map[string]chan struct{}{}
		}
		done = make(chan struct{})
		k.loading[key] = done
		go func() {
			words, ok := s.runHook(value, path, fn, arg)
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.words == nil {
				k.words = map[string][]string{}
			}
			if ok {
				k.words[key] = words
			}
			delete(k.loading, key)
			close(done)
		}()
	}
	k.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.words[key]
}

// hookTime is the limit for a hook.
const hookTime = 20 * time.Second

// hookCode calls a hook and writes the words to a file, one on a line. Whatever the session's code prints meanwhile,
// in this goroutine or another, remains output. The same code serves all calls, so that it is compiled once.
const (
	hookImports = "import words_os \"os\"\nimport words_strconv \"strconv\"\nimport words_strings \"strings\"\n"
	hookCode    = "{\nwords_arg_, _ := words_strconv.Atoi(words_os.Args[2])\n" +
		"words_ := words_strings.Join(%s.NotebookWords(words_os.Args[1], words_arg_), \"\\n\")\n" +
		"if words_err_ := words_os.WriteFile(words_os.Args[3], []byte(words_), 0o600); words_err_ != nil { panic(words_err_) }\n}\n"
)

// runHook calls a hook in a hidden cell between two others. It ends when a cell comes, or after hookTime.
func (s *Session) runHook(value, path, fn string, arg int) (words []string, ok bool) {
	if !s.exec.TryLock() {
		return nil, false // a cell runs
	}
	defer s.exec.Unlock()
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	state := &runState{cancel: cancel, own: true}
	s.runner.begin(state)
	defer s.runner.end()
	if !s.runner.starts(state, 0) {
		return nil, false // a cell came at the same time
	}
	defer time.AfterFunc(hookTime, func() { s.runner.yield(state) }).Stop()
	code := hookImports + fmt.Sprintf(hookCode, value)
	if value == "" {
		code = hookImports + fmt.Sprintf("import words_package %q\n", path) + fmt.Sprintf(hookCode, "words_package")
	}
	file := filepath.Join(s.cfg.Dir, "words")
	defer os.Remove(file)
	was := s.args
	s.args = []string{fn, fmt.Sprint(arg), file}
	err := s.goCell(ctx, &Cell{Silent: true}, &magicCell{code: code}, state)
	s.args = was
	s.names.dropImports([]string{"words_os", "words_strconv", "words_strings", "words_package"})
	text, readErr := os.ReadFile(file)
	switch {
	case err != nil && err.Name == "WorkerLost":
		s.out.text("stderr", "While words for "+fn+" were looked up: "+strings.Join(err.Traceback, "\n")+"\n")
		return nil, false
	case err != nil:
		s.cfg.Logf("words of %s for %s: %v", path, fn, err)
		return nil, false
	case readErr != nil:
		s.cfg.Logf("words of %s for %s: %v", path, fn, readErr)
		return nil, false
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' }), true
}

// packageHelp returns the %help sections of the workspace's packages that are loaded for the type checker.
func (s *Session) packageHelp(ctx context.Context) string {
	var b strings.Builder
	for _, path := range s.cfg.Packages {
		if s.b.Resolve(ctx, path) != nil {
			continue
		}
		pkg, err := s.libs.Import(path)
		if err != nil {
			continue
		}
		if c, ok := pkg.Scope().Lookup(helpHook).(*types.Const); ok && c.Val().Kind() == constant.String {
			b.WriteString("\n" + strings.TrimSpace(constant.StringVal(c.Val())) + "\n")
		}
	}
	return b.String()
}
