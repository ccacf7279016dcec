package protocol

import (
	"encoding/json"
	"sync"
	"time"
)

// commTarget is the target name of GoNB's comms. Comms are the specification's channels for widgets, and GoNB's are the
// only kind that this kernel supports: a script in the page opens a comm named "gonb_comm", which carries values to and
// from addresses. See GoNB's docs/FrontEndCommunication.md. Cells use the comm through gonbui/comms and gonbui/widgets.
const commTarget = "gonb_comm"

const (
	// openTime is the limit for the page's first message after the script was shown.
	openTime = 15 * time.Second
	// pongTime is the limit for the page's reply to a ping.
	pongTime = 500 * time.Millisecond
	// quietTime is how long the page may be silent before install pings it.
	quietTime = time.Second
	// ackTime is the interval between acknowledgements of an opened comm. They are repeated because the page's
	// connection may not have listened to the first.
	ackTime = 100 * time.Millisecond
	// maxOrders is how many messages to the page may wait.
	maxOrders = 1024
)

// widgetOrder is one message to send to the page.
type widgetOrder struct {
	out  *Output
	data map[string]any
}

// comms is the state of the comm with the page, if there is one.
type comms struct {
	server *Server

	once       sync.Once
	orders     chan widgetOrder
	installing sync.Mutex // held while install checks whether the page has the script

	mu        sync.Mutex
	id        string        // of the open comm
	scriptID  string        // display id of the script
	shown     time.Time     // when the script was shown, or the comm was opened
	opened    chan struct{} // closed at the page's first message; nil after it
	pong      chan struct{}
	heard     time.Time // when the page's last message came
	addresses map[string]int
}

func (c *comms) queue() chan widgetOrder {
	c.once.Do(func() { c.orders = make(chan widgetOrder, maxOrders) })
	return c.orders
}

// add queues an order. If the queue is full, the oldest order is dropped.
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

// run sends the orders one after the other, and opens the comm where needed.
func (c *comms) run() {
	for {
		select {
		case <-c.server.ctx.Done():
			return
		case o := <-c.queue():
			opened := c.install(o.out)
			if opened != nil && !c.await(opened, openTime) {
				continue
			}
			if id := c.open(); id != "" {
				c.send(o.out.parent, id, o.data)
			}
		}
	}
}

func (c *comms) send(parent *message, id string, data map[string]any) {
	c.server.publish("comm_msg", parent, map[string]any{"comm_id": id, "data": data})
}

// open returns the id of the open comm, or "".
func (c *comms) open() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

// page reports whether there seems to be a page: its comm is open, or the script was shown and may still open one.
func (c *comms) page() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id != "" || c.awaited() != nil
}

// awaited returns the channel that is closed at the page's first message; nil after that message, or when none is
// expected any more. c.mu is held.
func (c *comms) awaited() chan struct{} {
	if time.Since(c.shown) < openTime {
		return c.opened
	}
	return nil
}

