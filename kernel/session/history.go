//go:build linux

package session

import (
	"slices"
	"strings"
	"sync"
)

// history are the cells that succeeded, in the order in which they ran, for %rerun.
type history struct {
	mu    sync.Mutex
	cells []historyCell
}

type historyCell struct {
	count int
	id    string
	code  string
}

// add keeps a cell; a notebook's cell that ran before moves to the end.
func (h *history) add(cell *Cell) {
	if strings.TrimSpace(cell.Code) == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if cell.ID != "" {
		h.cells = slices.DeleteFunc(h.cells, func(c historyCell) bool { return c.id == cell.ID })
	}
	h.cells = append(h.cells, historyCell{cell.Count, cell.ID, cell.Code})
}

func (h *history) all() []historyCell {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.cells)
}

func (h *history) clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cells = nil
}
