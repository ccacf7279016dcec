package protocol

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Connection is the content of a connection file, in which Jupyter gives a kernel its addresses and the key that signs
// messages: https://jupyter-client.readthedocs.io/en/stable/kernels.html#connection-files
type Connection struct {
	// Transport is "tcp", or "ipc" for files on this machine; empty means "tcp".
	Transport string `json:"transport"`
	// IP is the address to listen on; for ipc, the prefix of the files' names. Empty means 127.0.0.1.
	IP string `json:"ip"`
	// The ports of the five channels. Port 0 stands for any free port, over tcp only.
	ShellPort   int `json:"shell_port"`
	IOPubPort   int `json:"iopub_port"`
	StdinPort   int `json:"stdin_port"`
	ControlPort int `json:"control_port"`
	HBPort      int `json:"hb_port"`
	// SignatureScheme is "hmac-sha256"; empty means the same.
	SignatureScheme string `json:"signature_scheme"`
	// Key signs all messages; if it is empty, messages are not signed.
	Key string `json:"key"`
	// KernelName is the kernelspec that was started; may be empty.
	KernelName string `json:"kernel_name,omitempty"`

	// ID is the kernel's id at the Jupyter server, from the file's name; may be empty.
	ID string `json:"-"`
}

// ReadConnection reads a connection file.
func ReadConnection(path string) (Connection, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Connection{}, fmt.Errorf("protocol: connection file: %w", err)
	}
	c, err := ParseConnection(data)
	if err != nil {
		return c, fmt.Errorf("protocol: %s: %w", path, err)
	}
	name := strings.TrimSuffix(filepath.Base(path), ".json")
	if id, ok := strings.CutPrefix(name, "kernel-"); ok {
		c.ID = id
	}
	return c, nil
}

// ParseConnection reads and checks the text of a connection file.
func ParseConnection(data []byte) (Connection, error) {
	var c Connection
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("no connection file: %w", err)
	}
	c.Transport = cmp.Or(c.Transport, "tcp")
	c.IP = cmp.Or(c.IP, "127.0.0.1")
	c.SignatureScheme = cmp.Or(c.SignatureScheme, "hmac-sha256")
	if c.Transport != "tcp" && c.Transport != "ipc" {
		return c, fmt.Errorf("transport %q is not known; expected tcp or ipc", c.Transport)
	}
	if c.SignatureScheme != "hmac-sha256" {
		return c, fmt.Errorf("signature scheme %q is not known; expected hmac-sha256", c.SignatureScheme)
	}
	for name, port := range map[string]int{"shell": c.ShellPort, "iopub": c.IOPubPort, "stdin": c.StdinPort, "control": c.ControlPort, "hb": c.HBPort} {
		if port < 0 || port > 65535 || port == 0 && c.Transport == "ipc" {
			return c, fmt.Errorf("%s_port is %d; expected 1 to 65535", name, port)
		}
	}
	return c, nil
}

// takenTime is how long listen retries a port that is in use. Jupyter starts a kernel with the ports of the one before
// it, and a kernel that was killed may still hold them.
const takenTime = 2 * time.Second

// listen opens the listener of one channel.
func (c Connection) listen(port int) (net.Listener, error) {
	for end := time.Now().Add(takenTime); ; time.Sleep(20 * time.Millisecond) {
		l, err := c.listenOnce(port)
		if !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(end) {
			return l, err
		}
	}
}

func (c Connection) listenOnce(port int) (net.Listener, error) {
	if c.Transport == "ipc" {
		// These are libzmq's file names; the client derives the same names from the connection file.
		path := c.IP + "-" + strconv.Itoa(port)
		if info, err := os.Lstat(path); err == nil && info.Mode().Type() == os.ModeSocket {
			os.Remove(path) // left by an earlier kernel, which may have been killed
		}
		return net.Listen("unix", path)
	}
	return net.Listen("tcp", net.JoinHostPort(c.IP, strconv.Itoa(port)))
}
