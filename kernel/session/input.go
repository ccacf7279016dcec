//go:build linux

package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/kernel/worker"
)

// question is an input request that is open at the front end.
type question struct {
	run      int // that reads; 0: the running one
	prompt   string
	password bool
	over     chan struct{} // closed when there is an answer, or will be none
}

// questions are the input requests of the running cell, and the replies to those of all cells.
type questions struct {
	open      *question // nil if there is none
	refused   bool      // the cell was told once that there is no input
	replies   int       // to requests of the worker, sent to repliedTo or about to be
	repliedTo *worker.Process
}

// drop forgets the requests of a cell that is over.
func (q *questions) drop() { q.open, q.refused = nil, false }

// endOfFile is the text that a console sends for Ctrl-D; IPython's kernel treats it the same way.
const endOfFile = "\x04"

// WantInput implements worker.Sink. A reply that crosses the worker's request serves it: the front end is not asked
// again.
func (k *sink) WantInput(run, taken int, password bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.streams.flushAll()
	if k.worker(); taken < k.questions.replies {
		return
	}
	k.ask(run, "", password)
}

// worker returns the process that gets replies. Each process counts them from 0. The caller holds k.mu; runner.procMu
// comes after it.
func (k *sink) worker() *worker.Process {
	p := k.s.process()
	if p != k.questions.repliedTo {
		k.questions.repliedTo, k.questions.replies = p, 0
	}
	return p
}

// ask requests a line from the user and does not wait for it. The caller holds k.mu.
func (k *sink) ask(run int, prompt string, password bool) {
	out := k.to()
	if k.questions.open != nil || out == nil {
		return
	}
	q := &question{run, prompt, password, make(chan struct{})}
	k.questions.open = q
	go k.answer(q, out)
}

// lastAnswer waits for the answer to a request that the cell made without reading it (gonbui.RequestInput), as a cell
// waits for one that it reads: a front end takes no answer when the cell is over.
func (k *sink) lastAnswer(ctx context.Context) {
	k.mu.Lock()
	q := k.questions.open
	k.mu.Unlock()
	if q == nil || q.run != 0 {
		return
	}
	select {
	case <-q.over:
	case <-ctx.Done():
	}
}

// answer passes on the text that the user types. An interrupt sends no text: it ends the cell, and the read with it. An
// answer that comes after its cell is dropped. The question is closed and the reply counted in one step, so that a
// request of the worker finds one of the two; the reply is sent without k.mu, since a long line waits for the worker.
func (k *sink) answer(q *question, out Output) {
	defer close(q.over)
	line, err := out.Input(q.prompt, q.password)
	k.mu.Lock()
	if k.questions.open != q {
		k.mu.Unlock()
		return
	}
	k.questions.open = nil
	told := k.questions.refused
	k.questions.refused = k.questions.refused || err != nil
	p := k.worker()
	if errors.Is(err, context.Canceled) {
		k.mu.Unlock()
		return
	}
	k.questions.replies++
	k.mu.Unlock()
	if err != nil && !told {
		k.text("stderr", fmt.Sprintf("No input: %v. What reads standard input gets end of file.\n", err))
	}
	if p != nil {
		p.Input(q.run, line+"\n", err != nil || line == endOfFile)
	}
}
