package protocol

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// stdinTime is how long to wait for the stdin channel of a client that has just connected.
const stdinTime = 3 * time.Second

// Errors of Output.Input.
var (
	// ErrNoInput means that the client takes no input requests.
	ErrNoInput = errors.New("this frontend does not take input (allow_stdin is false)")
	// ErrInterrupted means that an interrupt came before the input. It wraps context.Canceled.
	ErrInterrupted = fmt.Errorf("interrupted while waiting for input: %w", context.Canceled)
)

// input requests a line of text from the client of a cell.
type input struct {
	server *Server
	mu     sync.Mutex // one request at a time
	state  sync.Mutex
	peer   string
	value  chan string   // of the reply to the open request
	stop   chan struct{} // closed by an interrupt
}

// request sends an input request to the client that m came from, and waits for the reply.
func (in *input) request(ctx context.Context, m *message, prompt string, password bool) (string, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.state.Lock()
	in.peer, in.value, in.stop = m.peer, make(chan string, 1), make(chan struct{})
	value, stop := in.value, in.stop
	in.state.Unlock()
	defer func() {
		in.state.Lock()
		in.value, in.stop = nil, nil
		in.state.Unlock()
	}()
	end := time.Now().Add(stdinTime)
	content := map[string]any{"prompt": prompt, "password": password}
	for in.server.send(in.server.stdin, m, "input_request", content) == "" {
		if time.Now().After(end) {
			return "", errors.New("this frontend has no stdin channel")
		}
		time.Sleep(20 * time.Millisecond)
	}
	select {
	case text := <-value:
		return text, nil
	case <-stop:
		return "", ErrInterrupted
	case <-ctx.Done():
		return "", ctx.Err()
	case <-in.server.ctx.Done():
		return "", ErrInterrupted
	}
}

// reply handles an input_reply from the stdin channel. Clients need not name the request that they reply to, so only
// the client is compared.
func (in *input) reply(m *message) {
	var content struct {
		Value string `json:"value"`
	}
	if m.header.Type != "input_reply" || m.decode(&content) != nil {
		return
	}
	in.state.Lock()
	defer in.state.Unlock()
	if in.value == nil || m.peer != in.peer {
		return // this client has no open request
	}
	select {
	case in.value <- content.Value:
	default:
	}
}

// cancel ends an open request without a reply.
func (in *input) cancel() {
	in.state.Lock()
	defer in.state.Unlock()
	if in.stop != nil {
		close(in.stop)
		in.stop = nil
	}
}
