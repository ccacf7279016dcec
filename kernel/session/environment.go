//go:build linux

package session

import (
	"maps"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// environment is the folder and the variables that cells, commands and magics share. A cell changes it with os.Setenv
// and os.Chdir, a magic with %env and %cd; a new worker gets it as it is.
type environment struct {
	mu      sync.Mutex
	kernel  []string          // variables of the kernel's process
	started string            // the folder in which the kernel started
	set     map[string]string // what magics and cells set
	unset   map[string]bool   // what cells removed
	dir     string
	before  string // the previous folder, for %cd -
	modDir  string // the folder of the session's go.mod, for GoNB's variables; empty until there is a builder
}

func newEnvironment(kernel []string, dir string) *environment {
	return &environment{kernel: kernel, started: dir, dir: dir, set: map[string]string{}, unset: map[string]bool{}}
}

// list returns the environment of workers and commands.
func (e *environment) list() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := slices.Concat(e.kernel, gonbEnv(e.dir, e.started, e.modDir))
	all = slices.DeleteFunc(all, func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return e.unset[name]
	})
	return append(all, e.changes()...)
}

// overriding returns another environment with what magics and cells changed.
func (e *environment) overriding(base []string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Concat(base, e.changes())
}

// changes returns what magics and cells set. e.mu is held.
func (e *environment) changes() (all []string) {
	for _, name := range slices.Sorted(maps.Keys(e.set)) {
		all = append(all, name+"="+e.set[name])
	}
	return all
}

// values returns the variables by name.
func (e *environment) values() map[string]string {
	values := map[string]string{}
	for _, kv := range e.list() {
		name, value, _ := strings.Cut(kv, "=")
		values[name] = value
	}
	return values
}

// setenv records that a variable has a value.
func (e *environment) setenv(name, value string) {
	e.changed(map[string]string{name: value}, nil, "")
}

// changed records what a cell has changed: variables that it set and removed, and its folder, empty if it is the same.
func (e *environment) changed(set map[string]string, unset []string, dir string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, value := range set {
		e.set[name] = value
		delete(e.unset, name)
	}
	for _, name := range unset {
		delete(e.set, name)
		e.unset[name] = true
	}
	if dir != "" && dir != e.dir {
		e.before, e.dir = e.dir, dir
		delete(e.set, protocol.GONB_DIR_ENV)
	}
}

// folder returns the present folder, and the one before; the same if there was none.
func (e *environment) folder() (dir, before string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.before == "" {
		return e.dir, e.dir
	}
	return e.dir, e.before
}

// expand returns a value without quotes around it, and with the values of the variables that are set in place of their
// names ($PATH), except within single quotes.
func (e *environment) expand(text string) string {
	if strings.HasPrefix(text, "'") {
		return unquote(text)
	}
	return substitute(unquote(text), e.values())
}

// variable matches a variable's name in a value or path.
var variable = regexp.MustCompile(`\$(\w+|\{\w+\})`)

// substitute puts values in place of $NAME and ${NAME}. Names without a value stay as they are written.
func substitute(text string, values map[string]string) string {
	return variable.ReplaceAllStringFunc(text, func(written string) string {
		if value, ok := values[strings.Trim(written, "${}")]; ok {
			return value
		}
		return written
	})
}

// path expands ~ and variables; the result is relative to the present folder.
func (e *environment) path(p string) string {
	values := e.values()
	p = substitute(p, values)
	if rest, ok := strings.CutPrefix(p, "~"); ok && (rest == "" || rest[0] == '/') && values["HOME"] != "" {
		p = values["HOME"] + rest
	} else if ok {
		name, below, _ := strings.Cut(rest, "/")
		if u, err := user.Lookup(name); err == nil {
			p = filepath.Join(u.HomeDir, below)
		}
	}
	if dir, _ := e.folder(); !filepath.IsAbs(p) {
		p = filepath.Join(dir, p)
	}
	return p
}

// Changed implements worker.Sink.
func (k *sink) Changed(set map[string]string, unset []string, dir string) {
	k.s.env.changed(set, unset, dir)
}
