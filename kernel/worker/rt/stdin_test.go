//go:build linux

package rt

import (
	"bytes"
	"encoding/json"
	"runtime"
	"syscall"
	"testing"
)

// terminal is the standard input of the test process, with what it sends to the kernel.
type terminal struct {
	stdin
	sent  bytes.Buffer // guarded by events
	lines chan string
}

// newTerminal gives the test process a pipe as its descriptor 0, and run n as the run in progress.
func newTerminal(t *testing.T, n int) *terminal {
	t.Helper()
	was, err := syscall.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	o := &terminal{lines: make(chan string, 1)}
	events.enc = json.NewEncoder(&o.sent)
	running.Store(&current{n: n, stop: make(chan struct{})})
	o.open()
	t.Cleanup(func() {
		running.Store(nil)
		events.enc = nil
		o.writer.Close()
		syscall.Dup3(was, 0, 0)
		syscall.Close(was)
	})
	return o
}

// read reads once in the background.
func (o *terminal) read() {
	go func() {
		buf := make([]byte, 100)
		n, _ := syscall.Read(0, buf)
		o.lines <- string(buf[:n])
	}()
}

// event returns the next event that was sent; with none, its Op is empty.
func (o *terminal) event() (e Event) {
	events.Lock()
	defer events.Unlock()
	if line, err := o.sent.ReadBytes('\n'); err == nil {
		json.Unmarshal(line, &e)
	}
	return e
}

// request looks until the read is seen, and returns the request for input.
func (o *terminal) request(n int) Event {
	for {
		o.look(n)
		if e := o.event(); e.Op != "" {
			return e
		}
		runtime.Gosched()
	}
}

// TestReplyCrossesRequest: a request carries the number of replies before it, so that the kernel sees which reply it
// does not know of. When such a reply is for another run, the request is sent again.
func TestReplyCrossesRequest(t *testing.T) {
	o := newTerminal(t, 3)
	wantRequest := func(e Event, taken int) {
		t.Helper()
		if e.Op != "input" || e.N != 3 || e.Taken != taken {
			t.Fatalf("sent %q for run %d after %d replies, want an input request for run 3 after %d", e.Op, e.N, e.Taken, taken)
		}
	}
	wantLine := func(want string) {
		t.Helper()
		if got := <-o.lines; got != want {
			t.Fatalf("read %q, want %q", got, want)
		}
	}
	o.read()
	wantRequest(o.request(3), 0)
	o.take(Request{Op: "input", Value: "me\n"}) // the reply to a request of gonbui
	wantLine("me\n")

	o.read()
	wantRequest(o.request(3), 1)
	o.take(Request{Op: "input", N: 2, Value: "late\n"}) // for the run before
	wantRequest(o.event(), 2)
	o.take(Request{Op: "input", N: 3, Value: "you\n"})
	wantLine("you\n")
	if e := o.event(); e.Op != "" {
		t.Errorf("sent one more event: %v", e)
	}
}

// TestEndAfterLine: end of file comes after a line that was not read yet.
func TestEndAfterLine(t *testing.T) {
	o := newTerminal(t, 3)
	o.take(Request{Op: "input", Value: "me\n"})
	o.take(Request{Op: "input", EOF: true})
	o.read()
	if got := <-o.lines; got != "me\n" {
		t.Fatalf("read %q, want the line", got)
	}
	if o.hasEnded() {
		t.Error("the input has ended before its end was read")
	}
	o.read()
	for !o.hasEnded() {
		o.look(3)
		runtime.Gosched()
	}
	if got := <-o.lines; got != "" {
		t.Errorf("read %q, want end of file", got)
	}
	if e := o.event(); e.Op != "" {
		t.Errorf("sent %v, want nothing: the end was there", e)
	}
	o.read()
	if e := o.request(3); e.Op != "input" {
		t.Errorf("sent %v for the read after the end, want a request", e)
	}
	o.take(Request{Op: "input", N: 3, Value: "you\n"})
	if got := <-o.lines; got != "you\n" {
		t.Errorf("read %q after the end", got)
	}
}

// TestLookAllocates: looking for readers takes no memory, which a cell that counts its allocations would see.
func TestLookAllocates(t *testing.T) {
	o := newTerminal(t, 3)
	if n := testing.AllocsPerRun(100, func() { o.look(3) }); n != 0 {
		t.Errorf("a look at the readers of the input allocates %v times, want 0", n)
	}
}
