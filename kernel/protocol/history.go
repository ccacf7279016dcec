package protocol

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"sync"
)

// maxHistory is how many cells are remembered.
const maxHistory = 10_000

// history holds the cells that were run in this session, which has the number 1.
type history struct {
	mu      sync.Mutex
	entries []historyEntry
}

type historyEntry struct {
	line          int
	input, output string
}

// historyRequest is the content of history_request; N is -1 if the client left it out.
type historyRequest struct {
	Output  bool    `json:"output"`
	Type    string  `json:"hist_access_type"`
	Session flexInt `json:"session"`
	Start   flexInt `json:"start"`
	Stop    flexInt `json:"stop"` // 0: to the end
	N       flexInt `json:"n"`
	Pattern string  `json:"pattern"`
	Unique  bool    `json:"unique"`
}

// add remembers a cell as soon as it starts.
func (h *history) add(line int, input string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.entries = append(h.entries, historyEntry{line: line, input: input})
	if len(h.entries) > maxHistory {
		h.entries = append([]historyEntry(nil), h.entries[len(h.entries)-maxHistory/2:]...)
	}
}

// setOutput adds the text of a cell's result.
func (h *history) setOutput(line int, output string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := len(h.entries) - 1; i >= 0; i-- {
		if h.entries[i].line == line {
			h.entries[i].output = output
			return
		}
	}
}

// find returns rows of session, line and input, or of session, line and the pair of input and output.
func (h *history) find(req historyRequest) (rows [][3]any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []historyEntry
	switch req.Type {
	case "tail":
		found = newest(h.entries, int(req.N))
	case "range":
		found = h.span(req)
	case "search":
		found = newest(h.search(cmp.Or(req.Pattern, "*"), req.Unique), int(req.N))
	}
	for _, e := range found {
		rows = append(rows, e.row(req.Output))
	}
	return rows
}

// newest returns the last n entries; all of them if n is negative.
func newest(entries []historyEntry, n int) []historyEntry {
	if n < 0 || n >= len(entries) {
		return entries
	}
	return entries[len(entries)-n:]
}

// span returns the entries from line Start up to line Stop. Sessions before this one are not kept.
func (h *history) span(req historyRequest) (found []historyEntry) {
	if req.Session != 0 && req.Session != 1 { // 0 is the current session
		return nil
	}
	for _, e := range h.entries {
		if e.line >= int(req.Start) && (req.Stop <= 0 || e.line < int(req.Stop)) {
			found = append(found, e)
		}
	}
	return found
}

// search returns the entries whose input matches a pattern; with unique, only the last of those with the same input.
func (h *history) search(pattern string, unique bool) (found []historyEntry) {
	seen := map[string]bool{}
	for _, e := range slices.Backward(h.entries) {
		if glob(pattern, e.input) && !(unique && seen[e.input]) {
			seen[e.input] = true
			found = append(found, e)
		}
	}
	slices.Reverse(found)
	return found
}

// row returns an entry in the form that history_reply has.
func (e historyEntry) row(withOutput bool) [3]any {
	if !withOutput {
		return [3]any{1, e.line, e.input}
	}
	var output any
	if e.output != "" {
		output = e.output
	}
	return [3]any{1, e.line, []any{e.input, output}}
}

// glob reports whether a whole text matches a pattern with * and ?, where * also matches line ends and slashes.
func glob(pattern, text string) bool {
	// In path.Match, * stops at slashes, and [ and \ are special; here they are not.
	const slash = "\x00"
	pattern = strings.NewReplacer(`\`, `\\`, "[", `\[`, "/", slash).Replace(pattern)
	ok, err := path.Match(pattern, strings.ReplaceAll(text, "/", slash))
	return err == nil && ok
}
