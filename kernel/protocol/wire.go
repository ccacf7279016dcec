package protocol

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// Version is the version of the messaging specification that the kernel implements.
const Version = "5.5"

// delimiter separates routing frames from the message:
// https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol
var delimiter = []byte("<IDS|MSG>")

// maxSeen is how many signatures are kept to refuse replays, as many as Jupyter's own session keeps.
const maxSeen = 1 << 16

// header is a message's header; unknown fields are kept in message.rawHeader.
type header struct {
	ID       string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"`
	Type     string `json:"msg_type"`
	Version  string `json:"version"`
}

// message is a received message.
type message struct {
	// peer is the identity of the connection that the message came over; a reply goes to it.
	peer string
	// via is the channel that the message came over.
	via *socket
	// routes are further frames before the delimiter; a reply repeats them.
	routes    [][]byte
	header    header
	rawHeader json.RawMessage // the parent header of all messages that it leads to
	parent    json.RawMessage
	metadata  json.RawMessage
	content   json.RawMessage
	buffers   [][]byte

	form *form // set in a message of the kernel's own, which runs the form's cell again
}

// decode reads the content into v; an absent field leaves v's field as it is.
func (m *message) decode(v any) error {
	if err := json.Unmarshal(m.content, v); err != nil {
		return fmt.Errorf("content of %s: %w", m.header.Type, err)
	}
	return nil
}

// Errors of messages that are dropped.
var (
	errFrames    = errors.New("protocol: not a Jupyter message: expected <IDS|MSG>, a signature and four JSON frames")
	errSignature = errors.New("protocol: wrong signature: the sender does not have this kernel's key")
	errReplay    = errors.New("protocol: a signature that was used before: the message is a replay")
	errHeader    = errors.New("protocol: the header is not a JSON object with msg_id and msg_type")
	errObject    = errors.New("protocol: parent header, metadata and content must be JSON objects")
)

// codec signs, verifies, writes and reads messages. It is safe for concurrent use.
type codec struct {
	key     []byte
	session string

	mu    sync.Mutex
	seen  map[[sha256.Size]byte]bool
	order [][sha256.Size]byte // ring of the signatures in seen
	next  int
}

func newCodec(key string) *codec {
	return &codec{key: []byte(key), session: newID(), seen: map[[sha256.Size]byte]bool{}}
}

// newID returns a random identifier.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func (c *codec) sign(parts ...[]byte) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, c.key)
	for _, p := range parts {
		mac.Write(p)
	}
	mac.Sum(sum[:0])
	return sum
}

// parse checks and reads the frames of one message.
func (c *codec) parse(frames [][]byte) (*message, error) {
	at := 0
	for at < len(frames) && !bytes.Equal(frames[at], delimiter) {
		at++
	}
	if len(frames)-at < 6 {
		return nil, errFrames
	}
	m := &message{routes: frames[:at]}
	signature, parts := frames[at+1], frames[at+2:at+6]
	if len(c.key) > 0 {
		var got [sha256.Size]byte
		// The length is no secret; the comparison takes constant time.
		if n, err := hex.Decode(got[:], signature[:min(len(signature), 2*len(got))]); err != nil || n != len(got) || len(signature) != 2*len(got) {
			return nil, errSignature
		}
		want := c.sign(parts...)
		if !hmac.Equal(got[:], want[:]) {
			return nil, errSignature
		}
		if !c.fresh(got) {
			return nil, errReplay
		}
	}
	parts = slices.Clone(parts) // frames stay as they came
	for i, p := range parts {
		parts[i] = validText(p)
	}
	if err := json.Unmarshal(parts[0], &m.header); err != nil || m.header.Type == "" || m.header.ID == "" {
		return nil, errHeader
	}
	for _, p := range parts[1:] {
		if !isObject(p) {
			return nil, errObject
		}
	}
	m.rawHeader, m.parent, m.metadata, m.content = parts[0], parts[1], parts[2], parts[3]
	m.buffers = frames[at+6:]
	return m, nil
}

// validText replaces each byte that is no UTF-8, as jupyter_client does when it reads JSON. What a message says of
// itself is repeated in the parent header of all that it leads to, and clients refuse other bytes there.
func validText(data []byte) []byte {
	if utf8.Valid(data) {
		return data
	}
	return []byte(string([]rune(string(data))))
}

func isObject(data []byte) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	return len(data) > 0 && data[0] == '{' && json.Valid(data)
}

// fresh remembers a signature and reports whether it was new.
func (c *codec) fresh(sum [sha256.Size]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[sum] {
		return false
	}
	c.seen[sum] = true
	if len(c.order) < maxSeen {
		c.order = append(c.order, sum)
		return true
	}
	delete(c.seen, c.order[c.next])
	c.order[c.next] = sum
	c.next = (c.next + 1) % maxSeen
	return true
}

// outgoing is a message to send. The zero values of parent and metadata are empty objects.
type outgoing struct {
	kind     string // msg_type
	parent   json.RawMessage
	metadata map[string]any
	content  any
}

// frames writes and signs a message, without routing frames; id is its msg_id.
func (c *codec) frames(o outgoing) (frames [][]byte, id string, err error) {
	h := header{ID: newID(), Session: c.session, Username: "kernel",
		Date: time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"), Type: o.kind, Version: Version}
	parts := make([][]byte, 4)
	if parts[0], err = json.Marshal(h); err != nil {
		return nil, "", err
	}
	parts[1] = o.parent
	if len(parts[1]) == 0 {
		parts[1] = []byte("{}")
	}
	parts[2] = []byte("{}")
	if o.metadata != nil {
		if parts[2], err = encodeJSON(o.metadata); err != nil {
			return nil, "", fmt.Errorf("protocol: metadata of %s: %w", o.kind, err)
		}
	}
	if parts[3], err = encodeJSON(o.content); err != nil {
		return nil, "", fmt.Errorf("protocol: content of %s: %w", o.kind, err)
	}
	var signature []byte
	if len(c.key) > 0 {
		sum := c.sign(parts...)
		signature = hex.AppendEncode(nil, sum[:])
	}
	return append([][]byte{delimiter, signature}, parts...), h.ID, nil
}

// encodeJSON is like json.Marshal, but leaves <, > and & as they are.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return validText(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil // a json.RawMessage is written as it is
}
