//go:build linux

package session

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// flushEvery is the time for which output may wait for more, so that a loop of small prints does not send as many
// messages.
const flushEvery = 20 * time.Millisecond

// sendAt is how many bytes of text are sent without waiting for more.
const sendAt = 32 << 10

// maxTail is how many bytes of the end of limited output are shown.
const maxTail = 4 << 10

// limited passes on the text that one cell writes to its streams, up to a limit. It waits for more text only until
// sendAt or flushEvery, and keeps the end of what is beyond the limit.
type limited struct {
	limit   int // in bytes
	pass    func(stream, text string)
	stream  string // that buf belongs to
	buf     []byte
	flushed time.Time
	written int // in bytes
	tail    []byte
}

// renewed returns a limited for the next cell, to which the beginning of a character goes over.
func (l *limited) renewed() limited {
	l.flush()
	return limited{limit: l.limit, pass: l.pass, stream: l.stream, buf: l.buf}
}

// write takes text. It reports whether some waits for a flush.
func (l *limited) write(stream string, data []byte) (waiting bool) {
	if stream != l.stream {
		l.flushAll()
		l.stream = stream
	}
	within := l.written <= l.limit
	room := max(0, l.limit-l.written)
	l.written += len(data)
	if len(data) > room {
		if within {
			l.buf = append(l.buf, data[:room]...)
			l.flushAll()
			l.pass("stderr", fmt.Sprintf("\n[the output limit of %d bytes is reached: the rest is only counted]\n", l.limit))
		}
		l.tail = append(l.tail, data[room:]...)
		if len(l.tail) > maxTail {
			l.tail = append([]byte(nil), l.tail[len(l.tail)-maxTail:]...)
		}
		return false
	}
	l.buf = append(l.buf, data...)
	if len(l.buf) < sendAt && time.Since(l.flushed) <= flushEvery {
		return true
	}
	l.flush()
	return false
}

// flush passes on complete characters and keeps the beginning of an incomplete one.
func (l *limited) flush() {
	n := len(l.buf)
	for i := 1; i <= 3 && i <= n; i++ {
		if c := l.buf[n-i]; utf8.RuneStart(c) {
			if c >= 0xC0 && !utf8.FullRune(l.buf[n-i:]) {
				n -= i
			}
			break
		}
	}
	l.send(n)
}

func (l *limited) flushAll() { l.send(len(l.buf)) }

// finish passes on what waits, and the end of what is beyond the limit.
func (l *limited) finish() {
	l.flushAll()
	if beyond := l.written - l.limit; beyond > 0 {
		l.pass("stderr", fmt.Sprintf("\n[%d bytes of output are not shown; the last lines:]\n", beyond-len(l.tail)))
		l.pass(l.stream, toValid(strip(string(l.tail))))
	}
}

func (l *limited) send(n int) {
	if n == 0 {
		return
	}
	text := strip(string(l.buf[:n]))
	l.buf = append([]byte(nil), l.buf[n:]...)
	l.flushed = time.Now()
	if text != "" {
		l.pass(l.stream, toValid(text))
	}
}

func toValid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
