//go:build linux

package session

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
)

// valueOutput keeps the value of an expression. All else that is shown meanwhile goes to the cell's output.
type valueOutput struct {
	Output
	data map[string]any
}

// Result keeps the value.
func (o *valueOutput) Result(bundle, _ map[string]any) { o.data = bundle }

// Input fails: the cell is over.
func (*valueOutput) Input(string, bool) (string, error) {
	return "", errors.New("an expression beside a cell has no input")
}

// userExpressions evaluates the cell's expressions, one after another. An interrupt ends them, as it ends the cell.
func (s *Session) userExpressions(ctx context.Context, cell *Cell, out Output, state *runState) {
	if cell.Values == nil {
		cell.Values = map[string]any{}
	}
	for _, name := range slices.Sorted(maps.Keys(cell.UserExpressions)) {
		value := &valueOutput{Output: out}
		s.out.begin(value, s.out.start)
		err := s.expression(ctx, cell, strings.TrimSpace(cell.UserExpressions[name]), state)
		s.out.end()
		if err != nil {
			cell.Values[name] = map[string]any{"status": "error", "ename": err.Name, "evalue": err.Value, "traceback": err.Traceback}
			continue
		}
		if value.data == nil {
			value.data = map[string]any{"text/plain": ""}
		}
		cell.Values[name] = map[string]any{"status": "ok", "data": value.data, "metadata": map[string]any{}}
	}
}

func (s *Session) expression(ctx context.Context, cell *Cell, code string, state *runState) *Error {
	if s.stopped(ctx, state) {
		return interrupted()
	}
	return s.goCell(ctx, &Cell{Count: cell.Count}, &magicCell{code: code}, state)
}
