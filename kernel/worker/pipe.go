package worker

import (
	"bytes"
	"encoding/gob"
	"errors"
	"os"
	"syscall"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// pipe is captured output.
type pipe struct {
	name string
	file *os.File
}

// maxTail is how much of the end of stderr a LostError keeps.
const maxTail = 16 << 10

// output delivers what was read; p.mu is held.
func (p *Process) output(name string, data []byte) {
	if name == "stderr" {
		p.tail = append(p.tail, data...)
		if len(p.tail) > 2*maxTail {
			p.tail = append(p.tail[:0], p.tail[len(p.tail)-maxTail:]...)
		}
	}
	p.cfg.Sink.Stream(name, data)
}

// readLoop reads and delivers under one lock: what left the pipe has been
// delivered, which is what drain relies on.
func (p *Process) readLoop(f *os.File, deliver func([]byte)) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 64<<10)
	for {
		var n int
		var rerr error
		err := raw.Read(func(fd uintptr) bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			n, rerr = syscall.Read(int(fd), buf)
			if n > 0 {
				deliver(buf[:n])
			}
			return !errors.Is(rerr, syscall.EAGAIN)
		})
		if err != nil || rerr != nil && !errors.Is(rerr, syscall.EINTR) || n == 0 && rerr == nil {
			return
		}
	}
}

// drain delivers what is in the pipes now.
func (p *Process) drain() {
	for _, q := range p.pipes {
		p.empty(q.file, func(data []byte) { p.output(q.name, data) })
	}
	if p.gonb != nil {
		p.empty(p.gonb.out, p.fromGonbui)
	}
}

func (p *Process) empty(f *os.File, deliver func([]byte)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.emptyLocked(f, deliver)
}

func (p *Process) emptyLocked(f *os.File, deliver func([]byte)) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 64<<10)
	raw.Control(func(fd uintptr) {
		// As much as a pipe holds, at least; not for ever, with a goroutine that prints.
		for range 32 {
			n, err := syscall.Read(int(fd), buf)
			if err == syscall.EINTR {
				continue
			}
			if n <= 0 || err != nil {
				return
			}
			deliver(buf[:n])
		}
	})
}

// fromGonbui takes bytes of gonbui's stream; p.mu is held.
func (p *Process) fromGonbui(data []byte) {
	// What was printed before something is shown comes before it.
	for _, q := range p.pipes {
		p.emptyLocked(q.file, func(data []byte) { p.output(q.name, data) })
	}
	p.gonb.frames.add(data, func(d protocol.DisplayData) {
		if v, ok := d.Data[protocol.MIMECommValue].(protocol.CommValue); ok && v.Address == protocol.GonbuiSyncAddress {
			go p.gonb.send(protocol.CommValue{Address: protocol.GonbuiSyncAckAddress, Value: v.Value})
			return
		}
		p.cfg.Sink.Display(d)
	})
}

// frameReader decodes a gob stream that arrives in pieces. A decoder must see
// whole messages only, so they are cut here: each begins with its length.
type frameReader struct {
	raw   []byte
	whole bytes.Buffer
	dec   *gob.Decoder
}

func (r *frameReader) add(data []byte, each func(protocol.DisplayData)) {
	r.raw = append(r.raw, data...)
	for {
		n, ok := frameLength(r.raw)
		if !ok || len(r.raw) < n {
			break
		}
		r.whole.Write(r.raw[:n])
		r.raw = r.raw[n:]
	}
	if len(r.raw) == 0 {
		r.raw = nil
	}
	if r.dec == nil {
		r.dec = gob.NewDecoder(&r.whole)
	}
	for r.whole.Len() > 0 {
		var d protocol.DisplayData
		if err := r.dec.Decode(&d); err != nil {
			return // only type definitions so far, or something that is no gob
		}
		each(d)
	}
}

// frameLength is the length of the first message with its prefix: gob writes an
// unsigned integer below 128 as one byte, else the negated count of bytes and
// then these, big-endian (encoding/gob, "Encoding Details").
func frameLength(b []byte) (int, bool) {
	if len(b) == 0 {
		return 0, false
	}
	if b[0] < 128 {
		return int(b[0]) + 1, true
	}
	n := -int(int8(b[0]))
	if n > 8 || len(b) < 1+n {
		return 0, false
	}
	length := 0
	for _, c := range b[1 : 1+n] {
		length = length<<8 | int(c)
	}
	return length + 1 + n, length >= 0 && length < 1<<30
}
