package protocol

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"
)

// handle replies to every request but execute_request and shutdown_request, at once, whether a cell runs or not.
func (s *Server) handle(m *message) {
	reply := map[string]func(*message) map[string]any{
		"kernel_info_request": s.kernelInfo,
		"connect_request":     s.connect,
		"is_complete_request": s.isComplete,
		"history_request":     s.historyReply,
		"comm_info_request":   s.comms.info,
		"interrupt_request":   s.interrupt,
		"debug_request":       debugReply,
	}[m.header.Type]
	switch {
	case reply != nil:
		s.around(m, func() { s.reply(m, s.guard(m, func() map[string]any { return reply(m) })) })
	case m.header.Type == "complete_request":
		s.concurrently(m, s.cfg.ReplyTime, s.complete)
	case m.header.Type == "inspect_request":
		s.concurrently(m, inspectTimes*s.cfg.ReplyTime, s.inspect)
	case m.header.Type == "comm_open", m.header.Type == "comm_msg", m.header.Type == "comm_close":
		s.around(m, func() { s.comms.receive(m) })
	case strings.HasSuffix(m.header.Type, "_request"):
		s.around(m, func() {
			s.reply(m, errorReply("NotImplemented", "this kernel does not know "+m.header.Type))
		})
	default:
		s.around(m, func() {}) // no reply is expected
	}
}

// inspectTimes is how many times as long inspection may take as completion.
const inspectTimes = 5

// concurrently replies to a request that may take as long as the limit, at the same time as all others.
func (s *Server) concurrently(m *message, limit time.Duration, content func(context.Context, *message) map[string]any) {
	s.work.Go(func() {
		ctx, cancel := context.WithTimeout(s.ctx, limit)
		defer cancel()
		s.around(m, func() { s.reply(m, s.guard(m, func() map[string]any { return content(ctx, m) })) })
	})
}

// guard converts a panic of content into an error reply: a request about code must not end the kernel and lose all that
// its cells have computed.
func (s *Server) guard(m *message, content func() map[string]any) (reply map[string]any) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(s.cfg.Log, "panic in %s: %v\n%s", m.header.Type, r, debug.Stack())
			reply = errorReply("KernelError", fmt.Sprint("a fault of the kernel: ", r))
		}
	}()
	return content()
}

func (s *Server) kernelInfo(*message) map[string]any {
	links := []map[string]string{}
	for _, l := range s.cfg.Info.HelpLinks {
		links = append(links, map[string]string{"text": l[0], "url": l[1]})
	}
	return map[string]any{
		"status":                 "ok",
		"protocol_version":       Version,
		"implementation":         s.cfg.Info.Implementation,
		"implementation_version": s.cfg.Info.ImplementationVersion,
		"language_info": map[string]any{
			"name": "go", "version": s.cfg.Info.GoVersion, "mimetype": "text/x-go", "file_extension": ".go",
			"pygments_lexer": "go", "codemirror_mode": "go", "nbconvert_exporter": "script",
		},
		"banner":             s.cfg.Info.Banner,
		"help_links":         links,
		"debugger":           false,
		"supported_features": []string{},
	}
}

// connect returns the ports. The request is deprecated, but in the specification.
func (s *Server) connect(*message) map[string]any {
	c := s.cfg.Connection
	return map[string]any{"status": "ok", "shell_port": c.ShellPort, "iopub_port": c.IOPubPort, "stdin_port": c.StdinPort,
		"control_port": c.ControlPort, "hb_port": c.HBPort}
}

func (s *Server) isComplete(m *message) map[string]any {
	var req struct{ Code string }
	if err := m.decode(&req); err != nil {
		return map[string]any{"status": "unknown"}
	}
	status, indent := s.cfg.Engine.IsComplete(req.Code)
	reply := map[string]any{"status": status}
	if status == "incomplete" {
		reply["indent"] = indent
	}
	return reply
}

