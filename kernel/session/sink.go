//go:build linux

package session

import (
	"encoding/base64"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// sink passes the worker's output to the running cell's Output.
type sink struct {
	s *Session

	mu        sync.Mutex
	out, idle Output // of the running cell (else nil), and between two cells
	start     time.Time
	first     time.Duration // from start to the first output; 0 before it
	streams   limited
	timer     *time.Timer     // for the next flush; nil if none is due
	shown     map[string]bool // display ids
	questions questions
	copyTo    func(string) // for %capture
}

func newSink(s *Session) *sink {
	k := &sink{s: s, shown: map[string]bool{}}
	k.streams = limited{limit: s.cfg.OutputLimit, pass: func(stream, text string) {
		if out := k.to(); out != nil {
			out.Stream(stream, text)
		}
	}}
	return k
}

func (k *sink) setIdle(out Output) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.idle = out
}

func (k *sink) begin(out Output, start time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.streams = k.streams.renewed()
	k.questions.drop()
	k.out, k.start, k.first = out, start, 0
}

// end flushes and returns the time of the first output.
func (k *sink) end() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.streams.finish()
	k.streams = k.streams.renewed()
	k.out = nil
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
	if k.streams.write(name, data) && k.timer == nil {
		k.timer = time.AfterFunc(flushEvery, func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.timer = nil
			k.streams.flush()
		})
	}
}

func (k *sink) flush() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.streams.flushAll()
}

// text shows output of the kernel itself.
func (k *sink) text(name, text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.streams.flushAll()
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
	k.streams.flushAll()
	was := k.out
	k.out, k.copyTo = out, copyTo
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.streams.flushAll()
		k.out, k.copyTo = was, nil
	}
}

// Result implements worker.Sink.
func (k *sink) Result(data map[string]any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.streams.flushAll()
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
	k.streams.flushAll()
	if v, ok := d.Data[protocol.MIMEJupyterInput].(protocol.InputRequest); ok {
		k.ask(0, v.Prompt, v.Password)
		return
	}
	out := k.to()
	if out == nil {
		return
	}
	if request, ok := commRequest(d); ok {
		out.Comm(request)
		return
	}
	meta := d.Metadata
	if meta == nil {
		meta = map[string]any{}
	}
	if d.DisplayID != "" && k.shown[d.DisplayID] {
		out.Update(bundleOf(d), meta, d.DisplayID)
		return
	}
	if d.DisplayID != "" {
		k.shown[d.DisplayID] = true
	}
	out.Display(bundleOf(d), meta, d.DisplayID)
}

// commRequest returns the request of gonbui/comms that d is; ok is false if it is none.
func commRequest(d protocol.DisplayData) (r CommRequest, ok bool) {
	if v, ok := d.Data[protocol.MIMECommValue].(protocol.CommValue); ok {
		switch {
		case v.Address == protocol.GonbuiStartAddress:
			return CommRequest{Kind: CommStart}, true
		case v.Request:
			return CommRequest{Kind: CommRead, Address: v.Address}, true
		}
		return CommRequest{Kind: CommSend, Address: v.Address, Value: v.Value}, true
	}
	v, ok := d.Data[protocol.MIMECommSubscribe].(protocol.CommSubscription)
	if v.Unsubscribe {
		return CommRequest{Kind: CommUnsubscribe, Address: v.Address}, ok
	}
	return CommRequest{Kind: CommSubscribe, Address: v.Address}, ok
}

// bundleOf returns the MIME bundle of d in the protocol's form: binary data in base64.
func bundleOf(d protocol.DisplayData) map[string]any {
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
	return bundle
}
