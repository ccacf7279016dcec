//go:build linux

package session

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
)

// resultOnly keeps the result of an expression.
type resultOnly struct {
	data map[string]any
}

func (*resultOnly) Stream(string, string)                         {}
func (*resultOnly) Display(_, _ map[string]any, _ string, _ bool) {}
func (*resultOnly) ClearOutput(bool)                              {}
func (*resultOnly) Input(string, bool) (string, error)            { return "", errors.New("no input here") }
func (*resultOnly) Comm(CommRequest)                              {}
func (*resultOnly) Page(map[string]any)                           {}
func (*resultOnly) NextInput(string, bool)                        {}
func (r *resultOnly) Result(bundle, _ map[string]any)             { r.data = bundle }

// userExpressions evaluates the cell's expressions, one after another.
func (s *Session) userExpressions(ctx context.Context, cell *Cell) {
	if cell.Values == nil {
		cell.Values = map[string]any{}
	}
	for _, name := range slices.Sorted(maps.Keys(cell.UserExpressions)) {
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
