package protocol

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

// frame is the header of a frame that claims size bytes, and what follows it.
func frame(flags byte, size uint64, body string) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{flags | 2}, size), body...)
}

// dialRaw opens a ZeroMQ connection to a port, to send any bytes over.
func dialRaw(t *testing.T, at int, kind zmq4.SocketType) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", at))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := zmq4.Open(conn, nullSecurity(), kind, zmq4.SocketIdentity(newID()), false, nil); err != nil {
		t.Fatal(err)
	}
	return conn
}

// wantCut waits until the other side has ended a connection.
func wantCut(t *testing.T, conn net.Conn) {
	t.Helper()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the connection was not ended: %v", err)
	}
}

// wantAlive sends the server a request, as another client.
func wantAlive(t *testing.T, c *client) {
	t.Helper()
	id := c.send(c.shell, "kernel_info_request", map[string]any{})
	c.reply(c.shell, id, "kernel_info_reply")
	c.until(id)
}

// TestClaims: frames that claim what no message has end their own connection, on every channel, before and after the
// greeting, and no other.
func TestClaims(t *testing.T) {
	tiny := bytes.Repeat([]byte{1, 0}, messageBounds.frames+1)
	half := uint64(messageBounds.bytes/2 + 1)
	cases := []struct {
		name  string
		bytes []byte
		log   string
	}{
		{"2^40 bytes", frame(0, 1<<40, "x"), "a frame of 1099511627776 bytes"},
		{"2^63 bytes", frame(0, 1<<63, "x"), "a frame of 9223372036854775808 bytes"},
		{"more than a message", frame(0, uint64(messageBounds.bytes)+1, "x"), "at most"},
		{"two frames that are too large together", append(frame(1, half, strings.Repeat("x", int(half))), frame(0, half, "")...), "of the message before it"},
		{"tiny frames", tiny, "a message of more than"},
		{"reserved flags", []byte{0xf8, 1, 'x'}, "reserved flags"},
		{"a large command", frame(4, 1<<40, "x"), "a frame of 1099511627776 bytes"},
	}
	c := startServer(t, nil)
	at := c.server.Connection()
	ports := map[int]zmq4.SocketType{at.ShellPort: zmq4.Dealer, at.ControlPort: zmq4.Dealer, at.StdinPort: zmq4.Dealer, at.HBPort: zmq4.Req, at.IOPubPort: zmq4.Sub}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			for port, kind := range ports {
				conn := dialRaw(t, port, kind)
				go conn.Write(test.bytes)
				wantCut(t, conn)
			}
			if !strings.Contains(c.log.String(), test.log) {
				t.Errorf("the log lacks %q:\n%s", test.log, c.log)
			}
		})
	}
	t.Run("before the greeting's end", func(t *testing.T) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", at.ShellPort))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		greeting := make([]byte, greetingSize)
		greeting[0], greeting[9], greeting[10] = 0xff, 0x7f, 3
		copy(greeting[12:], "NULL")
		conn.Write(append(greeting, frame(4, 1<<40, "x")...))
		wantCut(t, conn)
	})
	wantAlive(t, c)
}

