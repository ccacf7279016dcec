package protocol

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
)

// Config configures a Server.
type Config struct {
	// Connection holds the addresses to listen on and the key to sign with.
	Connection Connection
	// Engine runs the cells.
	Engine Engine
	// Language completes and explains code; nil means that the kernel does neither.
	Language Language
	// Info describes the kernel.
	Info Info
	// WidgetScript is JavaScript that connects GoNB's widgets to the kernel; empty means that widgets can't be used. It
	// defines globalThis.gonb_comm, and opens a comm named "gonb_comm".
	WidgetScript string
	// Log receives a line for each dropped message, with the reason; nil discards the lines.
	Log io.Writer
	// ReplyTime is the limit for completion; 0 means 800 ms, since JupyterLab drops completions that take longer than a
	// second. Inspection, which no client drops, has inspectTimes of it.
	ReplyTime time.Duration
}

// Server is a kernel's side of the messaging protocol.
type Server struct {
	cfg   Config
	codec *codec

	shell, control, stdin, iopub, heartbeat *socket
	shellIn, controlIn                      chan *message
	cells                                   chan *message // execute requests, in order

	ctx    context.Context // until shutdown
	cancel context.CancelFunc
	work   sync.WaitGroup

	statusMu sync.Mutex // order of status messages
	running  *message   // the request of the running cell

	history history
	comms   comms
	forms   forms
	input   input
}

// maxCells is how many execute requests may wait.
const maxCells = 10_000

// NewServer opens the five channels. Call Serve next.
func NewServer(cfg Config) (*Server, error) {
	cfg.ReplyTime = cmp.Or(cfg.ReplyTime, 800*time.Millisecond)
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	c := &cfg.Connection
	s := &Server{cfg: cfg, codec: newCodec(c.Key), shellIn: make(chan *message), controlIn: make(chan *message), cells: make(chan *message, maxCells)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.comms.server, s.input.server, s.forms.server = s, s, s
	shared := newBudget(totalBytes)
	echo := func(p *peer, frames [][]byte) { p.send(frames) }
	channels := []struct {
		port    *int
		socket  **socket
		kind    zmq4.SocketType
		bounds  bounds
		limits  limits
		receive func(*peer, [][]byte)
		signed  bool
	}{
		{&c.IOPubPort, &s.iopub, zmq4.XPub, signalBounds, defaultLimits, s.subscription, false},
		{&c.HBPort, &s.heartbeat, zmq4.Router, signalBounds, echoLimits, echo, false},
		{&c.StdinPort, &s.stdin, zmq4.Router, messageBounds, defaultLimits, s.receiver(&s.stdin, s.input.reply), true},
		{&c.ControlPort, &s.control, zmq4.Router, messageBounds, defaultLimits, s.receiver(&s.control, func(m *message) { s.pass(s.controlIn, m) }), true},
		{&c.ShellPort, &s.shell, zmq4.Router, messageBounds, defaultLimits, s.receiver(&s.shell, func(m *message) { s.pass(s.shellIn, m) }), true},
	}
	for i, ch := range channels {
		l, err := c.listen(*ch.port)
		if err != nil {
			for _, opened := range channels[:i] {
				(*opened.socket).close()
			}
			s.cancel()
			return nil, fmt.Errorf("protocol: opening a channel: %w", err)
		}
		if c.Transport == "tcp" {
			*ch.port = port(l)
		}
		*ch.socket = newSocket(l, channel{ch.kind, ch.bounds, shared, ch.limits, ch.receive, ch.signed, cfg.Log})
	}
	s.cfg.Connection = *c
	return s, nil
}

// Connection returns the addresses that the server listens on, with real ports in place of zeros.
func (s *Server) Connection() Connection { return s.cfg.Connection }

// Serve handles requests until a client requests shutdown or ctx ends. It reports whether the client that requested
// shutdown will start the kernel again.
func (s *Server) Serve(ctx context.Context) (restart bool) {
	defer s.stop()
	s.publish("status", nil, map[string]any{"execution_state": "starting"})
	s.work.Go(s.runCells)
	s.work.Go(s.comms.run)
	s.work.Go(s.serveShell)
	for {
		select {
		case <-ctx.Done():
			return false
		case m := <-s.controlIn:
			if m.header.Type != "shutdown_request" {
				s.handle(m)
				continue
			}
			return s.shutdown(m)
		}
	}
}

// stopTime is how long the running cell may take to end when the kernel shuts down, so that the cell can save what it
// must. Jupyter gives a kernel five seconds for everything.
const stopTime = 3500 * time.Millisecond

// stop ends the running cell and closes the channels.
func (s *Server) stop() {
	s.cancel()
	s.cfg.Engine.Stop()
	for _, sock := range []*socket{s.shell, s.control, s.stdin, s.heartbeat, s.iopub} {
		sock.close()
	}
	done := make(chan struct{})
	go func() { s.work.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(stopTime): // a cell that does not stop; the caller ends its process
	}
}

func (s *Server) serveShell() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case m := <-s.shellIn:
			switch m.header.Type {
			case "execute_request":
				select {
				case s.cells <- m:
				default:
					s.around(m, func() {
						s.reply(m, errorReply("QueueFull", fmt.Sprintf("%d cells are waiting already", maxCells)))
					})
				}
			case "shutdown_request": // clients sent it here before version 5.4
				go s.pass(s.controlIn, m)
			default:
				s.handle(m)
			}
		}
	}
}

// pass hands a message to a loop, unless the server ends.
func (s *Server) pass(to chan *message, m *message) {
	select {
	case to <- m:
	case <-s.ctx.Done():
	}
}

