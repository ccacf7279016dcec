package protocol

import (
	"encoding/json"
	"sync"
	"time"
)

// Comms are the specification's channels for widgets. The one kind that this
// kernel knows is GoNB's: a script in the page opens a comm of the name
// "gonb_comm", over which values go to and from addresses. See GoNB's
// docs/FrontEndCommunication.md; a notebook's cells use it through
// gonbui/comms and gonbui/widgets.
const commTarget = "gonb_comm"

const (
	// openTime is how long the page may take to answer the script.
	openTime = 3 * time.Second
	// pongTime is how long it may take to say that it is still there.
	pongTime = 500 * time.Millisecond
	// quietTime is how long the page may be silent before it is asked.
	quietTime = time.Second
	// maxOrders is how many things to send may wait for the page.
	maxOrders = 1024
)

// widgetOrder is one thing to send to the page; without data it only sees to it
// that the page has the script.
type widgetOrder struct {
	out  *Output
	data map[string]any
}

// comms is the state of the comm with the page, if there is one.
type comms struct {
	server *Server

	once   sync.Once
	orders chan widgetOrder

	mu        sync.Mutex
	id        string // of the open comm
	scriptID  string // display id of the script
	opened    chan struct{}
	pong      chan struct{}
	heard     time.Time // from the page
	addresses map[string]int
}

func (c *comms) queue() chan widgetOrder {
	c.once.Do(func() { c.orders = make(chan widgetOrder, maxOrders) })
	return c.orders
}

// add queues an order. When the page takes none for long, the oldest is lost.
func (c *comms) add(o widgetOrder) {
	for {
		select {
		case c.queue() <- o:
			return
		default:
		}
		select {
		case <-c.queue():
		default:
		}
	}
}

// run sends orders one after the other, opening the comm where needed.
func (c *comms) run() {
	for {
		select {
		case <-c.server.ctx.Done():
			return
		case o := <-c.queue():
			if id := c.ensure(o.out); id != "" && o.data != nil {
				c.send(o.out.parent, id, o.data)
			}
		}
	}
}

func (c *comms) send(parent *message, id string, data map[string]any) {
	c.server.publish("comm_msg", parent, map[string]any{"comm_id": id, "data": data})
}

// ensure returns the id of an open comm, or "" when the page does not answer. A
// page that was loaded again has lost its script: one that was silent for a
// while is asked first.
func (c *comms) ensure(out *Output) string {
	c.mu.Lock()
	id, quiet := c.id, time.Since(c.heard) > quietTime
	pong := make(chan struct{}, 1)
	c.pong = pong
	c.mu.Unlock()
	if id != "" && !quiet {
		return id
	}
	if id != "" {
		c.send(out.parent, id, map[string]any{"address": "#heartbeat/ping", "value": true})
		if c.await(pong, pongTime) {
			return id
		}
	}
	if c.server.cfg.WidgetScript == "" {
		return ""
	}
	opened := make(chan struct{}, 1)
	c.mu.Lock()
	c.id, c.opened, c.scriptID = "", opened, "gonb-comm-"+newID()
	script := c.scriptID
	c.mu.Unlock()
	out.Display(map[string]any{"text/html": "<script>" + c.server.cfg.WidgetScript + "</script>"}, nil, script)
	if !c.await(opened, openTime) {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

func (c *comms) await(event chan struct{}, limit time.Duration) bool {
	select {
	case <-event:
		return true
	case <-time.After(limit):
		return false
	case <-c.server.ctx.Done():
		return false
	}
}

func (c *comms) subscribe(address string, on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.addresses == nil {
		c.addresses = map[string]int{}
	}
	if on {
		c.addresses[address]++
	} else if c.addresses[address]--; c.addresses[address] <= 0 {
		delete(c.addresses, address)
	}
}

// receive takes comm_open, comm_msg and comm_close.
func (c *comms) receive(m *message) {
	var content struct {
		ID       string `json:"comm_id"`
		Target   string `json:"target_name"`
		KernelID string `json:"kernel_id"`
		Data     struct {
			Address string          `json:"address"`
			Value   json.RawMessage `json:"value"`
		} `json:"data"`
	}
	if m.decode(&content) != nil || content.ID == "" {
		return
	}
	c.mu.Lock()
	switch m.header.Type {
	case "comm_open":
		known := content.Target == commTarget && c.server.cfg.WidgetScript != "" &&
			(content.KernelID == "" || content.KernelID == c.server.cfg.Connection.ID)
		if !known {
			c.mu.Unlock()
			// What the specification asks for when the target is not there.
			c.server.publish("comm_close", m, map[string]any{"comm_id": content.ID, "data": map[string]any{}})
			return
		}
		old, script := c.id, c.scriptID
		c.id, c.heard = content.ID, time.Now()
		opened := c.opened
		c.mu.Unlock()
		if old != "" && old != content.ID {
			c.server.publish("comm_close", m, map[string]any{"comm_id": old, "data": map[string]any{}})
		}
		if script != "" { // it has run, and need not be saved with the notebook
			c.server.publish("update_display_data", m, map[string]any{"data": map[string]any{"text/html": ""},
				"metadata": map[string]any{}, "transient": map[string]any{"display_id": script}})
		}
		c.send(m, content.ID, map[string]any{"address": "#comm_open_ack", "value": true})
		if opened != nil {
			notify(opened)
		}
		return
	case "comm_close":
		if content.ID == c.id {
			c.id = ""
		}
	case "comm_msg":
		if content.ID != c.id {
			break
		}
		c.heard = time.Now()
		switch address := content.Data.Address; address {
		case "#heartbeat/pong":
			if c.pong != nil {
				notify(c.pong)
			}
		case "#heartbeat/ping":
			id := c.id
			c.mu.Unlock()
			c.send(m, id, map[string]any{"address": "#heartbeat/pong", "value": true})
			return
		case "":
		default:
			wanted := c.addresses[address] > 0
			c.mu.Unlock()
			if wanted {
				c.server.cfg.Engine.Deliver(address, decodeAny(content.Data.Value))
			}
			return
		}
	}
	c.mu.Unlock()
}

// info answers comm_info_request.
func (c *comms) info(m *message) map[string]any {
	var req struct {
		Target string `json:"target_name"`
	}
	m.decode(&req)
	open := map[string]any{}
	c.mu.Lock()
	if c.id != "" && (req.Target == "" || req.Target == commTarget) {
		open[c.id] = map[string]any{"target_name": commTarget}
	}
	c.mu.Unlock()
	return map[string]any{"status": "ok", "comms": open}
}
