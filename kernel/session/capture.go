//go:build linux

package session

import (
	"encoding/base64"
	"fmt"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// capture copies the cell's output to a file, from here to its end.
func (c *call) capture() *Error {
	rest, appends := strings.CutPrefix(c.args, "-a ")
	hides := strings.HasPrefix(c.name, "%%")
	shows := map[string]bool{}
	for kind, option := range map[string]string{"stdout": "--no-stdout", "stderr": "--no-stderr", "display": "--no-display"} { // IPython's
		if words := strings.Fields(rest); slices.Contains(words, option) {
			shows[kind] = true
			rest = strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == option }), " ")
		}
	}
	rest = unquote(strings.TrimSpace(rest))
	if rest == "" && !hides {
		return c.fail("needs a file: %%capture [-a] FILE")
	}
	c.m.endCapture()
	captured := &captured{Output: c.out, hides: hides, shows: shows}
	if rest != "" {
		mode := os.O_TRUNC
		if appends {
			mode = os.O_APPEND
		}
		var err error
		if captured.file, err = os.OpenFile(c.env.path(rest), os.O_CREATE|os.O_WRONLY|mode, 0o644); err != nil {
			return c.fail("%v", err)
		}
	}
	sink := c.Session.out
	c.m.captured, captured.restore = captured, sink.divert(captured, captured.write)
	return nil
}

// endCapture sends the output to the cell only, as before the capture.
func (m *magic) endCapture() {
	if m.captured == nil {
		return
	}
	m.captured.restore()
	if m.captured.file != nil {
		m.captured.file.Close()
	}
	m.captured = nil
}

// captured is an Output that is kept in a file, with pictures in separate files next to it. It receives the text of
// streams through write, uncut.
type captured struct {
	Output
	file    *os.File        // nil: nothing is kept
	hides   bool            // nothing is shown
	shows   map[string]bool // of what is hidden: "stdout", "stderr", "display"
	files   int
	restore func()
}

func (c *captured) write(text string) {
	if c.file != nil {
		c.file.WriteString(text)
	}
}

func (c *captured) Stream(name, text string) {
	if !c.hides || c.shows[name] {
		c.Output.Stream(name, text)
	}
}

func (c *captured) Display(bundle, metadata map[string]any, id string, update bool) {
	c.keep(bundle)
	if !c.hides || c.shows["display"] {
		c.Output.Display(bundle, metadata, id, update)
	}
}

func (c *captured) Result(bundle, metadata map[string]any) {
	c.keep(bundle)
	if !c.hides || c.shows["display"] {
		c.Output.Result(bundle, metadata)
	}
}

// keep writes a bundle: its plainest text, and the rest to files that the text names.
func (c *captured) keep(bundle map[string]any) {
	if c.file == nil {
		return
	}
	kinds := make([]string, 0, len(bundle))
	for kind := range bundle {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	if text, ok := bundle["text/plain"].(string); ok {
		c.write(text + "\n")
	}
	for _, kind := range kinds {
		text, ok := bundle[kind].(string)
		if !ok || kind == "text/plain" {
			continue
		}
		data := []byte(text)
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil && strings.HasPrefix(kind, "image/") && kind != "image/svg+xml" {
			data = raw
		}
		if name := c.beside(kind); os.WriteFile(name, data, 0o644) == nil {
			c.write(fmt.Sprintf("[%s: %s]\n", kind, filepath.Base(name)))
		}
	}
}

// beside returns the name of the next file for content that is not text: out.txt gets out-1.png.
func (c *captured) beside(kind string) string {
	c.files++
	name := c.file.Name()
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, filepath.Ext(name)), c.files, extension(kind))
}

// extension returns the usual file extension of a MIME type.
func extension(kind string) string {
	switch kind {
	case "image/png", "image/jpeg", "image/gif":
		return "." + strings.TrimPrefix(kind, "image/")
	case "text/html":
		return ".html"
	case "text/markdown":
		return ".md"
	case "text/latex":
		return ".tex"
	}
	if all, err := mime.ExtensionsByType(kind); err == nil && len(all) > 0 {
		return all[0]
	}
	return ".txt"
}
