package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color/palette"
	"image/gif"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// startServer runs a server on a free port, and returns its address and what ends it.
func startServer(t *testing.T, s *Server) (address string, end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	listening, ended := make(chan string, 1), make(chan error, 1)
	s.Addr, s.Started = "127.0.0.1:0", func(a net.Addr) { listening <- a.String() }
	go func() { ended <- s.Run(ctx) }()
	select {
	case address = <-listening:
	case err := <-ended:
		t.Fatal(err)
	}
	end = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { end() })
	return address, end
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// exchange sends raw bytes, and returns the status code of the answer. sent is called after the bytes, if set.
func exchange(t *testing.T, address, raw string, sent func(*net.TCPConn)) int {
	t.Helper()
	c := dial(t, address)
	defer c.Close()
	if _, err := io.WriteString(c, raw); err != nil {
		t.Errorf("sending %.60q: %v", raw, err)
	}
	if sent != nil {
		sent(c.(*net.TCPConn))
	}
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil { // only where the fault is there
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Errorf("no answer to %.60q: %v", raw, err)
		return 0
	}
	return answer.StatusCode // the body is not read: the answer to HEAD has none
}

// works waits until the service classifies an image. Where requests must arrive in a short time, a busy machine
// may need several tries.
func works(t *testing.T, address string, image []byte) {
	t.Helper()
	until(t, "an answer of the service", func() bool {
		answer, err := http.Post("http://"+address+"/predict", "image/png", bytes.NewReader(image))
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusRequestTimeout {
			t.Errorf("the service does not go on: %d", answer.StatusCode)
		}
		_, err = io.Copy(io.Discard, answer.Body)
		return err == nil && answer.StatusCode == http.StatusOK
	})
}

// hugePNG returns a PNG file whose header announces width x height pixels, with few bytes after it.
func hugePNG(width, height uint32) string {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	return "\x89PNG\r\n\x1a\n" + pngChunk("IHDR", string(head)+"\x08\x02\x00\x00\x00") + pngChunk("IDAT", "\x78\x9c\x03\x00\x00\x00\x00\x01") + pngChunk("IEND", "")
}

// pngChunk returns a chunk of a PNG file.
func pngChunk(kind, data string) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:])))
}

// animatedPNG returns a PNG file of two frames.
func animatedPNG(t *testing.T) string {
	t.Helper()
	file := string(pngOf(t, shapes(t, 1)[0]))
	const head = 8 + 12 + 13 // the signature and IHDR
	control := "\x00\x00\x00\x02\x00\x00\x00\x00"
	frame := "\x00\x00\x00\x00" + file[16:24] + strings.Repeat("\x00", 8) + "\x00\x01\x00\x0a\x00\x00"
	return file[:head] + pngChunk("acTL", control) + pngChunk("fcTL", frame) + file[head:]
}

