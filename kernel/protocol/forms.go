package protocol

import (
	_ "embed"
	"encoding/json"
	"strings"
	"sync"
)

// Form is a form below a cell: fields whose change runs the cell again.
type Form struct {
	// Title stands above the fields; may be empty.
	Title string `json:"title,omitempty"`
	// Fields are drawn one below the other.
	Fields []FormField `json:"fields"`
	// Problems are lines of text below the fields.
	Problems []string `json:"problems,omitempty"`
}

// FormField is one field of a form.
type FormField struct {
	// Name is the field's label, and its name in Cell.Fields.
	Name string `json:"name"`
	// Kind is "slider", "integer", "number", "string", "date", "boolean" or "dropdown"; "markdown" is a
	// line of text, the Value.
	Kind string `json:"kind"`
	// Value is the value in the cell's text.
	Value string `json:"value"`
	// Options are the choices of a dropdown. With Free, it takes other values, too.
	Options []string `json:"options,omitempty"`
	Free    bool     `json:"free,omitempty"`
	// Placeholder is shown in an empty text.
	Placeholder string `json:"placeholder,omitempty"`
	// Min, Max and Step bound numbers; nil means no bound. A slider has all three.
	Min  *float64 `json:"min,omitempty"`
	Max  *float64 `json:"max,omitempty"`
	Step *float64 `json:"step,omitempty"`
}

// formScript is the page's part. It follows the script of GoNB's comms, over which the page sends the fields' values.
//
//go:embed form.js
var formScript string

// formAddress is the address to which the page sends values. A message about one form goes to formAddress/ID in the
// page: "ready" once its fields can be used, "running", "done", "failed", and "gone" if its cell can't be run again
// from here.
const formAddress = "#form"

// form is a form that was shown below a cell.
type form struct {
	id      string
	cell    string // the notebook's id of the cell
	request *message
	count   int // of the cell
	spec    Form

	// Guarded by forms.mu.
	values map[string]string // the newest of the page that no run has had; nil without
	queued bool
	seen   bool // by a page
}

// forms are the forms of a notebook, one for each cell: the one of the cell's last run by hand. A run by hand has the
// values in the cell's text and makes a new form.
type forms struct {
	server *Server
	mu     sync.Mutex
	byID   map[string]*form
	byCell map[string]*form
}

// Form shows a form below the cell. Clients that name no cell get none: they run notebooks without a page.
func (o *Output) Form(spec Form) {
	cell := field(o.parent.metadata, "cellId")
	if o.silent || cell == "" || o.server.cfg.WidgetScript == "" {
		return
	}
	if len(spec.Fields) > 0 {
		o.WidgetStart()
	}
	f := &form{id: newID(), cell: cell, request: o.parent, count: o.count, spec: spec}
	o.server.forms.add(f)
	o.Display(f.place(), nil, "")
}

func (t *forms) add(f *form) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID == nil {
		t.byID, t.byCell = map[string]*form{}, map[string]*form{}
	}
	if old := t.byCell[f.cell]; old != nil {
		old.values = nil
		delete(t.byID, old.id)
	}
	t.byID[f.id], t.byCell[f.cell] = f, f
}

// place returns the bundle that tells the page where its script puts the form. Without the script it shows nothing.
func (f *form) place() map[string]any {
	spec, err := json.Marshal(struct {
		ID string `json:"id"`
		Form
	}{f.id, f.spec})
	if err != nil { // of a number that JSON does not have
		return map[string]any{"text/plain": err.Error()}
	}
	var lines []string
	for _, field := range f.spec.Fields {
		line := field.Value
		if field.Kind != "markdown" {
			line = field.Name + " = " + line
		}
		lines = append(lines, line)
	}
	// json.Marshal writes < and > as escapes, so that nothing in the form ends the script.
	html := `<div data-tlkit-form="` + f.id + `"></div><script>(f => globalThis.tlkit_form ? tlkit_form(f) : (globalThis.tlkit_forms ??= []).push(f))(` +
		string(spec) + `)</script>`
	return map[string]any{"text/html": html, "text/plain": strings.Join(append(lines, f.spec.Problems...), "\n")}
}

// tell sends a form's state to the page.
func (t *forms) tell(f *form, state string) {
	if id := t.server.comms.open(); id != "" {
		t.server.comms.send(f.request, id, map[string]any{"address": formAddress + "/" + f.id, "value": state})
	}
}

// receive handles what the page sends: its greeting, when it has drawn a form, or the form's values.
func (t *forms) receive(data json.RawMessage) {
	var from struct {
		ID     string            `json:"id"`
		Drawn  bool              `json:"drawn"`
		Values map[string]string `json:"values"`
	}
	if json.Unmarshal(data, &from) != nil {
		return
	}
	t.mu.Lock()
	f := t.byID[from.ID]
	// A page that draws a form for the second time was loaded anew: it shows no outputs of requests of before.
	gone := f == nil || from.Drawn && f.seen
	run := false
	if !gone && from.Drawn {
		f.seen = true
	} else if !gone {
		f.values = from.Values
		run = !f.queued
		f.queued = true
	}
	t.mu.Unlock()
	switch {
	case gone && f == nil:
		t.tell(&form{id: from.ID}, "gone")
	case gone:
		t.tell(f, "gone")
	case from.Drawn:
		t.tell(f, "ready")
	case run:
		t.enqueue(f)
	}
}

// enqueue lets the form's cell run after all cells that wait.
func (t *forms) enqueue(f *form) {
	again := *f.request
	again.form = f
	select {
	case t.server.cells <- &again:
	default: // the queue is full
		t.leave(f)
	}
}

// leave forgets the values that wait for a run.
func (t *forms) leave(f *form) {
	t.mu.Lock()
	f.values, f.queued = nil, false
	t.mu.Unlock()
	t.tell(f, "done")
}

// drop forgets all values that wait, at an interrupt.
func (t *forms) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.byID {
		f.values = nil
	}
}

// take returns the values for the run that begins, nil if there are none any more.
func (t *forms) take(f *form) map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	values := f.values
	f.values, f.queued = nil, false
	return values
}

// rerun runs a form's cell with the newest values of the page. The old outputs stay below the cell until the run shows
// something, so that a picture changes without a gap. The run is none of the history, and gets no reply: no client has
// requested it.
func (s *Server) rerun(f *form) {
	values := s.forms.take(f)
	var req executeRequest
	if values == nil || f.request.decode(&req) != nil {
		s.forms.tell(f, "done")
		return
	}
	defer s.begin(f.request)()
	s.forms.tell(f, "running")
	out := s.newOutput(f.request, req, f.count)
	out.first = func() {
		s.publish("clear_output", f.request, map[string]any{"wait": true})
		s.publish("display_data", f.request, displayContent(f.place(), nil, ""))
	}
	cell := &Cell{Code: req.Code, ID: f.cell, Count: f.count, Fields: values}
	failure := s.execute(cell, out)
	out.Flush()
	out.begin()
	if failure == nil {
		s.forms.tell(f, "done")
		return
	}
	s.publish("error", f.request, map[string]any{"ename": failure.Name, "evalue": failure.Value, "traceback": emptyIfNil(failure.Traceback)})
	s.forms.tell(f, "failed")
}
