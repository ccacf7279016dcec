//go:build linux

package session

import (
	"cmp"
	"fmt"
	"go/types"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
)

// names holds the declared names of the session. Only the goroutine that executes cells changes them; it holds mu to do
// so, and others hold mu to read them.
type names struct {
	mu      sync.Mutex
	live    map[string]*entity
	byObj   map[types.Object]*entity // includes replaced names
	stale   map[string]staleName
	imports map[string]imported // by the name that cells use
	lost    []*definition       // of a lost worker, not compiled again yet; see lost.go
	// lacking are the types whose code still has a method that was removed.
	lacking map[string]bool
	// forgotten are variables that have no name any more, and are not free yet; see free.go.
	forgotten []*entity
	// literals are the function literals of cells' statements, by run; see holds.go.
	literals map[int][]literal
	// declared are the names that each cell declares, by execution count, sorted.
	declared map[int][]*entity
}

// imported is a package that a cell imported.
type imported struct {
	path  string
	cell  int
	found bool // by its name alone: no import line names it
}

// staleName is a name that can't be used any more.
type staleName struct {
	kind   kind
	typ    string
	cell   int
	reason string
	def    *definition // compiled again when something that it uses changes; nil for variables
}

func newNames() *names {
	return &names{live: map[string]*entity{}, byObj: map[types.Object]*entity{}, stale: map[string]staleName{}, imports: map[string]imported{}, lacking: map[string]bool{}, literals: map[int][]literal{}, declared: map[int][]*entity{}}
}

// undoneBy lists the names, other than name, that a cell would declare as they were before if it ran again: other
// cells, or the present one with the names in anew, have declared them since. A variable that has been of one type is
// none of them: in x, err := f() it is set in passing.
func (u *names) undoneBy(cell int, name string, anew map[string]bool) string {
	var undone []string
	for _, d := range u.declared[cell] {
		e := u.live[d.name]
		if d.name != name && (anew[d.name] || e != nil && e.cell != cell && !e.sameVariable(d)) {
			undone = append(undone, d.name)
		}
	}
	return sentence.List(undone, 3)
}

// sameVariable reports whether two names are those of one variable, or of two of the same type.
func (e *entity) sameVariable(d *entity) bool {
	return e.kind == kindVar && d.kind == kindVar && (e.store == d.store || types.Identical(e.obj.Type(), d.obj.Type()))
}

// setAgain returns the advice that gives a name its value once more, which a cell has given it.
func (u *names) setAgain(name string, cell int, anew map[string]bool) string {
	undone := u.undoneBy(cell, name, anew)
	if undone == "" {
		return fmt.Sprintf("run cell %d again", cell)
	}
	verb := "set"
	if e := u.live[name]; e != nil && e.kind != kindVar {
		verb = "declare"
	}
	return fmt.Sprintf("%s %s again without the rest of cell %d, which has %s as before", verb, name, cell, undone)
}

// entity returns the live name, or nil.
func (u *names) entity(name string) *entity {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.live[name]
}

// words returns the live names but those of methods.
func (u *names) words() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	var all []string
	for _, e := range u.sorted() {
		if e.kind != kindMethod {
			all = append(all, e.name)
		}
	}
	return all
}

// sorted returns the live entities in a fixed order.
func (u *names) sorted() []*entity {
	return slices.SortedFunc(maps.Values(u.live), func(a, b *entity) int { return cmp.Compare(a.name, b.name) })
}

// definitions returns the live declarations that can be compiled again.
func (u *names) definitions() []*definition {
	seen := map[*definition]bool{}
	var all []*definition
	for _, e := range u.sorted() {
		if e.def != nil && !seen[e.def] {
			seen[e.def] = true
			all = append(all, e.def)
		}
	}
	return all
}

// entities returns a declaration's live names.
func (u *names) entities(def *definition) []*entity {
	var all []*entity
	for _, name := range def.names {
		if e := u.live[name]; e != nil && e.def == def {
			all = append(all, e)
		}
	}
	return all
}

func namesOf(entities []*entity) (names []string) {
	for _, e := range entities {
		names = append(names, e.name)
	}
	return names
}

// dots returns the paths of the dot imports, the latest first.
func (u *names) dots() (paths []string) {
	for key := range u.imports {
		if path, ok := strings.CutPrefix(key, dotKey); ok {
			paths = append(paths, path)
		}
	}
	cell := func(path string) int { return u.imports[dotKey+path].cell }
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(cmp.Compare(cell(b), cell(a)), cmp.Compare(a, b)) })
	return paths
}

// list returns all names, sorted; sizes are bytes by "run.name".
func (u *names) list(sizes map[string]int64) []Name {
	u.mu.Lock()
	defer u.mu.Unlock()
	var all []Name
	for _, e := range u.live {
		n := Name{Name: e.name, Kind: e.kind.String(), Type: typeString(e.obj.Type()), Size: -1, Cell: e.cell}
		switch e.kind {
		case kindVar:
			if size, ok := sizes[fmt.Sprintf("%d.%s", e.store, e.name)]; ok {
				n.Size = size
			}
		case kindType:
			n.Type = typeString(e.obj.Type().Underlying())
		}
		all = append(all, n)
	}
	for name, imp := range u.imports {
		if strings.HasPrefix(name, dotKey) {
			name = "."
		}
		all = append(all, Name{Name: name, Kind: "import", Type: imp.path, Size: -1, Cell: imp.cell})
	}
	for name, st := range u.stale {
		all = append(all, Name{Name: name, Kind: st.kind.String(), Type: st.typ, Size: -1, Cell: st.cell, Stale: st.reason})
	}
	slices.SortFunc(all, func(a, b Name) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Names returns the session's names, sorted, as %who shows them. While a cell runs, sizes are unknown.
func (s *Session) Names() []Name {
	if !s.exec.TryLock() {
		return s.names.list(nil)
	}
	defer s.exec.Unlock()
	return s.names.list(s.sizes())
}

// sizes returns the sizes of the worker's variables; no cell may be running.
func (s *Session) sizes() map[string]int64 {
	select {
	case <-s.ready:
	default:
		return nil
	}
	p := s.process()
	if s.startErr != nil || p == nil {
		return nil
	}
	sizes, err := p.Sizes()
	if err != nil {
		return nil
	}
	return sizes
}
