package protocol

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

// patience is the limit for whatever must come at once. It is long because the machine may be busy with other packages'
// tests; a client that really waits for a cell waits for ever.
const patience = 20 * time.Second

const testKey = "a key for tests"

// fakeEngine runs cells that are orders to the test: see its Execute.
type fakeEngine struct {
	stops      chan struct{}
	interrupts chan struct{}
	delivered  chan string
	release    chan struct{} // lets "wait" go on
	started    chan string
}

func newFakeEngine() *fakeEngine {
	return &fakeEngine{stops: make(chan struct{}, 10), interrupts: make(chan struct{}, 1), delivered: make(chan string, 10), release: make(chan struct{}), started: make(chan string, 1000)}
}

func (e *fakeEngine) Execute(ctx context.Context, cell *Cell, out *Output) *Error {
	select {
	case <-e.interrupts: // of before
	default:
	}
	e.started <- cell.Code
	word, rest, _ := strings.Cut(cell.Code, " ")
	switch word {
	case "wait":
		select {
		case <-e.release:
		case <-e.interrupts:
			return &Error{Name: "Interrupted", Value: "interrupted"}
		case <-ctx.Done():
		}
	case "save": // at an interrupt, for a while
		<-e.interrupts
		e.started <- "saving"
		<-e.release
		e.started <- "saved"
		return &Error{Name: "Interrupted", Value: "interrupted"}
	case "bytes": // a character in two pieces
		out.Stream("stdout", "h\xc3")
		<-e.release // the client has the first piece
		out.Stream("stdout", "\xa9!")
	case "form":
		if cell.Fields == nil {
			out.Form(Form{Fields: []FormField{{Name: "n", Kind: "slider", Value: "5"}}})
		} else if cell.Fields["n"] == "bad" {
			return &Error{Name: "Panic", Value: "no such n"}
		} else {
			out.Stream("stdout", "n is "+cell.Fields["n"])
		}
	case "fail":
		return &Error{Name: "CompileError", Value: "it does not", Traceback: []string{"cell 1:1"}}
	case "input":
		text, err := out.Input(ctx, rest, false)
		if err != nil {
			return &Error{Name: "InputError", Value: err.Error()}
		}
		out.Stream("stdout", "got "+text)
	case "late":
		go func() {
			<-e.release
			out.Stream("stdout", "late")
			out.Flush()
		}()
	case "bug":
		panic("a bug")
	default:
		showOrder(word, rest, out)
	}
	cell.Values = map[string]any{}
	for name, code := range cell.Expressions {
		cell.Values[name] = map[string]any{"status": "ok", "data": map[string]any{"text/plain": code}, "metadata": map[string]any{}}
	}
	return nil
}

// showOrder does an order that shows something at once.
func showOrder(word, rest string, out *Output) {
	switch word {
	case "print":
		out.Stream("stdout", rest)
	case "mixed":
		out.Stream("stdout", "a")
		out.Stream("stderr", "b")
		out.Display(map[string]any{"text/html": "<b>c</b>"}, nil, "the-id")
		out.Stream("stdout", "d")
		out.Update(map[string]any{"text/html": "<i>"}, nil, "the-id")
		out.Clear(true)
		out.Result(map[string]any{"text/plain": "42"}, nil)
	case "updates": // a million, of ten displays, with text between
		for i := range 1_000_000 {
			out.Update(map[string]any{"text/plain": fmt.Sprint(i)}, nil, fmt.Sprint("display ", i%10))
			if i%100_000 == 0 {
				out.Stream("stdout", ".")
			}
		}
	case "displays": // a million
		for i := range 1_000_000 {
			out.Display(map[string]any{"text/plain": fmt.Sprint(i)}, nil, "")
		}
	case "lines": // a million, of 100 bytes
		line := strings.Repeat("x", 99) + "\n"
		for range 1_000_000 {
			out.Stream("stdout", line)
		}
	case "page":
		out.Page(map[string]any{"text/plain": rest})
	case "widget":
		out.WidgetSubscribe("/slider", true)
		for _, html := range []string{"<script>draw()</script>", "", "<script>move()</script>", ""} {
			out.Update(map[string]any{"text/html": html}, nil, "gonb_transient_js_1")
		}
		out.WidgetSend("/slider", 7)
	case "scripts":
		out.WidgetStart()
		for i := range 5 * scriptPlaces {
			out.Update(map[string]any{"text/html": fmt.Sprint("<script>", i, "</script>")}, nil, "gonb_transient_js_1")
			out.Update(map[string]any{"text/html": ""}, nil, "gonb_transient_js_1")
		}
	}
}

