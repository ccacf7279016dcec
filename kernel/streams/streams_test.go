//go:build linux

package streams

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// collect reads both streams until they end, and returns what came, with the stream's name before each write.
func collect(t *testing.T, s *Streams) string {
	t.Helper()
	var got strings.Builder
	s.ready.SetReadDeadline(time.Now().Add(time.Minute)) // against a test that waits for ever
	s.Wait(func() bool {
		for s.Next(func(name string, data []byte) { fmt.Fprintf(&got, "%s %s", name, data) }) {
		}
		return s.Ended()
	})
	if !s.Ended() {
		t.Errorf("the streams did not end after\n%.500s", got.String())
	}
	return got.String()
}

// open returns the streams and the files that write to them.
func open(t *testing.T) (*Streams, []*os.File) {
	t.Helper()
	s, files, err := New("stdout", "stderr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.End(); s.Close() })
	if !s.exact {
		t.Skip("this system has no pipes that hold one write")
	}
	return s, files
}

// TestOrder writes to two streams in a random order, and must read the writes in that order.
func TestOrder(t *testing.T) {
	s, files := open(t)
	rng := rand.New(rand.NewPCG(1, 2))
	var want strings.Builder
	var writes []int
	for i := range 2000 {
		writes = append(writes, rng.IntN(2))
		fmt.Fprintf(&want, "%s line %d\n", s.pipes[writes[i]].name, i)
	}
	go func() {
		for i, stream := range writes {
			fmt.Fprintf(files[stream], "line %d\n", i)
		}
		files[0].Close()
		files[1].Close()
	}()
	if got := collect(t, s); got != want.String() {
		t.Errorf("got\n%.500s\nwant\n%.500s", got, want.String())
	}
}

// TestLarge writes more than the order is kept for, in writes of many sizes: nothing is lost.
func TestLarge(t *testing.T) {
	s, files := open(t)
	var want bytes.Buffer
	go func() {
		defer files[0].Close()
		files[1].Close()
		for i := range 400 {
			files[0].Write(bytes.Repeat([]byte{byte('a' + i%26)}, i*7%9000))
		}
	}()
	for i := range 400 {
		want.Write(bytes.Repeat([]byte{byte('a' + i%26)}, i*7%9000))
	}
	got := strings.ReplaceAll(collect(t, s), "stdout ", "")
	if got != want.String() {
		t.Errorf("%d bytes, want %d", len(got), want.Len())
	}
	if s.exact {
		t.Error("the pipes still hold one write each")
	}
	if s.Begin(); !s.exact {
		t.Error("the next run's order is not exact")
	}
}
