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
// bounds. It hands a large frame on when all of it has arrived, so that a client holds no more memory than it has sent.

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
	// stallTime and slowestRate, in bytes a second, limit the time in which a message arrives.
	stallTime   = 15 * time.Second
	slowestRate = 64 << 10
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
	held map[*guard]int
}

func newBudget(bytes int) *budget { return &budget{left: bytes, held: map[*guard]int{}} }

// take takes n bytes for a message that arrives, and reports whether they could be had. Where too few are left, clients
// that have never sent a signed message give way, the one that holds most first.
func (b *budget) take(g *guard, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n > b.left {
		largest := b.largestStranger(g)
		if largest == nil || !g.trusted() && b.held[largest] <= b.held[g]+n {
			return false
		}
		largest.Conn.Close()
		b.drop(largest)
	}
	b.left -= n
	b.held[g] += n
	return true
}

// largestStranger returns the client that holds most of those that have never sent a signed message, or nil. b.mu is
// held.
func (b *budget) largestStranger(but *guard) (largest *guard) {
	for g, n := range b.held {
		if g != but && !g.trusted() && (largest == nil || n > b.held[largest]) {
			largest = g
		}
	}
	return largest
}

// give returns what a client holds.
func (b *budget) give(g *guard) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(g)
}

func (b *budget) drop(g *guard) {
	b.left += b.held[g]
	delete(b.held, g)
}

// guard is a client's connection. Only one goroutine reads it.
type guard struct {
	net.Conn
	in     *bufio.Reader // of Conn
	bounds bounds
	budget *budget

	trusted  func() bool // the client has sent a signed message
	greeting int         // bytes of the greeting still to come
	ready    bool        // greeted: messages follow, and a read may wait forever
	header   []byte      // of the current frame; not yet handed on
	chunks   [][]byte    // of a large frame; not yet handed on
	body     int         // bytes of the frame still to come from the client
	more     bool        // the message has another frame

	// Of the message:
	began   time.Time // when its first byte came
	frames  int
	bytes   int // that it claims
	arrived int // of these; a small frame counts as a whole
	taken   int // of the budget
}

func newGuard(conn net.Conn, b *budget, trusted func() bool) *guard {
	return &guard{Conn: conn, in: bufio.NewReader(conn), bounds: greetBounds, budget: b, trusted: trusted, greeting: greetingSize}
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
	if len(g.header) == 0 && len(g.chunks) == 0 && g.body == 0 {
		if err := g.begin(); err != nil {
			return 0, err
		}
	}
	if len(g.header) > 0 {
		n := copy(p, g.header)
		g.header = g.header[n:]
		return n, nil
	}
	if len(g.chunks) > 0 {
		n := copy(p, g.chunks[0])
		if g.chunks[0] = g.chunks[0][n:]; len(g.chunks[0]) == 0 {
			g.chunks = g.chunks[1:]
		}
		return n, nil
	}
	g.within()
	n, err := g.in.Read(p[:min(len(p), g.body)])
	g.body -= n
	return n, err
}

// begin reads the header of the next frame: flags, and a length of one byte or eight. Of a large frame it reads the
// rest too.
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
	if !g.more {
		g.began = time.Now()
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
	g.header, g.more = header[:1+len(rest)], flags&more != 0
	if size > smallMessage {
		return g.collect(int(size))
	}
	g.body = int(size)
	return g.charge(int(size))
}

// claim checks a frame of the given size.
func (g *guard) claim(size uint64) error {
	if size > uint64(g.bounds.bytes-g.bytes) {
		return fmt.Errorf("a frame of %d bytes, %d of the message before it: at most %d are taken", size, g.bytes, g.bounds.bytes)
	}
	if g.frames++; g.frames > g.bounds.frames {
		return fmt.Errorf("a message of more than %d frames", g.bounds.frames)
	}
	g.bytes += int(size)
	return nil
}

// collect reads a large frame.
func (g *guard) collect(size int) error {
	for size > 0 {
		n := min(size, smallMessage)
		if err := g.charge(n); err != nil {
			return err
		}
		g.within()
		chunk := make([]byte, n)
		if _, err := io.ReadFull(g.in, chunk); err != nil {
			return err
		}
		g.chunks = append(g.chunks, chunk)
		size -= n
	}
	return nil
}

// charge counts n bytes of the message, which arrive next, and takes their share of the budget.
func (g *guard) charge(n int) error {
	g.arrived += n
	if g.arrived <= smallMessage {
		return nil
	}
	if !g.budget.take(g, g.arrived-g.taken) {
		return errBudget
	}
	g.taken = g.arrived
	return nil
}

// within limits the time in which the message arrives, pauses included.
func (g *guard) within() {
	if g.ready {
		g.Conn.SetReadDeadline(g.began.Add(stallTime + time.Duration(g.arrived)*time.Second/slowestRate))
	}
}

// endMessage gives back the last message's share of the budget. The next message may come at any time.
func (g *guard) endMessage() {
	g.budget.give(g)
	g.frames, g.bytes, g.arrived, g.taken, g.chunks = 0, 0, 0, 0, nil
	if g.ready {
		g.Conn.SetReadDeadline(time.Time{})
	}
}
