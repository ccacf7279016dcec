//go:build linux

package streams

import (
	"errors"
	"os"
	"slices"
	"syscall"
)

const (
	// FastAfter is how many bytes may be read before speed matters more than order.
	FastAfter = 64 << 10
	// MaxWrites is how many writes three pipes together hold at most.
	MaxWrites = 3 * fastSlots

	fastSlots   = 64   // writes that a pipe holds after FastAfter bytes
	setPipeSize = 1031 // F_SETPIPE_SZ of fcntl(2), which package syscall lacks
)

// Streams are the reading ends of the pipes of a process. They are not for use by several goroutines at a time, except
// for Close.
type Streams struct {
	pipes []*pipe
	ready *os.File // an epoll instance: readable when one of the pipes is
	buf   []byte
	rest  []event // of pipes that may hold more
	// waited is how many events came before those of rest.
	waited int
}

// event says that a pipe has become readable.
type event struct {
	pipe   *pipe
	closed bool // no further event comes: the pipe must be read to its end
}

type pipe struct {
	name      string
	fd        int
	ended     bool // its end was read
	exact     bool // it holds one write
	bytes     int  // read since Begin
	fastAfter int  // bytes
	fifo      bool // see Add
}

// New makes a pipe for each of the names, and returns the files to which the process is to write, in their order. The
// caller closes these files once the process has them. At the end it calls End and Close.
func New(names ...string) (s *Streams, theirs []*os.File, err error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, nil, os.NewSyscallError("epoll_create1", err)
	}
	err = syscall.SetNonblock(epoll, true) // so that Go's own poller takes it
	s = &Streams{ready: os.NewFile(uintptr(epoll), "streams"), buf: make([]byte, 64<<10)}
	for _, name := range names {
		p, f, perr := newPipe(name)
		if perr != nil {
			err = errors.Join(err, perr)
			break
		}
		theirs = append(theirs, f)
		err = errors.Join(err, s.add(epoll, p))
	}
	if err != nil {
		s.End()
		s.Close()
		for _, f := range theirs {
			f.Close()
		}
		return nil, nil, err
	}
	s.Begin()
	return s, theirs, nil
}

// Add adds a FIFO, which the caller has opened for reading and writing and closes after End. It never ends.
// Its own order is exact for fastAfter bytes if its writers have O_DIRECT; after that, what the other pipes
// hold is read before it.
func (s *Streams) Add(name string, f *os.File, fastAfter int) error {
	to, err := s.ready.SyscallConn()
	if err != nil {
		return err
	}
	from, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var added, inner error
	err = to.Control(func(epoll uintptr) {
		inner = from.Control(func(fd uintptr) {
			added = s.add(int(epoll), &pipe{name: name, fd: int(fd), fastAfter: fastAfter, fifo: true})
		})
	})
	s.Begin()
	return errors.Join(err, inner, added)
}

// add adds a pipe to the epoll instance.
func (s *Streams) add(epoll int, p *pipe) error {
	const edge = 1 << 31 // EPOLLET, which package syscall has as a negative number
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | edge, Fd: int32(len(s.pipes))}
	s.pipes = append(s.pipes, p)
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, p.fd, &event))
}

// newPipe makes a pipe and returns both ends.
func newPipe(name string) (ours *pipe, theirs *os.File, err error) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC|syscall.O_DIRECT); err != nil {
		if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil { // no packets here: the order is not exact
			return nil, nil, os.NewSyscallError("pipe2", err)
		}
	}
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		syscall.Close(fds[0])
		syscall.Close(fds[1])
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	return &pipe{name: name, fd: fds[0], fastAfter: FastAfter}, os.NewFile(uintptr(fds[1]), name), nil
}

// hold makes the pipe hold n writes, and reports whether it does.
func (p *pipe) hold(n int) bool {
	_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(p.fd), setPipeSize, uintptr(n*os.Getpagesize()))
	return errno == 0
}

// Begin makes the order exact for the next bytes: FastAfter of each pipe.
func (s *Streams) Begin() {
	for _, p := range s.pipes {
		p.bytes, p.exact = 0, p.hold(1)
	}
}

// count counts bytes that were read, and makes the pipe fast if there were many.
func (p *pipe) count(n int) {
	p.bytes += n
	if p.exact && p.bytes > p.fastAfter {
		p.exact = false
		p.hold(fastSlots)
	}
}

// Next reads what the stream that was written first holds, and reports whether there was anything to read. It does not
// wait. It reads one write of at most a page while the order is exact, and some later; deliver must not keep data.
func (s *Streams) Next(deliver func(name string, data []byte)) bool {
	e := s.first()
	if e.pipe == nil {
		return false
	}
	for range fastSlots {
		n, err := syscall.Read(e.pipe.fd, s.buf)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case n > 0:
			deliver(e.pipe.name, s.buf[:n])
			e.pipe.count(n)
		case n == 0 && err == nil:
			e.pipe.ended = true
		}
		if n <= 0 || e.pipe.exact && !e.closed {
			return true
		}
	}
	s.rest = append(s.rest, e)
	return true
}

// first takes the first event; its pipe is nil if there is none. A FIFO whose order is not exact comes last, but not
// after more than fastSlots others, so that text stands above a display that came after it.
func (s *Streams) first() event {
	for s.waited < fastSlots {
		e := s.firstReady()
		if e.pipe == nil {
			break
		}
		if !e.pipe.fifo || e.pipe.exact {
			if len(s.rest) > 0 {
				s.waited++
			}
			return e
		}
		if !slices.Contains(s.rest, e) {
			s.rest = append(s.rest, e)
		}
	}
	if len(s.rest) == 0 {
		return event{}
	}
	i := 0
	if s.waited < fastSlots {
		i = max(0, slices.IndexFunc(s.rest, func(e event) bool { return !e.pipe.fifo }))
	}
	e := s.rest[i]
	s.rest, s.waited = slices.Delete(s.rest, i, i+1), 0
	return e
}

// firstReady takes the first event of the epoll instance.
func (s *Streams) firstReady() (e event) {
	raw, err := s.ready.SyscallConn()
	if err != nil {
		return e
	}
	var events [1]syscall.EpollEvent
	n := 0
	err = raw.Control(func(epoll uintptr) {
		err := error(syscall.EINTR)
		for errors.Is(err, syscall.EINTR) {
			n, err = syscall.EpollWait(int(epoll), events[:], 0)
		}
	})
	if err == nil && n > 0 && int(events[0].Fd) < len(s.pipes) {
		e = event{s.pipes[events[0].Fd], events[0].Events&syscall.EPOLLHUP != 0}
	}
	return e
}

// Wait calls read whenever there may be something to read, until read reports that the streams have ended, or until
// Close. read must call Next until that returns false.
func (s *Streams) Wait(read func() (ended bool)) {
	raw, err := s.ready.SyscallConn()
	if err == nil {
		raw.Read(func(uintptr) bool { return read() })
	}
}

// Ended reports whether the ends of all streams have been read.
func (s *Streams) Ended() bool {
	return !slices.ContainsFunc(s.pipes, func(p *pipe) bool { return !p.ended && !p.fifo })
}

// End closes the pipes that New made: Next finds nothing any more.
func (s *Streams) End() {
	for _, p := range s.pipes {
		if !p.fifo {
			syscall.Close(p.fd)
		}
	}
	s.pipes, s.rest = nil, nil
}

// Close ends Wait, and waits until it has ended. End must have been called.
func (s *Streams) Close() { s.ready.Close() }
