package protocol

import (
	"net"
	"strings"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
)

// limits keep a client that does not read from delaying the others, or filling memory.
type limits struct {
	queue int           // bytes that may wait for the client
	time  time.Duration // how long a sender waits for room before the client is cut off
}

var (
	defaultLimits = limits{queue: 64 << 20, time: 5 * time.Second}
	// echoLimits are for heartbeats, which come without a signature.
	echoLimits = limits{queue: 1 << 20, time: time.Second}
)

// maxTopics is how many topics a client may subscribe to.
const maxTopics = 1000

// peer is one connected client.
type peer struct {
	raw    net.Conn
	conn   *zmq4.Conn // nil until greeted
	id     string
	limits limits

	mu      sync.Mutex
	topics  map[string]bool // that the client subscribed to
	waiting [][][]byte
	bytes   int
	writing bool
	ready   chan struct{} // signals that a message was queued
	space   chan struct{} // signals that a message was sent
	done    chan struct{} // closed by cut
	once    sync.Once
}

func newPeer(conn net.Conn, l limits) *peer {
	return &peer{raw: conn, limits: l, ready: make(chan struct{}, 1), space: make(chan struct{}, 1), done: make(chan struct{})}
}

// send puts frames in the client's queue. If the queue is full, it waits for room, and cuts the client off after
// limits.time. It reports whether the message was queued.
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
		if p.bytes == 0 || p.bytes+size <= p.limits.queue { // a single message may be larger than the queue
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
			p.cut()
			return false
		}
	}
}

// write sends the messages of the queue, until cut or until sending fails.
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
			p.cut()
			return
		}
	}
}

func (p *peer) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.isClosed() || len(p.waiting) == 0 && !p.writing
}

// cut ends the connection.
func (p *peer) cut() {
	p.once.Do(func() { close(p.done) })
	p.raw.Close()
}

func (p *peer) isClosed() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// subscribe reads a subscription message: one byte, 1 or 0, and the topic. For a new subscription it queues what
// welcome returns, before any message that is published to the subscriber.
func (p *peer) subscribe(frame []byte, welcome func(topic string) [][]byte) {
	if len(frame) == 0 || frame[0] > 1 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	topic := string(frame[1:])
	if frame[0] == 0 {
		delete(p.topics, topic)
		return
	}
	if p.topics == nil {
		p.topics = map[string]bool{}
	}
	if p.topics[topic] || len(p.topics) >= maxTopics {
		return
	}
	p.topics[topic] = true
	if frames := welcome(topic); frames != nil {
		p.waiting = append(p.waiting, frames)
		for _, f := range frames {
			p.bytes += len(f)
		}
		notify(p.ready)
	}
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