func (e *fakeEngine) Interrupt() { notify(e.interrupts) }

func (e *fakeEngine) Stop() { e.stops <- struct{}{} }

func (e *fakeEngine) IsComplete(code string) (status, indent string) {
	if strings.HasSuffix(code, "{") {
		return "incomplete", "\t"
	}
	return "complete", ""
}

func (e *fakeEngine) Deliver(address string, value any) {
	e.delivered <- fmt.Sprint(address, "=", value)
}

// fakeLanguage completes everything by the cursor's number.
type fakeLanguage struct{}

func (fakeLanguage) Complete(ctx context.Context, code string, cursor int) Completion {
	if code == "bug" {
		panic("a bug")
	}
	if code == "slow" {
		<-ctx.Done()
	}
	return Completion{Matches: []string{fmt.Sprint("at", cursor)}, Types: []string{"var"}, Start: cursor, End: cursor}
}

func (fakeLanguage) Inspect(ctx context.Context, code string, cursor int) map[string]any {
	if code == "" {
		return nil
	}
	if code == "slow" { // slower than a completion may be
		select {
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
			return nil
		}
	}
	return map[string]any{"text/plain": code}
}

// client is a strict client of a server in the same process, on zmq4's own sockets.
type client struct {
	t                            *testing.T
	server                       *Server
	engine                       *fakeEngine
	shell, control, stdin, iopub zmq4.Socket
	log                          *syncBuffer
	done                         chan bool
	published                    chan received
	replies                      map[zmq4.Socket]chan received
	held                         []received // published, of other requests
}

type received struct {
	id      string // its parent's
	kind    string
	content map[string]any
	header  header
	topic   string
}

func startServer(t *testing.T, change func(*Config)) *client {
	t.Helper()
	cfg := Config{Connection: Connection{Transport: "tcp", IP: "127.0.0.1", Key: testKey, ID: "the-kernel"}, Language: fakeLanguage{},
		Info: Info{Implementation: "test", GoVersion: "1.27"}, WidgetScript: "script()", ReplyTime: 200 * time.Millisecond}
	engine := newFakeEngine()
	log := new(syncBuffer)
	cfg.Engine, cfg.Log = engine, log
	if change != nil {
		change(&cfg)
	}
	s, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan bool, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(patience):
			t.Error("the server does not end")
		}
	})
	c := connect(t, s)
	c.engine, c.log, c.done = engine, log, done
	return c
}

// connect opens a client's sockets, with one identity as Jupyter's have.
func connect(t *testing.T, s *Server) *client {
	t.Helper()
	c := &client{t: t, server: s, published: make(chan received, 10_000), replies: map[zmq4.Socket]chan received{}}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	id := zmq4.WithID(zmq4.SocketIdentity(newID()))
	c.shell, c.control, c.stdin = zmq4.NewDealer(ctx, id), zmq4.NewDealer(ctx, id), zmq4.NewDealer(ctx, id)
	c.iopub = zmq4.NewSub(ctx)
	at := s.Connection()
	c.dial(c.iopub, at.IOPubPort)
	c.iopub.SetOption(zmq4.OptionSubscribe, "")
	go c.read(c.iopub, c.published)
	if m := c.nextPublished(); m.kind != "iopub_welcome" || m.content["subscription"] != "" || m.topic != "" {
		t.Fatalf("the first message is %+v, want iopub_welcome", m)
	}
	for sock, port := range map[zmq4.Socket]int{c.shell: at.ShellPort, c.control: at.ControlPort, c.stdin: at.StdinPort} {
		c.dial(sock, port)
		c.replies[sock] = make(chan received, 1000)
		go c.read(sock, c.replies[sock])
	}
	return c
}

func (c *client) dial(sock zmq4.Socket, port int) {
	c.t.Helper()
	if err := sock.Dial(fmt.Sprintf("tcp://127.0.0.1:%d", port)); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { sock.Close() })
}

