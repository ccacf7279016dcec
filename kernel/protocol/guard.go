package protocol

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// zmq4 allocates the size that a frame claims, before any signature can be checked. So a guard reads the claims first:
// it is a connection that follows ZeroMQ's framing (https://rfc.zeromq.org/spec/23/) and fails at a claim above its
// bounds.

// bounds limit what a client may send in one message.
type bounds struct {
	frames int // frames in a message
	bytes  int // bytes in a message, all frames together
}

var (
	// messageBounds are for Jupyter messages. Jupyter's own server accepts 10 MB.
	messageBounds = bounds{frames: 1024, bytes: 64 << 20}
	// signalBounds are for heartbeats and subscriptions.
	signalBounds = bounds{frames: 64, bytes: 1 << 20}
	// greetBounds are for the commands before the first message.
	greetBounds = bounds{frames: 1, bytes: 64 << 10}
)

const (
	// greetingSize is the fixed size of ZMTP's greeting, which has no frames.
	greetingSize = 64
	// smallMessage is the largest message, in bytes, that takes no share of the budget.
	smallMessage = 64 << 10
	// totalBytes is the budget: the memory that the large messages of all clients of a server may take together while
	// they arrive.
	totalBytes = 128 << 20
	// stallTime is how long a client may pause within a message.
	stallTime = 15 * time.Second
)

// Errors of clients that are cut off.
var (
	errReserved = errors.New("a frame with reserved flags: this is not ZeroMQ")
	errBudget   = errors.New("too many large messages arrive at the same time")
)

// budget is the memory that arriving messages share.
type budget struct {
	mu   sync.Mutex
	left int
}

// take takes n bytes if that many are left, and reports whether it did.
func (b *budget) take(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

func (b *budget) give(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
}

// guard is a client's connection. Only one goroutine reads it.
type guard struct {
	net.Conn
	in     *bufio.Reader // of Conn
	bounds bounds
	budget *budget

	greeting int    // bytes of the greeting still to come
	ready    bool   // greeted: messages follow, and a read may wait forever
	header   []byte // of the current frame; not yet handed on
	body     int    // bytes of the frame still to come
	more     bool   // the message has another frame
	frames   int    // of the message
	bytes    int    // of the message
	taken    int    // of the budget
}

func newGuard(conn net.Conn, b *budget) *guard {
	return &guard{Conn: conn, in: bufio.NewReader(conn), bounds: greetBounds, budget: b, greeting: greetingSize}
}

// greeted records that the greeting is over and that messages follow, within b.
func (g *guard) greeted(b bounds) { g.bounds, g.ready = b, true }

// Read returns bytes that the client sent, and checks each frame's header before it does.
func (g *guard) Read(p []byte) (int, error) {
	if g.greeting > 0 {
		n, err := g.in.Read(p[:min(len(p), g.greeting)])
		g.greeting -= n
		return n, err
	}
	if len(g.header) == 0 && g.body == 0 {
		if err := g.begin(); err != nil {
			return 0, err
		}
	}
	if len(g.header) > 0 {
		n := copy(p, g.header)
		g.header = g.header[n:]
		return n, nil
	}
	g.within()
	n, err := g.in.Read(p[:min(len(p), g.body)])
	g.body -= n
	return n, err
}

// begin reads the header of the next frame: flags, and a length of one byte or eight.
func (g *guard) begin() error {
	if g.more {
		g.within()
	} else {
		g.endMessage()
	}
	header := make([]byte, 9)
	if _, err := io.ReadFull(g.in, header[:1]); err != nil {
		return err
	}
	g.within()
	const more, long, command = 1, 2, 4
	flags, rest := header[0], header[1:2]
	if flags&^(more|long|command) != 0 {
		return errReserved
	}
	if flags&long != 0 {
		rest = header[1:]
	}
	if _, err := io.ReadFull(g.in, rest); err != nil {
		return err
	}
	size := uint64(header[1])
	if flags&long != 0 {
		size = binary.BigEndian.Uint64(rest)
	}
	if err := g.claim(size); err != nil {
		return err
	}
	g.header, g.body, g.more = header[:1+len(rest)], int(size), flags&more != 0
	return nil
}

// claim checks a frame of the given size, and takes its share of the budget.
func (g *guard) claim(size uint64) error {
	if size > uint64(g.bounds.bytes-g.bytes) {
		return fmt.Errorf("a frame of %d bytes, %d of the message before it: at most %d are taken", size, g.bytes, g.bounds.bytes)
	}
	if g.frames++; g.frames > g.bounds.frames {
		return fmt.Errorf("a message of more than %d frames", g.bounds.frames)
	}
	g.bytes += int(size)
	if due := g.bytes - g.taken; g.bytes > smallMessage {
		if !g.budget.take(due) {
			return errBudget
		}
		g.taken += due
	}
	return nil
}

// within limits how long the client may pause within a message.
func (g *guard) within() {
	if g.ready {
		g.Conn.SetReadDeadline(time.Now().Add(stallTime))
	}
}

// endMessage gives back the last message's share of the budget. The next message may come at any time.
func (g *guard) endMessage() {
	g.budget.give(g.taken)
	g.frames, g.bytes, g.taken = 0, 0, 0
	if g.ready {
		g.Conn.SetReadDeadline(time.Time{})
	}
}
