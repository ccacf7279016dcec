//go:build linux

package session

import (
	"encoding/base64"
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker"
)

// flushEvery is the time for which output may wait for more, so that a loop of small prints does not send as many
// messages.
const flushEvery = 20 * time.Millisecond

// maxTail is how many bytes of the end of limited output are shown.
const maxTail = 4 << 10

// sink passes the worker's output to the running cell's Output.
type sink struct {
	s *Session

	mu        sync.Mutex
	out, idle Output
	start     time.Time
	first     time.Duration
	name      string // stream of the text in buf
	buf       []byte
	flushed   time.Time
	timer     *time.Timer
	bytes     int
	dropped   int
	tail      []byte
	shown     map[string]bool // display ids
	asking    *question       // the input request that is open
	replies   int             // to requests for input, sent to repliedTo or about to be
	repliedTo *worker.Process
	refused   bool         // the cell was told once that there is no input
	copyTo    func(string) // for %capture
}

func newSink(s *Session) *sink { return &sink{s: s, shown: map[string]bool{}} }

func (k *sink) setIdle(out Output) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.idle = out
}

func (k *sink) begin(out Output, start time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flushLocked()
	k.out, k.start, k.first, k.bytes, k.dropped, k.tail = out, start, 0, 0, 0, nil
	k.asking, k.refused = nil, false
}

// end flushes and returns the time of the first output.
func (k *sink) end() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flushAll()
	if k.dropped > 0 && k.out != nil {
		k.out.Stream("stderr", fmt.Sprintf("\n[%d bytes of output are not shown; the last lines:]\n", k.dropped-len(k.tail)))
		k.out.Stream(k.name, toValid(strip(string(k.tail))))
	}
	k.out, k.bytes, k.dropped, k.tail = nil, 0, 0, nil
	return k.first
}

func (k *sink) firstOutput() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.first
}

// to returns the present receiver of output.
func (k *sink) to() Output {
	if k.out != nil {
		if k.first == 0 {
			k.first = time.Since(k.start)
		}
		return k.out
	}
	return k.idle
}

// Stream implements worker.Sink.
func (k *sink) Stream(name string, data []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.copyTo != nil {
		k.copyTo(strip(string(data)))
	}
	k.stream(name, data)
}

func (k *sink) stream(name string, data []byte) {
	if name != k.name {
		k.flushAll()
		k.name = name
	}
	limit := k.s.cfg.OutputLimit
	room := max(0, limit-k.bytes)
	k.bytes += len(data)
	if len(data) > room {
		if k.dropped == 0 {
			k.buf = append(k.buf, data[:room]...)
			k.flushAll()
			if out := k.to(); out != nil {
				out.Stream("stderr", fmt.Sprintf("\n[the output limit of %d bytes is reached: the rest is only counted]\n", limit))
			}
		}
		rest := data[room:]
		k.dropped += len(rest)
		k.tail = append(k.tail, rest...)
		if len(k.tail) > maxTail {
			k.tail = append([]byte(nil), k.tail[len(k.tail)-maxTail:]...)
		}
		return
	}
	k.buf = append(k.buf, data...)
	if k.first == 0 || len(k.buf) >= 32<<10 || time.Since(k.flushed) > flushEvery {
		k.flushLocked()
		return
	}
	if k.timer == nil {
		k.timer = time.AfterFunc(flushEvery, func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.timer = nil
			k.flushLocked()
		})
	}
}

// flushLocked passes on complete characters and keeps the beginning of an incomplete one.
func (k *sink) flushLocked() {
	n := len(k.buf)
	for i := 1; i <= 3 && i <= n; i++ {
		if c := k.buf[n-i]; utf8.RuneStart(c) {
			if c >= 0xC0 && !utf8.FullRune(k.buf[n-i:]) {
				n -= i
			}
			break
		}
	}
	k.send(n)
}

func (k *sink) flushAll() { k.send(len(k.buf)) }

func (k *sink) send(n int) {
	if n == 0 {
		return
	}
	text := strip(string(k.buf[:n]))
	k.buf = append([]byte(nil), k.buf[n:]...)
	k.flushed = time.Now()
	if out := k.to(); out != nil && text != "" {
		out.Stream(k.name, toValid(text))
	}
}

func toValid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

func (k *sink) flush() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flushAll()
}

// text shows output of the kernel itself.
func (k *sink) text(name, text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flushAll()
	if k.copyTo != nil {
		k.copyTo(text)
	}
	if out := k.to(); out != nil {
		out.Stream(name, text)
	}
}

// divert sends the cell's output to another Output, and the text of its streams to copyTo, without limit, until restore
// is called.
func (k *sink) divert(out Output, copyTo func(string)) (restore func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flushAll()
	was := k.out
	k.out, k.copyTo = out, copyTo
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.flushAll()
		k.out, k.copyTo = was, nil
	}
}

// Result implements worker.Sink.
func (k *sink) Result(data map[string]any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flushAll()
	for mime, v := range data {
		if text, ok := v.(string); ok {
			data[mime] = strip(text)
		}
	}
	if out := k.to(); out != nil {
		out.Result(data, map[string]any{})
	}
}

// Display implements worker.Sink.
func (k *sink) Display(d protocol.DisplayData) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flushAll()
	if v, ok := d.Data[protocol.MIMEJupyterInput].(protocol.InputRequest); ok {
		k.ask(0, v.Prompt, v.Password)
		return
	}
	out := k.to()
	if out == nil {
		return
	}
	if v, ok := d.Data[protocol.MIMECommValue].(protocol.CommValue); ok {
		switch {
		case v.Address == protocol.GonbuiStartAddress:
			out.Comm(CommRequest{Kind: CommStart})
		case v.Request:
			out.Comm(CommRequest{Kind: CommRead, Address: v.Address})
		default:
			out.Comm(CommRequest{Kind: CommSend, Address: v.Address, Value: v.Value})
		}
		return
	}
	if v, ok := d.Data[protocol.MIMECommSubscribe].(protocol.CommSubscription); ok {
		kind := CommSubscribe
		if v.Unsubscribe {
			kind = CommUnsubscribe
		}
		out.Comm(CommRequest{Kind: kind, Address: v.Address})
		return
	}
	bundle := map[string]any{}
	for mime, v := range d.Data {
		switch v := v.(type) {
		case []byte:
			if mime == protocol.MIMEImagePNG || !utf8.Valid(v) {
				bundle[string(mime)] = base64.StdEncoding.EncodeToString(v)
			} else {
				bundle[string(mime)] = string(v)
			}
		case string:
			bundle[string(mime)] = strip(v)
		default:
			bundle[string(mime)] = v
		}
	}
	meta := d.Metadata
	if meta == nil {
		meta = map[string]any{}
	}
	update := d.DisplayID != "" && k.shown[d.DisplayID]
	if d.DisplayID != "" {
		k.shown[d.DisplayID] = true
	}
	out.Display(bundle, meta, d.DisplayID, update)
}
