package protocol

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

func nullSecurity() zmq4.Security { return null.Security() }

// TestWire: what frames writes, parse reads, with everything in it.
func TestWire(t *testing.T) {
	for _, key := range []string{"", "secret"} {
		c := newCodec(key)
		frames, id, err := c.frames(outgoing{kind: "stream", content: map[string]any{"text": "<é&\xff>"}, metadata: map[string]any{"a": 1}})
		if err != nil {
			t.Fatal(err)
		}
		if (key == "") != (len(frames[1]) == 0) {
			t.Errorf("key %q: signature %q", key, frames[1])
		}
		m, err := c.parse(append(append([][]byte{[]byte("route")}, frames...), []byte("buffer")))
		if err != nil {
			t.Fatal(err)
		}
		var content struct{ Text string }
		if err := m.decode(&content); err != nil || content.Text != "<é&\ufffd>" {
			t.Errorf("content %q, %v", content.Text, err)
		}
		if m.header.ID != id || m.header.Type != "stream" || string(m.routes[0]) != "route" || string(m.buffers[0]) != "buffer" || string(m.parent) != "{}" {
			t.Errorf("read %+v", m)
		}
		if !bytes.Contains(frames[5], []byte("<é&")) {
			t.Errorf("written as %s", frames[5])
		}
	}
	if _, _, err := newCodec("").frames(outgoing{kind: "x", content: map[string]any{"f": func() {}}}); err == nil || !strings.Contains(err.Error(), "content of x") {
		t.Errorf("a function as content: %v", err)
	}
}

// TestInvalidText: bytes that are no UTF-8 are replaced in all parts of a message, as jupyter_client does, and none is
// written: they would come back in the parent header of all replies.
func TestInvalidText(t *testing.T) {
	c := newCodec("secret")
	parts := [][]byte{[]byte("{\"msg_id\":\"a\xff\xfe\",\"msg_type\":\"b\"}"), []byte("{\"p\":\"\xc3\"}"), []byte("{\"cellId\":\"\xe4\xb8\"}"), []byte("{\"code\":\"\xed\xa0\x80\"}")}
	sum := c.sign(parts...)
	m, err := c.parse(append([][]byte{delimiter, hex.AppendEncode(nil, sum[:])}, parts...))
	if err != nil {
		t.Fatal(err)
	}
	if m.header.ID != "a\ufffd\ufffd" || string(m.rawHeader) != `{"msg_id":"a��","msg_type":"b"}` {
		t.Errorf("the header is %+v, %q", m.header, m.rawHeader)
	}
	raw := json.RawMessage("{\"a\":\"\xff\"}")
	frames, _, err := c.frames(outgoing{kind: "status", parent: m.rawHeader, content: map[string]any{"raw": raw}, metadata: map[string]any{"raw": raw}})
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range slices.Concat([][]byte{m.parent, m.metadata, m.content}, frames[2:]) {
		if !isObject(part) || !utf8.Valid(part) {
			t.Errorf("part %d is %q", i, part)
		}
	}
}

// TestReplayMemory: old signatures are forgotten in order, and memory is bounded.
func TestReplayMemory(t *testing.T) {
	c := newCodec("k")
	sum := func(i int) (s [32]byte) {
		s[0], s[1], s[2] = byte(i), byte(i>>8), byte(i>>16)
		return s
	}
	for i := range maxSeen {
		if !c.fresh(sum(i)) {
			t.Fatalf("signature %d is not fresh", i)
		}
	}
	if c.fresh(sum(0)) || c.fresh(sum(maxSeen-1)) {
		t.Error("a replay is taken for fresh")
	}
	c.fresh(sum(maxSeen))
	if len(c.seen) != maxSeen || len(c.order) != maxSeen {
		t.Errorf("%d and %d signatures are kept, want %d", len(c.seen), len(c.order), maxSeen)
	}
	if c.fresh(sum(1)) || !c.fresh(sum(0)) {
		t.Error("not the oldest signature was forgotten")
	}
}

// FuzzParse: no bytes from outside make the parser panic, and what it accepts is a signed message of JSON objects.
func FuzzParse(f *testing.F) {
	c := newCodec("")
	frames, _, err := c.frames(outgoing{kind: "execute_request", content: map[string]any{"code": "x", "cursor_pos": -1}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.Join(frames, []byte{'\n'}))
	f.Add([]byte("id\n<IDS|MSG>\n\n{\"msg_id\":\"a\",\"msg_type\":\"b\"}\n{}\n{}\n{}"))
	f.Add([]byte("<IDS|MSG>\n\n{}\n[]\n{}\n{}"))
	f.Add([]byte("<IDS|MSG>\n<IDS|MSG>\n<IDS|MSG>\n\n\n\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		frames := bytes.Split(data, []byte{'\n'})
		if m, err := newCodec("key").parse(frames); err == nil {
			t.Fatalf("accepted without a signature: %+v", m)
		}
		m, err := newCodec("").parse(frames)
		if err != nil {
			return
		}
		if m.header.Type == "" || !isObject(m.content) || !isObject(m.metadata) || !isObject(m.parent) || !isObject(m.rawHeader) {
			t.Fatalf("accepted %+v", m)
		}
		// Whatever reads contents must do so without a panic.
		new(codePosition).read(m)
		m.decode(new(executeRequest))
		req := historyRequest{N: -1}
		if m.decode(&req) == nil {
			h := history{entries: []historyEntry{{1, "a/b", ""}, {2, "a/b", "c"}, {3, "é*", ""}}}
			h.find(req)
		}
		field(m.metadata, "cellId")
	})
}

// FuzzConnection: a connection file of any content is read or refused.
func FuzzConnection(f *testing.F) {
	f.Add([]byte(`{"shell_port": 1, "key": "k", "transport": "ipc"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ParseConnection(data); err == nil && (c.Transport != "tcp" && c.Transport != "ipc" || c.IP == "") {
			t.Fatalf("accepted %+v", c)
		}
	})
}
