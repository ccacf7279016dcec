package protocol

import (
	"net"
	"testing"
	"time"
)

// TestWelcomeFirst: a message that is published while a client subscribes comes after the welcome, or not at all.
func TestWelcomeFirst(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	p := newPeer(near, limits{queue: 1 << 10, time: time.Minute})
	defer p.cut()
	published := make(chan bool)
	p.subscribe([]byte{1}, func(string) [][]byte {
		go func() { published <- p.subscribed("status") && p.send([][]byte{[]byte("status")}) }()
		return [][]byte{[]byte("welcome")}
	})
	if !<-published {
		t.Fatal("the message was not queued")
	}
	p.subscribe([]byte{1}, func(string) [][]byte { t.Error("a second welcome"); return nil })
	var got []string
	for _, frames := range p.waiting {
		got = append(got, string(frames[0]))
	}
	if len(got) != 2 || got[0] != "welcome" || got[1] != "status" {
		t.Errorf("queued %q, want welcome, then status", got)
	}
}
