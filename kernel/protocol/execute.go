package protocol

import (
	"encoding/json"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// abortTime is how long runCell waits after a failure for requests that the client sent together with the failed one.
// The failure's reply is sent after that wait, so that requests that a client sends because of the reply are never
// aborted.
const abortTime = 20 * time.Millisecond

// executeRequest is the content of execute_request.
type executeRequest struct {
	Code            string            `json:"code"`
	Silent          bool              `json:"silent"`
	StoreHistory    *bool             `json:"store_history"`
	UserExpressions map[string]string `json:"user_expressions"`
	AllowStdin      *bool             `json:"allow_stdin"`
	StopOnError     *bool             `json:"stop_on_error"`
}

// runCells runs the requested cells, one after the other.
func (s *Server) runCells() {
	count := 0
	for {
		select {
		case <-s.ctx.Done():
			return
		case m := <-s.cells:
			if m.form != nil {
				s.rerun(m.form)
				continue
			}
			s.runCell(m, &count)
		}
	}
}

// begin publishes that the cell of a request runs, and returns the function that publishes its end.
func (s *Server) begin(m *message) (end func()) {
	s.statusMu.Lock()
	defer s.statusMu.Unlock()
	s.running = m
	s.publish("status", m, map[string]any{"execution_state": "busy"})
	return func() {
		s.statusMu.Lock()
		defer s.statusMu.Unlock()
		s.running = nil
		s.publish("status", m, map[string]any{"execution_state": "idle"})
	}
}

func (s *Server) runCell(m *message, count *int) {
	defer s.begin(m)()
	var req executeRequest
	if err := m.decode(&req); err != nil {
		s.reply(m, errorReply("BadRequest", err.Error()))
		return
	}
	store := !req.Silent && isTrue(req.StoreHistory, true)
	if store {
		*count++
		s.history.add(*count, req.Code)
	}
	if !req.Silent {
		s.publish("execute_input", m, map[string]any{"code": req.Code, "execution_count": *count})
	}
	out := s.newOutput(m, req, *count)
	began := time.Now()
	cell := &Cell{Code: req.Code, ID: field(m.metadata, "cellId"), Count: *count, Silent: req.Silent, Expressions: req.UserExpressions}
	failure := s.execute(cell, out)
	out.Flush()

	reply := map[string]any{"status": "ok", "execution_count": *count, "user_expressions": object(cell.Values), "payload": out.takePayload()}
	if failure == nil {
		s.sendReply(m, reply, began)
		return
	}
	content := map[string]any{"ename": failure.Name, "evalue": failure.Value, "traceback": emptyIfNil(failure.Traceback)}
	if !req.Silent {
		s.publish("error", m, content)
	}
	maps.Copy(reply, content)
	reply["status"] = "error"
	var aborted []*message
	if isTrue(req.StopOnError, true) {
		time.Sleep(abortTime)
		aborted = s.takeQueued()
	}
	s.sendReply(m, reply, began)
	for _, a := range aborted {
		s.work.Go(func() {
			s.around(a, func() { s.reply(a, map[string]any{"status": "aborted", "execution_count": *count}) })
		})
	}
}

// execute runs a cell; a panic of the engine becomes an error of the cell.
func (s *Server) execute(cell *Cell, out *Output) (failure *Error) {
	defer func() {
		if r := recover(); r != nil {
			stack := fmt.Sprintf("%v\n%s", r, debug.Stack())
			fmt.Fprintf(s.cfg.Log, "panic in cell %d: %s", cell.Count, stack)
			failure = &Error{Name: "KernelError", Value: fmt.Sprint("a fault of the kernel, please report it: ", r), Traceback: strings.Split(stack, "\n")}
		}
	}()
	return s.cfg.Engine.Execute(s.ctx, cell, out)
}

// sendReply sends the reply to a cell, with the cell's start time in the metadata, which JupyterLab shows.
func (s *Server) sendReply(m *message, content map[string]any, began time.Time) {
	msg, _, err := s.codec.frames(outgoing{kind: "execute_reply", parent: m.rawHeader, content: content,
		metadata: map[string]any{"started": began.UTC().Format(time.RFC3339Nano), "status": content["status"], "dependencies_met": true, "engine": s.codec.session}})
	if err != nil {
		s.reply(m, errorReply("BadReply", err.Error()))
		return
	}
	if p := m.via.find(m.peer); p != nil {
		p.send(append(slices.Clone(m.routes), msg...))
	}
}

// takeQueued empties the queue of cells, and returns those that a client has requested.
func (s *Server) takeQueued() (all []*message) {
	for {
		select {
		case m := <-s.cells:
			if m.form != nil {
				s.forms.leave(m.form)
				continue
			}
			all = append(all, m)
		default:
			return all
		}
	}
}

// newOutput returns the output of a cell.
func (s *Server) newOutput(m *message, req executeRequest, count int) *Output {
	return &Output{server: s, parent: m, silent: req.Silent, stdin: isTrue(req.AllowStdin, true), count: count}
}

func emptyIfNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// decodeAny reads JSON as plain Go values.
func decodeAny(data json.RawMessage) (v any) {
	json.Unmarshal(data, &v)
	return v
}
