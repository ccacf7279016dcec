package kernel

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/kernel/language"
	"github.com/tlkit-go/tlkit-notebooks/kernel/protocol"
	"github.com/tlkit-go/tlkit-notebooks/kernel/session"
)

// This file has a session, and the language service, in the forms that protocol and language use.

// liveOutput sends a session's output to the protocol.
type liveOutput struct {
	ctx context.Context
	out *protocol.Output
}

func (o liveOutput) Stream(name, text string)               { o.out.Stream(name, text) }
func (o liveOutput) Result(bundle, metadata map[string]any) { o.out.Result(bundle, metadata) }
func (o liveOutput) ClearOutput(wait bool)                  { o.out.Clear(wait) }
func (o liveOutput) Page(bundle map[string]any)             { o.out.Page(bundle) }
func (o liveOutput) NextInput(text string, replace bool)    { o.out.NextInput(text, replace) }

func (o liveOutput) Display(bundle, metadata map[string]any, id string) {
	o.out.Display(bundle, metadata, id)
}

func (o liveOutput) Update(bundle, metadata map[string]any, id string) {
	o.out.Update(bundle, metadata, id)
}

func (o liveOutput) Input(prompt string, password bool) (string, error) {
	return o.out.Input(o.ctx, prompt, password)
}

func (o liveOutput) Comm(r session.CommRequest) {
	switch r.Kind {
	case session.CommStart:
		o.out.WidgetStart()
	case session.CommSend:
		o.out.WidgetSend(r.Address, r.Value)
	case session.CommRead:
		o.out.WidgetRequest(r.Address)
	case session.CommSubscribe, session.CommUnsubscribe:
		o.out.WidgetSubscribe(r.Address, r.Kind == session.CommSubscribe)
	}
}

// liveSource is a session in the form that the language service reads. A request that looks up a package may need more
// time than JupyterLab gives it. The look-up then goes on, one at a time, and a later request finds it done.
type liveSource struct {
	*session.Session
	turn chan struct{} // holds a value while a look-up is under way
	logf func(format string, args ...any)
}

// lookUpTime is the limit for one look-up.
const lookUpTime = time.Minute

// lookUp calls f, and returns when f does or when ctx ends.
func (s liveSource) lookUp(ctx context.Context, f func(context.Context)) (done bool) {
	over := make(chan struct{})
	go func() {
		select {
		case s.turn <- struct{}{}:
		case <-ctx.Done():
			return
		}
		defer func() { <-s.turn }()
		defer func() {
			if r := recover(); r != nil { // it must not end the kernel with all that its cells have computed
				s.logf("panic in a look-up: %v\n%s", r, debug.Stack())
				return
			}
			close(over)
		}()
		later, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookUpTime)
		defer cancel()
		f(later)
	}()
	select {
	case <-over:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s liveSource) Names() []language.Name {
	var all []language.Name
	for _, n := range s.Session.Names() {
		all = append(all, language.Name{Name: n.Name, Type: n.Type, Kind: n.Kind, Cell: n.Cell, Stale: n.Stale})
	}
	return all
}

func (s liveSource) Candidates(ctx context.Context, code string, cursor int) (int, []language.Candidate) {
	found := new(lookedUp)
	if !s.lookUp(ctx, func(ctx context.Context) { found.start, found.all = s.Session.Candidates(ctx, code, cursor) }) {
		return cursor, nil
	}
	return found.start, candidates(found.all)
}

func (s liveSource) Words(ctx context.Context, code string, cursor int) (int, []language.Candidate, bool) {
	found := new(lookedUp)
	if !s.lookUp(ctx, func(ctx context.Context) { found.start, found.all, found.ok = s.Session.Words(ctx, code, cursor) }) {
		return cursor, nil, false
	}
	return found.start, candidates(found.all), found.ok
}

// lookedUp is the result of a look-up, which only the look-up writes until it is done.
type lookedUp struct {
	start int
	all   []session.Candidate
	ok    bool
}

func candidates(all []session.Candidate) []language.Candidate {
	out := make([]language.Candidate, len(all))
	for i, c := range all {
		out[i] = language.Candidate(c)
	}
	return out
}

// liveCommands returns the session's magics.
func liveCommands() []language.Command {
	var all []language.Command
	for _, c := range session.Magics() {
		all = append(all, language.Command(c))
	}
	return all
}

// liveLanguage is the language service in the form that the protocol uses.
type liveLanguage struct{ *language.Service }

func (l liveLanguage) Complete(ctx context.Context, code string, cursor int) protocol.Completion {
	c := l.Service.Complete(ctx, code, cursor)
	return protocol.Completion{Matches: c.Matches, Types: c.Kinds, Details: c.Details, Docs: c.Docs, Start: c.Start, End: c.End}
}
