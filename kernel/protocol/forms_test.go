package protocol

import (
	"fmt"
	"strings"
	"testing"
)

// openForm runs a cell with a form, connects as a page, and returns the cell's request and the form's id.
func openForm(t *testing.T, c *client) (run, id string) {
	t.Helper()
	run = c.send(c.shell, "execute_request", map[string]any{"code": "form"})
	c.reply(c.shell, run, "execute_reply")
	var all []string
	for _, m := range c.until(run) {
		if m.kind != "display_data" {
			continue
		}
		html := fmt.Sprint(m.content["data"].(map[string]any)["text/html"])
		all = append(all, html)
		if _, after, ok := strings.Cut(html, `data-tlkit-form="`); ok {
			id, _, _ = strings.Cut(after, `"`)
		}
	}
	if len(all) == 0 || id == "" || !strings.Contains(all[len(all)-1], `"name":"n","kind":"slider","value":"5"`) {
		t.Fatalf("shown: %q", all)
	}
	return run, id
}

// page sends a message of the page.
func (c *client) page(value map[string]any) {
	c.t.Helper()
	c.send(c.shell, "comm_msg", map[string]any{"comm_id": "page", "data": map[string]any{"address": formAddress, "value": value}})
}

// states returns what the page was told about a form up to state.
func (c *client) states(id, state string) (all []string) {
	c.t.Helper()
	for len(all) == 0 || all[len(all)-1] != state {
		m := c.nextPublished()
		data, _ := m.content["data"].(map[string]any)
		if m.kind == "comm_msg" && data["address"] == formAddress+"/"+id {
			all = append(all, fmt.Sprint(data["value"]))
		} else if m.kind == "stream" || m.kind == "error" || m.kind == "clear_output" || m.kind == "display_data" {
			word := m.kind
			for _, field := range []string{"text", "evalue"} {
				if v, ok := m.content[field]; ok {
					word += fmt.Sprint(" ", v)
				}
			}
			all = append(all, word)
		}
	}
	return all
}

// TestForms: a field that moves runs the cell with the newest value, with the outputs of the cell's own request.
func TestForms(t *testing.T) {
	c := startServer(t, nil)
	_, id := openForm(t, c)
	c.send(c.shell, "comm_open", map[string]any{"comm_id": "page", "target_name": "gonb_comm", "kernel_id": "the-kernel", "data": map[string]any{}})
	want := func(what, state, want string) {
		t.Helper()
		if got := strings.Join(c.states(id, state), ", "); !strings.HasSuffix(got, want) {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	c.page(map[string]any{"id": id, "drawn": true})
	want("the page has drawn it", "ready", "ready")
	c.page(map[string]any{"id": id, "values": map[string]any{"n": "7"}})
	want("a value", "done", "running, clear_output, display_data, stream n is 7, done")

	// While a cell runs, only the last of many values waits.
	for started := ""; started != "form"; started = <-c.engine.started {
	}
	cell := c.send(c.shell, "execute_request", map[string]any{"code": "wait"})
	for started := ""; started != "wait"; started = <-c.engine.started {
	}
	for n := range 30 {
		c.page(map[string]any{"id": id, "values": map[string]any{"n": fmt.Sprint(n)}})
	}
	// The reply to a request on the same channel tells that the kernel has them all.
	c.reply(c.shell, c.send(c.shell, "kernel_info_request", map[string]any{}), "kernel_info_reply")
	c.engine.release <- struct{}{}
	c.reply(c.shell, cell, "execute_reply")
	want("30 values", "done", "running, clear_output, display_data, stream n is 29, done")

	c.page(map[string]any{"id": id, "values": map[string]any{"n": "bad"}})
	want("a failing run", "failed", "running, clear_output, display_data, error no such n, failed")

	// An interrupt forgets what waits.
	cell = c.send(c.shell, "execute_request", map[string]any{"code": "wait"})
	for started := ""; started != "wait"; started = <-c.engine.started {
	}
	c.page(map[string]any{"id": id, "values": map[string]any{"n": "1"}})
	c.reply(c.shell, c.send(c.shell, "kernel_info_request", map[string]any{}), "kernel_info_reply")
	c.reply(c.control, c.send(c.control, "interrupt_request", map[string]any{}), "interrupt_reply")
	c.reply(c.shell, cell, "execute_reply")
	if got := strings.Join(c.states(id, "done"), ", "); strings.Contains(got, "running") {
		t.Errorf("after an interrupt: %s", got)
	}

	// A page that was loaded anew, and a form of an earlier run.
	c.page(map[string]any{"id": id, "drawn": true})
	want("drawn again", "gone", "gone")
	old := id
	_, id = openForm(t, c)
	c.page(map[string]any{"id": old, "values": map[string]any{"n": "1"}})
	if got := strings.Join(c.states(old, "gone"), ", "); strings.Contains(got, "running") {
		t.Errorf("the form before: %s", got)
	}
	c.page(map[string]any{"id": id, "values": map[string]any{"n": "8"}})
	want("the new form", "done", "stream n is 8, done")
}
