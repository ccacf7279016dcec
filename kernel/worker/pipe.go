//go:build linux

package worker

import (
	"encoding/gob"
	"io"
	"sync"

	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/tlkit-go/tlkit-notebooks/kernel/streams"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker/rt"
)

func init() {
	// GoNB's kernel registers these types in addition to the protocol's own: without them no JSON object gets through.
	gob.Register(map[string]any{})
	gob.Register([]any{})
}

// maxTail is how much of the end of stderr a LostError keeps at least, in bytes.
const maxTail = 16 << 10

// output delivers data from a stream to the Sink; p.mu is held.
func (p *Process) output(name string, data []byte) {
	if name == "stderr" {
		p.keep(data)
		if data = p.dump.shown(data); len(data) == 0 {
			return
		}
	}
	p.cfg.Sink.Stream(name, data)
}

// keep adds to the end of stderr; p.mu is held. Of a dump it keeps the beginning, which has the reason for the end.
func (p *Process) keep(data []byte) {
	if p.dump.begun() {
		data = data[:min(len(data), max(0, 4*maxTail-len(p.tail)))]
	}
	p.tail = append(p.tail, data...)
	if len(p.tail) > 2*maxTail && !p.dump.begun() {
		p.tail = append(p.tail[:0], p.tail[len(p.tail)-maxTail:]...)
	}
}

// endDump says how much of a dump was not shown; p.mu is held.
func (p *Process) endDump() {
	if note := p.dump.end(); note != "" {
		p.cfg.Sink.Stream("stderr", []byte(note))
	}
}

// readOutputs delivers what the worker writes to its streams until they end.
func (p *Process) readOutputs() {
	p.outputs.Wait(func() bool {
		for p.deliverOutputs() {
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.outputs.Ended()
	})
}

// deliverOutputs delivers what the pipes hold, and reports whether there may be more: the number of writes under one
// lock is bounded, since a goroutine may go on printing.
func (p *Process) deliverOutputs() (more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range streams.MaxWrites {
		if !p.outputs.Next(p.fromPipe) {
			return false
		}
	}
	return true
}

// fromPipe delivers data from a pipe; p.mu is held.
func (p *Process) fromPipe(name string, data []byte) {
	if name == gonbuiName {
		p.fromGonbui(data)
		return
	}
	p.output(name, data)
}

// fromGonbui handles bytes of gonbui's stream; p.mu is held.
func (p *Process) fromGonbui(data []byte) {
	if !p.packets {
		p.packets = true
		go p.request(rt.Request{Op: "packets"})
	}
	err := p.gonb.frames.add(data, func(d protocol.DisplayData) {
		if v, ok := d.Data[protocol.MIMECommValue].(protocol.CommValue); ok && v.Address == protocol.GonbuiSyncAddress {
			go p.gonb.send(protocol.CommValue{Address: protocol.GonbuiSyncAckAddress, Value: v.Value})
			return
		}
		p.cfg.Sink.Display(d)
	})
	if err != nil {
		p.output("stderr", []byte("gonbui: what was to be shown can't be read ("+err.Error()+
			"), and nothing more can be until the kernel is restarted; send strings, numbers, maps of them, or JSON\n"))
	}
}

// frameReader decodes a gob stream that arrives in pieces. The end of a value can't be seen from outside, since types
// are sent in the middle of values. So a decoder runs in its own goroutine, and add waits until it has read all the
// data and needs more.
type frameReader struct {
	once sync.Once
	mu   sync.Mutex
	cond *sync.Cond
	buf  []byte
	idle bool  // the decoder waits for data
	done bool  // no more data, or the stream is not gob
	err  error // why the rest of the stream can't be read; the next add returns it, once
	out  []protocol.DisplayData
}

// Read returns the data that has arrived to the decoder, and waits if there is none.
func (r *frameReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.buf) == 0 {
		if r.done {
			return 0, io.EOF
		}
		r.idle = true
		r.cond.Broadcast()
		r.cond.Wait()
	}
	r.idle = false
	n := copy(p, r.buf)
	r.buf = r.buf[n:]
	return n, nil
}

func (r *frameReader) decode() {
	dec := gob.NewDecoder(r)
	for {
		var d protocol.DisplayData
		err := dec.Decode(&d)
		r.mu.Lock()
		if err != nil {
			if err != io.EOF {
				r.err = err
			}
			r.done = true
			r.cond.Broadcast()
			r.mu.Unlock()
			return
		}
		r.out = append(r.out, d)
		r.mu.Unlock()
	}
}

// add appends bytes to the stream and calls each for the values that they complete. The error, which is returned only
// once, is why the rest of the stream can't be read.
func (r *frameReader) add(data []byte, each func(protocol.DisplayData)) error {
	r.once.Do(func() {
		r.cond = sync.NewCond(&r.mu)
		go r.decode()
	})
	r.mu.Lock()
	r.buf = append(r.buf, data...)
	r.idle = false
	r.cond.Broadcast()
	for !r.done && !(r.idle && len(r.buf) == 0) {
		r.cond.Wait()
	}
	out, err := r.out, r.err
	r.out, r.err = nil, nil
	r.mu.Unlock()
	for _, d := range out {
		each(d)
	}
	return err
}

// close ends the decoder.
func (r *frameReader) close() {
	r.once.Do(func() { r.cond = sync.NewCond(&r.mu) })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = true
	r.cond.Broadcast()
}
