package protocol

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

// syncBuffer is a log that goroutines write.
type syncBuffer struct {
	mu      sync.Mutex
	b       bytes.Buffer
	written chan struct{} // closed by the next write; nil if nobody waits
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.written != nil {
		close(b.written)
		b.written = nil
	}
	return b.b.Write(p)
}

// until waits until ok is true of the log, and returns the log.
func (b *syncBuffer) until(t *testing.T, ok func(log string) bool) string {
	t.Helper()
	timeout := time.After(patience)
	for {
		b.mu.Lock()
		log := b.b.String()
		if b.written == nil {
			b.written = make(chan struct{})
		}
		written := b.written
		b.mu.Unlock()
		if ok(log) {
			return log
		}
		select {
		case <-written:
		case <-timeout:
			t.Fatalf("the log stays\n%s", log)
		}
	}
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestEveryRequest: each request of the specification gets its reply, with busy and idle around it,
// whether a cell runs or not.
func TestEveryRequest(t *testing.T) {
	c := startServer(t, nil)
	requests := []struct {
		control bool
		kind    string
		content map[string]any
		reply   string
		want    string // in the reply, as %v
	}{
		{false, "kernel_info_request", nil, "kernel_info_reply", "protocol_version:5.5 status:ok"},
		{true, "kernel_info_request", nil, "kernel_info_reply", "name:go"},
		{false, "connect_request", nil, "connect_reply", fmt.Sprintf("hb_port:%d", c.server.Connection().HBPort)},
		{false, "complete_request", map[string]any{"code": "héé", "cursor_pos": 2}, "complete_reply", "cursor_end:2 cursor_start:2 matches:[at2]"},
		{false, "complete_request", map[string]any{"code": "héé"}, "complete_reply", "matches:[at3]"},
		{false, "complete_request", map[string]any{"code": "h", "cursor_pos": 99}, "complete_reply", "matches:[at1]"},
		{false, "complete_request", map[string]any{"code": "slow", "cursor_pos": -5}, "complete_reply", "matches:[at0]"},
		{false, "complete_request", map[string]any{"code": 7}, "complete_reply", "ename:BadRequest"},
		{false, "complete_request", map[string]any{"code": "bug"}, "complete_reply", "ename:KernelError"},
		{false, "inspect_request", map[string]any{"code": "x", "cursor_pos": 1, "detail_level": 0}, "inspect_reply", "data:map[text/plain:x] found:true"},
		{false, "inspect_request", map[string]any{"code": "slow", "cursor_pos": 0}, "inspect_reply", "text/plain:slow"},
		{false, "inspect_request", map[string]any{"code": "", "cursor_pos": 0}, "inspect_reply", "data:map[] found:false"},
		{false, "is_complete_request", map[string]any{"code": "f() {"}, "is_complete_reply", "indent:\t status:incomplete"},
		{false, "is_complete_request", map[string]any{"code": "f()"}, "is_complete_reply", "status:complete"},
		{false, "history_request", map[string]any{"hist_access_type": "tail", "n": 3, "output": false, "raw": true}, "history_reply", "status:ok"},
		{false, "comm_info_request", map[string]any{}, "comm_info_reply", "comms:map[] status:ok"},
		{true, "interrupt_request", nil, "interrupt_reply", "status:ok"},
		{true, "debug_request", map[string]any{"type": "request", "seq": 3, "command": "debugInfo"}, "debug_reply", "request_seq:3 seq:0 status:error success:false"},
		{true, "create_subshell_request", nil, "create_subshell_reply", "ename:NotImplemented"},
		{false, "no_such_request", nil, "no_such_reply", "does not know no_such_request"},
		{true, "no_such_request", nil, "no_such_reply", "status:error"},
	}
	for _, state := range []string{"idle", "busy"} {
		t.Run(state, func(t *testing.T) {
			c.t = t
			for _, r := range requests {
				if r.kind == "interrupt_request" && state == "busy" {
					continue // TestInterrupt
				}
				cell := ""
				if state == "busy" {
					cell = c.send(c.shell, "execute_request", map[string]any{"code": "wait"})
					for started := ""; started != "wait"; started = <-c.engine.started {
					}
				}
				sock := c.shell
				if r.control {
					sock = c.control
				}
				content := r.content
				if content == nil {
					content = map[string]any{}
				}
				id := c.send(sock, r.kind, content)
				got := fmt.Sprint(c.reply(sock, id, r.reply))
				if !strings.Contains(got, r.want) {
					t.Errorf("%s %v: %s, want %s in it", r.kind, r.content, got, r.want)
				}
				if k := kinds(c.until(id)); k != "status:busy status:idle" {
					t.Errorf("%s: published %q", r.kind, k)
				}
				if state == "idle" {
					continue
				}
				c.engine.release <- struct{}{}
				if reply := c.reply(c.shell, cell, "execute_reply"); reply["status"] != "ok" {
					t.Errorf("the cell: %v", reply)
				}
				// The frontend sees the kernel busy again after the other request's idle.
				if k := kinds(c.until(cell)); k != "status:busy execute_input status:busy status:idle" {
					t.Errorf("with %s, the cell published %q", r.kind, k)
				}
			}
		})
	}
}

func TestExecute(t *testing.T) {
	c := startServer(t, nil)
	reply, published := c.execute("print hello")
	if published != "status:busy execute_input stream:hello status:idle" {
		t.Errorf("published %q", published)
	}
	if fmt.Sprint(reply) != "map[execution_count:1 payload:[] status:ok user_expressions:map[]]" {
		t.Errorf("reply %v", reply)
	}
	_, published = c.execute("mixed")
	if want := "status:busy execute_input stream:a stream:b display_data stream:d update_display_data clear_output execute_result status:idle"; published != want {
		t.Errorf("published %q, want %q", published, want)
	}
	id := c.send(c.shell, "execute_request", map[string]any{"code": "bytes"})
	for m := c.nextPublished(); m.kind != "stream"; m = c.nextPublished() {
		c.held = append(c.held, m)
	}
	c.engine.release <- struct{}{} // the first piece is there
	c.reply(c.shell, id, "execute_reply")
	published = kinds(c.until(id))
	if want := "status:busy execute_input stream:é! status:idle"; published != want {
		t.Errorf("published %q, want %q", published, want)
	}
	reply, published = c.execute("fail")
	if want := "status:busy execute_input error:CompileError status:idle"; published != want {
		t.Errorf("published %q, want %q", published, want)
	}
	if got := fmt.Sprint(reply["status"], reply["ename"], reply["evalue"], reply["traceback"]); got != "errorCompileErrorit does not[cell 1:1]" {
		t.Errorf("reply %q", got)
	}
	if reply, _ = c.execute("bug", "store_history", false); reply["ename"] != "KernelError" || !strings.Contains(fmt.Sprint(reply["evalue"]), "a bug") {
		t.Errorf("a panic of the engine: %v", reply)
	}
	reply, _ = c.execute("page help", "user_expressions", map[string]string{"x": "1+1"})
	if got := fmt.Sprint(reply["payload"], reply["user_expressions"]); got != "[map[data:map[text/plain:help] source:page start:0]] map[x:map[data:map[text/plain:1+1] metadata:map[] status:ok]]" {
		t.Errorf("payload and values %s", got)
	}
	reply, published = c.execute("print quiet", "silent", true)
	if published != "status:busy status:idle" || reply["execution_count"] != 5. {
		t.Errorf("silent: published %q, reply %v", published, reply)
	}
	reply, published = c.execute("print unstored", "store_history", false)
	if published != "status:busy execute_input stream:unstored status:idle" || reply["execution_count"] != 5. {
		t.Errorf("not stored: published %q, reply %v", published, reply)
	}
	reply, published = c.execute(strings.Repeat("x", 1), "user_expressions", 7)
	if reply["ename"] != "BadRequest" || published != "status:busy status:idle" {
		t.Errorf("bad request: %v, %q", reply, published)
	}
}

// TestOrder: at the time of the reply everything that the cell showed has been sent before, and idle comes after it.
func TestOrder(t *testing.T) {
	c := startServer(t, nil)
	for range 50 {
		id := c.send(c.shell, "execute_request", map[string]any{"code": "mixed"})
		c.reply(c.shell, id, "execute_reply")
		all := c.until(id)
		if last := all[len(all)-2]; last.kind != "execute_result" {
			t.Fatalf("before idle came %s", kinds(all))
		}
	}
}

func TestStopOnError(t *testing.T) {
	c := startServer(t, nil)
	send := func(code string, stop bool) string {
		return c.send(c.shell, "execute_request", map[string]any{"code": code, "stop_on_error": stop})
	}
	status := func(id string) any { return c.reply(c.shell, id, "execute_reply")["status"] }
	a, b, d := send("fail", true), send("print no", true), send("print no", true)
	if got := fmt.Sprint(status(a)); got != "error" {
		t.Errorf("the failing cell: %v", got)
	}
	after := send("print yes", true) // because of the reply: it runs
	got := map[string]any{}
	for range 3 {
		r := <-c.replies[c.shell]
		got[r.id] = r.content["status"]
	}
	if want := map[string]any{b: "aborted", d: "aborted", after: "ok"}; !reflect.DeepEqual(got, want) {
		t.Errorf("replies %v, want %v", got, want)
	}
	for _, id := range []string{a, b, d} {
		if k := kinds(c.until(id)); strings.Contains(k, "stream") || !strings.HasSuffix(k, "status:idle") {
			t.Errorf("published %q", k)
		}
	}
	a, b = send("fail", false), send("print yes", true)
	if got := fmt.Sprint(status(a), " ", status(b)); got != "error ok" {
		t.Errorf("without stop_on_error: %s", got)
	}
}

// TestManyUpdates: after a million updates of displays, to a client that does not read while they come, the last of
// each display has arrived, and idle.
func TestManyUpdates(t *testing.T) {
	c := startServer(t, nil)
	id := c.send(c.shell, "execute_request", map[string]any{"code": "updates"})
	if reply := c.reply(c.shell, id, "execute_reply"); reply["status"] != "ok" {
		t.Fatalf("reply %v", reply)
	}
	last, updates, text := map[any]any{}, 0, ""
	for _, m := range c.until(id) {
		switch m.kind {
		case "update_display_data":
			updates++
			last[m.content["transient"].(map[string]any)["display_id"]] = m.content["data"].(map[string]any)["text/plain"]
		case "stream":
			text += m.content["text"].(string)
		}
	}
	for i := range 10 {
		if got, want := last[fmt.Sprint("display ", i)], fmt.Sprint(999_990+i); got != want {
			t.Errorf("display %d ends with %v, want %s", i, got, want)
		}
	}
	if text != ".........." || updates > 100_000 {
		t.Errorf("%d updates arrived, and text %q", updates, text)
	}
}

// TestManyOutputs: a million new displays, and a million lines, to a client that reads them only afterwards: memory
// stays bounded, other requests get their replies, a note counts what is missing, and idle arrives.
func TestManyOutputs(t *testing.T) {
	defer func(old limits) { defaultLimits = old }(defaultLimits)
	defaultLimits.queue, defaultLimits.time = 16<<20, 100*time.Millisecond
	// Less garbage lies between two collections, so that the figure tells what is held.
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	for _, code := range []string{"displays", "lines"} {
		t.Run(code, func(t *testing.T) {
			c := startServer(t, nil)
			runtime.GC()
			before, peak := heapBytes(), uint64(0)
			id := c.send(c.shell, "execute_request", map[string]any{"code": code})
			for over := false; !over; {
				select {
				case r := <-c.replies[c.shell]:
					over = r.id == id && r.content["status"] == "ok"
				case <-time.After(100 * time.Millisecond):
					c.reply(c.control, c.send(c.control, "kernel_info_request", map[string]any{}), "kernel_info_reply")
					peak = max(peak, heapBytes())
				}
			}
			shown, missing := 0, 0
			for _, m := range c.until(id) {
				text := fmt.Sprint(m.content["text"])
				var n int
				if _, err := fmt.Sscanf(text, "\n%d outputs are missing", &n); err == nil {
					missing += n
				} else if m.kind == "display_data" {
					shown++
				} else if m.kind == "stream" {
					shown += strings.Count(text, "\n")
				}
			}
			t.Logf("%d shown, %d messages missing; %d MB before, %d MB at most", shown, missing, before>>20, peak>>20)
			if shown+missing != 1_000_000 || (missing > 0) != (code == "displays") { // the lines come in few messages
				t.Errorf("%d shown and %d missing", shown, missing)
			}
			if most := before + 10*uint64(defaultLimits.queue); peak > most { // the test's client has a share of it
				t.Errorf("%d MB of memory, %d MB before; want at most %d", peak>>20, before>>20, most>>20)
			}
			if _, published := c.execute("print again"); published != "status:busy execute_input stream:again status:idle" {
				t.Errorf("the next cell published %q", published)
			}
		})
	}
}

// heapBytes returns the memory that the test process has allocated and not given back.
func heapBytes() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestHistory(t *testing.T) {
	c := startServer(t, nil)
	c.execute("print a/b[1]")
	c.execute("mixed")
	c.execute("print a/b[1]")
	c.execute("print hidden", "store_history", false)
	c.execute("print hidden", "silent", true)
	cases := []struct {
		request map[string]any
		want    string
	}{
		{map[string]any{"hist_access_type": "tail", "n": 2}, "[[1 2 mixed] [1 3 print a/b[1]]]"},
		{map[string]any{"hist_access_type": "tail", "n": 2, "output": true}, "[[1 2 [mixed 42]] [1 3 [print a/b[1] <nil>]]]"},
		{map[string]any{"hist_access_type": "tail", "n": nil}, "[[1 1 print a/b[1]] [1 2 mixed] [1 3 print a/b[1]]]"},
		{map[string]any{"hist_access_type": "range", "session": 0, "start": 2, "stop": 3}, "[[1 2 mixed]]"},
		{map[string]any{"hist_access_type": "range", "session": 1, "start": 3, "stop": nil}, "[[1 3 print a/b[1]]]"},
		{map[string]any{"hist_access_type": "range", "session": -1, "start": 1, "stop": 9}, "[]"},
		{map[string]any{"hist_access_type": "search", "pattern": "*b[?]"}, "[[1 1 print a/b[1]] [1 3 print a/b[1]]]"},
		{map[string]any{"hist_access_type": "search", "pattern": "*b[?]", "unique": true}, "[[1 3 print a/b[1]]]"},
		{map[string]any{"hist_access_type": "search", "pattern": "*i*", "n": 1}, "[[1 3 print a/b[1]]]"},
		{map[string]any{"hist_access_type": "search", "pattern": "mix"}, "[]"},
		{map[string]any{"hist_access_type": "nonsense"}, "[]"},
	}
	for _, q := range cases {
		id := c.send(c.shell, "history_request", q.request)
		if got := fmt.Sprint(c.reply(c.shell, id, "history_reply")["history"]); got != q.want {
			t.Errorf("%v: %s, want %s", q.request, got, q.want)
		}
	}
}

func TestInput(t *testing.T) {
	c := startServer(t, nil)
	request := func() string {
		id := c.send(c.shell, "execute_request", map[string]any{"code": "input name? "})
		question := <-c.replies[c.stdin]
		if question.kind != "input_request" || question.id != id || question.content["prompt"] != "name? " || question.content["password"] != false {
			t.Errorf("requested with %+v", question)
		}
		return id
	}
	id := request()
	c.send(c.stdin, "input_reply", map[string]any{"value": "Gopher"})
	c.reply(c.shell, id, "execute_reply")
	if k := kinds(c.until(id)); !strings.Contains(k, "stream:got Gopher") {
		t.Errorf("published %q", k)
	}
	// No request is open: this is no reply to the next one.
	c.send(c.stdin, "input_reply", map[string]any{"value": "stale"})
	c.sendFrames(c.stdin, [][]byte{[]byte("hello")})
	c.log.until(t, func(log string) bool { return strings.Contains(log, "<IDS|MSG>") }) // what came after it was dropped
	id = request()
	c.send(c.control, "interrupt_request", map[string]any{})
	if reply := c.reply(c.shell, id, "execute_reply"); reply["evalue"] != ErrInterrupted.Error() {
		t.Errorf("after an interrupt: %v", reply)
	}
	<-c.replies[c.control]
	if reply, _ := c.execute("input x", "allow_stdin", false); reply["evalue"] != ErrNoInput.Error() {
		t.Errorf("without stdin: %v", reply)
	}
}

func TestInterrupt(t *testing.T) {
	c := startServer(t, nil)
	id := c.send(c.shell, "execute_request", map[string]any{"code": "wait"})
	queued := c.send(c.shell, "execute_request", map[string]any{"code": "print no"})
	<-c.engine.started
	c.reply(c.control, c.send(c.control, "interrupt_request", map[string]any{}), "interrupt_reply")
	if reply := c.reply(c.shell, id, "execute_reply"); reply["ename"] != "Interrupted" {
		t.Errorf("reply %v", reply)
	}
	if reply := c.reply(c.shell, queued, "execute_reply"); reply["status"] != "aborted" {
		t.Errorf("the queued cell: %v", reply)
	}
}

// TestLateOutput: what a goroutine shows after its cell goes below its cell.
func TestLateOutput(t *testing.T) {
	c := startServer(t, nil)
	id := c.send(c.shell, "execute_request", map[string]any{"code": "late"})
	c.reply(c.shell, id, "execute_reply")
	c.until(id)
	c.engine.release <- struct{}{}
	if m := c.nextPublished(); m.id != id || m.content["text"] != "late" {
		t.Errorf("published %+v, want late output of %s", m, id)
	}
}

func TestShutdown(t *testing.T) {
	for _, channel := range []string{"control", "shell", "control while a cell runs"} {
		t.Run(channel, func(t *testing.T) {
			c := startServer(t, nil)
			sock := c.control
			if channel == "shell" {
				sock = c.shell
			}
			if strings.Contains(channel, "runs") {
				c.send(c.shell, "execute_request", map[string]any{"code": "wait"})
				<-c.engine.started
			}
			id := c.send(sock, "shutdown_request", map[string]any{"restart": true})
			if reply := c.reply(sock, id, "shutdown_reply"); reply["status"] != "ok" || reply["restart"] != true {
				t.Errorf("reply %v", reply)
			}
			if k := kinds(c.until(id)); k != "status:busy shutdown_reply status:idle" {
				t.Errorf("published %q", k)
			}
			select {
			case restart := <-c.done:
				if !restart {
					t.Error("Serve does not report the restart")
				}
				c.done <- restart // for the cleanup
			case <-time.After(patience):
				t.Error("the server does not end")
			}
			at := fmt.Sprintf("127.0.0.1:%d", c.server.Connection().ShellPort)
			if conn, err := net.Dial("tcp", at); err == nil {
				conn.Close()
				t.Error("the channel is still open")
			}
		})
	}
}

// TestShutdownSaves: Jupyter interrupts a cell and at once requests shutdown; the server waits for what the cell does
// at an interrupt, and interrupts it once.
func TestShutdownSaves(t *testing.T) {
	c := startServer(t, nil)
	c.send(c.shell, "execute_request", map[string]any{"code": "save"})
	<-c.engine.started
	c.send(c.control, "interrupt_request", map[string]any{})
	c.send(c.control, "shutdown_request", map[string]any{"restart": true})
	if got := <-c.engine.started; got != "saving" {
		t.Fatalf("the cell is %s", got)
	}
	<-c.engine.stops // the server ends
	if n := len(c.engine.interrupts); n > 0 {
		t.Errorf("%d more interrupts", n)
	}
	c.engine.release <- struct{}{}
	if got := <-c.engine.started; got != "saved" {
		t.Errorf("the cell has %s", got)
	}
	select {
	case restart := <-c.done:
		c.done <- restart // for the cleanup
	case <-time.After(patience):
		t.Error("the server does not end")
	}
}

// TestDropped: what is not signed with the kernel's key, or was signed before, is not replied to and does nothing.
func TestDropped(t *testing.T) {
	c := startServer(t, nil)
	good, _ := request("execute_request", map[string]any{"code": "print once"})
	spoil := func(i int, text string) [][]byte {
		frames, _ := request("kernel_info_request", map[string]any{})
		frames[i] = []byte(text)
		return frames
	}
	c.sendFrames(c.shell, good)
	if r := <-c.replies[c.shell]; r.content["status"] != "ok" {
		t.Fatalf("reply %v", r.content)
	}
	bad := []struct {
		frames [][]byte
		log    string
	}{
		{good, "replay"},
		{spoil(1, ""), "signature"},
		{spoil(1, strings.Repeat("0", 64)), "signature"},
		{spoil(1, strings.Repeat("0", 640)), "signature"},
		{spoil(1, "not hexadecimal"), "signature"},
		{spoil(2, "{}"), "signature"},
		{spoil(5, `{"a": 1}`), "signature"},
		{good[:4], "four JSON frames"},
		{[][]byte{[]byte("hello")}, "<IDS|MSG>"},
	}
	for i, b := range bad {
		c.sendFrames(c.shell, b.frames)
		log := c.log.until(t, func(log string) bool { return strings.Count(log, "\n") == i+1 })
		if line := strings.Split(log, "\n")[i]; !strings.Contains(line, b.log) {
			t.Errorf("message %d: logged %q, want %q", i, line, b.log)
		}
	}
	id := c.send(c.shell, "kernel_info_request", map[string]any{})
	c.reply(c.shell, id, "kernel_info_reply") // and no other reply came before it
	if n := len(c.engine.started); n != 1 {
		t.Errorf("%d cells ran, want 1", n)
	}
}

func TestHeartbeat(t *testing.T) {
	c := startServer(t, nil)
	req := zmq4.NewReq(t.Context())
	defer req.Close()
	c.dial(req, c.server.Connection().HBPort)
	for _, beat := range []string{"ping", "", strings.Repeat("x", 70_000)} {
		if err := req.Send(zmq4.NewMsgString(beat)); err != nil {
			t.Fatal(err)
		}
		if msg, err := req.Recv(); err != nil || string(msg.Frames[0]) != beat {
			t.Errorf("%d bytes came back as %d, %v", len(beat), len(msg.Frames[0]), err)
		}
	}
}

// TestClients: many clients, one that says nothing, one that stops reading, and messages of several megabytes.
func TestClients(t *testing.T) {
	defer func(old limits) { defaultLimits = old }(defaultLimits)
	defaultLimits = limits{queue: 1 << 20, reserve: 1 << 20, time: 3 * time.Second}
	c := startServer(t, nil)
	mute, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", c.server.Connection().ShellPort))
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	// A subscriber that greets and subscribes by hand, and never reads.
	deaf, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", c.server.Connection().IOPubPort))
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	conn, err := zmq4.Open(deaf, nullSecurity(), zmq4.Sub, zmq4.SocketIdentity("deaf"), false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SendMsg(zmq4.NewMsg([]byte{1})); err != nil {
		t.Fatal(err)
	}
	var others []*client
	for range 4 {
		others = append(others, connect(t, c.server))
	}
	big := strings.Repeat("0123456789", 100_000)
	for range 12 {
		id := c.send(c.shell, "execute_request", map[string]any{"code": "print " + big})
		c.reply(c.shell, id, "execute_reply")
		for _, o := range append(others, c) {
			var text strings.Builder
			for _, m := range o.until(id) {
				if m.kind == "stream" {
					text.WriteString(m.content["text"].(string))
				}
			}
			if text.String() != big {
				t.Fatalf("a client got %d bytes of text, want %d", text.Len(), len(big))
			}
		}
	}
	// The client that did not read reads again: it gets the note, and the end of the last cell.
	deaf.SetDeadline(time.Now().Add(patience))
	var noted, ended int
	for ended < 12 {
		m, err := conn.RecvMsg()
		if err != nil {
			t.Fatalf("the client that did not read: %v, after the end of %d cells", err, ended)
		}
		text := string(bytes.Join(m.Frames, nil))
		if strings.Contains(text, "outputs are missing here") {
			noted++
		}
		if strings.Contains(text, `"idle"`) {
			ended++
		}
	}
	if noted == 0 {
		t.Error("the client that did not read is not told that it misses something")
	}
	// Replies go to the client that sent the request.
	id := others[3].send(others[3].shell, "kernel_info_request", map[string]any{})
	others[3].reply(others[3].shell, id, "kernel_info_reply")
	for i, o := range append(others, c) {
		if n := len(o.replies[o.shell]); n > 0 {
			t.Errorf("client %d has %d replies without a request", i, n)
		}
	}
}

func TestWidgets(t *testing.T) {
	c := startServer(t, nil)
	run := c.send(c.shell, "execute_request", map[string]any{"code": "widget"})
	c.reply(c.shell, run, "execute_reply")
	// The page's script comes before all that the cell shows; widgets' scripts stay for a page that is slow to draw.
	var shown []string
	var ids []any
	for len(shown) < 5 {
		if m := c.nextPublished(); strings.Contains(m.kind, "display_data") {
			if m.id != run {
				t.Errorf("shown for %q: %+v", m.id, m)
			}
			shown = append(shown, fmt.Sprint(m.kind, m.content["data"]))
			ids = append(ids, m.content["transient"].(map[string]any)["display_id"])
		}
	}
	want := []string{"display_datamap[text/html:<script>script()" + formScript + "</script>]", "display_datamap[text/html:<script>draw()</script>]",
		"update_display_datamap[text/html:]", "display_datamap[text/html:<script>move()</script>]", "update_display_datamap[text/html:]"}
	if !slices.Equal(shown, want) || ids[1] == ids[2] || ids[1] == ids[3] || ids[3] == ids[4] {
		t.Errorf("shown %q under %q", shown, ids)
	}
	c.send(c.shell, "comm_open", map[string]any{"comm_id": "page", "target_name": "gonb_comm", "kernel_id": "the-kernel", "data": map[string]any{}})
	// The page may not listen yet: the message is repeated until it replies, and gets no value before.
	for acks := 0; acks < 3; {
		m := c.nextPublished()
		switch data := fmt.Sprint(m.content["data"]); {
		case m.kind == "comm_msg" && strings.Contains(data, "#comm_open_ack"):
			acks++
		case m.kind == "comm_msg" && !strings.Contains(data, "#heartbeat/ping"):
			t.Errorf("before the page replied: %+v", m)
		}
	}
	c.send(c.shell, "comm_msg", map[string]any{"comm_id": "page", "data": map[string]any{"address": "#heartbeat/pong", "value": true}})
	var value received
	for taken := 0; taken < 2 || value.kind == ""; {
		m := c.nextPublished()
		switch data := fmt.Sprint(m.content["data"]); {
		case m.kind == "comm_msg" && strings.Contains(data, "/slider"):
			value = m
		case m.kind == "update_display_data":
			taken++
			if id := m.content["transient"].(map[string]any)["display_id"]; id != ids[1] && id != ids[3] {
				t.Errorf("taken away: %q, want %q and %q", id, ids[1], ids[3])
			}
		}
	}
	if got := fmt.Sprint(value.content); got != "map[comm_id:page data:map[address:/slider value:7]]" {
		t.Errorf("the value came as %s", got)
	}
	id := c.send(c.shell, "comm_info_request", map[string]any{"target_name": "gonb_comm"})
	if got := fmt.Sprint(c.reply(c.shell, id, "comm_info_reply")["comms"]); got != "map[page:map[target_name:gonb_comm]]" {
		t.Errorf("comm_info: %s", got)
	}
	send := func(comm, address string, value any) {
		c.until(c.send(c.shell, "comm_msg", map[string]any{"comm_id": comm, "data": map[string]any{"address": address, "value": value}}))
	}
	send("page", "/nobody", 1)
	send("stranger", "/slider", 2)
	send("page", "/slider", 3)
	send("page", "/slider", []any{"a"})
	for _, want := range []string{"/slider=3", "/slider=[a]"} {
		if got := <-c.engine.delivered; got != want {
			t.Errorf("delivered %q, want %q", got, want)
		}
	}
	// Other comms are refused as the specification says.
	id = c.send(c.shell, "comm_open", map[string]any{"comm_id": "x", "target_name": "jupyter.widget", "data": map[string]any{}})
	if k := kinds(c.until(id)); k != "status:busy comm_close status:idle" {
		t.Errorf("an unknown target published %q", k)
	}
	c.until(c.send(c.shell, "comm_close", map[string]any{"comm_id": "page"}))
	id = c.send(c.shell, "comm_info_request", map[string]any{})
	if got := fmt.Sprint(c.reply(c.shell, id, "comm_info_reply")["comms"]); got != "map[]" {
		t.Errorf("after comm_close: %s", got)
	}
}

// TestManyScripts: a cell that draws with scripts all the time has a few places for them in its output,
// not one for each.
func TestManyScripts(t *testing.T) {
	c := startServer(t, nil)
	run := c.send(c.shell, "execute_request", map[string]any{"code": "scripts"})
	c.reply(c.shell, run, "execute_reply")
	shown, scripts := map[string]int{}, 0
	for _, m := range c.until(run) {
		if html := fmt.Sprint(m.content["data"]); strings.Contains(html, "<script>") {
			shown[m.kind]++
			scripts++
		}
	}
	if want := map[string]int{"display_data": 1 + scriptPlaces, "update_display_data": 4 * scriptPlaces}; !maps.Equal(shown, want) {
		t.Errorf("%d scripts came as %v, want %v", scripts, shown, want)
	}
}

func TestConnectionFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kernel-0a1b.json")
	text := `{"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5, "key": "k", "kernel_name": "go"}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ReadConnection(path)
	want := Connection{Transport: "tcp", IP: "127.0.0.1", ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5,
		SignatureScheme: "hmac-sha256", Key: "k", KernelName: "go", ID: "0a1b"}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []struct{ text, err string }{
		{`{"transport": "udp"}`, `transport "udp"`},
		{`{"signature_scheme": "md5"}`, `scheme "md5"`},
		{`{"shell_port": 70000}`, "shell_port is 70000"},
		{`{"transport": "ipc", "ip": "/tmp/x", "shell_port": 1}`, "port is 0"},
		{`[]`, "no connection file"},
	} {
		if _, err := ParseConnection([]byte(bad.text)); err == nil || !strings.Contains(err.Error(), bad.err) {
			t.Errorf("%s: %v, want %q", bad.text, err, bad.err)
		}
	}
	if _, err := ReadConnection(path + "x"); err == nil {
		t.Error("no error for a missing file")
	}
}

// TestIPC: files in place of ports, and one that a killed kernel left.
func TestIPC(t *testing.T) {
	dir, err := os.MkdirTemp("", "ipc") // t.TempDir's names can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: dir + "/k-1", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	s, err := NewServer(Config{Engine: newFakeEngine(), Log: io.Discard, Connection: Connection{Transport: "ipc", IP: dir + "/k",
		ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5}})
	if err != nil {
		t.Fatal(err)
	}
	req := zmq4.NewReq(t.Context())
	defer req.Close()
	if err := req.Dial("ipc://" + dir + "/k-5"); err != nil {
		t.Fatal(err)
	}
	req.Send(zmq4.NewMsgString("beat"))
	if msg, err := req.Recv(); err != nil || string(msg.Frames[0]) != "beat" {
		t.Errorf("heartbeat: %q, %v", msg.Frames, err)
	}
	s.stop()
	if files, _ := filepath.Glob(dir + "/*"); len(files) > 0 {
		t.Errorf("left behind: %q", files)
	}
}

// TestTaken: a port that is in use is an error that names it, and nothing stays open.
func TestTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = NewServer(Config{Engine: newFakeEngine(), Connection: Connection{Transport: "tcp", IP: "127.0.0.1", ShellPort: port(l)}})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(port(l))) {
		t.Errorf("got %v, want an error that names port %d", err, port(l))
	}
}

// TestTakenForAMoment: a port that a killed kernel holds for a moment is waited for.
func TestTakenForAMoment(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(takenTime/10, func() { l.Close() })
	s, err := NewServer(Config{Engine: newFakeEngine(), Connection: Connection{Transport: "tcp", IP: "127.0.0.1", ShellPort: port(l)}})
	if err != nil {
		t.Fatal(err)
	}
	s.stop()
}
