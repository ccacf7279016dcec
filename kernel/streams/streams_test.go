//go:build linux

package streams

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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
	if !s.pipes[0].exact {
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

// addFIFO adds a FIFO to the streams, and returns the file that writes to it.
func addFIFO(t *testing.T, s *Streams, fastAfter int) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	ours, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	theirs, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, theirs.Fd(), syscall.F_SETFL, syscall.O_DIRECT); errno != 0 {
		t.Skipf("this system has no FIFOs with packets: %v", errno)
	}
	if err := s.Add("fifo", ours, fastAfter); err != nil {
		t.Fatal(err)
	}
	return theirs
}

// TestFIFOBesideFlood: a FIFO is read beside a stream that always holds something.
func TestFIFOBesideFlood(t *testing.T) {
	s, files := open(t)
	theirs := addFIFO(t, s, 0)
	var got string
	read := func() bool { return s.Next(func(name string, data []byte) { got += name + " " + string(data) + "\n" }) }
	fmt.Fprint(theirs, "first")
	for got == "" && read() {
	}
	fmt.Fprint(theirs, "second")
	for range 3 * MaxWrites {
		fmt.Fprint(files[0], "text")
		read()
		if strings.Contains(got, "fifo second") {
			break
		}
	}
	if !strings.HasPrefix(got, "fifo first\nstdout text\n") || !strings.HasSuffix(got, "fifo second\n") {
		t.Errorf("got\n%.300s", got)
	}
}

// TestFIFO writes to a FIFO between writes to a stream, in a random order and many messages at a time: they must come
// in that order, and beyond its limit nothing is lost, and what was printed before a message comes before it.
func TestFIFO(t *testing.T) {
	s, files := open(t)
	const fastAfter = 12_000
	theirs := addFIFO(t, s, fastAfter)
	rng := rand.New(rand.NewPCG(1, 2))
	var writes []int
	for range 2000 {
		writes = append(writes, rng.IntN(2))
	}
	go func() {
		for i, stream := range writes {
			fmt.Fprintf([]*os.File{files[0], theirs}[stream], "line %d\n", i)
		}
		fmt.Fprint(files[0], "last\n")
		files[0].Close()
		files[1].Close()
	}()
	got := collect(t, s)
	for s.Next(func(name string, data []byte) { got += fmt.Sprintf("%s %s", name, data) }) {
	}
	exact := 0 // bytes of the FIFO
	for i, stream := range writes {
		line := fmt.Sprintf("%s line %d\n", []string{"stdout", "fifo"}[stream], i)
		if exact += stream * len(line); exact > fastAfter {
			break
		}
		var ok bool
		if got, ok = strings.CutPrefix(got, line); !ok {
			t.Fatalf("got\n%.300s\nwant %q", got, line)
		}
	}
	got = strings.ReplaceAll(strings.ReplaceAll(got, "stdout ", ""), "fifo ", "")
	if rest := strings.Count(got, "line "); !strings.Contains(got, "last\n") || !strings.Contains(got, "line 1999\n") || rest+strings.Count(got, "last") != strings.Count(got, "\n") {
		t.Errorf("the rest is not whole:\n%.300s", got)
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
	if s.pipes[0].exact {
		t.Error("the pipe still holds one write")
	}
	if s.Begin(); !s.pipes[0].exact {
		t.Error("the next run's order is not exact")
	}
}
