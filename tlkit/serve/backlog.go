package serve

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// backlog is a listener that can take the connections that wait in the system's queue before it is closed: closing
// resets these, and their clients would see an error instead of an answer.
type backlog struct {
	net.Listener
	emptying        atomic.Bool
	emptied, closed func()
	isEmpty, ended  chan struct{}
}

// deadliner is a listener, such as TCP's, whose Accept can end after a time.
type deadliner interface{ SetDeadline(time.Time) error }

func newBacklog(l net.Listener) *backlog {
	b := &backlog{Listener: l, isEmpty: make(chan struct{}), ended: make(chan struct{})}
	b.emptied = sync.OnceFunc(func() { close(b.isEmpty) })
	b.closed = sync.OnceFunc(func() { close(b.ended) })
	return b
}

// quietTime is the time without a new connection after which the queue counts as empty.
const quietTime = 2 * time.Millisecond

// empty waits until no connection waits in the queue, for the given time at most. The server accepts those that wait
// meanwhile. After that it is time to close: Accept returns no further connection.
func (b *backlog) empty(most time.Duration) {
	l, ok := b.Listener.(deadliner)
	b.emptying.Store(true)
	if !ok || l.SetDeadline(time.Now().Add(quietTime)) != nil {
		return
	}
	select {
	case <-b.isEmpty:
	case <-time.After(most):
	}
}

// Accept returns the next connection. Once the queue is empty, it waits for Close.
func (b *backlog) Accept() (net.Conn, error) {
	for {
		if l, ok := b.Listener.(deadliner); ok && b.emptying.Load() {
			if err := l.SetDeadline(time.Now().Add(quietTime)); err != nil {
				return nil, err
			}
		}
		conn, err := b.Listener.Accept()
		if !isTimeout(err) {
			return conn, err
		}
		b.emptied()
		<-b.ended
	}
}

// Close closes the listener.
func (b *backlog) Close() error {
	err := b.Listener.Close()
	b.closed()
	return err
}
