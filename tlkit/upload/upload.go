package upload

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/comms"

	"github.com/tlkit-go/tlkit-notebooks/internal/optional"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// Options bound an upload. The zero value has the defaults.
type Options struct {
	// MaxFiles is how many pictures one upload may bring; 0 means 10,000.
	MaxFiles int
	// MaxBytes is how much one upload may write, zip files and what they hold together; 0 means 1 GiB.
	MaxBytes int64
}

// pageTime is how long Pictures waits for the page to draw its field. Tests shorten it.
var pageTime = 15 * time.Second

// script draws the field and sends files.
//
//go:embed upload.js
var script string

// Pictures shows a field below the cell, waits until the user of the notebook has chosen pictures or a zip of pictures
// there, or taken some with the camera, and returns their paths in dir, which it makes if needed. A zip and a folder
// that is dropped keep their folders, so that datasets.ImageFolder(dir) can read one folder per class. Nothing in dir
// is replaced: a file whose name is taken by another one gets a number, an equal one is kept. Files that are no
// pictures, that the browser can't read, or whose name leads out of dir, are left out and named below the cell.
//
// Without a page, as when a notebook is executed by nbconvert, it returns the pictures that dir has. It returns an
// error if there are none, if the upload is larger than the bounds of opts, if dir can't be written, and ctx's error or
// an interrupt. Pictures that came before the error stay.
func Pictures(ctx context.Context, dir string, opts ...Options) ([]string, error) {
	o, err := optional.One("tlkit: Upload", opts)
	if err != nil {
		return nil, err
	}
	if o.MaxFiles < 0 || o.MaxBytes < 0 {
		return nil, fmt.Errorf("tlkit: Upload of at most %d files and %d bytes; both bounds must be positive, or 0 for the defaults", o.MaxFiles, o.MaxBytes)
	}
	o.MaxFiles = cmp.Or(o.MaxFiles, 10_000)
	o.MaxBytes = cmp.Or(o.MaxBytes, 1<<30)
	f, err := openFolder(dir, o)
	if err != nil {
		return nil, err
	}
	defer f.root.Close()
	if !gonbui.IsNotebook {
		return present(dir)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	return fromPage(ctx, f)
}

// present returns the pictures that a folder has already.
func present(dir string) (all []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		head := make([]byte, 512)
		if n, _ := file.Read(head); isPicture(head[:n]) { // what can't be read is no picture
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("tlkit: reading %s: %w", dir, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("tlkit: no page replied to Upload, and %s has no pictures; run the cell in JupyterLab, or copy pictures into the folder", dir)
	}
	return all, nil
}

// message is what the page sends, as JSON in a string.
type message struct {
	// Page is a name that each drawing of the field has of its own.
	Page string `json:"page"`
	// N counts the messages of a page from 1. Each waits for the reply to the one before.
	N int `json:"n"`
	// Do is "here", when the field is drawn, "file" with a Name and a Folder, "data" with Data, "end" of the file,
	// "skip" of a file with the Reason why the page can't read it, or "done".
	Do     string `json:"do"`
	Name   string `json:"name"`
	Folder string `json:"folder"` // the folders within a dropped one, with slashes; "" for a file by itself
	Data   string `json:"data"`   // base64
	Reason string `json:"reason"`
}

// maxMessage bounds a message, in bytes; the page's are a quarter of a megabyte.
const maxMessage = 2 << 20

// receiver takes one upload from a page.
type receiver struct {
	f     *folder
	page  string // the page that drew the field last
	next  int    // the number of its next message
	file  *incoming
	done  bool
	found bool // the page has drawn the field
}

// interrupted is the last line of an upload that an interrupt has ended.
const interrupted = "The upload was interrupted."

// fromPage shows the field and receives what the page sends.
func fromPage(ctx context.Context, f *folder) ([]string, error) {
	address := "/tlkit/upload/" + gonbui.UniqueId()
	in := make(chan string, 4)
	// It is never unsubscribed: in GoNB 0.11.5, a message for an address that nobody subscribes to any more blocks all
	// later ones.
	comms.Subscribe(address, func(_, text string) {
		select {
		case in <- text:
		default: // a page that does not wait for replies
		}
	})
	live := plots.NewLive()
	if err := live.Update(field(address)); err != nil {
		return nil, err
	}
	r := &receiver{f: f, next: 1}
	defer r.abandon()
	missing := time.After(pageTime)
	for !r.done {
		select {
		case <-ctx.Done():
			live.Update(note(interrupted, f)) // the interrupt is the error that counts
			return f.added, fmt.Errorf("tlkit: upload to %s: %w", f.dir, ctx.Err())
		case <-missing:
			if r.found {
				continue
			}
			all, err := present(f.dir)
			if err != nil {
				return nil, err
			}
			return all, live.Update(note(fmt.Sprintf("No page replied; %s has pictures already: %d.", f.dir, len(all)), f))
		case text := <-in:
			if err := r.message(ctx, text, func(reply string) { comms.Send(address+"/reply", reply) }); err != nil {
				text := err.Error()
				if ctx.Err() != nil {
					text = interrupted
				}
				live.Update(note(text, f)) // the error is returned, too
				return f.added, err
			}
		}
	}
	return f.added, live.Update(note(taken(len(f.added), f.dir), f))
}

// reply is what the page gets for each message, as JSON in a string.
type reply struct {
	Page string `json:"page"`
	N    int    `json:"n"`
	// Note is a line to show: why nothing was taken, or what ended the upload.
	Note string `json:"note,omitempty"`
	// End tells the page to stop.
	End bool `json:"end,omitempty"`
}

// replaced is what a page is told that is not the one that drew the field last.
const replaced = "The field was drawn once more; use that one."

// message handles one message of the page. Its error ends the upload.
//
// A page that draws the field begins anew: JupyterLab runs its script again when the page is loaded again or shows the
// output twice. A file that had not arrived whole by then is removed.
func (r *receiver) message(ctx context.Context, text string, send func(string)) error {
	var m message
	if len(text) > maxMessage || json.Unmarshal([]byte(text), &m) != nil {
		return nil // of no page of ours
	}
	if m.Do == "here" {
		r.abandon()
		r.page, r.next = m.Page, m.N
	}
	answer := reply{Page: m.Page, N: m.N}
	var err error
	switch {
	case m.Page != r.page:
		answer.Note, answer.End = words.Of(replaced), true
	case m.N != r.next:
		return nil // a repetition
	default:
		r.next++
		if err = r.step(ctx, m, &answer); err != nil {
			answer.Note, answer.End = err.Error(), true
		}
	}
	data, jsonErr := json.Marshal(answer)
	if jsonErr == nil {
		send(string(data))
	}
	return errors.Join(err, jsonErr)
}

func (r *receiver) step(ctx context.Context, m message, answer *reply) (err error) {
	switch {
	case m.Do == "here":
		r.found = true
	case m.Do == "file" && r.file == nil:
		if r.file, err = r.f.create(m.Name); err == nil {
			r.file.folder = m.Folder
		}
	case m.Do == "skip":
		r.abandon()
		r.f.refuse(m.Name, "the browser can't read it: %s", m.Reason)
	case m.Do == "data" && r.file != nil:
		var data []byte
		if data, err = base64.StdEncoding.DecodeString(m.Data); err != nil {
			return fmt.Errorf("tlkit: upload of %s: %w", r.file.name, err)
		}
		if err = r.f.write(r.file, data); errors.Is(err, errTooMuch) {
			err = fmt.Errorf("%w, at %s; give Upload a larger MaxBytes", err, r.file.name)
		}
	case m.Do == "end" && r.file != nil:
		in := r.file
		r.file = nil
		if err = r.f.finish(ctx, in); errors.Is(err, errTooMuch) {
			err = fmt.Errorf("%w, in %s; give Upload a larger MaxBytes", err, in.name)
		}
	case m.Do == "done":
		if r.done = len(r.f.added) > 0; !r.done {
			answer.Note = words.Lines(strings.TrimSpace("Nothing was taken. " + strings.Join(r.f.refused, "\n")))
			r.f.refused = nil
		}
	}
	return err
}

// abandon removes a file that did not arrive whole.
func (r *receiver) abandon() {
	if r.file != nil {
		r.f.discard(r.file)
		r.file = nil
	}
}

// field is the figure that lets the user choose files.
func field(address string) plots.Figure {
	config, err := json.Marshal(map[string]any{"address": address, "chunk": 192 << 10, "words": map[string]string{
		"choose": words.Of("Choose pictures, or a zip of pictures, or drop them here."), "label": words.Of("Pictures or a zip of pictures"),
		"camera": words.Of("Take pictures with the camera"), "shoot": words.Of("Take a picture"), "use": words.Of("Use the pictures"), "close": words.Of("Close the camera"),
		"wait": words.Of("waiting for the kernel …"), "run": words.Of("Run the cell to choose files."),
	}})
	if err != nil {
		panic(err) // of two plain values
	}
	id := "tlkit-upload-" + strings.ReplaceAll(strings.Trim(address, "/"), "/", "-")
	return plots.HTML(`<div id="`+id+`"></div><script>(`+script+`)(document.getElementById("`+id+`"), `+string(config)+`)</script>`,
		"Choose pictures, or a zip of pictures, in the browser.")
}

// note is the figure with which an upload ends.
func note(text string, f *folder) plots.Figure {
	lines := slices.Concat([]string{text}, f.notes, prefixed("left out: ", f.refused))
	var b strings.Builder
	for _, line := range lines {
		b.WriteString("<div>" + html.EscapeString(words.Of(line)) + "</div>")
	}
	return plots.HTML(b.String(), strings.Join(lines, "\n"))
}

func prefixed(prefix string, lines []string) (out []string) {
	for _, line := range lines {
		out = append(out, prefix+line)
	}
	return out
}

// taken says how many pictures are new in a folder.
func taken(n int, dir string) string {
	if n == 1 {
		return "1 picture in " + dir
	}
	return fmt.Sprintf("%d pictures in %s", n, dir)
}