// TestFlood: several clients without the key send all they can, and do not read; memory stays bounded and
// the others are served.
func TestFlood(t *testing.T) {
	c := startServer(t, nil)
	at := c.server.Connection()
	large := append(frame(1, 32<<20, strings.Repeat("x", 32<<20)), frame(0, 0, "")...)
	small := bytes.Repeat(append(bytes.Repeat([]byte{1, 1, 'x'}, 500), 0, 1, 'y'), 100)
	floods := []struct {
		port int
		kind zmq4.SocketType
		data []byte
	}{
		{at.ShellPort, zmq4.Dealer, large}, {at.ShellPort, zmq4.Dealer, small}, {at.ControlPort, zmq4.Dealer, large}, {at.StdinPort, zmq4.Dealer, large},
		{at.ShellPort, zmq4.Dealer, large}, {at.HBPort, zmq4.Req, small}, {at.IOPubPort, zmq4.Sub, bytes.Repeat([]byte("\x00\x03\x01ab\x00\x03\x01cd"), 1_000)},
		{at.ShellPort, zmq4.Dealer, frame(0, 60<<20, "claimed, and never sent")}, {at.ShellPort, zmq4.Dealer, frame(0, 60<<20, "claimed, and never sent")},
	}
	defer debug.SetGCPercent(debug.SetGCPercent(25)) // the figure is to tell what is held, and not what lies unused
	runtime.GC()
	before, peak := heapBytes(), uint64(0)
	var work sync.WaitGroup
	for _, f := range floods {
		conn := dialRaw(t, f.port, f.kind)
		work.Go(func() {
			conn.SetDeadline(time.Now().Add(patience))
			for sent := 0; sent < 40<<20; sent += max(len(f.data), 1<<20) {
				_, err := conn.Write(f.data)
				if err != nil || len(f.data) < 100 {
					return // cut off, or the one that only claims
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { work.Wait(); close(done) }()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
			wantAlive(t, c)
			peak = max(peak, heapBytes())
		}
	}
	if most := before + 4*totalBytes; peak > most {
		t.Errorf("%d MB of memory in the flood, %d MB before; want at most %d MB", peak>>20, before>>20, most>>20)
	}
	t.Logf("%d MB before, %d MB at most", before>>20, peak>>20)
	if n := len(c.engine.started); n > 0 {
		t.Errorf("%d cells ran", n)
	}
}

// TestClaimsWithoutBytes: connections that claim large messages and send a byte of them lock nobody out.
func TestClaimsWithoutBytes(t *testing.T) {
	c := startServer(t, nil)
	for range 4 {
		conn := dialRaw(t, c.server.Connection().ShellPort, zmq4.Dealer)
		if _, err := conn.Write(frame(1, uint64(messageBounds.bytes), "x")); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if reply, _ := c.execute("// " + strings.Repeat("x", 16<<20)); reply["status"] != "ok" {
			t.Fatalf("a large cell: %v", reply["status"])
		}
	}
}

// pausing is a connection whose client sends a byte at a time, and records the deadlines.
type pausing struct {
	net.Conn
	bytes     []byte
	deadlines []time.Time
}

func (p *pausing) Read(b []byte) (int, error) {
	if len(p.bytes) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:1], p.bytes)
	p.bytes = p.bytes[n:]
	return n, nil
}

func (p *pausing) Close() error { return nil }

func (p *pausing) SetReadDeadline(t time.Time) error {
	p.deadlines = append(p.deadlines, t)
	return nil
}

func stranger() bool { return false }

// TestPauses: the limit is for a message and not for a pause.
func TestPauses(t *testing.T) {
	conn := &pausing{bytes: bytes.Repeat(append(frame(1, 3, "abc"), frame(0, 100, strings.Repeat("d", 100))...), 2)}
	g := newGuard(conn, newBudget(totalBytes), stranger)
	g.greeting = 0
	g.greeted(messageBounds)
	if _, err := io.Copy(io.Discard, g); err != nil {
		t.Fatal(err)
	}
	different := map[time.Time]bool{}
	for _, at := range conn.deadlines {
		different[at] = true
	}
	// Of each message: none before it, one from its first byte, and one more with each frame.
	if n, least, most := len(different), 3, 2*4; n < least || n > most {
		t.Errorf("two messages of two frames have %d deadlines, want %d to %d: at most one with each frame", n, least, most)
	}
}

// TestBudget: who holds most gives way, unless a signed message has come from there.
func TestBudget(t *testing.T) {
	friend := func() bool { return true }
	b := newBudget(100)
	held := func(trusted func() bool, n int) *guard {
		g := newGuard(&pausing{}, b, trusted)
		if !b.take(g, n) {
			t.Fatalf("%d of %d bytes could not be had", n, b.left)
		}
		return g
	}
	small, large, known := held(stranger, 10), held(stranger, 40), held(friend, 45)
	if b.take(small, 40) {
		t.Error("a stranger took the share of one that holds less than both need")
	}
	if !b.take(small, 20) || b.held[large] != 0 || b.held[known] != 45 {
		t.Errorf("the largest stranger did not give way: %d bytes left", b.left)
	}
	if !b.take(known, 50) || b.held[small] != 0 {
		t.Errorf("a stranger did not give way to a client: %d bytes left", b.left)
	}
	if b.take(known, 10) || b.take(newGuard(&pausing{}, b, stranger), 6) {
		t.Error("more was taken than there is")
	}
	b.give(known)
	if b.left != 100 || len(b.held) != 0 {
		t.Errorf("%d bytes left, %v held", b.left, b.held)
	}
}

// TestManyClients: a socket serves so many clients and no more. A new one takes the place of the oldest that has sent
// nothing signed, where messages are signed; elsewhere there is room when one goes.
func TestManyClients(t *testing.T) {
	c := startServer(t, nil)
	at := c.server.Connection()
	var conns []net.Conn
	for range maxPeers - 1 { // one is c's
		conns = append(conns, dialRaw(t, at.ControlPort, zmq4.Dealer))
	}
	id := c.send(c.control, "kernel_info_request", map[string]any{})
	c.reply(c.control, id, "kernel_info_reply")
	dialRaw(t, at.ControlPort, zmq4.Dealer)
	wantCut(t, conns[0])
	id = c.send(c.control, "kernel_info_request", map[string]any{})
	c.reply(c.control, id, "kernel_info_reply")

	conns = nil
	for range maxPeers - 1 {
		conns = append(conns, dialRaw(t, at.IOPubPort, zmq4.Sub))
	}
	over, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", at.IOPubPort))
	if err != nil {
		t.Fatal(err)
	}
	defer over.Close()
	wantCut(t, over)
	wantAlive(t, c)
	conns[0].Close()
	for end := time.Now().Add(patience); ; {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", at.IOPubPort))
		if err != nil {
			t.Fatal(err)
		}
		_, err = zmq4.Open(conn, nullSecurity(), zmq4.Sub, zmq4.SocketIdentity(newID()), false, nil)
		conn.Close()
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no room after a client went")
		}
	}
}
