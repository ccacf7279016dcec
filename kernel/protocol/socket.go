package protocol

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// ZeroMQ's protocol (greetings, security, frames) is github.com/go-zeromq/zmq4's;
// who gets which message is decided here, on its connections. Its own sockets
// would do, but for faults that a kernel's clients notice: one client that
// connects and says nothing keeps all others out, one that stops reading stops
// the output of all, XPUB keeps subscriptions to itself, and closing a socket
// drops what was just sent.

const (
	// greetTime is how long a client may take to say that it speaks ZeroMQ.
	greetTime = 10 * time.Second
	// lingerTime is how long closing waits for what was already sent.
	lingerTime = time.Second
)

// limits keep a client that does not read from holding up the others, or filling memory.
type limits struct {
	queue int           // bytes that may wait for it
	time  time.Duration // how long a sender waits for room before it is cut off
}

var defaultLimits = limits{queue: 64 << 20, time: 5 * time.Second}

// socket is a listening ZeroMQ socket of any type.
type socket struct {
	kind     zmq4.SocketType
	listener net.Listener
	// receive is called with each message of a client, in order, from a goroutine
	// of that client.
	receive func(*peer, [][]byte)
	limits  limits

	mu     sync.Mutex
	peers  map[*peer]bool
	closed bool
	wait   sync.WaitGroup
}

// newSocket serves clients of l until close.
func newSocket(l net.Listener, kind zmq4.SocketType, receive func(*peer, [][]byte)) *socket {
	s := &socket{kind: kind, listener: l, receive: receive, limits: defaultLimits, peers: map[*peer]bool{}}
	s.wait.Go(s.accept)
	return s
}

func (s *socket) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			s.mu.Lock()
			closed := s.closed
			s.mu.Unlock()
			if closed {
				return
			}
			time.Sleep(50 * time.Millisecond) // out of file descriptors, most likely
			continue
		}
		s.wait.Go(func() { s.serve(conn) })
	}
}

// serve greets a client and reads its messages until it goes.
func (s *socket) serve(conn net.Conn) {
	defer conn.Close()
	p := &peer{raw: conn, limits: s.limits, ready: make(chan struct{}, 1), space: make(chan struct{}, 1), done: make(chan struct{})}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.peers[p] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.peers, p)
		s.mu.Unlock()
		p.close()
	}()

	conn.SetDeadline(time.Now().Add(greetTime))
	z, err := zmq4.Open(conn, null.Security(), s.kind, zmq4.SocketIdentity(newID()), true, nil)
	if err != nil {
		return
	}
	conn.SetDeadline(time.Time{})
	p.id = z.Peer.Meta["Identity"]
	if p.id == "" {
		p.id = newID()
	}
	s.mu.Lock()
	p.conn = z
	s.mu.Unlock()
	s.wait.Go(p.write)
	for {
		msg, err := receive(z)
		if err != nil {
			return
		}
		if msg.Type != zmq4.CmdMsg && len(msg.Frames) > 0 {
			s.receive(p, msg.Frames)
		}
	}
}

// receive reads one message. A frame that claims an impossible length makes
// zmq4 panic; such a client is cut off.
func receive(z *zmq4.Conn) (msg zmq4.Msg, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("protocol: broken ZeroMQ frame: %v", r)
		}
	}()
	return z.RecvMsg()
}

// find returns the connected client with an identity; the newest, if a client
// connected again before its old connection was seen to end.
func (s *socket) find(id string) *peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found *peer
	for p := range s.peers {
		if p.conn != nil && p.id == id && (found == nil || !p.isClosed()) {
			found = p
		}
	}
	return found
}

// publish sends frames to all who subscribed to topic, which is the first frame.
func (s *socket) publish(frames [][]byte) {
	s.mu.Lock()
	var to []*peer
	for p := range s.peers {
		if p.subscribed(string(frames[0])) {
			to = append(to, p)
		}
	}
	s.mu.Unlock()
	for _, p := range to {
		p.send(frames)
	}
}

// close waits a moment for what was sent, then ends all connections.
func (s *socket) close() {
	s.mu.Lock()
	s.closed = true
	all := make([]*peer, 0, len(s.peers))
	for p := range s.peers {
		all = append(all, p)
	}
	s.mu.Unlock()
	s.listener.Close() // removes the file of a unix socket too
	end := time.Now().Add(lingerTime)
	for _, p := range all {
		for !p.idle() && time.Now().Before(end) {
			time.Sleep(2 * time.Millisecond)
		}
	}
	for _, p := range all {
		p.close()
		p.raw.Close()
	}
	s.wait.Wait()
}

// peer is one connected client.
type peer struct {
	raw    net.Conn
	conn   *zmq4.Conn // nil until greeted
	id     string
	limits limits

	mu      sync.Mutex
	topics  map[string]bool // what it subscribed to
	waiting [][][]byte
	bytes   int
	writing bool
	ready   chan struct{} // something waits
	space   chan struct{} // less waits
	done    chan struct{}
	once    sync.Once
}

// send puts frames in the client's queue. When that is full it waits, and after
// limits.time it cuts the client off. It reports whether the message was taken.
func (p *peer) send(frames [][]byte) bool {
	size := 0
	for _, f := range frames {
		size += len(f)
	}
	var timeout <-chan time.Time
	for {
		p.mu.Lock()
		if p.isClosed() {
			p.mu.Unlock()
			return false
		}
		if p.bytes == 0 || p.bytes+size <= p.limits.queue { // one message may be larger
			p.waiting = append(p.waiting, frames)
			p.bytes += size
			p.mu.Unlock()
			notify(p.ready)
			return true
		}
		p.mu.Unlock()
		if timeout == nil {
			timeout = time.After(p.limits.time)
		}
		select {
		case <-p.space:
		case <-p.done:
		case <-timeout:
			p.close()
			p.raw.Close()
			return false
		}
	}
}

// write sends the queue, until close.
func (p *peer) write() {
	for {
		p.mu.Lock()
		var next [][]byte
		if len(p.waiting) > 0 {
			next, p.waiting = p.waiting[0], p.waiting[1:]
			p.writing = true
		}
		p.mu.Unlock()
		if next == nil {
			select {
			case <-p.ready:
				continue
			case <-p.done:
				return
			}
		}
		msg := zmq4.NewMsgFrom(next...)
		err := p.conn.SendMsg(msg)
		p.mu.Lock()
		p.writing = false
		for _, f := range next {
			p.bytes -= len(f)
		}
		p.mu.Unlock()
		notify(p.space)
		if err != nil {
			p.close()
			p.raw.Close()
			return
		}
	}
}

func (p *peer) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.isClosed() || len(p.waiting) == 0 && !p.writing
}

func (p *peer) close() { p.once.Do(func() { close(p.done) }) }

func (p *peer) isClosed() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// subscribe reads a subscription message: one byte, 1 or 0, and the topic. It
// reports whether it was a new subscription.
func (p *peer) subscribe(frame []byte) (topic string, added bool) {
	if len(frame) == 0 || frame[0] > 1 {
		return "", false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	topic = string(frame[1:])
	if frame[0] == 0 {
		delete(p.topics, topic)
		return topic, false
	}
	if p.topics == nil {
		p.topics = map[string]bool{}
	}
	p.topics[topic] = true
	return topic, true
}

func (p *peer) subscribed(topic string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for t := range p.topics {
		if strings.HasPrefix(topic, t) {
			return true
		}
	}
	return false
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// port returns the port that a listener got, 0 for a file.
func port(l net.Listener) int {
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}
