package protocol

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// streamTime is how long text is held back for more text, so that a cell that prints single characters does not
	// send a message for each.
	streamTime = 20 * time.Millisecond
	// streamSize is the most text that one message holds, in bytes.
	streamSize = 64 << 10
)

// Output shows things below its cell, also after the cell has ended. It is safe for concurrent use.
type Output struct {
	server *Server
	parent *message
	silent bool
	stdin  bool // the client takes input requests
	count  int
	// first is called before the first message; nil without one.
	first func()

	mu      sync.Mutex
	stream  string // name of the stream that text belongs to
	text    []byte
	timer   *time.Timer
	payload []any
	updates updates
	scripts int // how many scripts of widgets were shown
	places  [scriptPlaces]scriptPlace
}

// begin does what comes before the first message, if none was sent.
func (o *Output) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.beginLocked()
}

func (o *Output) beginLocked() {
	if first := o.first; first != nil {
		o.first = nil
		first()
	}
}

// publish sends a message below the cell. o.mu is held.
func (o *Output) publish(kind string, content map[string]any) {
	o.beginLocked()
	o.server.publish(kind, o.parent, content)
}

// Stream writes to "stdout" or "stderr". Bytes that are not valid UTF-8 are replaced.
func (o *Output) Stream(name, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.silent || text == "" {
		return
	}
	if o.stream != name {
		o.flush(true)
		o.stream = name
	}
	o.text = append(o.text, text...)
	for len(o.text) >= streamSize {
		o.flush(false)
	}
	if o.timer == nil && len(o.text) > 0 {
		o.timer = time.AfterFunc(streamTime, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.timer = nil
			o.flush(false)
		})
	}
}

// flush sends the waiting text. Unless all is true, it sends at most streamSize bytes, and holds back a character whose
// last bytes have not come yet.
func (o *Output) flush(all bool) {
	for len(o.text) > 0 {
		n := min(len(o.text), streamSize)
		if n < len(o.text) || !all {
			n -= partialRune(o.text[:n])
		}
		if n == 0 {
			return
		}
		o.publish("stream", map[string]any{"name": o.stream, "text": string(o.text[:n])})
		if o.text = o.text[n:]; len(o.text) == 0 {
			o.text = nil
		}
		if !all {
			return
		}
	}
}

// partialRune returns how many bytes at the end belong to a character that is not complete.
func partialRune(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// Flush sends the text and the updates that Stream and Update hold back.
func (o *Output) Flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flushAll()
}

// flushAll sends all waiting text and updates. o.mu is held.
func (o *Output) flushAll() {
	o.flush(true)
	o.flushUpdates()
}

// Display shows a MIME bundle: text for text types, any value for JSON types, []byte for images. With an id, a later
// bundle can take its place.
func (o *Output) Display(data, metadata map[string]any, id string) {
	o.show("display_data", data, metadata, id)
}

// Update replaces everything that was shown under an id. Of updates that follow each other within 20 milliseconds, only
// the last is sent.
func (o *Output) Update(data, metadata map[string]any, id string) {
	if strings.HasPrefix(id, transientScript) { // each script must run
		o.show("update_display_data", data, metadata, id)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.silent {
		return
	}
	o.updates.put(id, data, metadata)
	if len(o.updates.order) >= maxUpdates {
		o.flushUpdates()
	}
	if o.updates.timer == nil && len(o.updates.order) > 0 {
		o.updates.timer = time.AfterFunc(streamTime, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.updates.timer = nil
			o.flushUpdates()
		})
	}
}

// maxUpdates is how many displays may have a waiting update.
const maxUpdates = 1000

// updates are the newest contents of displays that were not sent yet.
type updates struct {
	order   []string // display ids, the longest waiting first
	content map[string]map[string]any
	timer   *time.Timer
}

func (u *updates) put(id string, data, metadata map[string]any) {
	if u.content == nil {
		u.content = map[string]map[string]any{}
	}
	if u.content[id] == nil {
		u.order = append(u.order, id)
	}
	u.content[id] = displayContent(data, metadata, id)
}

// flushUpdates sends the waiting updates. o.mu is held.
func (o *Output) flushUpdates() {
	if len(o.updates.order) == 0 {
		return
	}
	o.flush(true)
	for _, id := range o.updates.order {
		o.publish("update_display_data", o.updates.content[id])
	}
	o.updates.order, o.updates.content = nil, nil
}

