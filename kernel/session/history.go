//go:build linux

package session

import (
	"slices"
	"strings"
	"sync"
)

// history holds the cells that ran.
type history struct {
	mu    sync.Mutex
	cells []historyCell // those that succeeded, in the order in which they ran last, for %rerun
	typed []historyCell // all, as they were run, for %history
}

type historyCell struct {
	count int
	id    string
	code  string
}

// maxTyped is how many cells %history shows at most.
const maxTyped = 10_000

// add keeps a cell; of those that succeeded, a notebook's cell that ran before moves to the end.
func (h *history) add(cell *Cell, succeeded bool) {
	if strings.TrimSpace(cell.Code) == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c := historyCell{cell.Count, cell.ID, cell.Code}
	h.typed = append(h.typed, c)
	h.typed = h.typed[max(0, len(h.typed)-maxTyped):]
	if !succeeded {
		return
	}
	if cell.ID != "" {
		h.cells = slices.DeleteFunc(h.cells, func(c historyCell) bool { return c.id == cell.ID })
	}
	h.cells = append(h.cells, c)
}

// all returns the cells that succeeded.
func (h *history) all() []historyCell {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.cells)
}

// inputs returns all cells that ran.
func (h *history) inputs() []historyCell {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.typed)
}

func (h *history) clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cells, h.typed = nil, nil
}
