package protocol

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// github.com/go-zeromq/zmq4 implements ZeroMQ's protocol (greetings, security, frames). This package uses only its
// connections, and decides itself which client gets which message. zmq4's own sockets have faults that a kernel's
// clients notice: a client that connects and sends nothing keeps all others out, a client that stops reading stops the
// output of all, XPUB does not pass subscriptions on, and closing a socket drops messages that were just sent.

const (
	// greetTime is how long a client may take for ZeroMQ's greeting.
	greetTime = 10 * time.Second
	// lingerTime is how long close waits until queued messages are sent.
	lingerTime = time.Second
	// maxPeers is how many clients a socket serves at a time.
	maxPeers = 256
)

// channel configures how a socket serves its clients.
type channel struct {
	kind zmq4.SocketType
	// bounds limit each message of a client.
	bounds bounds
	// budget is shared by the large messages of all clients, those of other sockets included.
	budget *budget
	// limits apply to the messages that are sent to each client.
	limits limits
	// receive is called with each message of a client, in order, from a goroutine of that client.
	receive func(*peer, [][]byte)
	// signed tells that the messages are signed: a client that has sent none gives way to a new one where all places
	// are taken.
	signed bool
	// log gets a line for each client that is cut off.
	log io.Writer
}

// socket is a listening ZeroMQ socket of any type.
type socket struct {
	channel
	listener net.Listener

	mu     sync.Mutex
	peers  map[*peer]bool
	count  int // of clients until now
	closed bool
	wait   sync.WaitGroup
}

// newSocket returns a socket that serves the clients of l until close.
func newSocket(l net.Listener, c channel) *socket {
	s := &socket{channel: c, listener: l, peers: map[*peer]bool{}}
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

// serve greets a client and reads its messages until the client is gone.
func (s *socket) serve(conn net.Conn) {
	p := newPeer(conn, s.limits)
	defer p.cut()
	if !s.add(p) {
		return
	}
	defer s.remove(p)
	in := newGuard(conn, s.budget, p.trusted.Load)
	defer in.endMessage()
	err := s.greet(p, in)
	for err == nil {
		err = s.next(p)
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !p.isClosed() {
		fmt.Fprintf(s.log, "cut off a client of %s: %v\n", s.listener.Addr(), err)
	}
}

// add adds a client if there is room for it or can be made, and reports whether it did.
func (s *socket) add(p *peer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && len(s.peers) >= maxPeers && s.signed {
		s.cutStranger()
	}
	if s.closed || len(s.peers) >= maxPeers {
		return false
	}
	s.count++
	p.place = s.count
	s.peers[p] = true
	return true
}

// cutStranger ends the oldest connection on which no signed message has come, if there is one. s.mu is held.
func (s *socket) cutStranger() {
	var oldest *peer
	for p := range s.peers {
		if !p.trusted.Load() && (oldest == nil || p.place < oldest.place) {
			oldest = p
		}
	}
	if oldest != nil {
		oldest.cut()
		delete(s.peers, oldest)
	}
}

func (s *socket) remove(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.peers, p)
}

// greet opens ZeroMQ's connection with a client, and starts to send it messages.
func (s *socket) greet(p *peer, in *guard) error {
	in.SetDeadline(time.Now().Add(greetTime))
	z, err := zmq4.Open(in, null.Security(), s.kind, zmq4.SocketIdentity(newID()), true, nil)
	if err != nil {
		return err
	}
	in.SetDeadline(time.Time{})
	in.endMessage()
	in.greeted(s.bounds)
	p.id = cmp.Or(z.Peer.Meta["Identity"], newID())
	s.mu.Lock()
	p.conn = z
	s.mu.Unlock()
	s.wait.Go(p.write)
	return nil
}

// next reads one message and hands it on.
func (s *socket) next(p *peer) error {
	msg, err := receive(p.conn)
	if err == nil && msg.Type != zmq4.CmdMsg && len(msg.Frames) > 0 {
		s.receive(p, msg.Frames)
	}
	return err
}

// receive reads one message. A frame that zmq4 can't read makes it panic; such a client is cut off.
func receive(z *zmq4.Conn) (msg zmq4.Msg, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("protocol: broken ZeroMQ frame: %v", r)
		}
	}()
	return z.RecvMsg()
}

// find returns the connected client with an identity. If a client has connected again before its old connection was
// seen to end, find prefers a connection that is not closed.
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

// subscribers returns the clients that subscribed to a topic.
func (s *socket) subscribers(topic string) (all []*peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.peers {
		if p.subscribed(topic) {
			all = append(all, p)
		}
	}
	return all
}

// close waits up to lingerTime until queued messages are sent, then ends all connections.
func (s *socket) close() {
	s.mu.Lock()
	s.closed = true
	all := slices.Collect(maps.Keys(s.peers))
	s.mu.Unlock()
	s.listener.Close() // removes the file of a unix socket too
	end := time.Now().Add(lingerTime)
	for _, p := range all {
		for !p.idle() && time.Now().Before(end) {
			time.Sleep(2 * time.Millisecond)
		}
	}
	for _, p := range all {
		p.cut()
	}
	s.wait.Wait()
}

// port returns the port that a listener got; 0 for a file.
func port(l net.Listener) int {
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}