// displayContent is the content of display_data and update_display_data.
func displayContent(data, metadata map[string]any, id string) map[string]any {
	transient := map[string]any{}
	if id != "" {
		transient["display_id"] = id
	}
	return map[string]any{"data": object(data), "metadata": object(metadata), "transient": transient}
}

const (
	// transientScript is the prefix of the display ids that GoNB's dom.TransientJavascript uses: it shows a script and
	// takes it away at once.
	transientScript = "gonb_transient_js_"
	// scriptTime is how long this kernel leaves such a script in the output.
	scriptTime = 3 * time.Second
	// scriptPlaces is how many scripts can be in a cell's output at a time.
	scriptPlaces = 16
)

// scriptPlace is a display in a cell's output that holds one script after the other.
type scriptPlace struct {
	id    string
	empty *time.Timer
}

// script returns the message type and the display id with which to show a widget's script. The script stays for
// scriptTime, so that a page that is slow to draw runs it: such a page sees only the output's last state. o.mu is held.
func (o *Output) script() (kind, id string) {
	place := &o.places[o.scripts%scriptPlaces]
	o.scripts++
	kind = "update_display_data"
	if place.empty == nil {
		kind, place.id = "display_data", transientScript+newID()
	} else {
		place.empty.Stop()
	}
	id = place.id
	place.empty = time.AfterFunc(scriptTime, func() { o.Update(map[string]any{"text/html": ""}, nil, id) })
	return kind, id
}

func (o *Output) show(kind string, data, metadata map[string]any, id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.silent {
		return
	}
	o.flushAll()
	if strings.HasPrefix(id, transientScript) && data["text/html"] != "" && o.server.comms.page() {
		kind, id = o.script()
	}
	o.publish(kind, displayContent(data, metadata, id))
}

// Result shows the value of the cell's last expression.
func (o *Output) Result(data, metadata map[string]any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.silent {
		return
	}
	o.flushAll()
	o.publish("execute_result", map[string]any{"execution_count": o.count, "data": object(data), "metadata": object(metadata)})
	if text, ok := data["text/plain"].(string); ok {
		o.server.history.setOutput(o.count, text)
	}
}

// Clear removes the cell's output; with wait, only when the cell shows the next thing.
func (o *Output) Clear(wait bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.silent {
		return
	}
	o.flushAll()
	o.publish("clear_output", map[string]any{"wait": wait})
}

// Page shows a MIME bundle in the client's pager, once the cell has ended.
func (o *Output) Page(data map[string]any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.silent {
		o.payload = append(o.payload, map[string]any{"source": "page", "data": object(data), "start": 0})
	}
}

// NextInput puts a text into the client's next cell, or, with replace, into this one.
func (o *Output) NextInput(text string, replace bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.silent {
		o.payload = append(o.payload, map[string]any{"source": "set_next_input", "text": text, "replace": replace})
	}
}

// takePayload returns the payload of the reply: the bundles for the pager, and texts for cells.
func (o *Output) takePayload() []any {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]any{}, o.payload...)
}

// Input requests a line of text from the client, and waits for it. The error is ErrNoInput, ErrInterrupted, ctx's, or
// one for a client that can't be reached.
func (o *Output) Input(ctx context.Context, prompt string, password bool) (string, error) {
	if !o.stdin {
		return "", ErrNoInput
	}
	o.Flush()
	return o.server.input.request(ctx, o.parent, prompt, password)
}

// WidgetSend sends a value to an address in the browser.
func (o *Output) WidgetSend(address string, value any) {
	o.server.comms.add(widgetOrder{out: o, data: map[string]any{"address": address, "value": value}})
}

// WidgetRequest requests the value at an address in the browser.
func (o *Output) WidgetRequest(address string) {
	o.server.comms.add(widgetOrder{out: o, data: map[string]any{"address": address, "read_request": true}})
}

// WidgetStart makes sure that the browser has the script of the widgets before it draws anything that is shown after
// this call.
func (o *Output) WidgetStart() { o.server.comms.install(o) }

// WidgetSubscribe starts (on) or ends the delivery of the values for an address to the engine's Deliver.
func (o *Output) WidgetSubscribe(address string, on bool) {
	o.server.comms.subscribe(address, on)
	if on {
		o.WidgetStart()
	}
}
