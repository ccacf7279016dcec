//go:build linux

package session

import (
	"context"
	"fmt"
	"go/types"
	"sort"
	"strings"
)

type objectTypeName = *types.TypeName

// Names returns the session's names, sorted; what %who shows. While a cell runs,
// sizes are unknown.
func (s *Session) Names() []Name {
	if !s.exec.TryLock() {
		return s.names(nil)
	}
	defer s.exec.Unlock()
	return s.names(s.sizes())
}

// sizes asks the worker; no cell may be running.
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

func (s *Session) names(sizes map[string]int64) []Name {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Name
	for _, e := range s.u.live {
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
	for name, imp := range s.u.imports {
		if strings.HasPrefix(name, dotKey) {
			name = "."
		}
		all = append(all, Name{Name: name, Kind: "import", Type: imp.path, Size: -1, Cell: imp.cell})
	}
	for name, st := range s.u.stale {
		all = append(all, Name{Name: name, Kind: st.kind.String(), Type: st.typ, Size: -1, Cell: st.cell, Stale: st.reason})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}

// resultOnly keeps the result of an expression.
type resultOnly struct {
	data map[string]any
}

func (*resultOnly) Stream(string, string)                         {}
func (*resultOnly) Display(_, _ map[string]any, _ string, _ bool) {}
func (*resultOnly) ClearOutput(bool)                              {}
func (*resultOnly) Input(string, bool) (string, error)            { return "", fmt.Errorf("no input here") }
func (*resultOnly) Comm(CommRequest)                              {}
func (*resultOnly) Page(map[string]any)                           {}
func (r *resultOnly) Result(bundle, _ map[string]any)             { r.data = bundle }

// userExpressions evaluates the cell's expressions, one after another.
func (s *Session) userExpressions(ctx context.Context, cell *Cell) {
	if cell.Values == nil {
		cell.Values = map[string]any{}
	}
	names := make([]string, 0, len(cell.UserExpressions))
	for name := range cell.UserExpressions {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		out := &resultOnly{}
		s.out.begin(out, s.out.start)
		err := s.goCell(ctx, &Cell{Code: "", Count: cell.Count}, &magic{code: strings.TrimSpace(cell.UserExpressions[name])}, &runState{})
		s.out.end()
		if err != nil {
			cell.Values[name] = map[string]any{"status": "error", "ename": err.Name, "evalue": err.Value, "traceback": err.Traceback}
			continue
		}
		if out.data == nil {
			out.data = map[string]any{"text/plain": ""}
		}
		cell.Values[name] = map[string]any{"status": "ok", "data": out.data, "metadata": map[string]any{}}
	}
}
