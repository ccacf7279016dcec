//go:build linux

package session

import (
	"encoding/base64"
	"fmt"
	"maps"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// captureOptions are what the words of a %capture say.
type captureOptions struct {
	path    string // of the file; empty: nothing is kept
	appends bool
	hides   bool            // %%: nothing is shown
	shows   map[string]bool // but for these: "stdout", "stderr", "display"
}

// captureOptions reads the arguments. The option -a may stand anywhere; --no-stdout and the like are IPython's.
func (c *call) captureOptions() (o captureOptions, err *Error) {
	o.hides, o.shows = strings.HasPrefix(c.name, "%%"), map[string]bool{}
	var files []string
	for _, word := range splitArgs(c.args) {
		switch kind, isKind := strings.CutPrefix(word, "--no-"); {
		case word == "-a" || word == "--append":
			o.appends = true
		case isKind && slices.Contains([]string{"stdout", "stderr", "display"}, kind):
			o.shows[kind] = true
		default:
			files = append(files, word)
		}
	}
	if len(files) > 1 || len(files) == 0 && !o.hides {
		return o, c.fail("takes one file, in quotes if there are blanks in its name: %s [-a] FILE", c.name)
	}
	o.path = strings.Join(files, "")
	return o, nil
}

// capture copies the cell's output to a file, from here to its end.
func (c *call) capture() *Error {
	o, failure := c.captureOptions()
	if failure != nil {
		return failure
	}
	if err := c.cell.endCapture(); err != nil {
		return err
	}
	captured := &captured{Output: c.out, captureOptions: o, displays: map[string]string{}}
	if o.path != "" {
		mode := os.O_TRUNC
		if o.appends {
			mode = os.O_APPEND
		}
		var err error
		if captured.file, err = os.OpenFile(c.env.path(o.path), os.O_CREATE|os.O_WRONLY|mode, 0o644); err != nil {
			return c.fail("%v", err)
		}
		if o.hides { // IPython keeps the output in a variable of that name
			c.say("the output goes to the file %s", captured.file.Name())
		}
	}
	c.cell.captured, captured.restore = captured, c.Session.out.divert(captured, captured.write)
	return nil
}

// endCapture sends the output to the cell only, as before the capture. It returns an error if the file lacks some.
func (m *magicCell) endCapture() *Error {
	c := m.captured
	if c == nil {
		return nil
	}
	m.captured = nil
	c.restore()
	if c.file == nil {
		return nil
	}
	if err := c.file.Close(); c.err == nil {
		c.err = err
	}
	if c.err != nil {
		return magicError("%%capture: the file lacks output of the cell: %v", c.err)
	}
	return nil
}

// captured is an Output that is kept in a file, with pictures in separate files next to it. It receives the text of
// streams through write, uncut.
type captured struct {
	Output
	captureOptions
	file     *os.File // nil: nothing is kept
	files    int
	displays map[string]string // the file of a display's content, by its id and MIME type
	err      error             // the first failure to write
	restore  func()
}

// showing reports whether what is kept is shown, too: "stdout", "stderr" or "display".
func (c *captured) showing(kind string) bool { return !c.hides || c.shows[kind] }

// failed records a failure; the first one counts.
func (c *captured) failed(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *captured) write(text string) {
	if c.file != nil {
		_, err := c.file.WriteString(text)
		c.failed(err)
	}
}

func (c *captured) Stream(name, text string) {
	if c.showing(name) {
		c.Output.Stream(name, text)
	}
}

func (c *captured) Display(bundle, metadata map[string]any, id string) {
	c.keep(bundle, id)
	if c.showing("display") {
		c.Output.Display(bundle, metadata, id)
	}
}

func (c *captured) Update(bundle, metadata map[string]any, id string) {
	c.keep(bundle, id)
	if c.showing("display") {
		c.Output.Update(bundle, metadata, id)
	}
}

func (c *captured) Result(bundle, metadata map[string]any) {
	c.keep(bundle, "")
	if c.showing("display") {
		c.Output.Result(bundle, metadata)
	}
}

// keep writes a bundle: its plainest text, and the rest to files that the text names. An update of a display replaces
// the content of its files.
func (c *captured) keep(bundle map[string]any, id string) {
	if c.file == nil {
		return
	}
	if text, ok := bundle["text/plain"].(string); ok {
		c.write(text + "\n")
	}
	for _, kind := range slices.Sorted(maps.Keys(bundle)) {
		text, ok := bundle[kind].(string)
		if !ok || kind == "text/plain" {
			continue
		}
		data := []byte(text)
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil && strings.HasPrefix(kind, "image/") && kind != "image/svg+xml" {
			data = raw
		}
		name := c.displays[id+" "+kind]
		if name == "" {
			name = c.beside(kind)
			c.write(fmt.Sprintf("[%s: %s]\n", kind, filepath.Base(name)))
		}
		if id != "" {
			c.displays[id+" "+kind] = name
		}
		c.failed(os.WriteFile(name, data, 0o644))
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