// install makes sure that the page runs the script before it draws anything that is shown after this call. It returns a
// channel that is closed at the page's first message; nil if the page has sent one, or if there is no script. A page
// that was loaded again has lost its script, so install first pings a page that was silent for quietTime.
func (c *comms) install(out *Output) (opened chan struct{}) {
	if c.server.cfg.WidgetScript == "" {
		return nil
	}
	c.installing.Lock()
	defer c.installing.Unlock()
	c.mu.Lock()
	id, opened, heard := c.id, c.awaited(), c.heard
	pong := make(chan struct{})
	c.pong = pong
	c.mu.Unlock()
	switch {
	case opened != nil:
		return opened
	case id != "" && time.Since(heard) < quietTime:
		return nil
	case id != "":
		c.send(out.parent, id, map[string]any{"address": "#heartbeat/ping", "value": true})
		if c.await(pong, pongTime) {
			return nil
		}
	}
	opened = make(chan struct{})
	script := "gonb-comm-" + newID()
	c.mu.Lock()
	c.id, c.opened, c.scriptID, c.shown = "", opened, script, time.Now()
	c.mu.Unlock()
	out.Display(map[string]any{"text/html": "<script>" + c.server.cfg.WidgetScript + formScript + "</script>"}, nil, script)
	return opened
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

// acknowledge sends the page the message that its comm is open, every ackTime, until the page sends a message or
// openTime has passed.
func (c *comms) acknowledge(m *message, id string) {
	for over := false; !over; {
		c.send(m, id, map[string]any{"address": "#comm_open_ack", "value": true})
		c.send(m, id, map[string]any{"address": "#heartbeat/ping", "value": true})
		select {
		case <-time.After(ackTime):
		case <-c.server.ctx.Done():
			return
		}
		c.mu.Lock()
		over = c.id != id || c.awaited() == nil
		c.mu.Unlock()
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

// commContent is the content of comm_open, comm_msg and comm_close.
type commContent struct {
	ID       string `json:"comm_id"`
	Target   string `json:"target_name"`
	KernelID string `json:"kernel_id"`
	Data     struct {
		Address string          `json:"address"`
		Value   json.RawMessage `json:"value"`
	} `json:"data"`
}

// receive handles comm_open, comm_msg and comm_close.
func (c *comms) receive(m *message) {
	var content commContent
	if m.decode(&content) != nil || content.ID == "" {
		return
	}
	switch m.header.Type {
	case "comm_open":
		c.receiveOpen(m, content)
	case "comm_msg":
		c.receiveValue(m, content)
	case "comm_close":
		c.mu.Lock()
		defer c.mu.Unlock()
		if content.ID == c.id {
			c.id = ""
		}
	}
}

// receiveOpen accepts the comm that the page's script opens, in place of an earlier one.
func (c *comms) receiveOpen(m *message, content commContent) {
	cfg := &c.server.cfg
	known := content.Target == commTarget && cfg.WidgetScript != "" && (content.KernelID == "" || content.KernelID == cfg.Connection.ID)
	if !known {
		// The specification requires this for an unknown target.
		c.server.publish("comm_close", m, map[string]any{"comm_id": content.ID, "data": map[string]any{}})
		return
	}
	c.mu.Lock()
	old, script := c.id, c.scriptID
	c.id, c.heard, c.scriptID = content.ID, time.Now(), ""
	if c.opened == nil {
		c.opened = make(chan struct{})
	}
	c.shown = time.Now()
	c.mu.Unlock()
	if old != "" && old != content.ID {
		c.server.publish("comm_close", m, map[string]any{"comm_id": old, "data": map[string]any{}})
	}
	if script != "" { // the script has run, and need not be saved with the notebook
		c.server.publish("update_display_data", m, displayContent(map[string]any{"text/html": ""}, nil, script))
	}
	c.server.work.Go(func() { c.acknowledge(m, content.ID) })
}

// receiveValue handles a message that the page sends over its comm.
func (c *comms) receiveValue(m *message, content commContent) {
	if !c.note(content) {
		return
	}
	switch address := content.Data.Address; address {
	case "", heartbeatPong:
	case formAddress:
		c.server.forms.receive(content.Data.Value)
	case "#heartbeat/ping":
		c.send(m, content.ID, map[string]any{"address": heartbeatPong, "value": true})
	default:
		if c.wanted(address) {
			c.server.cfg.Engine.Deliver(address, decodeAny(content.Data.Value))
		}
	}
}

// heartbeatPong is the address of a reply to a ping.
const heartbeatPong = "#heartbeat/pong"

// note reports whether a message came over the open comm, and if so records that the page is there.
func (c *comms) note(content commContent) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if content.ID != c.id {
		return false
	}
	c.heard = time.Now()
	if c.opened != nil {
		close(c.opened)
		c.opened = nil
	}
	if content.Data.Address == heartbeatPong && c.pong != nil {
		close(c.pong)
		c.pong = nil
	}
	return true
}

// wanted reports whether a cell listens to an address.
func (c *comms) wanted(address string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.addresses[address] > 0
}

// info returns the reply to comm_info_request.
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