func (s *Server) interrupt(*message) map[string]any {
	s.input.cancel()
	s.forms.drop()
	s.cfg.Engine.Interrupt()
	return map[string]any{"status": "ok"}
}

// debugReply returns a refusal that is valid in the debugger's own protocol and in Jupyter's.
func debugReply(m *message) map[string]any {
	var req struct {
		Seq     int    `json:"seq"`
		Command string `json:"command"`
	}
	m.decode(&req)
	reply := errorReply("NotImplemented", "this kernel has no debugger")
	reply["type"], reply["request_seq"], reply["command"] = "response", req.Seq, req.Command
	reply["success"], reply["message"], reply["seq"] = false, "this kernel has no debugger", 0
	return reply
}

// codePosition is the content of complete_request and inspect_request.
type codePosition struct {
	Code   string `json:"code"`
	Cursor *int   `json:"cursor_pos"`
}

// read decodes the content and keeps the cursor within the code; a missing cursor means the end of the code.
func (q *codePosition) read(m *message) error {
	if err := m.decode(q); err != nil {
		return err
	}
	n := utf8.RuneCountInString(q.Code)
	if q.Cursor == nil || *q.Cursor > n {
		q.Cursor = &n
	}
	*q.Cursor = max(*q.Cursor, 0)
	return nil
}

func (s *Server) complete(ctx context.Context, m *message) map[string]any {
	var q codePosition
	if err := q.read(m); err != nil {
		return errorReply("BadRequest", err.Error())
	}
	c := Completion{Start: *q.Cursor, End: *q.Cursor}
	if s.cfg.Language != nil {
		c = s.cfg.Language.Complete(ctx, q.Code, *q.Cursor)
	}
	if c.Matches == nil {
		c.Matches = []string{}
	}
	metadata := map[string]any{}
	if len(c.Types) == len(c.Matches) && len(c.Matches) > 0 {
		// JupyterLab and IPython show these beside each match.
		typed := make([]map[string]any, len(c.Matches))
		for i, text := range c.Matches {
			typed[i] = map[string]any{"text": text, "type": c.Types[i], "start": c.Start, "end": c.End}
			if len(c.Details) == len(c.Matches) {
				typed[i]["signature"] = c.Details[i]
			}
			if len(c.Docs) == len(c.Matches) && c.Docs[i] != "" {
				typed[i]["documentation"] = c.Docs[i]
			}
		}
		metadata["_jupyter_types_experimental"] = typed
	}
	return map[string]any{"status": "ok", "matches": c.Matches, "cursor_start": c.Start, "cursor_end": c.End, "metadata": metadata}
}

func (s *Server) inspect(ctx context.Context, m *message) map[string]any {
	var q codePosition
	if err := q.read(m); err != nil {
		return errorReply("BadRequest", err.Error())
	}
	var data map[string]any
	if s.cfg.Language != nil {
		data = s.cfg.Language.Inspect(ctx, q.Code, *q.Cursor)
	}
	return map[string]any{"status": "ok", "found": len(data) > 0, "data": object(data), "metadata": map[string]any{}}
}

func (s *Server) historyReply(m *message) map[string]any {
	req := historyRequest{N: -1}
	if err := m.decode(&req); err != nil {
		return errorReply("BadRequest", err.Error())
	}
	rows := s.history.find(req)
	if rows == nil {
		rows = [][3]any{}
	}
	return map[string]any{"status": "ok", "history": rows}
}

// isTrue returns a boolean that a client may leave out; otherwise is its default.
func isTrue(v *bool, otherwise bool) bool {
	if v == nil {
		return otherwise
	}
	return *v
}

var _ json.Unmarshaler = (*flexInt)(nil)

// flexInt is a number that a client may send as null.
type flexInt int

// UnmarshalJSON reads a number, and leaves the value as it is for null.
func (n *flexInt) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	return json.Unmarshal(data, (*int)(n))
}
