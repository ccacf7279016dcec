package protocol

import (
	"path"
	"strings"
	"sync"
)

// maxHistory is how many cells are remembered.
const maxHistory = 10_000

// history is what was run in this session, which has the number 1.
type history struct {
	mu      sync.Mutex
	entries []historyEntry
}

type historyEntry struct {
	line          int
	input, output string
}

// historyRequest is a request as in the specification; N is -1 when it was left out.
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

// find returns rows of session, line and input, or of session, line and the pair
// of input and output.
func (h *history) find(req historyRequest) (rows [][3]any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []historyEntry
	switch req.Type {
	case "tail":
		found = h.entries
	case "range":
		// 0 is the session that runs. Earlier ones are not kept.
		if req.Session != 0 && req.Session != 1 {
			return nil
		}
		for _, e := range h.entries {
			if e.line >= int(req.Start) && (req.Stop <= 0 || e.line < int(req.Stop)) {
				found = append(found, e)
			}
		}
		req.N = -1
	case "search":
		pattern := req.Pattern
		if pattern == "" {
			pattern = "*"
		}
		last := map[string]int{} // where a text is in found
		for _, e := range h.entries {
			if !glob(pattern, e.input) {
				continue
			}
			if at, dup := last[e.input]; dup && req.Unique {
				found = append(found[:at], found[at+1:]...)
				for text, i := range last {
					if i > at {
						last[text] = i - 1
					}
				}
			}
			last[e.input] = len(found)
			found = append(found, e)
		}
	}
	if n := int(req.N); n >= 0 && n < len(found) {
		found = found[len(found)-n:]
	}
	for _, e := range found {
		row := [3]any{1, e.line, e.input}
		if req.Output {
			var output any
			if e.output != "" {
				output = e.output
			}
			row[2] = []any{e.input, output}
		}
		rows = append(rows, row)
	}
	return rows
}

// glob matches a whole text against a pattern with * and ?, where * also stands
// for line ends and slashes.
func glob(pattern, text string) bool {
	// path.Match's * stops at slashes, and its [ and \ mean more than ours.
	const slash = "\x00"
	pattern = strings.NewReplacer(`\`, `\\`, "[", `\[`, "/", slash).Replace(pattern)
	ok, err := path.Match(pattern, strings.ReplaceAll(text, "/", slash))
	return err == nil && ok
}