// read checks each message's signature and form with code of its own.
func (c *client) read(sock zmq4.Socket, to chan received) {
	for {
		msg, err := sock.Recv()
		if err != nil {
			return
		}
		frames := msg.Frames
		at := 0
		for at < len(frames) && string(frames[at]) != "<IDS|MSG>" {
			at++
		}
		if len(frames) != at+6 {
			c.t.Errorf("a message of %d frames: %q", len(frames), frames)
			continue
		}
		mac := hmac.New(sha256.New, []byte(testKey))
		mac.Write(bytes.Join(frames[at+2:], nil))
		if want := hex.EncodeToString(mac.Sum(nil)); string(frames[at+1]) != want {
			c.t.Errorf("signature %q, want %q", frames[at+1], want)
		}
		var r received
		var parent header
		for i, v := range []any{&r.header, &parent, nil, &r.content} {
			if v == nil {
				continue
			}
			if err := json.Unmarshal(frames[at+2+i], v); err != nil {
				c.t.Errorf("frame %d: %v", i, err)
			}
		}
		if r.header.Version != "5.5" || r.header.Session == "" || r.header.Date == "" {
			c.t.Errorf("header %+v", r.header)
		}
		r.id, r.kind = parent.ID, r.header.Type
		if at > 0 {
			r.topic = string(frames[0])
		}
		to <- r
	}
}

// request writes the frames of a request.
func request(kind string, content any) (frames [][]byte, id string) {
	id = newID()
	h, _ := json.Marshal(header{ID: id, Session: "client", Username: "me", Date: time.Now().Format(time.RFC3339), Type: kind, Version: "5.4"})
	body, _ := json.Marshal(content)
	parts := [][]byte{h, []byte("{}"), []byte(`{"cellId": "cell-1"}`), body}
	mac := hmac.New(sha256.New, []byte(testKey))
	mac.Write(bytes.Join(parts, nil))
	return append([][]byte{[]byte("<IDS|MSG>"), []byte(hex.EncodeToString(mac.Sum(nil)))}, parts...), id
}

func (c *client) send(sock zmq4.Socket, kind string, content any) (id string) {
	c.t.Helper()
	frames, id := request(kind, content)
	c.sendFrames(sock, frames)
	return id
}

func (c *client) sendFrames(sock zmq4.Socket, frames [][]byte) {
	c.t.Helper()
	if err := sock.SendMulti(zmq4.NewMsgFrom(frames...)); err != nil {
		c.t.Fatal(err)
	}
}

// reply waits for the reply to a request.
func (c *client) reply(sock zmq4.Socket, id, kind string) map[string]any {
	c.t.Helper()
	select {
	case r := <-c.replies[sock]:
		if r.id != id || r.kind != kind {
			c.t.Fatalf("got %s for %s: %v, want %s for %s", r.kind, r.id, r.content, kind, id)
		}
		return r.content
	case <-time.After(patience):
		c.t.Fatalf("no %s", kind)
	}
	return nil
}

func (c *client) nextPublished() received {
	c.t.Helper()
	select {
	case r := <-c.published:
		return r
	case <-time.After(patience):
		c.t.Fatal("nothing more is published")
	}
	return received{}
}

// until collects what is published for a request, up to its idle.
func (c *client) until(id string) (all []received) {
	c.t.Helper()
	take := func(r received) bool {
		all = append(all, r)
		return r.kind == "status" && r.content["execution_state"] == "idle"
	}
	var rest []received
	found := false
	for _, r := range c.held {
		if !found && r.id == id {
			found = take(r)
		} else {
			rest = append(rest, r)
		}
	}
	c.held = rest
	for !found {
		if r := c.nextPublished(); r.id == id {
			found = take(r)
		} else {
			c.held = append(c.held, r)
		}
	}
	return all
}

// kinds summarizes messages: "status:busy stream:text ...".
func kinds(all []received) string {
	var words []string
	for _, r := range all {
		word := r.kind
		for _, field := range []string{"execution_state", "text", "ename"} {
			if v, ok := r.content[field]; ok {
				word += fmt.Sprint(":", v)
			}
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// execute runs a cell and returns the reply and a summary of what was published.
func (c *client) execute(code string, fields ...any) (reply map[string]any, published string) {
	c.t.Helper()
	content := map[string]any{"code": code}
	for i := 0; i < len(fields); i += 2 {
		content[fields[i].(string)] = fields[i+1]
	}
	id := c.send(c.shell, "execute_request", content)
	reply = c.reply(c.shell, id, "execute_reply")
	return reply, kinds(c.until(id))
}