// receiver returns a function that checks messages and passes the valid ones to next.
func (s *Server) receiver(via **socket, next func(*message)) func(*peer, [][]byte) {
	return func(p *peer, frames [][]byte) {
		m, err := s.codec.parse(frames)
		if err != nil {
			fmt.Fprintf(s.cfg.Log, "dropped a message: %v\n", err)
			return
		}
		p.trusted.Store(true)
		m.peer, m.via = p.id, *via
		next(m)
	}
}

// subscription sends iopub_welcome to a new subscriber of iopub: from this message on, the subscriber misses nothing
// (JEP 65).
func (s *Server) subscription(p *peer, frames [][]byte) {
	p.subscribe(frames[0], func(topic string) [][]byte {
		msg, _, err := s.codec.frames(outgoing{kind: "iopub_welcome", content: map[string]any{"subscription": topic}})
		if err != nil {
			return nil
		}
		return append([][]byte{[]byte(topic)}, msg...)
	})
}

// publish sends a message to all subscribers.
func (s *Server) publish(kind string, parent *message, content any) {
	s.publishWith(kind, parent, nil, content)
}

func (s *Server) publishWith(kind string, parent *message, metadata map[string]any, content any) {
	topic := s.topic(kind)
	to := s.iopub.subscribers(topic)
	note := func(lost int) [][]byte { return s.lostNote(parent, lost) }
	if outputKinds[kind] {
		to = slices.DeleteFunc(to, func(p *peer) bool { return p.leaveOut(note) })
	}
	if len(to) == 0 {
		return
	}
	o := outgoing{kind: kind, metadata: metadata, content: content}
	if parent != nil {
		o.parent = parent.rawHeader
	}
	msg, _, err := s.codec.frames(o)
	if err != nil {
		fmt.Fprintf(s.cfg.Log, "not published: %v\n", err)
		return
	}
	msg = append([][]byte{[]byte(topic)}, msg...)
	for _, p := range to {
		if outputKinds[kind] {
			p.sendOutput(msg, note)
		} else {
			p.send(msg)
		}
	}
}

// outputKinds are the messages of which a cell may send any number or any size. A client that does not read them in
// time misses some; it gets all others, such as the status that tells it that the cell has ended.
var outputKinds = map[string]bool{"execute_input": true, "stream": true, "display_data": true, "update_display_data": true, "execute_result": true,
	"clear_output": true, "comm_msg": true}

// lostNote writes the text that takes the place of outputs that a client did not read in time; nil if that fails.
func (s *Server) lostNote(parent *message, lost int) [][]byte {
	o := outgoing{kind: "stream", content: map[string]any{"name": "stderr",
		"text": fmt.Sprintf("\n%d outputs are missing here: this client did not read them in time\n", lost)}}
	if parent != nil {
		o.parent = parent.rawHeader
	}
	msg, _, err := s.codec.frames(o)
	if err != nil {
		return nil
	}
	return append([][]byte{[]byte(s.topic("stream"))}, msg...)
}

// topic returns the topic of iopub under which a kind of message is published.
func (s *Server) topic(kind string) string { return "kernel." + s.codec.session + "." + kind }

// reply sends the reply to a request on the request's channel.
func (s *Server) reply(m *message, content any) {
	s.send(m.via, m, strings.TrimSuffix(m.header.Type, "_request")+"_reply", content)
}

// send sends a message to the client that m came from. It returns the new message's id; empty if the message could not
// be sent, for instance because the client is gone.
func (s *Server) send(sock *socket, m *message, kind string, content any) string {
	msg, id, err := s.codec.frames(outgoing{kind: kind, parent: m.rawHeader, content: content})
	if err != nil {
		fmt.Fprintf(s.cfg.Log, "not sent: %v\n", err)
		return ""
	}
	p := sock.find(m.peer)
	if p == nil || !p.send(append(append([][]byte(nil), m.routes...), msg...)) {
		return ""
	}
	return id
}

// around publishes the status busy before f and idle after it, for request m. While a cell runs, its busy status is
// published again at the end, or clients would show the kernel as idle.
func (s *Server) around(m *message, f func()) {
	s.status(m, "busy")
	f()
	s.statusMu.Lock()
	defer s.statusMu.Unlock()
	s.publish("status", m, map[string]any{"execution_state": "idle"})
	if s.running != nil {
		s.publish("status", s.running, map[string]any{"execution_state": "busy"})
	}
}

func (s *Server) status(m *message, state string) {
	s.statusMu.Lock()
	defer s.statusMu.Unlock()
	s.publish("status", m, map[string]any{"execution_state": state})
}

// shutdown replies to the request, informs all clients, and reports whether the kernel is to start again.
func (s *Server) shutdown(m *message) (restart bool) {
	var req struct {
		Restart bool `json:"restart"`
	}
	m.decode(&req)
	content := map[string]any{"status": "ok", "restart": req.Restart}
	s.around(m, func() {
		s.reply(m, content)
		s.publish("shutdown_reply", m, content)
	})
	return req.Restart
}

// errorReply returns the content of a reply that refuses a request.
func errorReply(name, value string) map[string]any {
	return map[string]any{"status": "error", "ename": name, "evalue": value, "traceback": []string{}}
}

// object returns data, or an empty object.
func object(data map[string]any) map[string]any {
	if data == nil {
		return map[string]any{}
	}
	return data
}

// field returns the string under a name of a JSON object, or "".
func field(data json.RawMessage, name string) string {
	var all map[string]json.RawMessage
	var text string
	if json.Unmarshal(data, &all) == nil {
		json.Unmarshal(all[name], &text)
	}
	return text
}
