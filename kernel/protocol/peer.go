package protocol

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zeromq/zmq4"
)

// limits keep a client that does not read from delaying the others, or filling memory.
type limits struct {
	queue   int           // bytes that may wait for the client
	reserve int           // bytes beyond these for messages that are not output
	time    time.Duration // how long a sender waits for room
}

var (
	defaultLimits = limits{queue: 64 << 20, reserve: 8 << 20, time: 5 * time.Second}
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
	place  int // in the order of connecting

	trusted atomic.Bool // a signed message has come

	mu      sync.Mutex
	topics  map[string]bool // that the client subscribed to
	waiting [][][]byte
	bytes   int
	writing bool
	behind  bool                    // the client did not read in time
	lost    int                     // messages of output that were left out
	note    func(lost int) [][]byte // makes the message that says so
	ready   chan struct{}           // signals that a message was queued
	space   chan struct{}           // signals that a message was sent
	done    chan struct{}           // closed by cut
	once    sync.Once
}

func newPeer(conn net.Conn, l limits) *peer {
	return &peer{raw: conn, limits: l, ready: make(chan struct{}, 1), space: make(chan struct{}, 1), done: make(chan struct{})}
}

// size is the memory that a waiting message takes, roughly.
func size(frames [][]byte) (n int) {
	const perFrame = 48 // the slice and the allocator's share
	for _, f := range frames {
		n += len(f) + perFrame
	}
	return n
}

// send puts frames in the client's queue. If the queue is full, it waits for room, and cuts the client off after
// limits.time. It reports whether the message was queued.
func (p *peer) send(frames [][]byte) bool {
	sent := p.whenRoom(func() bool { return p.enqueue(frames, p.limits.queue+p.limits.reserve) })
	if !sent {
		p.cut()
	}
	return sent
}

// leaveOut reports whether the next message of output must be left out, because the client is behind and less than half
// of its queue is free.
func (p *peer) leaveOut(note func(lost int) [][]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behind = p.behind && p.bytes > p.limits.queue/2
	if p.behind {
		p.leave(note)
	}
	return p.behind
}

// leave counts a message that is left out. note makes the message that reports their number, which goes before the next
// one that is queued. p.mu is held.
func (p *peer) leave(note func(lost int) [][]byte) { p.lost, p.note = p.lost+1, note }

// sendOutput is send for what a cell shows, which may be any amount: where send cuts the client off, the message is
// left out, and the client is behind from then on.
func (p *peer) sendOutput(frames [][]byte, note func(lost int) [][]byte) {
	if p.whenRoom(func() bool { return p.enqueue(frames, p.limits.queue) }) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behind = true
	p.leave(note)
}

// whenRoom calls try, with p.mu held, again each time that a message has gone, until try returns true. It returns false
// after limits.time, or when the client is cut off.
func (p *peer) whenRoom(try func() bool) bool {
	var timeout <-chan time.Time
	for !p.isClosed() {
		p.mu.Lock()
		done := try()
		p.mu.Unlock()
		if done {
			return true
		}
		if timeout == nil {
			timeout = time.After(p.limits.time)
		}
		select {
		case <-p.space:
		case <-p.done:
		case <-timeout:
			return false
		}
	}
	return false
}

// enqueue queues a message if the queue then holds at most limit bytes; a single message may be larger. p.mu is held.
func (p *peer) enqueue(frames [][]byte, limit int) bool {
	if p.bytes > 0 && p.bytes+size(frames) > limit {
		return false
	}
	if p.lost > 0 {
		if note := p.note(p.lost); note != nil {
			p.waiting = append(p.waiting, note)
			p.bytes += size(note)
		}
		p.lost, p.note = 0, nil
	}
	p.waiting = append(p.waiting, frames)
	p.bytes += size(frames)
	notify(p.ready)
	return true
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
		p.bytes -= size(next)
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
// welcome returns, before any message that is published to the subscriber; a client without room for that is cut off.
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
	if frames := welcome(topic); frames != nil && !p.enqueue(frames, p.limits.queue+p.limits.reserve) {
		p.cut() // it subscribes again and again, and does not read
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