// animatedGIF returns a GIF file of some frames.
func animatedGIF(t *testing.T, frames int) string {
	t.Helper()
	one := image.NewPaletted(image.Rect(0, 0, 8, 8), palette.Plan9)
	g := gif.GIF{}
	for range frames {
		g.Image, g.Delay = append(g.Image, one), append(g.Delay, 1)
	}
	var b strings.Builder
	if err := gif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestHostileRequests holds that each gets its status code, and that the service goes on.
func TestHostileRequests(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{MaxBody: 1 << 20, ReadTimeout: time.Minute})
	address, end := startServer(t, &Server{Handler: h})
	// Only the requests that never come meet a short limit; the others arrive in their own time, on a busy machine too.
	impatient := newTestHandler(t, Options{}, HandlerOptions{MaxBody: 1 << 20, ReadTimeout: 300 * time.Millisecond})
	impatientAddress, _ := startServer(t, &Server{Handler: impatient})
	good := pngOf(t, shapes(t, 1)[0])
	post := "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
	closeWrite := func(c *net.TCPConn) { c.CloseWrite() }
	body := func(text string) string { return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", post, len(text), text) }
	parts := func(text string) string {
		return strings.Replace(body(text+"--b--\r\n"), "image/png", "multipart/form-data; boundary=b", 1)
	}
	cases := []struct {
		name, raw string
		sent      func(*net.TCPConn)
		status    int
	}{
		{"a body that never comes", post + "Content-Length: 1000\r\n\r\n12345", nil, 408},
		{"a chunk that never comes", post + "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", nil, 408},
		{"a form that never comes", strings.Replace(post, "image/png", "multipart/form-data; boundary=b", 1) + "Content-Length: 1000\r\n\r\n--b\r\n", nil, 408},
		{"a body cut short", post + "Content-Length: 1000\r\n\r\n12345", closeWrite, 400},
		{"more bytes than allowed", post + "Content-Length: 2000000\r\n\r\n" + strings.Repeat("x", 1<<20+1), nil, 413},
		{"chunks without end", post + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("10000\r\n"+strings.Repeat("x", 0x10000)+"\r\n", 17), nil, 413},
		{"gigapixels in few bytes", post + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(hugePNG(60000, 60000)), hugePNG(60000, 60000)), nil, 413},
		{"a side of 2^31", post + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(hugePNG(1<<31-1, 1)), hugePNG(1<<31-1, 1)), nil, 413},
		{"pixels announced and not there", post + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(hugePNG(4000, 4000)), hugePNG(4000, 4000)), nil, 422},
		{"headers without end", "POST /predict HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: "+strings.Repeat("b", 1000)+"\r\n", 40), nil, 431},
		{"no HTTP", "\x16\x03\x01\x02\x00\r\n\r\n", nil, 400},
		{"a negative length", post + "Content-Length: -1\r\n\r\n", nil, 400},
		{"a length that is no number", post + "Content-Length: 1e3\r\n\r\n", nil, 400},
		{"a length shorter than the body", post + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(good)/2, good), nil, 422},
		{"a chunk without a size", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n12345\r\n0\r\n\r\n", nil, 400},
		{"a coding of transfer that nobody has", post + "Transfer-Encoding: brotli\r\n\r\n", nil, 501},
		{"an expectation that nobody has", post + "Expect: coffee\r\nContent-Length: 1\r\n\r\nx", nil, 417},
		{"a body that waits for leave", post + "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n", nil, 100},
		{"a body that waits for leave and is too large", post + "Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n", nil, 413},
		{"SVG", body(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>`), nil, 415},
		{"PDF", body("%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"), nil, 415},
		{"HTML", body("<!doctype html><script>alert(1)</script>"), nil, 415},
		{"an animated PNG", body(animatedPNG(t)), nil, 200},
		{"an animated GIF", body(animatedGIF(t, 3)), nil, 200},
		{"a GIF of 1,000 frames", body(animatedGIF(t, 1000)), nil, 200},
		{"HTTP/1.0", strings.Replace(body(string(good)), "HTTP/1.1\r\nHost: x", "HTTP/1.0", 1), nil, 200},
		{"HTTP/1.1 without a host", strings.Replace(body(string(good)), "Host: x\r\n", "", 1), nil, 400},
		{"HTTP/3.0", "GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n", nil, 505},
		{"HEAD of a probe", "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n", nil, 200},
		{"HEAD of /predict", "HEAD /predict HTTP/1.1\r\nHost: x\r\n\r\n", nil, 405},
		{"10,000 fields", parts(strings.Repeat("--b\r\nContent-Disposition: form-data; name=i\r\n\r\nx\r\n", 10_000)), nil, 400},
		{"17 images", parts(strings.Repeat("--b\r\nContent-Disposition: form-data; name=i; filename=i\r\n\r\nx\r\n", 17)), nil, 413},
		{"a part with a name of 100 KB", parts("--b\r\nContent-Disposition: form-data; name=i; filename=" + strings.Repeat("x", 100_000) + "\r\n\r\nx\r\n"), nil, 415},
		{"a form within a form", parts("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n"), nil, 400},
		{"a header of 50 KB", "GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("b", 50_000) + "\r\n\r\n", nil, 431},
		{"two lengths", post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n12", nil, 400},
	}
	for _, c := range cases {
		to := address
		if c.status == http.StatusRequestTimeout {
			to = impatientAddress
		}
		if got := exchange(t, to, c.raw, c.sent); got != c.status {
			t.Errorf("%s: %d, want %d", c.name, got, c.status)
		}
		works(t, to, good)
	}
	for _, h := range []*Handler{h, impatient} {
		until(t, "all memory given back", func() bool { return h.memory.taken.Load() == 0 && h.predictor.inside.Load() == 0 })
	}
	http.DefaultClient.CloseIdleConnections()
	if err := end(); err != nil {
		t.Errorf("the end of the server: %v", err)
	}
}

// TestEveryRequestHasADeadline holds that a request whose body never comes is answered and its connection closed,
// whatever answers it, and in a program's own server as in ours.
func TestEveryRequestHasADeadline(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{ReadTimeout: 100 * time.Millisecond})
	g := newGate()
	full := NewHandler(gated(t, g, Options{Queue: 1}), HandlerOptions{Log: quiet, ReadTimeout: 100 * time.Millisecond})
	t.Cleanup(func() { full.predictor.Close() })
	t.Cleanup(func() { close(g.leave) })
	go full.predictor.Predict(context.Background(), shapes(t, 1)[0], 1)
	<-g.entered
	const form = "Content-Type: multipart/form-data; boundary=b\r\n"
	const part = "--b\r\nContent-Disposition: form-data; name=i; filename=i\r\n\r\nx\r\n--b--\r\n"
	cases := []struct {
		handler              *Handler
		line, header, begins string // of a request
		status               int
	}{
		{h, "GET /healthz", "", "", 200},
		{h, "GET /readyz", "", "", 200},
		{h, "GET /info", "", "", 200},
		{h, "GET /metrics", "", "", 200},
		{h, "GET /openapi.json", "", "", 200},
		{h, "GET /", "", "", 200},
		{h, "GET /page.css", "", "", 200},
		{h, "GET /page.js", "", "", 200},
		{h, "GET /secret", "", "", 404},
		{h, "GET /predict", "", "", 405},
		{h, "POST /info", "", "", 405},
		{h, "GET /x/../info", "", "", 307},
		{h, "POST /predict", "", "", 408},
		{h, "POST /predict?top=x", "", "", 400},
		{h, "POST /predict", "Content-Type: text/plain\r\n", "", 415},
		{h, "POST /predict", "Content-Encoding: gzip\r\n", "", 415},
		{h, "POST /predict", form, part, 408}, // all of the form, and less than announced
		{full, "POST /predict", "", "", 429},
		{nil, "OPTIONS *", "", "", 200}, // answered by net/http
	}
	type request struct {
		name   string
		conn   net.Conn
		status int
	}
	var sent []request
	for _, length := range []string{"Content-Length: 1000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3e8\r\n"} {
		for _, c := range cases {
			handler := c.handler
			if handler == nil {
				handler = h
			}
			ours, _ := startServer(t, &Server{Handler: handler})
			addresses := []string{ours}
			if c.handler != nil {
				own := httptest.NewServer(handler)
				t.Cleanup(own.Close)
				addresses = append(addresses, own.Listener.Addr().String())
			}
			for _, address := range addresses {
				conn := dial(t, address)
				if _, err := io.WriteString(conn, c.line+" HTTP/1.1\r\nHost: x\r\n"+c.header+length+c.begins); err != nil {
					t.Fatal(err)
				}
				sent = append(sent, request{fmt.Sprintf("%s %.17s %.17s", c.line, c.header, length), conn, c.status})
			}
		}
	}
	for _, r := range sent {
		if err := r.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil { // only where the fault is there
			t.Fatal(err)
		}
		reader := bufio.NewReader(r.conn)
		answer, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("%s: no answer: %v", r.name, err)
		}
		if answer.StatusCode != r.status {
			t.Errorf("%s: %d, want %d", r.name, answer.StatusCode, r.status)
		}
		if _, err := io.Copy(io.Discard, reader); isTimeout(err) {
			t.Errorf("%s: the connection stays open", r.name)
		}
		r.conn.Close()
	}
}

// TestThousandConnections holds that a thousand clients who send half a request cost little memory, and hinder nobody.
func TestThousandConnections(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{ReadTimeout: time.Minute})
	address, _ := startServer(t, &Server{Handler: h})
	image := pngOf(t, shapes(t, 1)[0])
	works(t, address, image)
	before := liveHeap()
	const clients = 1000
	for i := range clients {
		c := dial(t, address)
		half := "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n12345"
		if i%2 == 0 {
			half = half[:40] // in mid-header
		}
		if _, err := io.WriteString(c, half); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "half of them being read", func() bool { return h.memory.taken.Load() >= clients/2*(16<<10) })
	works(t, address, image)
	// Each announces 10 MB; it holds what it has sent, and the buffers of a connection.
	if grown := liveHeap() - before; grown > clients*64<<10 {
		t.Errorf("%d half requests hold %d KB each", clients, grown/clients>>10)
	}
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestMemoryOfRequestsIsBounded holds that requests beyond MaxMemory are answered with 429, and the service goes on.
func TestMemoryOfRequestsIsBounded(t *testing.T) {
	const limit = 1 << 20
	h := newTestHandler(t, Options{}, HandlerOptions{MaxMemory: limit, ReadTimeout: time.Minute})
	address, _ := startServer(t, &Server{Handler: h})
	image := pngOf(t, shapes(t, 1)[0])
	var held []net.Conn
	for range 3 { // each holds 256 KB, and keeps the end of its request back
		c := dial(t, address)
		held = append(held, c)
		if _, err := io.WriteString(c, "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 250000\r\n\r\n"+strings.Repeat("x", 249_999)); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "three requests in memory", func() bool { return h.memory.taken.Load() == 3*256<<10 })
	answer, err := http.Post("http://"+address+"/predict", "image/png", strings.NewReader(strings.Repeat("x", 300_000)))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 429 || answer.Header.Get("Retry-After") == "" {
		t.Errorf("a request beyond the memory: %d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
	}
	if want := `tlkit_images_total{outcome="busy"} 1`; !strings.Contains(scrape(h), want) {
		t.Errorf("no line %s in the metrics", want)
	}
	works(t, address, image) // a small one has room
	for _, c := range held {
		if _, err := io.WriteString(c, "x"); err != nil {
			t.Fatal(err)
		}
		if answer, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || answer.StatusCode != 415 {
			t.Errorf("a request that was held: %v, %v", answer, err)
		}
	}
	until(t, "all memory given back", func() bool { return h.memory.taken.Load() == 0 })
}

// TestConnectionsAreBounded holds that connections beyond the limit wait, and are served when others end.
func TestConnectionsAreBounded(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{})
	address, _ := startServer(t, &Server{Handler: h, Connections: 2})
	first, second := dial(t, address), dial(t, address)
	third := dial(t, address)
	if _, err := io.WriteString(third, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	first.Close()
	second.Close()
	if answer, err := http.ReadResponse(bufio.NewReader(third), nil); err != nil || answer.StatusCode != 200 {
		t.Errorf("the third connection: %v, %v", answer, err)
	}
}

// TestShutdown holds that a request under way is answered when the server is told to end.
func TestShutdown(t *testing.T) {
	g := newGate()
	p := gated(t, g, Options{})
	h := NewHandler(p, HandlerOptions{Log: quiet})
	address, end := startServer(t, &Server{Handler: h})
	image := pngOf(t, shapes(t, 1)[0])
	status := make(chan int)
	go func() {
		answer, err := http.Post("http://"+address+"/predict", "image/png", bytes.NewReader(image))
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		answer.Body.Close()
		status <- answer.StatusCode
	}()
	<-g.entered
	ended := make(chan error)
	go func() { ended <- end() }()
	until(t, "the end of readiness", func() bool { return h.closing.Load() })
	close(g.leave)
	if s := <-status; s != 200 {
		t.Errorf("the request under way: %d", s)
	}
	if err := <-ended; err != nil {
		t.Errorf("the end of the server: %v", err)
	}
	p.Close()
}

// TestWaitingConnections holds that clients who have connected and are not accepted yet get their answers when the
// server is told to end, and no reset connection.
func TestWaitingConnections(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{})
	address, end := startServer(t, &Server{Handler: h, Connections: 1})
	only := dial(t, address)
	if _, err := io.WriteString(only, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := http.ReadResponse(bufio.NewReader(only), nil); err != nil || answer.StatusCode != 200 {
		t.Fatalf("the one connection: %v, %v", answer, err)
	}
	var waiting []net.Conn
	for range 20 {
		c := dial(t, address)
		if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		waiting = append(waiting, c)
	}
	ended := make(chan error)
	go func() { ended <- end() }()
	until(t, "the end of readiness", func() bool { return h.closing.Load() })
	only.Close()
	for i, c := range waiting {
		if answer, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || answer.StatusCode != 200 {
			t.Errorf("waiting connection %d: %v, %v", i, answer, err)
		}
	}
	if err := <-ended; err != nil {
		t.Errorf("the end of the server: %v", err)
	}
}

// TestGraceIsKept holds that a client who does not send its request makes no end of the server a failed one, and that a
// request which has arrived and is not answered does.
func TestGraceIsKept(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{ReadTimeout: time.Minute})
	address, end := startServer(t, &Server{Handler: h, Grace: time.Millisecond})
	if _, err := io.WriteString(dial(t, address), "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx"); err != nil {
		t.Fatal(err)
	}
	until(t, "half a request", func() bool { return h.memory.taken.Load() > 0 })
	if err := end(); err != nil {
		t.Errorf("the end with half a request: %v", err)
	}

	g := newGate()
	gate := NewHandler(gated(t, g, Options{}), HandlerOptions{Log: quiet})
	address, end = startServer(t, &Server{Handler: gate, Grace: time.Millisecond})
	image := string(pngOf(t, shapes(t, 1)[0]))
	if _, err := fmt.Fprintf(dial(t, address), "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(image), image); err != nil {
		t.Fatal(err)
	}
	<-g.entered
	if err := end(); err == nil || !strings.Contains(err.Error(), "1 requests were still being answered") {
		t.Errorf("the end with a request that is not answered: %v", err)
	}
	close(g.leave)
	gate.predictor.Close()
}

// TestGraceOfOtherRoutes holds that the end of the server fails where a client has not read its whole answer, and not
// where it has not sent a body that nothing reads.
func TestGraceOfOtherRoutes(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{Version: strings.Repeat("x", 64<<20)}) // more than sockets hold
	for header, fails := range map[string]bool{"": true, "Content-Length: 100\r\n": false} {
		address, end := startServer(t, &Server{Handler: h, Grace: time.Millisecond})
		c := dial(t, address)
		if _, err := io.WriteString(c, "GET /info HTTP/1.1\r\nHost: x\r\n"+header+"\r\n"); err != nil {
			t.Fatal(err)
		}
		if fails {
			if _, err := io.ReadFull(c, make([]byte, 1)); err != nil { // the answer is under way
				t.Fatal(err)
			}
		}
		if err := end(); (err != nil) != fails || fails && !strings.Contains(err.Error(), "1 requests were still being answered") {
			t.Errorf("the end with GET /info and the header %q: %v", header, err)
		}
	}
}

// stuck is a listener that can't be closed without an error.
type stuck struct{ net.Listener }

var errStuck = errors.New("stuck")

func (s stuck) Close() error { return errors.Join(s.Listener.Close(), errStuck) }

// TestFaultsOfClosing holds that an error of closing is no slow client.
func TestFaultsOfClosing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := newTestHandler(t, Options{}, HandlerOptions{})
	server, queue, ended := &http.Server{Handler: h}, newBacklog(stuck{listener}), make(chan error, 1)
	go func() { ended <- server.Serve(queue) }()
	if status := exchange(t, listener.Addr().String(), "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", nil); status != 200 {
		t.Fatal(status)
	}
	if err := (&Server{Handler: h}).shutDown(server, queue, ended, quiet); !errors.Is(err, errStuck) {
		t.Errorf("%v, want %v", err, errStuck)
	}
}

// TestAddressInUse holds that the error names the address.
func TestAddressInUse(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{})
	address, _ := startServer(t, &Server{Handler: h})
	if err := ListenAndServe(t.Context(), address, h); err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("a second server at %s: %v", address, err)
	}
}
