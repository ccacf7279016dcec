//go:build linux

package session

import (
	"context"
	"errors"
	"fmt"
)

// question is an input request that is open at the front end.
type question struct {
	run      int // that asked; 0: the one that runs
	prompt   string
	password bool
}

// endOfFile is what a console sends for Ctrl-D, as IPython's kernel takes it.
const endOfFile = "\x04"

// WantInput implements worker.Sink.
func (k *sink) WantInput(run int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flushAll()
	k.ask(run, "", false)
}

// ask gets a line from the user, without holding anything up. k.mu is held.
func (k *sink) ask(run int, prompt string, password bool) {
	out := k.to()
	if k.asking != nil || out == nil {
		return
	}
	q := &question{run, prompt, password}
	k.asking = q
	go k.answer(q, out)
}

// answer passes on what the user types. An interrupt is no answer: it ends the cell,
// and with it the read.
func (k *sink) answer(q *question, out Output) {
	line, err := out.Input(q.prompt, q.password)
	k.mu.Lock()
	if k.asking == q {
		k.asking = nil
	}
	told := k.refused
	k.refused = k.refused || err != nil
	k.mu.Unlock()
	if errors.Is(err, context.Canceled) {
		return
	}
	if err != nil && !told {
		k.text("stderr", fmt.Sprintf("No input: %v. What reads standard input gets end of file.\n", err))
	}
	if p := k.s.process(); p != nil {
		p.Input(q.run, line+"\n", err != nil || line == endOfFile)
	}
}
